//! As whom somebody is in rooms, and what that one may do there, where that is decided before.

use super::digest::{digest, first_bytes};
use super::{RoomError, RoomId};
use crate::app::Request;

/// As whom a session takes part, which rooms it may enter, and whether it may say something: for programs
/// that know who their peers are. One user has one rate, over however many sessions.
///
/// Where a route [requires tokens](crate::App), the handlers of rooms read it from the token.
#[derive(Clone, Debug)]
pub struct Pass {
    name: Box<str>,
    rooms: Option<Box<[RoomId]>>,
    may_publish: bool,
}

impl Pass {
    /// For every room, as this user: that is its name in rooms.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            rooms: None,
            may_publish: true,
        }
    }

    /// For these rooms alone.
    #[must_use]
    pub fn rooms(mut self, rooms: impl IntoIterator<Item = RoomId>) -> Self {
        self.rooms = Some(rooms.into_iter().collect());
        self
    }

    /// For listening alone.
    #[must_use]
    pub fn read_only(mut self) -> Self {
        self.may_publish = false;
        self
    }

    /// What the token of a request says, where its route asks for one.
    pub fn of_request(request: &Request<'_>) -> Option<Self> {
        #[cfg(feature = "tokens")]
        {
            let claims = request.claims()?;
            let mut pass = Self::new(&claims.subject);
            pass.may_publish = claims.may_publish;
            // What is no id of a room is that of none.
            let rooms = claims.rooms.as_ref();
            let ids =
                rooms.map(|rooms| rooms.iter().filter_map(|room| room.parse().ok()).collect());
            pass.rooms = ids;
            Some(pass)
        }
        #[cfg(not(feature = "tokens"))]
        {
            let _ = request;
            None
        }
    }

    /// Whose it is.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is for every room.
    pub fn is_for_every_room(&self) -> bool {
        self.rooms.is_none()
    }

    /// Whether it is for this room.
    pub fn allows(&self, room: RoomId) -> bool {
        let rooms = self.rooms.as_ref();
        rooms.is_none_or(|rooms| rooms.contains(&room))
    }

    /// Whether a room may be entered and read.
    ///
    /// # Errors
    /// `Forbidden`.
    pub fn check_room(&self, room: RoomId) -> Result<(), RoomError> {
        let what = "your token is not for this room";
        self.allows(room)
            .then_some(())
            .ok_or(RoomError::Forbidden(what))
    }

    /// Whether something may be said in a room.
    ///
    /// # Errors
    /// `Forbidden`.
    pub fn check_publish(&self, room: RoomId) -> Result<(), RoomError> {
        self.check_room(room)?;
        let what = "your token is for listening alone";
        self.may_publish
            .then_some(())
            .ok_or(RoomError::Forbidden(what))
    }

    /// Whether rooms may be made.
    ///
    /// # Errors
    /// `Forbidden`.
    pub fn check_create(&self) -> Result<(), RoomError> {
        let what = "your token is not for every room, or for listening alone: it makes none";
        let may_create = self.is_for_every_room() && self.may_publish;
        may_create.then_some(()).ok_or(RoomError::Forbidden(what))
    }

    /// What the rate of this user is kept under.
    pub(super) fn user(&self) -> u64 {
        u64::from_le_bytes(first_bytes(&digest(&[b"user", self.name.as_bytes()])))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pass_allows_what_it_is_for() {
        let (one, other) = (RoomId::random(), RoomId::random());
        let every = Pass::new("ann");
        assert!(every.check_publish(one).is_ok() && every.check_create().is_ok());
        let some = Pass::new("ann").rooms([one]);
        assert!(some.check_publish(one).is_ok());
        assert!(some.check_room(other).is_err() && some.check_create().is_err());
        let silent = Pass::new("ann").read_only();
        assert!(silent.check_room(one).is_ok() && silent.check_publish(one).is_err());
        assert!(silent.check_create().is_err());
        assert_eq!(every.user(), some.user());
        assert_ne!(every.user(), Pass::new("bob").user());
    }
}
