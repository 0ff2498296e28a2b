//! One room as an engine in memory keeps it.

use super::engine::{Author, Clock, Identity, KeyDigest, Place};
use super::history::History;
use super::journal::{Saved, Vouched};
use super::receipts::Receipts;
use super::{Epoch, RoomError, RoomId, RoomInfo};
use std::collections::HashMap;
use std::rc::Rc;

/// A member: who, by whose word, and where.
#[derive(Clone, Debug)]
pub(super) struct Occupant {
    pub(super) name: Rc<str>,
    pub(super) identity: Identity,
    pub(super) place: Place,
}

/// One room.
pub(super) struct Room {
    /// In the order of creation.
    pub(super) number: u64,
    pub(super) name: Rc<str>,
    pub(super) key: KeyDigest,
    pub(super) epoch: Epoch,
    /// The newest id.
    pub(super) top: u64,
    /// How far a journal has vouched for its ids.
    pub(super) vouched: Vouched,
    pub(super) history: History,
    /// Ids that a process may have given before it was killed, and whose messages are not there.
    hole: Option<(u64, u64)>,
    pub(super) receipts: Receipts,
    members: HashMap<Rc<str>, (Identity, Place)>,
    /// When somebody was in or spoke last, milliseconds of the server's clock.
    pub(super) used: i64,
}

impl Room {
    pub(super) fn new(number: u64, name: String, key: KeyDigest, clock: Clock) -> Self {
        Self {
            number,
            name: name.into(),
            key,
            epoch: Epoch::random(),
            top: 0,
            vouched: Vouched::default(),
            history: History::default(),
            hole: None,
            receipts: Receipts::default(),
            members: HashMap::new(),
            used: clock.now as i64,
        }
    }

    /// A room as a journal has kept it.
    pub(super) fn restore(saved: Saved, clock: Clock) -> Self {
        let mut room = Self::new(saved.number, saved.name, saved.key, clock);
        let at = |date: u64| clock.now as i64 - clock.unix.saturating_sub(date) as i64;
        room.epoch = saved.epoch;
        room.top = saved.top;
        room.used = at(saved.used);
        for (message, reference) in saved.messages {
            let at = at(message.date);
            if let Some(key) = reference {
                room.receipts.remember(at, key, message.id);
            }
            room.history.push(at, Rc::new(message));
        }
        let last = room.history.last().unwrap_or(0);
        room.hole = (last < room.top).then_some((last + 1, room.top));
        room
    }

    /// Which ids behind this one are missing, where this is the first message that is told.
    pub(super) fn gaps_behind(&self, id: u64, first: Option<u64>) -> Vec<(u64, u64)> {
        let first = first.or(self.history.first()).unwrap_or(self.top + 1);
        let forgotten = Some((id + 1, first - 1)).filter(|(from, to)| from <= to);
        let behind = forgotten.map_or(id, |(_, to)| to);
        let hole = self.hole.map(|(from, to)| (from.max(behind + 1), to));
        let hole = hole.filter(|(from, to)| from <= to);
        forgotten.into_iter().chain(hole).collect()
    }

    /// Bytes of its history and of its marks.
    pub(super) fn held(&self) -> usize {
        self.history.held() + self.receipts.held()
    }

    /// Forgets the oldest of what takes more, a message or a mark.
    pub(super) fn forget_oldest(&mut self) {
        if self.receipts.held() > self.history.held() {
            self.receipts.forget_oldest();
        } else {
            self.history.forget_oldest();
        }
    }

    pub(super) fn info(&self, id: RoomId) -> RoomInfo {
        RoomInfo {
            id,
            name: Rc::clone(&self.name),
            members: self.members.len(),
            number: self.number,
        }
    }

    pub(super) fn members(&self) -> usize {
        self.members.len()
    }

    pub(super) fn places(&self) -> Vec<Place> {
        self.members.values().map(|(_, place)| *place).collect()
    }

    /// At most so many names, sorted.
    pub(super) fn names(&self, most: usize) -> Vec<Rc<str>> {
        let mut names: Vec<_> = self.members.keys().take(most).map(Rc::clone).collect();
        names.sort_unstable();
        names
    }

    /// The name as it is kept.
    pub(super) fn name_at(&self, name: &Rc<str>) -> Rc<str> {
        let kept = self.members.get_key_value(name);
        Rc::clone(kept.map_or(name, |(kept, _)| kept))
    }

    /// Lets a member in; where it was before, if it was in already.
    pub(super) fn occupy(&mut self, occupant: Occupant) -> Result<Option<Place>, RoomError> {
        let Occupant {
            name,
            identity,
            place,
        } = occupant;
        match self.members.get_mut(&name) {
            None => {
                self.members.insert(name, (identity, place));
                Ok(None)
            }
            // Whoever is in this place is it, whatever it has proved since.
            Some(known) if known.0 == identity || known.1 == place => {
                known.0 = identity;
                Ok(Some(std::mem::replace(&mut known.1, place)))
            }
            Some(_) => Err(RoomError::NameTaken),
        }
    }

    /// Lets the member of this name go that is in this place; its name.
    pub(super) fn vacate(&mut self, name: &str, place: Place) -> Option<Rc<str>> {
        let (_, at) = self.members.get(name)?;
        if *at != place {
            return None;
        }
        let (name, _) = self.members.remove_entry(name)?;
        if self.members.len() < self.members.capacity() / 8 {
            self.members.shrink_to_fit();
        }
        Some(name)
    }

    /// Under which name an author speaks.
    pub(super) fn sender(&self, author: Author) -> Result<Rc<str>, RoomError> {
        match author {
            Author::Member(place, name) => {
                let is_in = self.members.get(&name).is_some_and(|(_, at)| *at == place);
                if is_in {
                    Ok(name)
                } else {
                    Err(RoomError::NotEntered)
                }
            }
            Author::Guest(name) if self.members.contains_key(&name) => Err(RoomError::NameTaken),
            Author::Guest(name) => Ok(name),
        }
    }
}
