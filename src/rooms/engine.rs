//! What rooms ask of an engine, and what comes back.
//!
//! An engine holds rooms, ids, histories, receipts and members. It is given operations and tells what
//! came of them by events, in one order for each room. An answer may come at once or after a while, and
//! whoever asks cannot tell the difference: that is what lets one engine be a map in this process and
//! another a server somewhere else. No socket, no thread and no session is known here.

use super::{Epoch, Position, RoomError, RoomId, RoomInfo, RoomMessage};
use std::num::NonZeroU32;
use std::rc::Rc;

/// The time of one operation, milliseconds.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Clock {
    /// Since the server started: what ages are measured by.
    pub(super) now: u64,
    /// Since 1970, UTC: what people read.
    pub(super) unix: u64,
}

/// Which operation an outcome belongs to.
pub(super) type Token = u32;

/// Where a member is: opaque for the engine, unique among all that are there at a time.
pub(super) type Place = u64;

/// Which of the members of a room one is, for those who joined through this engine. It may be another's
/// when that one has left; the place tells them apart.
pub(super) type MemberNumber = NonZeroU32;

/// SHA-256 is not among the crates; twenty bytes of SHA-1 of 256 random bits do as well.
pub(super) type KeyDigest = [u8; 20];

/// Who a member is beyond its name: who proves to be the same one may take the name over.
pub(super) type Identity = u64;

/// One message of one sender, however often it is sent.
pub(super) type ReferenceKey = u128;

/// What of a history is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ask {
    /// What comes behind this.
    pub(super) since: Option<Position>,
    /// The newest so many.
    pub(super) last: usize,
    /// With `since`, the first so many behind it instead: the rest is asked for later.
    pub(super) is_page: bool,
}

/// Who speaks.
#[derive(Debug)]
pub(super) enum Author {
    /// The member of this number, if it is in this place.
    Member(Place, MemberNumber),
    /// Somebody who is no member, and may have the name of none.
    Guest(Rc<str>),
    /// Somebody who is known to have this name, whether a member has it or not; its rate was counted.
    User(Rc<str>),
}

#[derive(Debug)]
pub(super) enum Operation {
    Create {
        room: RoomId,
        name: String,
        key: KeyDigest,
    },
    Delete {
        room: RoomId,
        key: KeyDigest,
    },
    /// So many rooms, behind the one with this number in the order of their creation.
    List {
        after: u64,
        most: usize,
    },
    Describe {
        room: RoomId,
    },
    Join {
        room: RoomId,
        name: Box<str>,
        identity: Identity,
        place: Place,
        ask: Ask,
    },
    Leave {
        room: RoomId,
        member: MemberNumber,
        place: Place,
    },
    Publish {
        room: RoomId,
        author: Author,
        text: Option<String>,
        reference: Option<ReferenceKey>,
    },
    Read {
        room: RoomId,
        ask: Ask,
    },
    /// The same for somebody who hears what is new from then on, until [`Engine::unfollow`].
    Follow {
        room: RoomId,
        ask: Ask,
    },
    /// The next number of a counter, from 0 on.
    Count {
        name: Box<str>,
    },
    /// Names of at most so many members.
    Names {
        room: RoomId,
        most: usize,
    },
}

/// A part of a history.
#[derive(Debug)]
pub struct Excerpt {
    /// The epoch that the ids belong to.
    pub epoch: Epoch,
    /// The newest id of the room.
    pub top: u64,
    /// Nothing is missing between what was asked for and now.
    pub recovered: bool,
    /// From where to where ids are missing that were asked for: what the history has no longer, and what a
    /// process may have taken along that was killed.
    pub gaps: Vec<(u64, u64)>,
    /// In the order of their ids.
    pub messages: Vec<Rc<RoomMessage>>,
}

impl Excerpt {
    /// The gaps for who goes on from here with what is new: past a hundred messages the rest is one, too.
    pub(super) fn gaps_before_news(&self) -> Vec<(u64, u64)> {
        let mut gaps = self.gaps.clone();
        let last = self.messages.last().map(|message| message.id);
        if let Some(last) = last.filter(|last| *last < self.top && !self.recovered) {
            gaps.retain(|(from, _)| *from < last);
            gaps.push((last + 1, self.top));
        }
        gaps
    }
}

#[derive(Debug)]
pub(super) struct Joined {
    pub(super) excerpt: Excerpt,
    pub(super) members: usize,
    /// How many were told here last, where who came and went before may not be told yet.
    pub(super) ahead_of: Option<usize>,
    /// Which of the members it is now.
    pub(super) member: MemberNumber,
    /// Where the same member was before, which may be where it is.
    pub(super) before: Option<Place>,
}

#[derive(Debug)]
pub(super) enum Outcome {
    Created(RoomInfo),
    Deleted,
    List(Vec<RoomInfo>),
    Room(RoomInfo),
    Joined(Joined),
    Left,
    /// It has its place in the order; perhaps since it was published before, with this very reference.
    Published(Epoch, Rc<RoomMessage>),
    Excerpt(Excerpt),
    Names(usize, Vec<Rc<str>>),
    Number(u64),
}

/// What an engine tells. Of one room the order is that in which things happened; the outcome of a join
/// stands where the member is in: every [`EngineEvent::Message`] behind it is newer than its excerpt.
#[derive(Debug)]
pub(super) enum EngineEvent {
    Done(Token, Result<Outcome, RoomError>),
    /// A message has its place in the order. For who asked for it here, the token: it is the receipt.
    Message {
        room: RoomId,
        epoch: Epoch,
        message: Rc<RoomMessage>,
        own: Option<Token>,
    },
    /// Somebody is in who was not, or is in no more.
    Arrived(Presence),
    Departed(Presence),
    /// So many are in: who came and went meanwhile was missed.
    #[cfg_attr(not(feature = "cluster"), allow(dead_code))]
    Counted {
        room: RoomId,
        members: usize,
    },
    /// Who was in at this place is somewhere else now, by another node.
    #[cfg_attr(not(feature = "cluster"), allow(dead_code))]
    Replaced {
        room: RoomId,
        place: Place,
    },
    /// Ids behind this one belong to this epoch; those before it may not be the same for everybody.
    #[cfg_attr(not(feature = "cluster"), allow(dead_code))]
    Epoch {
        room: RoomId,
        begun: Position,
    },
    /// Ids from this one up to this place will not come.
    #[cfg_attr(not(feature = "cluster"), allow(dead_code))]
    Gap {
        room: RoomId,
        from: u64,
        upto: Position,
    },
    /// The room is gone; who was in.
    Closed {
        room: RoomId,
        places: Vec<Place>,
    },
}

#[derive(Debug)]
pub(super) struct Presence {
    pub(super) room: RoomId,
    pub(super) name: Rc<str>,
    /// Members there are now.
    pub(super) members: usize,
    /// That number has been told before, and counts this one's coming or going.
    pub(super) is_counted: bool,
    /// Whose doing it is.
    pub(super) place: Place,
}

/// What rooms stand on.
pub(super) trait Engine {
    /// Takes an operation. [`EngineEvent::Done`] or, for a message that was published, its own
    /// [`EngineEvent::Message`] tells what came of it.
    fn submit(&mut self, token: Token, operation: Operation, clock: Clock);

    /// The name of a member that joined through this engine and has not left.
    fn name(&self, room: RoomId, member: MemberNumber) -> Option<&str>;

    /// What happened, in order; `None` when nothing more has.
    fn poll(&mut self) -> Option<EngineEvent>;

    /// Does what is due with time, a bounded part of it. In how many milliseconds that is to be done again, if
    /// there is anything that time changes.
    fn tick(&mut self, clock: Clock) -> Option<u64>;

    /// One who followed a room is gone.
    fn unfollow(&mut self, _room: RoomId) {}

    /// Itself, for those who know more of it.
    #[cfg(feature = "cluster")]
    fn as_any(&mut self) -> &mut dyn std::any::Any;

    /// Bytes of history that all rooms may keep.
    fn limit_history(&mut self, bytes: usize);
}
