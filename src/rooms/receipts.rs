//! What was sent under which mark, so that the same message sent again is no second one.

use super::engine::ReferenceKey;
use std::collections::{HashMap, VecDeque};

/// How long a mark is known, milliseconds.
pub(super) const KNOWN_FOR: i64 = 5 * 60 * 1000;

/// Marks that a room knows at most: the newest ones.
pub(super) const MOST: usize = 8192;

/// Bytes that knowing a mark takes, about: its places in both lists, which grow by doubling.
const HELD: usize = 128;

/// From so many places on, lists that are mostly empty are made shorter.
const KEPT: usize = 64;

/// The marks of a room and the ids of their messages.
#[derive(Debug, Default)]
pub(super) struct Receipts {
    ids: HashMap<ReferenceKey, u64>,
    /// In the order of their times, which are milliseconds of the server's clock.
    times: VecDeque<(i64, ReferenceKey)>,
}

impl Receipts {
    /// Bytes that all of them take.
    pub(super) fn held(&self) -> usize {
        self.times.len() * HELD
    }

    /// The id of the message that was sent under this mark.
    pub(super) fn find(&self, key: ReferenceKey) -> Option<u64> {
        self.ids.get(&key).copied()
    }

    pub(super) fn remember(&mut self, at: i64, key: ReferenceKey, id: u64) {
        if self.ids.insert(key, id).is_none() {
            self.times.push_back((at, key));
        }
        if self.times.len() > MOST {
            self.forget_oldest();
        }
    }

    /// Forgets what is too old at this time.
    pub(super) fn expire(&mut self, now: i64) {
        while let Some((at, _)) = self.times.front()
            && *at + KNOWN_FOR <= now
        {
            self.forget_oldest();
        }
        if self.times.is_empty() {
            *self = Self::default();
        }
    }

    pub(super) fn forget_oldest(&mut self) {
        if let Some((_, key)) = self.times.pop_front() {
            self.ids.remove(&key);
        }
        let (len, capacity) = (self.times.len(), self.times.capacity());
        if capacity > KEPT && len < capacity / 4 {
            self.times.shrink_to(2 * len);
            self.ids.shrink_to(2 * len);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_known_for_five_minutes() {
        let mut receipts = Receipts::default();
        receipts.remember(0, 7, 1);
        receipts.expire(KNOWN_FOR - 1);
        assert_eq!(receipts.find(7), Some(1));
        receipts.expire(KNOWN_FOR);
        assert_eq!(receipts.find(7), None);
        assert!(receipts.times.is_empty());
    }

    #[test]
    fn of_too_many_marks_the_newest_are_known() {
        let mut receipts = Receipts::default();
        for key in 0..=MOST as u128 {
            receipts.remember(0, key, key as u64);
        }
        assert_eq!(receipts.find(0), None);
        assert_eq!(receipts.find(1), Some(1));
        assert_eq!(receipts.ids.len(), MOST);
    }

    #[test]
    fn what_is_forgotten_gives_its_memory_back() {
        let mut receipts = Receipts::default();
        for key in 0..MOST as u128 {
            receipts.remember(0, key, key as u64);
        }
        while receipts.times.len() > 10 {
            receipts.forget_oldest();
        }
        let capacity = receipts.times.capacity().max(receipts.ids.capacity());
        assert!(capacity <= 2 * KEPT, "{capacity}");
    }
}
