//! What a node asks of the engine about one room, and what the engine answers.
//!
//! Each request is one script, which runs on the engine as a whole or not at all. What they do stands in
//! [`super::model`], once; the scripts do the same, and a test runs both side by side.

use crate::rooms::engine::{Ask, Identity, KeyDigest, Place};
use crate::rooms::{Epoch, Position, RoomError, RoomId, RoomMessage};
use std::fmt;
use std::rc::Rc;

/// Which node: random, and new whenever a process starts.
pub(super) type NodeId = u64;

/// Which process of the engine answered: a digest of its own `run_id`. After a failover or a restart it is
/// another one, and ids of before are vouched for no longer.
pub(super) type RunId = u64;

/// Where a member is: on which node, and where there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Where {
    pub(super) node: NodeId,
    pub(super) place: Place,
}

/// As scripts and keys have it: two groups of 16 hexadecimal digits.
impl fmt::Display for Where {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x} {:016x}", self.node, self.place)
    }
}

impl Where {
    /// Reads what was written.
    pub(super) fn read(text: &str) -> Option<Self> {
        let (node, place) = text.split_once(' ')?;
        let (node, place) = (hex(node)?, hex(place)?);
        Some(Self { node, place })
    }
}

/// Reads 16 hexadecimal digits.
pub(super) fn hex(text: &str) -> Option<u64> {
    let is_hex = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let bits = is_hex.then(|| u64::from_str_radix(text, 16));
    bits?.ok()
}

/// Reads a number of nothing but digits.
pub(super) fn decimal(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok())?
}

/// Reads the digest of a key, 40 hexadecimal digits.
pub(super) fn digest(text: &str) -> Option<KeyDigest> {
    let mut digest = KeyDigest::default();
    if text.len() != 2 * digest.len() {
        return None;
    }
    for (byte, digits) in digest.iter_mut().zip(text.as_bytes().chunks(2)) {
        let digit = |at: usize| char::from(digits[at]).to_digit(16);
        *byte = (digit(0)? << 4 | digit(1)?) as u8;
    }
    Some(digest)
}

/// Writes the digest of a key.
pub(super) fn write_digest(digest: &KeyDigest) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A request about a room.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) room: RoomId,
    /// The process that the line of this request leads to.
    pub(super) run: RunId,
    /// The epoch that begins if one has to.
    pub(super) fresh: Epoch,
    /// The newest message that this node knows to be there.
    pub(super) seen: Option<Position>,
    pub(super) act: Act,
}

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Speaker {
    /// The member of the sender's name, if it is here.
    Member(Where),
    /// Somebody who may have the name of no member.
    Guest,
    /// Somebody who is known to have this name.
    User,
}

/// A member as its node declares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Declared {
    pub(super) name: Rc<str>,
    pub(super) identity: Identity,
    pub(super) place: Place,
}

/// What is to be done.
#[derive(Clone, Debug)]
pub(super) enum Act {
    /// Makes the room. Doing so again with the same id changes nothing.
    Create {
        name: Rc<str>,
        key: KeyDigest,
        number: u64,
    },
    Delete {
        key: KeyDigest,
    },
    Describe,
    Join {
        name: Rc<str>,
        identity: Identity,
        at: Where,
        ask: Ask,
    },
    /// Nothing happens to a member of this name who is somewhere else.
    Leave {
        name: Rc<str>,
        at: Where,
    },
    /// Says something, once for each `key`.
    Publish {
        speaker: Speaker,
        sender: Rc<str>,
        text: Option<Rc<str>>,
        key: u128,
    },
    Read {
        ask: Ask,
    },
    Names {
        most: usize,
    },
    /// These are members of this node: who is missing is added.
    Declare {
        node: NodeId,
        members: Vec<Declared>,
    },
    /// Who is said to be a member of this node.
    Audit {
        node: NodeId,
    },
    /// So many members of a node that is gone leave.
    Sweep {
        node: NodeId,
        most: usize,
    },
}

/// How many members a room has, and how often somebody came or went until then: each who does is told under
/// the next number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Census {
    pub(super) members: usize,
    pub(super) changes: u64,
}

/// A part of a history as the engine gives it, and how many are in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RawExcerpt {
    pub(super) epoch: Epoch,
    pub(super) top: u64,
    /// Whether what was asked for, behind `since`, belongs to this order of messages; without `since` it does.
    pub(super) is_here: bool,
    /// Where the epoch of `since` ended, if it is one of the earlier epochs that the room knows: ids up to this
    /// one are the same messages as now, what was behind is lost.
    pub(super) upto: Option<u64>,
    pub(super) messages: Vec<RoomMessage>,
    pub(super) census: Census,
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Created {
        number: u64,
    },
    Deleted,
    Room {
        name: String,
        key: KeyDigest,
        number: u64,
        members: usize,
    },
    Joined {
        excerpt: RawExcerpt,
        /// Where the same member was before, which may be where it is.
        before: Option<Where>,
    },
    Left {
        members: usize,
    },
    /// It has its place in the order, perhaps since it was said before under the same key. `message` is what
    /// was said then, where the history still has it.
    Published {
        epoch: Epoch,
        id: u64,
        date: u64,
        known: Option<RoomMessage>,
    },
    Excerpt(RawExcerpt),
    Names {
        members: usize,
        names: Vec<Rc<str>>,
    },
    /// Names among the declared that somebody else has now.
    Declared {
        lost: Vec<Rc<str>>,
    },
    Audited {
        members: Vec<(Rc<str>, Place)>,
    },
    Swept {
        has_more: bool,
    },
    Refused(RoomError),
}

/// What every node with somebody in a room is told, in the order in which it happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Push {
    Message {
        epoch: Epoch,
        message: RoomMessage,
        /// Under which it was published: its node knows by that that it is its own. (It is in the push alone
        /// and not in the stream.)
        key: u128,
    },
    /// Somebody is in who was not.
    Joined {
        name: Rc<str>,
        at: Where,
        census: Census,
    },
    Left {
        name: Rc<str>,
        at: Where,
        census: Census,
    },
    /// Somebody was in at this place and is somewhere else now.
    Moved { name: Rc<str>, from: Where },
    /// Ids behind this one belong to this epoch: those before it cannot be vouched for.
    Epoch(Position),
    /// The room is gone.
    Closed,
}
