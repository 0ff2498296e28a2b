//! Who is in a room: found by name and by number, in little memory.
//!
//! An idle member is what rooms have most of. Members lie side by side, and a table of their numbers
//! finds them by name: half of what a map of names takes.

use super::RoomError;
use super::engine::{Identity, MemberNumber, Place};
use compact_str::CompactString;
use hashbrown::HashTable;
use slab::Slab;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

/// A member: who, by whose word, and where.
#[derive(Debug)]
pub(super) struct Occupant {
    /// Most names are short: up to 24 bytes lie in here, and not behind a pointer.
    pub(super) name: CompactString,
    pub(super) identity: Identity,
    pub(super) place: Place,
}

/// The members of a room.
#[derive(Default)]
pub(super) struct Occupants {
    all: Slab<Occupant>,
    /// Keys of `all`, by the hash of the name.
    names: HashTable<u32>,
    hasher: RandomState,
}

fn number_of(key: u32) -> MemberNumber {
    MemberNumber::MIN.saturating_add(key)
}

fn key_of(number: MemberNumber) -> usize {
    number.get() as usize - 1
}

impl Occupants {
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Occupant> {
        self.all.iter().map(|(_, occupant)| occupant)
    }

    fn find(&self, name: &str) -> Option<u32> {
        let is_it = |key: &u32| *self.all[*key as usize].name == *name;
        self.names.find(self.hasher.hash_one(name), is_it).copied()
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// The member of this name, and its number.
    #[cfg(feature = "cluster")]
    pub(super) fn named(&self, name: &str) -> Option<(MemberNumber, &Occupant)> {
        let key = self.find(name)?;
        Some((number_of(key), self.all.get(key as usize)?))
    }

    /// The member of this number.
    pub(super) fn at(&self, number: MemberNumber) -> Option<&Occupant> {
        self.all.get(key_of(number))
    }

    /// Lets a member in: its number, and where it was before if it was in already.
    ///
    /// # Errors
    /// `NameTaken`: somebody else has this name.
    pub(super) fn enter(
        &mut self,
        occupant: Occupant,
    ) -> Result<(MemberNumber, Option<Place>), RoomError> {
        if let Some(key) = self.find(&occupant.name) {
            let known = &mut self.all[key as usize];
            // Who is in may say later by which secret it is known.
            if known.identity != occupant.identity && known.place != occupant.place {
                return Err(RoomError::NameTaken);
            }
            known.identity = occupant.identity;
            let before = std::mem::replace(&mut known.place, occupant.place);
            return Ok((number_of(key), Some(before)));
        }
        let hash = self.hasher.hash_one(&*occupant.name);
        if self.all.len() == self.all.capacity() {
            // Rooms are many, and most are small: no more than a quarter waits for who may come.
            self.all.reserve_exact((self.all.len() / 4).max(4));
        }
        let key = self.all.insert(occupant) as u32;
        let (all, hasher) = (&self.all, &self.hasher);
        let rehash = |key: &u32| hasher.hash_one(&*all[*key as usize].name);
        self.names.insert_unique(hash, key, rehash);
        Ok((number_of(key), None))
    }

    /// Lets the member of this number go if it is in this place.
    pub(super) fn leave(&mut self, number: MemberNumber, place: Place) -> Option<Occupant> {
        let key = key_of(number);
        let occupant = self.all.get(key)?;
        if occupant.place != place {
            return None;
        }
        let hash = self.hasher.hash_one(&*occupant.name);
        let entry = self.names.find_entry(hash, |known| *known as usize == key);
        if let Ok(entry) = entry {
            entry.remove();
        }
        let occupant = self.all.remove(key);
        if self.all.is_empty() {
            // A crowd that is gone leaves nothing behind.
            (self.all, self.names) = (Slab::new(), HashTable::new());
        }
        Some(occupant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn occupant(name: &str, identity: Identity, place: Place) -> Occupant {
        Occupant {
            name: name.into(),
            identity,
            place,
        }
    }

    #[test]
    fn members_are_found_by_name_and_by_number() {
        let mut members = Occupants::default();
        let numbers: Vec<_> = (0..1000)
            .map(|at| {
                members
                    .enter(occupant(&format!("user{at}"), at, at))
                    .unwrap()
                    .0
            })
            .collect();
        assert!(members.enter(occupant("user7", 8, 1)).is_err());
        let (number, before) = members.enter(occupant("user7", 7, 5000)).unwrap();
        assert_eq!((number, before), (numbers[7], Some(7)));
        assert!(members.leave(number, 7).is_none(), "it is elsewhere now");
        for (at, number) in numbers.iter().enumerate() {
            let place = if at == 7 { 5000 } else { at as Place };
            assert_eq!(*members.at(*number).unwrap().name, *format!("user{at}"));
            members.leave(*number, place).expect("a member");
            assert!(!members.has(&format!("user{at}")));
        }
        assert_eq!((members.len(), members.all.capacity()), (0, 0));
    }

    #[test]
    fn a_member_is_small() {
        assert!(size_of::<Occupant>() <= 40, "{}", size_of::<Occupant>());
        let (with, without) = (size_of::<Slab<Occupant>>(), size_of::<Slab<u64>>());
        assert_eq!(with, without);
    }
}
