//! Who has something to be read, in the order in which they are served.
//!
//! Five lists, and a connection is on one of them at most. First come the connections of links to other servers,
//! of which there are a few. Those that were quiet of late come
//! first; those that used up a share of theirs wait behind them, each for its round; those whose
//! peer has ended come last, because nobody waits for them. Those whose handshake can go on are on a
//! list of their own and are not read meanwhile. The lists only order: what a share is
//! worth is the turn's affair.

use crate::app::SessionId;
use std::collections::VecDeque;

/// Turns for which a connection that used up its share counts as busy.
const BUSY_TURNS: u16 = 1024;

/// A list of connections to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum List {
    Quiet,
    Busy,
    Ending,
    Handshakes,
    /// Before all others.
    First,
}

/// What is remembered of a connection.
#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    is_listed: bool,
    /// It is read before all others.
    is_first: bool,
    /// The peer has ended its direction: it is read until the end of file shows.
    ends: bool,
    /// Until when it counts as busy, in turns; 0: it does not.
    busy_until: u16,
}

/// The lists, and what is remembered of every connection by its key.
#[derive(Debug, Default)]
pub(crate) struct Ready {
    entries: Vec<Entry>,
    quiet: VecDeque<SessionId>,
    busy: VecDeque<SessionId>,
    ending: VecDeque<SessionId>,
    handshakes: VecDeque<SessionId>,
    first: VecDeque<SessionId>,
    turn: u16,
}

impl Ready {
    /// A new turn begins.
    pub(crate) fn begin_turn(&mut self) {
        // 0 stands for "not busy".
        self.turn = self.turn.wrapping_add(1).max(1);
    }

    /// A new connection has this key.
    pub(crate) fn reset(&mut self, key: u32) {
        let key = key as usize;
        if key >= self.entries.len() {
            self.entries.resize(key + 1, Entry::default());
        }
        self.entries[key] = Entry::default();
    }

    /// There is something to be read; once is enough.
    pub(crate) fn add(&mut self, id: SessionId) {
        let turn = self.turn;
        let Some(entry) = self.entries.get_mut(id.index as usize) else {
            return;
        };
        if std::mem::replace(&mut entry.is_listed, true) {
            return;
        }
        // In steps that two bytes can tell apart; a wrap makes a quiet one busy for a while, at worst.
        if entry.busy_until.wrapping_sub(turn) > BUSY_TURNS {
            entry.busy_until = 0;
        }
        if entry.is_first {
            return self.first.push_back(id);
        }
        match (entry.ends, entry.busy_until) {
            (true, _) => self.ending.push_back(id),
            (false, 0) => self.quiet.push_back(id),
            (false, _) => self.busy.push_back(id),
        }
    }

    /// The connection of this key is read before all others.
    pub(crate) fn set_first(&mut self, key: u32) {
        if let Some(entry) = self.entries.get_mut(key as usize) {
            entry.is_first = true;
        }
    }

    /// The peer has ended its direction: the end of file is still to be read.
    pub(crate) fn set_ends(&mut self, key: u32) {
        if let Some(entry) = self.entries.get_mut(key as usize) {
            entry.ends = true;
        }
    }

    /// The peer has ended: what is left to read can wait behind those that live.
    pub(crate) fn add_ending(&mut self, id: SessionId) {
        if let Some(entry) = self.entries.get_mut(id.index as usize) {
            entry.ends = true;
            self.add(id);
        }
    }

    /// It used up its share, or has more than its peer's share of events: it waits for its round.
    pub(crate) fn add_busy(&mut self, id: SessionId) {
        let until = self.turn.wrapping_add(BUSY_TURNS).max(1);
        if let Some(entry) = self.entries.get_mut(id.index as usize) {
            entry.busy_until = until;
            self.add(id);
        }
    }

    /// Its handshake can go on: it waits for that, and is not read before.
    pub(crate) fn add_handshake(&mut self, id: SessionId) {
        if let Some(entry) = self.entries.get_mut(id.index as usize)
            && !std::mem::replace(&mut entry.is_listed, true)
        {
            self.handshakes.push_back(id);
        }
    }

    /// How many wait in a list.
    pub(crate) fn len(&self, list: List) -> usize {
        match list {
            List::Quiet => self.quiet.len(),
            List::Busy => self.busy.len(),
            List::Ending => self.ending.len(),
            List::Handshakes => self.handshakes.len(),
            List::First => self.first.len(),
        }
    }

    /// Whether nobody waits.
    pub(crate) fn is_empty(&self) -> bool {
        let (first, last) = ([&self.first, &self.quiet], [&self.busy, &self.ending]);
        let lists = first.into_iter().chain(last).chain([&self.handshakes]);
        lists.into_iter().all(VecDeque::is_empty)
    }

    /// Takes the next one of a list.
    pub(crate) fn next(&mut self, list: List) -> Option<SessionId> {
        match list {
            List::Quiet => self.quiet.pop_front(),
            List::Busy => self.busy.pop_front(),
            List::Ending => self.ending.pop_front(),
            List::Handshakes => self.handshakes.pop_front(),
            List::First => self.first.pop_front(),
        }
    }

    /// It is off its list. For connections that still live: a key may have a new owner by now.
    pub(crate) fn taken(&mut self, key: u32) {
        if let Some(entry) = self.entries.get_mut(key as usize) {
            entry.is_listed = false;
        }
    }

    /// Whether the peer has ended its direction.
    pub(crate) fn ends(&self, key: u32) -> bool {
        self.entries
            .get(key as usize)
            .is_some_and(|entry| entry.ends)
    }

    /// Whether it waits in a list.
    pub(crate) fn is_listed(&self, key: u32) -> bool {
        self.entries
            .get(key as usize)
            .is_some_and(|entry| entry.is_listed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(index: u32) -> SessionId {
        SessionId {
            index,
            generation: 1,
        }
    }

    fn ready(count: u32) -> Ready {
        let mut ready = Ready::default();
        ready.begin_turn();
        (0..count).for_each(|key| ready.reset(key));
        ready
    }

    #[test]
    fn whoever_is_listed_is_listed_once() {
        let mut ready = ready(1);
        ready.add(id(0));
        ready.add(id(0));
        ready.add_busy(id(0));
        assert_eq!(ready.next(List::Quiet), Some(id(0)));
        assert!(ready.is_empty());
    }

    #[test]
    fn whoever_used_up_its_share_stays_behind_the_quiet_for_a_while() {
        let mut ready = ready(1);
        ready.add_busy(id(0));
        assert_eq!(ready.next(List::Busy), Some(id(0)));
        ready.taken(0);
        for _ in 0..BUSY_TURNS {
            ready.begin_turn();
        }
        ready.add(id(0));
        assert_eq!(ready.len(List::Busy), 1);
        ready.next(List::Busy);
        ready.taken(0);
        ready.begin_turn();
        ready.add(id(0));
        assert_eq!(ready.len(List::Quiet), 1);
    }

    #[test]
    fn whoever_ends_waits_behind_all_others() {
        let mut ready = ready(2);
        ready.add_ending(id(0));
        ready.add(id(1));
        assert_eq!(ready.next(List::Quiet), Some(id(1)));
        assert_eq!(ready.next(List::Ending), Some(id(0)));
    }

    #[test]
    fn whoever_waits_for_its_handshake_is_not_read_before() {
        let mut ready = ready(1);
        ready.add_handshake(id(0));
        ready.add(id(0));
        ready.add_ending(id(0));
        assert_eq!((ready.len(List::Quiet), ready.len(List::Ending)), (0, 0));
        assert_eq!(ready.next(List::Handshakes), Some(id(0)));
        ready.taken(0);
        ready.add(id(0));
        assert_eq!(
            ready.next(List::Ending),
            Some(id(0)),
            "its end was not forgotten"
        );
    }

    #[test]
    fn a_new_owner_of_a_key_starts_quiet_and_unlisted() {
        let mut ready = ready(1);
        ready.add_ending(id(0));
        ready.reset(0);
        let next = SessionId {
            index: 0,
            generation: 2,
        };
        ready.add(next);
        assert_eq!(ready.next(List::Quiet), Some(next));
    }
}
