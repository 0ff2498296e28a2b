//! The sessions that take part in rooms, and which rooms each is in.

use super::engine::{Identity, MemberNumber, Place};
use super::id::random;
use super::{FormatId, Pass, RoomId};
use crate::app::SessionId;
use crate::wire::rate::{Owing, Rate};
use slab::Slab;
use std::num::NonZeroU64;
use std::rc::Rc;
use std::time::Duration;

/// A session that takes part in rooms; kept by its handler, from [`Rooms::admit`](super::Rooms::admit)
/// in its open event to [`Rooms::depart`](super::Rooms::depart) in its close event.
#[derive(Debug)]
pub struct Member(NonZeroU64);

impl Member {
    /// No place is 0: those of rounds begin with 1.
    pub(super) fn new(place: Place) -> Self {
        Self(NonZeroU64::new(place).unwrap_or(NonZeroU64::MIN))
    }

    pub(super) fn place(&self) -> Place {
        self.0.get()
    }
}

/// A room that a session is in, and as which of its members.
#[derive(Clone, Copy, Debug)]
pub(super) struct Membership {
    pub(super) room: RoomId,
    pub(super) member: MemberNumber,
    /// Whose marks it uses there.
    pub(super) identity: Identity,
}

/// A room that is gone, and its members that are to be let go.
pub(super) struct Ending {
    pub(super) room: RoomId,
    pub(super) places: Vec<Place>,
}

/// How much somebody has asked for lately.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rates {
    pub(super) messages: Rate,
    pub(super) joins: Rate,
}

impl Owing for Rates {
    fn owed(&self, now: Duration) -> u32 {
        self.messages.owed(now).max(self.joins.owed(now))
    }
}

/// What rooms know of a session.
#[derive(Debug)]
pub(super) struct Taking {
    pub(super) session: SessionId,
    /// Tells it from one that had its place before.
    round: u32,
    pub(super) format: FormatId,
    /// Its own rates; those of a user who is known count in their place.
    pub(super) rates: Rates,
    pub(super) pass: Option<Rc<Pass>>,
    /// The first without a list of its own: most sessions are in one room.
    first: Option<Membership>,
    // Boxed twice on purpose: eight bytes for every session that is in one room at most.
    #[allow(clippy::box_collection)]
    others: Option<Box<Vec<Membership>>>,
}

impl Taking {
    pub(super) fn memberships(&self) -> impl Iterator<Item = &Membership> {
        let others = self.others.iter().flat_map(|others| others.iter());
        self.first.iter().chain(others)
    }

    pub(super) fn membership(&self, room: RoomId) -> Option<&Membership> {
        self.memberships()
            .find(|membership| membership.room == room)
    }

    pub(super) fn add(&mut self, membership: Membership) {
        let others = self.others.iter_mut().flat_map(|others| others.iter_mut());
        let mut known = self.first.iter_mut().chain(others);
        if let Some(known) = known.find(|known| known.room == membership.room) {
            *known = membership;
            return;
        }
        match &mut self.first {
            None => self.first = Some(membership),
            Some(_) => self.others.get_or_insert_default().push(membership),
        }
    }

    pub(super) fn remove(&mut self, room: RoomId) -> Option<Membership> {
        let is_it = |membership: &Membership| membership.room == room;
        let others = self.others.as_mut();
        if self.first.as_ref().is_some_and(is_it) {
            let next = others.and_then(|others| others.pop());
            return std::mem::replace(&mut self.first, next);
        }
        let others = others?;
        let at = others.iter().position(is_it)?;
        Some(others.swap_remove(at))
    }
}

/// All sessions that take part in rooms.
#[derive(Debug)]
pub(super) struct Members {
    all: Slab<Taking>,
    round: u32,
    /// Tells the sessions of this process from those of others, whose places are the same.
    salt: Identity,
}

impl Members {
    pub(super) fn new() -> Self {
        Self {
            all: Slab::new(),
            round: 0,
            salt: Identity::from_le_bytes(random()),
        }
    }

    pub(super) fn add(
        &mut self,
        session: SessionId,
        format: FormatId,
        pass: Option<Rc<Pass>>,
    ) -> Place {
        self.round = self.round.wrapping_add(1).max(1);
        let round = self.round;
        let entry = self.all.vacant_entry();
        let place = u64::from(round) << 32 | entry.key() as u64;
        entry.insert(Taking {
            session,
            round,
            format,
            rates: Rates::default(),
            pass,
            first: None,
            others: None,
        });
        place
    }

    /// Who a session is as long as it does not prove to be somebody else: nobody's digest is this by chance,
    /// and no session of another process has it, whose marks may still be known.
    pub(super) fn own_identity(&self, place: Place) -> Identity {
        place ^ self.salt
    }

    pub(super) fn find(&mut self, place: Place) -> Option<&mut Taking> {
        let key = (place & 0xffff_ffff) as usize;
        let taking = self.all.get_mut(key)?;
        (u64::from(taking.round) == place >> 32).then_some(taking)
    }

    pub(super) fn remove(&mut self, place: Place) -> Option<Taking> {
        self.find(place)?;
        let taking = self.all.remove((place & 0xffff_ffff) as usize);
        if self.all.is_empty() {
            // A crowd that is gone leaves nothing behind.
            self.all = Slab::new();
        }
        Some(taking)
    }
}
