//! What a node has asked the engine for, and what is to be done with the answers.

use super::lease;
use super::request::{Act, Census, NodeId};
use crate::rooms::engine::{Ask, Identity, KeyDigest, MemberNumber, Place, Token};
use crate::rooms::{RoomId, RoomInfo};
use std::rc::Rc;

/// What is to be done with the answer to a request about a room.
#[derive(Clone, Debug)]
pub(super) enum Then {
    Create(Rc<Creating>),
    Delete(Token),
    Describe(Token),
    /// One of the rooms of a list.
    Listed(u32),
    Join {
        token: Token,
        place: Place,
        identity: Identity,
        ask: Ask,
    },
    Leave,
    Publish(Said),
    Read {
        token: Token,
        ask: Ask,
    },
    Follow {
        token: Token,
        ask: Ask,
    },
    /// The history once more, for somebody who has come in or follows.
    Again(Box<Entrant>),
    Names(Token),
    /// What the room is, in case that the engine forgets it.
    Facts,
    /// Under which number it was asked for.
    Mend(u64),
    Restore(u64),
    Declare,
    Audit,
    Sweep(NodeId),
}

/// Somebody who has come in or follows, and is told so as soon as all is delivered that the answer tells of.
#[derive(Clone, Debug)]
pub(super) struct Entrant {
    /// What it asked for.
    pub(super) asked: Asked,
    pub(super) joined: Option<ParkedJoin>,
}

/// Something that is being published.
#[derive(Clone, Copy, Debug)]
pub(super) struct Said {
    pub(super) token: Token,
    pub(super) key: u128,
    /// Somebody here listens to the room: it comes back as a push, and that is the receipt.
    pub(super) comes_back: bool,
}

/// A request about a room that went out, or is to.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) room: RoomId,
    pub(super) act: Act,
    pub(super) then: Then,
    pub(super) since: u64,
    /// It went out before, on a line that broke: whether it was done is not known.
    pub(super) is_again: bool,
}

impl Asked {
    /// Who is told, and what of the history, where it is for somebody who comes in or follows.
    pub(super) fn entering(&self) -> Option<(Token, Ask)> {
        match &self.then {
            Then::Join { token, ask, .. } | Then::Follow { token, ask } => Some((*token, *ask)),
            _ => None,
        }
    }
}

/// A room that is being made.
#[derive(Debug)]
pub(super) struct Creating {
    pub(super) token: Token,
    pub(super) room: RoomId,
    pub(super) name: Rc<str>,
    pub(super) key: KeyDigest,
}

/// A list of rooms that is being put together.
#[derive(Debug)]
pub(super) struct Listing {
    /// Who asked for it; nobody where it is looked at for rooms that are gone.
    pub(super) token: Option<Token>,
    pub(super) most: usize,
    pub(super) after: u64,
    /// Rooms that are still to be described.
    pub(super) awaited: usize,
    pub(super) rooms: Vec<RoomInfo>,
}

/// What went out on the line of commands and waits for its answer, which come in the same order.
#[derive(Debug)]
pub(super) enum Sent {
    Script(Box<Asked>, usize),
    /// How many rooms there are.
    Count(Rc<Creating>),
    /// The number of a new room.
    Number(Rc<Creating>),
    /// Ids of rooms, for a list.
    Rooms(u32),
    Lease(lease::Asked),
    /// A number that only grows.
    Counter(Token),
    /// Its answer tells nothing.
    Ignored,
}

/// The rest of the answer to a join.
#[derive(Clone, Copy, Debug)]
pub(super) struct ParkedJoin {
    pub(super) census: Census,
    pub(super) member: MemberNumber,
    pub(super) place: Place,
    pub(super) before: Option<Place>,
}
