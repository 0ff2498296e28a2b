//! What a room refuses, in a word for programs and a sentence for people.

use std::fmt;

/// Why a room, or an operation on one, was refused. Nothing has changed then.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RoomError {
    /// No room has this id.
    UnknownRoom,
    /// Another member has this name.
    NameTaken,
    /// The name cannot be one; what is wrong with it.
    BadName(String),
    /// The session is no member of the room.
    NotEntered,
    /// The session is bound to this name.
    OtherName(String),
    /// A text or mark is longer than its limit.
    TooLong {
        /// What it is.
        what: &'static str,
        /// Its bytes.
        given: usize,
        /// The most bytes.
        most: usize,
    },
    /// A message without a text.
    Empty,
    /// More messages or joins a second than the limit; so many a second are taken.
    TooFast {
        /// What there is too much of.
        what: &'static str,
        /// So many a second are taken.
        most: usize,
    },
    /// The server has as many rooms as it keeps.
    TooManyRooms {
        /// The most rooms.
        most: usize,
    },
    /// The session is in as many rooms as it may be in.
    TooManyMemberships {
        /// The most rooms a session.
        most: usize,
    },
    /// The key is not that of the room.
    WrongKey,
    /// Its user may not do this; why.
    Forbidden(&'static str),
    /// What was said is no message of the protocol; what is wrong with it.
    BadMessage(String),
    /// Its engine does not answer now.
    Unavailable,
}

impl RoomError {
    /// A word for programs, which does not change: `unknown-room`, `name-taken`, `bad-name`,
    /// `not-entered`, `other-name`, `too-long`, `empty`, `too-fast`, `too-many-rooms`, `wrong-key`,
    /// `forbidden`, `bad-json`, `engine-unavailable`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownRoom => "unknown-room",
            Self::NameTaken => "name-taken",
            Self::BadName(_) => "bad-name",
            Self::NotEntered => "not-entered",
            Self::OtherName(_) => "other-name",
            Self::TooLong { .. } => "too-long",
            Self::Empty => "empty",
            Self::TooFast { .. } => "too-fast",
            Self::TooManyRooms { .. } | Self::TooManyMemberships { .. } => "too-many-rooms",
            Self::WrongKey => "wrong-key",
            Self::Forbidden(_) => "forbidden",
            Self::BadMessage(_) => "bad-json",
            Self::Unavailable => "engine-unavailable",
        }
    }
}

impl fmt::Display for RoomError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownRoom => f.write_str("no room has this id; GET /chat lists the rooms"),
            Self::NameTaken => {
                f.write_str("another member of this room has this name; choose another")
            }
            Self::BadName(problem) => write!(f, "this cannot be a name: {problem}"),
            Self::NotEntered => f.write_str("you are not in this room; ENTER it first"),
            Self::OtherName(name) => write!(
                f,
                "this connection entered as {name:?}; LEAVE first to be somebody else"
            ),
            Self::TooLong { what, given, most } => {
                write!(f, "{what} has {given} bytes; at most {most} are taken")
            }
            Self::Empty => f.write_str("a message needs a text"),
            Self::TooFast { what, most } => {
                write!(f, "too many {what}: {most} a second are taken; slow down")
            }
            Self::TooManyRooms { most } => write!(
                f,
                "there are as many rooms as this server keeps, {most}; delete one first"
            ),
            Self::TooManyMemberships { most } => write!(
                f,
                "you are in as many rooms as a connection may be in, {most}; LEAVE one first"
            ),
            Self::WrongKey => f.write_str("the Room-Key is not that of this room"),
            Self::Forbidden(problem) => f.write_str(problem),
            Self::BadMessage(problem) => f.write_str(problem),
            Self::Unavailable => f.write_str("the rooms do not answer now; try again soon"),
        }
    }
}

impl std::error::Error for RoomError {}
