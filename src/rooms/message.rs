//! A message of a room, and what is known of a room.

use super::RoomId;
use std::rc::Rc;

/// A message as its room keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomMessage {
    /// Its number within the epoch.
    pub id: u64,
    /// When the room took it, milliseconds since 1970, UTC.
    pub date: u64,
    /// Who said it.
    pub sender: Rc<str>,
    /// What was said. Members of the plain format may say nothing at all.
    pub text: Option<Box<str>>,
}

impl RoomMessage {
    /// Bytes that keeping it takes, about.
    pub(super) fn held(&self) -> usize {
        size_of::<Self>() + 32 + self.sender.len() + self.text.as_ref().map_or(0, |text| text.len())
    }
}

/// What is known of a room from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomInfo {
    /// Its name for programs.
    pub id: RoomId,
    /// Its name for people.
    pub name: Rc<str>,
    /// How many members are in.
    pub members: usize,
    /// Its number in the order of creation.
    pub(super) number: u64,
}
