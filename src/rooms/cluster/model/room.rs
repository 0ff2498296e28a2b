//! One room as the scripts keep it.

use super::super::request::{Census, Declared, NodeId, Push, RawExcerpt, RunId, Where};
use super::super::retention::{EARLIER, FORGOTTEN, OVERHEAD, Retention};
use crate::rooms::engine::{Ask, Identity, KeyDigest};
use crate::rooms::{Epoch, Position, RoomError, RoomMessage};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

/// A room.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::rooms::cluster) struct Room {
    pub(in crate::rooms::cluster) name: Rc<str>,
    pub(super) key: KeyDigest,
    pub(super) number: u64,
    pub(in crate::rooms::cluster) epoch: Epoch,
    pub(in crate::rooms::cluster) newest: u64,
    /// The process of the engine that this epoch belongs to.
    pub(super) run: RunId,
    /// Epochs before this one, and up to which id each of them holds.
    earlier: VecDeque<(Epoch, u64)>,
    pub(in crate::rooms::cluster) messages: VecDeque<RoomMessage>,
    pub(in crate::rooms::cluster) members: BTreeMap<Rc<str>, (Where, Identity)>,
    /// How often somebody came or went.
    pub(in crate::rooms::cluster) changes: u64,
    /// When it goes, unless it is used before.
    pub(in crate::rooms::cluster) expires: Option<u64>,
}

fn weight(message: &RoomMessage) -> usize {
    let text = message.text.as_ref().map_or(0, |text| text.len());
    message.sender.len() + text + OVERHEAD
}

impl Room {
    pub(super) fn new(
        name: Rc<str>,
        key: KeyDigest,
        number: u64,
        epoch: Epoch,
        run: RunId,
    ) -> Self {
        Self {
            name,
            key,
            number,
            epoch,
            newest: 0,
            run,
            earlier: VecDeque::new(),
            messages: VecDeque::new(),
            members: BTreeMap::new(),
            changes: 0,
            expires: None,
        }
    }

    /// Begins an epoch if the process of the engine is another one, or behind what was seen.
    pub(super) fn begin(
        &mut self,
        run: RunId,
        fresh: Epoch,
        seen: Option<Position>,
    ) -> Option<Push> {
        let is_ahead = |seen: Position| seen.epoch == self.epoch && seen.id > self.newest;
        if self.run == run && !seen.is_some_and(is_ahead) {
            return None;
        }
        if self.earlier.len() == EARLIER {
            self.earlier.pop_front();
        }
        self.earlier.push_back((self.epoch, self.newest));
        (self.epoch, self.run) = (fresh, run);
        let id = self.newest;
        Some(Push::Epoch(Position { epoch: fresh, id }))
    }

    /// Whether this epoch belongs to a process with this `run_id`.
    pub(in crate::rooms::cluster) fn run_is(&self, id: &str) -> bool {
        let id = id.get(..16);
        id.and_then(|id| u64::from_str_radix(id, 16).ok()) == Some(self.run)
    }

    /// Whether a position belongs to this order of messages.
    pub(super) fn is_here(&self, position: Position) -> bool {
        if position.epoch == self.epoch {
            return position.id <= self.newest;
        }
        self.ended(position.epoch)
            .is_some_and(|upto| position.id <= upto)
    }

    /// Where an earlier epoch ended, if it is known.
    fn ended(&self, epoch: Epoch) -> Option<u64> {
        let mut earlier = self.earlier.iter();
        let found = earlier.find(|(known, _)| *known == epoch && epoch != self.epoch);
        found.map(|(_, upto)| *upto)
    }

    pub(in crate::rooms::cluster) fn held(&self) -> usize {
        self.messages.iter().map(weight).sum()
    }

    /// Forgets a bounded number of messages past the bounds, oldest first.
    pub(super) fn cut(&mut self, retention: &Retention, now: u64) {
        let mut held = self.held();
        for _ in 0..FORGOTTEN {
            let length = self.messages.len();
            let Some(first) = self.messages.front() else {
                return;
            };
            let is_big = held > retention.bytes && (length > 1 || retention.bytes == 0);
            let is_old = first.date.saturating_add(retention.age) < now;
            if length <= retention.messages && !is_big && !is_old {
                return;
            }
            held -= weight(first);
            self.messages.pop_front();
        }
    }

    pub(super) fn message(&self, id: u64) -> Option<RoomMessage> {
        let at = self
            .messages
            .binary_search_by_key(&id, |message| message.id);
        Some(self.messages[at.ok()?].clone())
    }

    pub(super) fn excerpt(&mut self, ask: Ask, retention: &Retention, now: u64) -> RawExcerpt {
        self.cut(retention, now);
        let here = ask.since.filter(|since| self.is_here(*since));
        let behind = here.map_or(0, |since| since.id);
        let wanted = self.messages.iter().filter(|message| message.id > behind);
        let messages = if ask.is_page && here.is_some() {
            wanted.take(ask.last).cloned().collect()
        } else {
            let mut newest: Vec<_> = wanted.rev().take(ask.last).cloned().collect();
            newest.reverse();
            newest
        };
        RawExcerpt {
            epoch: self.epoch,
            top: self.newest,
            is_here: ask.since.is_none() || here.is_some(),
            upto: ask.since.and_then(|since| self.ended(since.epoch)),
            messages,
            census: self.census(),
        }
    }

    fn census(&self) -> Census {
        Census {
            members: self.members.len(),
            changes: self.changes,
        }
    }

    /// Somebody came or went: how it is told.
    fn changed(&mut self) -> Census {
        self.changes += 1;
        self.census()
    }

    /// Lets a member in: where it was before, and what is told.
    pub(super) fn join(
        &mut self,
        name: &Rc<str>,
        identity: Identity,
        at: Where,
    ) -> Result<(Option<Where>, Option<Push>), RoomError> {
        let known = self.members.get(name).copied();
        if known.is_some_and(|(before, known)| before != at && known != identity) {
            return Err(RoomError::NameTaken);
        }
        self.members.insert(Rc::clone(name), (at, identity));
        self.expires = None;
        let before = known.map(|(before, _)| before);
        let push = match before {
            None => Some(self.joined(name, at)),
            Some(from) if from != at => Some(Push::Moved {
                name: Rc::clone(name),
                from,
            }),
            Some(_) => None,
        };
        Ok((before, push))
    }

    fn joined(&mut self, name: &Rc<str>, at: Where) -> Push {
        Push::Joined {
            name: Rc::clone(name),
            at,
            census: self.changed(),
        }
    }

    /// Lets a member go if it is there.
    pub(super) fn leave(&mut self, name: &str, at: Where) -> Result<Push, RoomError> {
        if self.members.get(name).is_none_or(|(there, _)| *there != at) {
            return Err(RoomError::NotEntered);
        }
        self.members.remove(name);
        Ok(Push::Left {
            name: name.into(),
            at,
            census: self.changed(),
        })
    }

    /// Takes members of a node that are missing; names that are lost for it.
    pub(super) fn declare(
        &mut self,
        node: NodeId,
        members: &[Declared],
        pushes: &mut Vec<Push>,
    ) -> Vec<Rc<str>> {
        let mut lost = Vec::new();
        for declared in members {
            let place = declared.place;
            let at = Where { node, place };
            let known = self.members.get(&declared.name).copied();
            if known.is_some_and(|(there, _)| there != at) {
                lost.push(Rc::clone(&declared.name));
                continue;
            }
            let name = Rc::clone(&declared.name);
            self.members.insert(name, (at, declared.identity));
            if known.is_none() {
                pushes.push(self.joined(&declared.name, at));
            }
        }
        if !self.members.is_empty() {
            self.expires = None;
        }
        lost
    }

    /// Names and places of the members of a node.
    pub(super) fn of_node(&self, node: NodeId) -> impl Iterator<Item = (&Rc<str>, Where)> {
        let members = self.members.iter().map(|(name, (at, _))| (name, *at));
        members.filter(move |(_, at)| at.node == node)
    }

    /// Without members it goes after a while.
    pub(super) fn expire_if_empty(&mut self, retention: &Retention, now: u64) {
        if let Some(after) = retention.empty
            && self.members.is_empty()
        {
            self.expires = Some(now.saturating_add(after));
        }
    }
}
