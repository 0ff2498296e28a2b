//! One room as an engine in memory keeps it.

use super::engine::{Ask, Author, Clock, KeyDigest, Outcome, Place, Presence};
use super::history::History;
use super::journal::{Saved, Vouched};
use super::occupants::{Occupant, Occupants};
use super::receipts::Receipts;
use super::{Epoch, Excerpt, Position, RoomError, RoomId, RoomInfo};
use crate::wire::rate::Rate;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

/// Epochs before its own that a room knows.
const EARLIER: usize = 16;

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
    /// Ids between those of the history, or behind them, whose messages are not there: a process may have
    /// given them before it was killed. Each kill leaves one.
    holes: VecDeque<(u64, u64)>,
    pub(super) receipts: Receipts,
    pub(super) members: Occupants,
    guests: Rate,
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
            holes: VecDeque::new(),
            receipts: Receipts::default(),
            members: Occupants::default(),
            guests: Rate::default(),
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
        let mut next = saved.messages.first().map_or(1, |(first, _)| first.id);
        for (message, reference) in saved.messages {
            let at = at(message.date);
            room.note_hole(next, message.id);
            next = message.id + 1;
            if let Some(key) = reference {
                room.receipts.remember(at, key, message.id);
            }
            room.history.push(at, Rc::new(message));
        }
        room.note_hole(next, room.top + 1);
        room
    }

    /// Notes that the ids from one up to before another are missing, if there are any.
    fn note_hole(&mut self, from: u64, before: u64) {
        if from < before {
            self.holes.push_back((from, before - 1));
        }
    }

    /// Forgets holes that the history no longer reaches back to.
    pub(super) fn forget_holes(&mut self) {
        let first = self.history.first().unwrap_or(self.top + 1);
        while self.holes.pop_front_if(|(_, to)| *to < first).is_some() {}
        if self.holes.is_empty() && self.holes.capacity() > 0 {
            self.holes = VecDeque::new();
        }
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
        let holes = self.holes.iter();
        let holes = holes.map(|(from, to)| (*from.max(&(behind + 1)), *to));
        let holes = holes.filter(|(from, to)| from <= to);
        forgotten.into_iter().chain(holes).collect()
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

    /// Bytes of its history and of its marks.
    pub(super) fn held(&self) -> usize {
        self.history.held() + self.receipts.held()
    }

    /// Forgets the oldest of what takes more, a message or a mark.
    pub(super) fn forget_oldest(&mut self) {
        if self.receipts.held() > self.history.held() {
            self.receipts.forget_oldest();
        } else {
            self.history.forget_oldest();
        }
    }

    pub(super) fn info(&self, id: RoomId) -> RoomInfo {
        let name = Rc::clone(&self.name);
        RoomInfo::new(id, name, self.members.len(), self.number)
    }

    pub(super) fn places(&self) -> Vec<Place> {
        self.members.iter().map(|member| member.place).collect()
    }

    /// That somebody has come or gone.
    pub(super) fn presence(&self, room: RoomId, of: &Occupant) -> Presence {
        Presence {
            room,
            name: Rc::from(&*of.name),
            members: self.members.len(),
            is_counted: false,
            place: of.place,
        }
    }

    /// How many members there are, and at most so many of their names.
    pub(super) fn named(&self, most: usize) -> Outcome {
        Outcome::Names(self.members.len(), self.names(most))
    }

    /// At most so many names, sorted.
    fn names(&self, most: usize) -> Vec<Rc<str>> {
        let names = self.members.iter().take(most);
        let mut names: Vec<Rc<str>> = names.map(|member| Rc::from(&*member.name)).collect();
        names.sort_unstable();
        names
    }

    /// Under which name an author speaks. Guests have no session whose rate could be counted: all of a room
    /// together have that of one.
    pub(super) fn sender(
        &mut self,
        author: Author,
        rate: Option<usize>,
        clock: Clock,
    ) -> Result<Rc<str>, RoomError> {
        match author {
            Author::Member(place, number) => {
                let member = self.members.at(number);
                let member = member.filter(|member| member.place == place);
                let member = member.ok_or(RoomError::NotEntered)?;
                Ok(Rc::from(&*member.name))
            }
            Author::User(name) => Ok(name),
            Author::Guest(name) if self.members.has(&name) => Err(RoomError::NameTaken),
            Author::Guest(name) => {
                let most = rate.unwrap_or_default();
                let what = "messages of guests in this room";
                if self.guests.admits(rate, Duration::from_millis(clock.now)) {
                    Ok(name)
                } else {
                    Err(RoomError::TooFast { what, most })
                }
            }
        }
    }
}
