//! In what words the members of a room are told what happens there.

use super::{Excerpt, Position, RoomError, RoomId, RoomMessage};
use std::fmt;
use std::num::NonZeroU8;

/// What a member is told. Members of one room may be told in different [formats](Format).
#[derive(Debug)]
#[non_exhaustive]
pub enum Told<'a> {
    /// It is in: what it missed or asked for, and how many members there are.
    Entered {
        /// Its name as everybody sees it.
        name: &'a str,
        /// How many members there are.
        members: usize,
        /// The part of the history that was asked for.
        excerpt: &'a Excerpt,
    },
    /// Somebody spoke; to the sender with the mark that it gave: the receipt.
    Message {
        /// What was said.
        message: &'a RoomMessage,
        /// The sender's own mark.
        reference: Option<&'a str>,
    },
    /// Somebody has entered, or has entered again; told at once.
    Arrived {
        /// Whose name it is.
        name: &'a str,
    },
    /// Somebody has left; told at once.
    Departed {
        /// Whose name it was.
        name: &'a str,
    },
    /// Somebody is in who was not a second ago; told at most once a second for a name, and without a name
    /// in a crowd.
    Joined {
        /// Whose name it is; `None`: the number alone has changed.
        name: Option<&'a str>,
        /// How many members there are.
        members: usize,
    },
    /// Somebody has been away for a second; told as [`Told::Joined`] is.
    Left {
        /// Whose name it was.
        name: Option<&'a str>,
        /// How many members there are.
        members: usize,
    },
    /// These ids will not come.
    Gap {
        /// The first that is missing.
        from: u64,
        /// The last that is missing.
        to: u64,
    },
    /// Ids behind this one belong to a new epoch: who comes back goes on from there.
    Epoch(Position),
    /// It is in no more, and not by its own doing.
    Closed {
        /// Why, in a word or two.
        reason: &'a str,
    },
    /// What it said was refused, and has changed nothing.
    Error {
        /// The mark of the message that was refused.
        reference: Option<&'a str>,
        /// Why.
        error: &'a RoomError,
    },
}

impl Told<'_> {
    /// What an event stream calls it.
    pub(super) fn event(&self) -> &'static str {
        match self {
            Self::Entered { .. } => "entered",
            Self::Message { .. } => "talk",
            Self::Arrived { .. } | Self::Joined { .. } => "joined",
            Self::Departed { .. } | Self::Left { .. } => "left",
            Self::Gap { .. } => "gap",
            Self::Epoch(_) => "epoch",
            Self::Closed { .. } => "closed",
            Self::Error { .. } => "error",
        }
    }
}

/// The words of a protocol for what happens in rooms. `dunlin.v1` is one and always there; an
/// application adds its own by [`Rooms::add_format`](super::Rooms::add_format).
pub trait Format: 'static {
    /// The text for members of this format; `None`: they are not told.
    fn encode(&self, room: Option<RoomId>, told: &Told<'_>) -> Option<String>;

    /// What an event stream calls it; `None`: the event has no name.
    fn event(&self, told: &Told<'_>) -> Option<&'static str> {
        Some(told.event())
    }

    /// Whether a room that closes ends the sessions of its members with 1000 `Room closed`.
    fn ends_with_room(&self) -> bool {
        false
    }
}

/// Which format a session is told in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FormatId(NonZeroU8);

impl FormatId {
    /// `dunlin.v1`.
    pub const V1: Self = Self(NonZeroU8::MIN);

    /// The format that was added as this one; there are 254 at most.
    pub(super) fn new(index: usize) -> Option<Self> {
        let number = u8::try_from(index).ok()?.checked_add(1)?;
        NonZeroU8::new(number).map(Self)
    }

    pub(super) fn index(self) -> usize {
        usize::from(self.0.get()) - 1
    }

    /// The topic of those in a room who are told in this format.
    pub(super) fn topic(self, room: RoomId) -> String {
        Topic(self, room).to_string()
    }
}

struct Topic(FormatId, RoomId);

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rooms:{}:{}", self.0.index(), self.1)
    }
}

/// One thing to tell many, as a text and as what an event stream says beside it.
#[derive(Debug)]
pub(super) struct Telling {
    pub(super) text: String,
    pub(super) event: Option<&'static str>,
    pub(super) position: Option<Position>,
}
