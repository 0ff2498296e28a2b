//! What a node knows of a room that somebody of its own is in, or listens to.

use super::asked::{Asked, Entrant};
use super::excerpt::gaps;
use super::recent::Recent;
use super::request::{Census, Push};
use crate::rooms::engine::{Ask, KeyDigest, Place, Token};
use crate::rooms::occupants::Occupants;
use crate::rooms::{Epoch, Excerpt, Position, RoomMessage};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::rc::Rc;

/// Pushes that are kept while a room is mended, and their bytes: what is more is read once more.
const MOST_HELD: usize = 4096;
const MOST_HELD_BYTES: usize = 4 << 20;
/// Epochs before the present one that are known.
const PAST: usize = 16;

/// How far the mending of a room is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Mending {
    /// Nothing is known to be missing.
    #[default]
    No,
    /// It waits for its turn.
    Wanted,
    /// Its history is asked for, under this number; where what comes may be too old by then, once more.
    Reading { number: u64, again: bool },
}

/// What was pushed of a member that is coming in.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Coming {
    /// That it is in.
    pub(super) is_in: bool,
    /// That it is somewhere else already.
    pub(super) has_moved: bool,
    /// That it is out, although nobody here said so.
    pub(super) is_out: bool,
}

/// Something that was published here and has not come back.
#[derive(Debug)]
pub(super) struct Own {
    /// Who asked for it: more than one where the same was said again meanwhile.
    pub(super) tokens: Vec<Token>,
    pub(super) since: u64,
    /// Its place in the order, once the engine has said so.
    pub(super) at: Option<(Epoch, Rc<RoomMessage>)>,
}

impl Own {
    pub(super) fn new(token: Token, since: u64) -> Self {
        Self {
            tokens: vec![token],
            since,
            at: None,
        }
    }
}

/// What makes a room what it is, should the engine forget it.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    pub(super) name: Rc<str>,
    pub(super) key: KeyDigest,
    pub(super) number: u64,
}

/// Somebody who is in, or listens, as soon as all is delivered that the answer has told.
#[derive(Debug)]
pub(super) struct Parked {
    pub(super) entrant: Entrant,
    pub(super) excerpt: Excerpt,
    pub(super) since: u64,
}

/// A room on this node.
#[derive(Default)]
pub(super) struct NodeRoom {
    pub(super) members: Occupants,
    pub(super) followers: usize,
    /// Pushes of it were asked for since somebody is here.
    pub(super) is_asked: bool,
    /// Pushes of it arrive.
    pub(super) is_subscribed: bool,
    /// What was delivered last.
    pub(super) at: Option<Position>,
    pub(super) past: VecDeque<Epoch>,
    pub(super) mending: Mending,
    /// How many are in on all nodes, by the newest that was told here; and whether something of that was missed.
    pub(super) census: Option<Census>,
    pub(super) has_missed: bool,
    /// The newest of these numbers that members here were told.
    told: Option<Census>,
    /// Its members are to be told to the engine again.
    pub(super) declares: bool,
    held: VecDeque<Push>,
    held_bytes: usize,
    /// Requests that go out when pushes arrive.
    pub(super) waiting: Vec<Asked>,
    /// Members that are coming in, and what was pushed of them meanwhile.
    pub(super) joining: HashMap<Place, Coming>,
    /// Joins and follows whose outcome was not told yet.
    pub(super) under_way: usize,
    pub(super) parked: Vec<Parked>,
    /// What was delivered since the first of them was asked for.
    pub(super) recent: Recent,
    pub(super) own: BTreeMap<u128, Own>,
    pub(super) facts: Option<Facts>,
}

/// What a push that is held takes, bytes.
fn size(push: &Push) -> usize {
    match push {
        Push::Message { message, .. } => message.held(),
        _ => size_of::<Push>(),
    }
}

impl std::fmt::Debug for NodeRoom {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NodeRoom")
            .field("members", &self.members.len())
            .field("followers", &self.followers)
            .field("at", &self.at)
            .field("asked", &self.is_asked)
            .field("subscribed", &self.is_subscribed)
            .field("mending", &self.mending)
            .field("waiting", &self.waiting.len())
            .field("under_way", &self.under_way)
            .field("parked", &self.parked.len())
            .finish_non_exhaustive()
    }
}

impl NodeRoom {
    /// Whether nobody here has to do with it any more.
    pub(super) fn is_idle(&self) -> bool {
        self.members.len() == 0 && self.followers == 0 && self.under_way == 0 && self.own.is_empty()
    }

    /// Whether pushes are delivered as they come.
    pub(super) fn is_live(&self) -> bool {
        self.at.is_some() && self.mending == Mending::No
    }

    /// Keeps a push until it is known what came before it. `false`: there are too many, and all were
    /// dropped; what is missing then is to be read.
    pub(super) fn hold(&mut self, push: Push) -> bool {
        self.held_bytes += size(&push);
        self.held.push_back(push);
        if self.held.len() <= MOST_HELD && self.held_bytes <= MOST_HELD_BYTES {
            return true;
        }
        // Arrivals and departures tell of nothing that is not told again: those of this node's members.
        self.held
            .retain(|push| !matches!(push, Push::Message { .. }));
        if self.held.len() > MOST_HELD / 2 {
            self.held.truncate(MOST_HELD / 2);
            self.has_missed = true;
        }
        self.held_bytes = self.held.iter().map(size).sum();
        false
    }

    /// The oldest push that was kept.
    pub(super) fn next_held(&mut self) -> Option<Push> {
        let push = self.held.pop_front();
        match &push {
            Some(push) => self.held_bytes -= size(push),
            None => self.forget_held(),
        }
        push
    }

    /// The line is lost that it came by: all is read anew.
    pub(super) fn forget_held(&mut self) {
        if !self.held.is_empty() {
            self.has_missed = true;
        }
        if self.at.is_none() {
            // Nobody was told anything, and another engine may count anew.
            self.census = None;
        }
        (self.held, self.held_bytes) = (VecDeque::new(), 0);
    }

    /// Somebody tells how many are in: the newest that was told.
    pub(super) fn count(&mut self, census: Census) -> Census {
        let newest = self
            .census
            .filter(|known| known.changes >= census.changes)
            .unwrap_or(census);
        self.census = Some(newest);
        newest
    }

    /// A push tells how many are in. `false`: one before it was missed that told the same.
    pub(super) fn follows_on(&mut self, census: Census) -> bool {
        let known = self.census.unwrap_or(census);
        let is_next = census.changes <= known.changes.saturating_add(1);
        self.has_missed |= !is_next;
        self.count(census);
        is_next
    }

    /// How many members here are told to be in, by what tells this: and whether they were told that before,
    /// because it comes late.
    pub(super) fn tell(&mut self, census: Census) -> (usize, bool) {
        let known = self.told.filter(|told| told.changes >= census.changes);
        let told = *self.told.insert(known.unwrap_or(census));
        (told.members, known.is_some())
    }

    /// Whether a newer number is known than members here were told: pushes that told it were missed, or were of
    /// somebody who was coming in, and is not.
    pub(super) fn has_untold(&self) -> bool {
        let changes = |census: Option<Census>| census.map(|census| census.changes);
        self.is_live() && self.held.is_empty() && changes(self.told) < changes(self.census)
    }

    /// How many are in, as members here were told last.
    pub(super) fn told_members(&self) -> Option<usize> {
        self.told.map(|told| told.members)
    }

    /// Another epoch has begun.
    pub(super) fn begin_epoch(&mut self, at: Position) {
        // Its numbers may be those of before once more.
        (self.census, self.told, self.has_missed) = (None, None, true);
        self.recent.end_at(at.id);
        if let Some(before) = self.at.replace(at)
            && before.epoch != at.epoch
        {
            if self.past.len() == PAST {
                self.past.pop_front();
            }
            self.past.push_back(before.epoch);
            self.past.retain(|epoch| *epoch != at.epoch);
        }
    }

    /// Whether it has never heard of this epoch: the engine may have lost the room, and somebody elsewhere has made it
    /// anew.
    pub(super) fn is_beyond(&self, epoch: Epoch) -> bool {
        self.at.is_some_and(|at| at.epoch != epoch) && !self.was_in(epoch)
    }

    /// Whether this was its epoch before.
    pub(super) fn was_in(&self, epoch: Epoch) -> bool {
        self.past.contains(&epoch)
    }

    /// One join or follow less is under way.
    pub(super) fn is_told(&mut self) {
        self.under_way = self.under_way.saturating_sub(1);
        if self.under_way == 0 {
            self.recent = Recent::default();
        }
    }

    /// Adds to an excerpt what was delivered since.
    pub(super) fn catch_up(&self, excerpt: &mut Excerpt, ask: Ask) {
        let top = excerpt.top;
        let newer: Vec<_> = self.recent.behind(top).map(Rc::clone).collect();
        excerpt.top = self.at.map_or(top, |at| at.id.max(top));
        if ask.since.is_none() && ask.last == 0 {
            return;
        }
        if ask.since.is_some() {
            // What was lost meanwhile was told to those who were in.
            let lost = gaps(top, &newer, excerpt.top);
            excerpt.recovered &= lost.is_empty();
            excerpt.gaps.extend(lost);
        }
        excerpt.messages.extend(newer);
        if ask.since.is_none() {
            let surplus = excerpt.messages.len().saturating_sub(ask.last);
            excerpt.messages.drain(..surplus);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::request::Where;
    use super::*;

    fn message(id: u64, length: usize) -> Push {
        let text = "x".repeat(length).into_boxed_str();
        Push::Message {
            epoch: Epoch::of_bits(1),
            message: RoomMessage::new(id, 0, "ada".into(), Some(text)),
            key: 0,
        }
    }

    fn is_message(push: &Push) -> bool {
        matches!(push, Push::Message { .. })
    }

    #[test]
    fn so_many_pushes_are_held_and_one_more_drops_the_messages() {
        let mut room = NodeRoom::default();
        assert!(room.hold(Push::Closed));
        for id in 1..MOST_HELD as u64 {
            assert!(room.hold(message(id, 1)), "{id}");
        }
        assert!(!room.hold(message(MOST_HELD as u64, 1)));
        let left: Vec<_> = std::iter::from_fn(|| room.next_held()).collect();
        assert!(!left.iter().any(is_message));
        assert_eq!(left.len(), 1);
    }

    #[test]
    fn so_many_bytes_are_held_and_one_more_drops_the_messages() {
        let Push::Message { message: empty, .. } = message(1, 0) else {
            panic!("a message");
        };
        for (length, is_held) in [
            (MOST_HELD_BYTES - empty.held(), true),
            (MOST_HELD_BYTES, false),
        ] {
            let mut room = NodeRoom::default();
            assert_eq!(room.hold(message(1, length)), is_held);
            assert_eq!(room.next_held().is_some(), is_held);
            // And there is room again.
            assert!(room.hold(message(2, 1)));
        }
    }

    #[test]
    fn who_came_and_went_is_missed_where_more_of_it_is_held_than_may_be() {
        let joined = |changes| Push::Joined {
            name: "ada".into(),
            at: Where { node: 1, place: 1 },
            census: Census {
                members: 1,
                changes,
            },
        };
        for (most, is_missed) in [(MOST_HELD / 2, false), (MOST_HELD / 2 + 1, true)] {
            let mut room = NodeRoom::default();
            for number in 0..=MOST_HELD {
                let number = number as u64;
                let push = if number < most as u64 {
                    joined(number)
                } else {
                    message(number, 1)
                };
                assert_eq!(room.hold(push), number < MOST_HELD as u64);
            }
            assert_eq!(room.has_missed, is_missed);
        }
    }
}
