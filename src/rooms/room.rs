//! One room as an engine in memory keeps it.

use super::engine::{Ask, Author, Clock, Identity, KeyDigest, Place};
use super::history::History;
use super::journal::{Saved, Vouched};
use super::receipts::Receipts;
use super::{Epoch, Excerpt, Position, RoomError, RoomId, RoomInfo};
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;

/// Epochs before its own that a room knows.
const EARLIER: usize = 16;

/// A member: who, by whose word, and where.
#[derive(Clone, Debug)]
pub(super) struct Occupant {
    pub(super) name: Rc<str>,
    pub(super) identity: Identity,
    pub(super) place: Place,
}

/// One room.
pub(super) struct Room {
    /// In the order of creation.
    pub(super) number: u64,
    pub(super) name: Rc<str>,
    pub(super) key: KeyDigest,
    pub(super) epoch: Epoch,
    /// Epochs before it in this process. The ids went on, and a member that was in has heard of none of
    /// them: with an older one it means the same messages.
    earlier: VecDeque<Epoch>,
    /// The newest id.
    pub(super) top: u64,
    /// How far a journal has vouched for its ids.
    pub(super) vouched: Vouched,
    pub(super) history: History,
    /// Ids that a process may have given before it was killed, and whose messages are not there.
    hole: Option<(u64, u64)>,
    pub(super) receipts: Receipts,
    members: HashMap<Rc<str>, (Identity, Place)>,
    /// When somebody was in or spoke last, milliseconds of the server's clock.
    pub(super) used: i64,
}

impl Room {
    pub(super) fn new(number: u64, name: String, key: KeyDigest, clock: Clock) -> Self {
        Self {
            number,
            name: name.into(),
            key,
            epoch: Epoch::random(),
            earlier: VecDeque::new(),
            top: 0,
            vouched: Vouched::default(),
            history: History::default(),
            hole: None,
            receipts: Receipts::default(),
            members: HashMap::new(),
            used: clock.now as i64,
        }
    }

    /// A room as a journal has kept it.
    pub(super) fn restore(saved: Saved, clock: Clock) -> Self {
        let mut room = Self::new(saved.number, saved.name, saved.key, clock);
        let at = |date: u64| clock.now as i64 - clock.unix.saturating_sub(date) as i64;
        room.epoch = saved.epoch;
        room.top = saved.top;
        room.used = at(saved.used);
        for (message, reference) in saved.messages {
            let at = at(message.date);
            if let Some(key) = reference {
                room.receipts.remember(at, key, message.id);
            }
            room.history.push(at, Rc::new(message));
        }
        let last = room.history.last().unwrap_or(0);
        room.hole = (last < room.top).then_some((last + 1, room.top));
        room
    }

    /// Ids from here on belong to a new epoch.
    pub(super) fn begin_epoch(&mut self) {
        if self.earlier.len() == EARLIER {
            self.earlier.pop_front();
        }
        self.earlier.push_back(self.epoch);
        self.epoch = Epoch::random();
    }

    /// Which ids behind this one are missing, where this is the first that is given.
    fn gaps_behind(&self, id: u64, first: Option<u64>) -> Vec<(u64, u64)> {
        let first = first.or(self.history.first()).unwrap_or(self.top + 1);
        let forgotten = Some((id + 1, first - 1)).filter(|(from, to)| from <= to);
        let behind = forgotten.map_or(id, |(_, to)| to);
        let hole = self.hole.map(|(from, to)| (from.max(behind + 1), to));
        let hole = hole.filter(|(from, to)| from <= to);
        forgotten.into_iter().chain(hole).collect()
    }

    /// What of its history was asked for.
    pub(super) fn excerpt(&self, ask: Ask) -> Excerpt {
        let is_here = |since: &Position| {
            let mut epochs = self.earlier.iter().chain([&self.epoch]);
            epochs.any(|epoch| *epoch == since.epoch) && since.id <= self.top
        };
        let here = ask.since.filter(is_here);
        let (recovered, gaps, messages) = match (ask.since, here) {
            (None, _) => (true, Vec::new(), self.history.newest(ask.last)),
            (Some(_), Some(since)) => {
                let mut messages = if ask.is_page {
                    self.history.after(since.id, ask.last)
                } else {
                    self.history.newest(ask.last)
                };
                messages.retain(|message| message.id > since.id);
                let first = messages.first().map(|message| message.id);
                let gaps = self.gaps_behind(since.id, first);
                let last = messages.last().map_or(since.id, |last| last.id);
                (gaps.is_empty() && last == self.top, gaps, messages)
            }
            // Another order of things: all there is may be new to who asks.
            (Some(_), None) => (false, Vec::new(), self.history.newest(ask.last)),
        };
        Excerpt {
            epoch: self.epoch,
            top: self.top,
            recovered,
            gaps,
            messages,
        }
    }

    pub(super) fn info(&self, id: RoomId) -> RoomInfo {
        RoomInfo {
            id,
            name: Rc::clone(&self.name),
            members: self.members.len(),
            number: self.number,
        }
    }

    pub(super) fn members(&self) -> usize {
        self.members.len()
    }

    pub(super) fn places(&self) -> Vec<Place> {
        self.members.values().map(|(_, place)| *place).collect()
    }

    /// At most so many names, sorted.
    pub(super) fn names(&self, most: usize) -> Vec<Rc<str>> {
        let mut names: Vec<_> = self.members.keys().take(most).map(Rc::clone).collect();
        names.sort_unstable();
        names
    }

    /// The name as it is kept.
    pub(super) fn name_at(&self, name: &Rc<str>) -> Rc<str> {
        let kept = self.members.get_key_value(name);
        Rc::clone(kept.map_or(name, |(kept, _)| kept))
    }

    /// Lets a member in; where it was before, if it was in already.
    pub(super) fn occupy(&mut self, occupant: Occupant) -> Result<Option<Place>, RoomError> {
        let Occupant {
            name,
            identity,
            place,
        } = occupant;
        match self.members.get_mut(&name) {
            None => {
                self.members.insert(name, (identity, place));
                Ok(None)
            }
            // Who is in may say later by which secret it is known.
            Some(known) if known.0 == identity || known.1 == place => {
                let (_, before) = std::mem::replace(known, (identity, place));
                Ok(Some(before))
            }
            Some(_) => Err(RoomError::NameTaken),
        }
    }

    /// Lets the member of this name go that is in this place; its name.
    pub(super) fn vacate(&mut self, name: &str, place: Place) -> Option<Rc<str>> {
        let (_, at) = self.members.get(name)?;
        if *at != place {
            return None;
        }
        let (name, _) = self.members.remove_entry(name)?;
        if self.members.len() < self.members.capacity() / 8 {
            self.members.shrink_to_fit();
        }
        Some(name)
    }

    /// Under which name an author speaks.
    pub(super) fn sender(&self, author: Author) -> Result<Rc<str>, RoomError> {
        match author {
            Author::Member(place, name) => {
                let is_in = self.members.get(&name).is_some_and(|(_, at)| *at == place);
                if is_in {
                    Ok(name)
                } else {
                    Err(RoomError::NotEntered)
                }
            }
            Author::Guest(name) if self.members.contains_key(&name) => Err(RoomError::NameTaken),
            Author::Guest(name) => Ok(name),
        }
    }
}
