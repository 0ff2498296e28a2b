//! Who has something to be read, in the order in which they are served.
//!
//! Six lists, and a connection is on one of them at most. First come the connections of links to other servers,
//! of which there are a few. Then those that were quiet of late; then newcomers, of whom that is not known
//! yet; those that used up a share of theirs wait behind them, each for its round; those whose
//! peer has ended come last, because nobody waits for them. Those whose handshake can go on are on a
//! list of their own and are not read meanwhile. The lists only order: what a share is
//! worth is the turn's affair.
//!
//! One step of a program may cost many shares, and whether it will shows only afterwards. So whoever was dear
//! counts as busy for as long as that was worth, and whoever comes anew, time and again, is behind all who stay.

use crate::app::SessionId;
use std::collections::VecDeque;

/// Times are counted in steps of so many milliseconds, which two bytes hold for a quarter of an hour.
const STEP_MS: u64 = 16;
/// For how long a connection counts as new: two seconds.
const NEW_STEPS: u16 = 125;
/// For how long a connection that used up its share counts as busy, for each share: half a second; and for how
/// many shares at most.
const BUSY_STEPS: u16 = 32;
const MOST_SHARES: u16 = 64;

/// A list of connections to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum List {
    Quiet,
    New,
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
    /// It counts as busy, and not as new, until then.
    is_busy: bool,
    /// Until when it is not one of the quiet, in steps of time; 0: it is.
    until: u16,
}

impl Entry {
    /// For how many steps it is still not one of the quiet.
    fn left(&self, now: u16) -> u16 {
        let left = self.until.wrapping_sub(now);
        // The clock wraps, which makes a quiet one busy or new for a while, at worst.
        if self.until == 0 || left > BUSY_STEPS * MOST_SHARES {
            return 0;
        }
        left
    }
}

/// The lists, and what is remembered of every connection by its key.
#[derive(Debug, Default)]
pub(crate) struct Ready {
    entries: Vec<Entry>,
    quiet: VecDeque<SessionId>,
    new: VecDeque<SessionId>,
    busy: VecDeque<SessionId>,
    ending: VecDeque<SessionId>,
    handshakes: VecDeque<SessionId>,
    first: VecDeque<SessionId>,
    /// In steps of time.
    now: u16,
}

impl Ready {
    /// A new turn begins, at this time in milliseconds.
    pub(crate) fn begin_turn(&mut self, now: u64) {
        self.now = (now / STEP_MS) as u16;
    }

    /// So many steps from now; 0 stands for "quiet".
    fn after(&self, steps: u16) -> u16 {
        self.now.wrapping_add(steps).max(1)
    }

    /// A new connection has this key.
    pub(crate) fn reset(&mut self, key: u32) {
        let key = key as usize;
        if key >= self.entries.len() {
            self.entries.resize(key + 1, Entry::default());
        }
        self.entries[key] = Entry {
            until: self.after(NEW_STEPS),
            ..Entry::default()
        };
    }

    /// There is something to be read; once is enough.
    pub(crate) fn add(&mut self, id: SessionId) {
        let now = self.now;
        let Some(entry) = self.entries.get_mut(id.index as usize) else {
            return;
        };
        if std::mem::replace(&mut entry.is_listed, true) {
            return;
        }
        if entry.left(now) == 0 {
            (entry.until, entry.is_busy) = (0, false);
        }
        if entry.is_first {
            return self.first.push_back(id);
        }
        match (entry.ends, entry.until, entry.is_busy) {
            (true, ..) => self.ending.push_back(id),
            (false, 0, _) => self.quiet.push_back(id),
            (false, _, false) => self.new.push_back(id),
            (false, _, true) => self.busy.push_back(id),
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
        self.was_dear(id.index, 1);
        self.add(id);
    }

    /// It cost so many shares, and counts as busy for that long.
    pub(crate) fn was_dear(&mut self, key: u32, shares: u32) {
        let shares = shares.clamp(1, MOST_SHARES.into()) as u16;
        let (now, steps) = (self.now, BUSY_STEPS * shares);
        let until = self.after(steps);
        if let Some(entry) = self.entries.get_mut(key as usize)
            && (!entry.is_busy || steps > entry.left(now))
        {
            (entry.until, entry.is_busy) = (until, true);
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
            List::New => self.new.len(),
            List::Busy => self.busy.len(),
            List::Ending => self.ending.len(),
            List::Handshakes => self.handshakes.len(),
            List::First => self.first.len(),
        }
    }

    /// Whether nobody waits.
    pub(crate) fn is_empty(&self) -> bool {
        let first = [&self.first, &self.quiet, &self.new];
        let last = [&self.busy, &self.ending];
        let lists = first.into_iter().chain(last).chain([&self.handshakes]);
        lists.into_iter().all(VecDeque::is_empty)
    }

    /// Takes the next one of a list.
    pub(crate) fn next(&mut self, list: List) -> Option<SessionId> {
        match list {
            List::Quiet => self.quiet.pop_front(),
            List::New => self.new.pop_front(),
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

    /// Connections that have been here for a while.
    fn ready(count: u32) -> Ready {
        let mut ready = Ready::default();
        (0..count).for_each(|key| ready.reset(key));
        pass(&mut ready, NEW_STEPS + 1);
        ready
    }

    fn pass(ready: &mut Ready, steps: u16) {
        ready.begin_turn(u64::from(ready.now + steps) * STEP_MS);
    }

    /// On which list it is now; it is on none afterwards.
    fn list_of(ready: &mut Ready, key: u32) -> List {
        ready.add(id(key));
        let lists = [List::Quiet, List::New, List::Busy, List::Ending];
        let list = lists.into_iter().find(|list| ready.next(*list).is_some());
        ready.taken(key);
        list.expect("it is listed")
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
        pass(&mut ready, BUSY_STEPS - 1);
        assert_eq!(list_of(&mut ready, 0), List::Busy);
        pass(&mut ready, 1);
        assert_eq!(list_of(&mut ready, 0), List::Quiet);
    }

    #[test]
    fn whoever_uses_up_its_share_when_its_time_is_over_is_busy_anew() {
        let mut ready = ready(1);
        ready.add_busy(id(0));
        // It waited in the list for longer than it counts as busy.
        pass(&mut ready, BUSY_STEPS + 10);
        assert_eq!(ready.next(List::Busy), Some(id(0)));
        ready.taken(0);
        ready.add_busy(id(0));
        assert_eq!(ready.next(List::Busy), Some(id(0)));
    }

    #[test]
    fn whoever_was_dear_stays_behind_the_quiet_for_as_long_as_that_was_worth() {
        let mut ready = ready(2);
        ready.was_dear(0, 10);
        // What it costs later is little, and takes nothing off its time.
        ready.was_dear(0, 1);
        ready.was_dear(1, u32::MAX);
        pass(&mut ready, 10 * BUSY_STEPS - 1);
        assert_eq!(list_of(&mut ready, 0), List::Busy);
        pass(&mut ready, 1);
        assert_eq!(list_of(&mut ready, 0), List::Quiet);
        assert_eq!(list_of(&mut ready, 1), List::Busy);
        pass(&mut ready, (MOST_SHARES - 10) * BUSY_STEPS);
        assert_eq!(list_of(&mut ready, 1), List::Quiet);
    }

    #[test]
    fn whoever_comes_anew_stays_behind_the_quiet_for_a_while() {
        let mut ready = ready(1);
        ready.reset(1);
        ready.add(id(1));
        ready.add(id(0));
        assert_eq!(ready.next(List::Quiet), Some(id(0)));
        assert_eq!(ready.next(List::New), Some(id(1)));
        ready.taken(1);
        pass(&mut ready, NEW_STEPS - 1);
        assert_eq!(list_of(&mut ready, 1), List::New);
        ready.was_dear(1, 1);
        assert_eq!(list_of(&mut ready, 1), List::Busy);
        pass(&mut ready, BUSY_STEPS);
        assert_eq!(list_of(&mut ready, 1), List::Quiet);
    }

    #[test]
    fn the_clock_may_wrap() {
        let mut ready = Ready::default();
        let begin = u64::from(u16::MAX - 1);
        let at = |steps: u16| (begin + u64::from(steps)) * STEP_MS;
        ready.begin_turn(at(0));
        ready.reset(0);
        assert_eq!(list_of(&mut ready, 0), List::New);
        ready.begin_turn(at(NEW_STEPS - 1));
        assert_eq!(list_of(&mut ready, 0), List::New);
        ready.begin_turn(at(NEW_STEPS));
        assert_eq!(list_of(&mut ready, 0), List::Quiet);
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
    fn a_new_owner_of_a_key_starts_new_and_unlisted() {
        let mut ready = ready(1);
        ready.was_dear(0, 10);
        ready.add_ending(id(0));
        ready.reset(0);
        let next = SessionId {
            index: 0,
            generation: 2,
        };
        ready.add(next);
        assert_eq!(ready.next(List::New), Some(next));
    }
}
