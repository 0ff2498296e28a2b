//! The sessions that take part in rooms, and which rooms each is in.

use super::engine::{Identity, Place};
use super::rate::Rate;
use super::{FormatId, RoomId};
use crate::app::SessionId;
use slab::Slab;
use std::rc::Rc;

/// A session that takes part in rooms; kept by its handler, from [`Rooms::admit`](super::Rooms::admit)
/// in its open event to [`Rooms::depart`](super::Rooms::depart) in its close event.
#[derive(Debug)]
pub struct Member(pub(super) Place);

/// A room that a session is in, and as whom.
#[derive(Clone, Debug)]
pub(super) struct Membership {
    pub(super) room: RoomId,
    pub(super) name: Rc<str>,
}

/// A room that is gone, and its members that are to be let go.
pub(super) struct Ending {
    pub(super) room: RoomId,
    pub(super) places: Vec<Place>,
}

/// What rooms know of a session.
#[derive(Debug)]
pub(super) struct Taking {
    pub(super) session: SessionId,
    /// Tells it from one that had its place before.
    round: u32,
    pub(super) format: FormatId,
    pub(super) identity: Identity,
    pub(super) messages: Rate,
    pub(super) joins: Rate,
    /// The first without a list of its own: most sessions are in one room.
    first: Option<Membership>,
    others: Vec<Membership>,
}

impl Taking {
    pub(super) fn memberships(&self) -> impl Iterator<Item = &Membership> {
        self.first.iter().chain(&self.others)
    }

    pub(super) fn membership(&self, room: RoomId) -> Option<&Membership> {
        self.memberships()
            .find(|membership| membership.room == room)
    }

    pub(super) fn add(&mut self, membership: Membership) {
        if self.membership(membership.room).is_some() {
            return;
        }
        match &mut self.first {
            None => self.first = Some(membership),
            Some(_) => self.others.push(membership),
        }
    }

    pub(super) fn remove(&mut self, room: RoomId) -> Option<Membership> {
        let is_it = |membership: &Membership| membership.room == room;
        if self.first.as_ref().is_some_and(is_it) {
            return std::mem::replace(&mut self.first, self.others.pop());
        }
        let at = self.others.iter().position(is_it)?;
        Some(self.others.swap_remove(at))
    }
}

/// All sessions that take part in rooms.
#[derive(Debug, Default)]
pub(super) struct Members {
    all: Slab<Taking>,
    round: u32,
}

impl Members {
    pub(super) fn add(&mut self, session: SessionId, format: FormatId) -> Place {
        self.round = self.round.wrapping_add(1);
        let round = self.round;
        let entry = self.all.vacant_entry();
        let place = u64::from(round) << 32 | entry.key() as u64;
        entry.insert(Taking {
            session,
            round,
            format,
            // Its own, as long as it does not prove another one; nobody else's digest is this by chance.
            identity: place,
            messages: Rate::default(),
            joins: Rate::default(),
            first: None,
            others: Vec::new(),
        });
        place
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
