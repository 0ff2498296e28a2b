//! The timers of handlers: exact to the millisecond, ordered by time, found and
//! removed by session, so that a session that ends leaves nothing behind.

use crate::app::SessionId;
use std::collections::{BTreeMap, BTreeSet};

/// Timers by time and by session.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    by_time: BTreeSet<(u64, SessionId, u64)>,
    by_session: BTreeMap<(SessionId, u64), u64>,
}

impl Timers {
    /// Sets the timer of this session and token to `at` milliseconds since the start.
    pub(crate) fn set(&mut self, id: SessionId, token: u64, at: u64) {
        self.cancel(id, token);
        self.by_time.insert((at, id, token));
        self.by_session.insert((id, token), at);
    }

    /// Takes a timer away; `false` when there is none.
    pub(crate) fn cancel(&mut self, id: SessionId, token: u64) -> bool {
        match self.by_session.remove(&(id, token)) {
            Some(at) => self.by_time.remove(&(at, id, token)),
            None => false,
        }
    }

    /// Takes all timers of a session away.
    pub(crate) fn cancel_all(&mut self, id: SessionId) {
        while let Some((&(_, token), _)) = self.by_session.range((id, 0)..=(id, u64::MAX)).next() {
            self.cancel(id, token);
        }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.by_time.len()
    }

    /// When the earliest timer is due.
    pub(crate) fn next(&self) -> Option<u64> {
        self.by_time.first().map(|&(at, _, _)| at)
    }

    /// Takes the earliest timer that is due at `now`.
    pub(crate) fn pop_due(&mut self, now: u64) -> Option<(SessionId, u64)> {
        let &(at, id, token) = self.by_time.first()?;
        if at > now {
            return None;
        }
        self.cancel(id, token);
        Some((id, token))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: SessionId = SessionId {
        index: 0,
        generation: 1,
    };
    const B: SessionId = SessionId {
        index: 1,
        generation: 1,
    };

    #[test]
    fn timers_come_in_the_order_of_time() {
        let mut timers = Timers::default();
        timers.set(A, 1, 30);
        timers.set(B, 1, 10);
        timers.set(A, 2, 20);
        assert_eq!(timers.next(), Some(10));
        assert_eq!(timers.pop_due(9), None);
        assert_eq!(timers.pop_due(25), Some((B, 1)));
        assert_eq!(timers.pop_due(25), Some((A, 2)));
        assert_eq!(timers.pop_due(25), None);
    }

    #[test]
    fn a_token_that_runs_is_set_anew() {
        let mut timers = Timers::default();
        timers.set(A, 1, 10);
        timers.set(A, 1, 50);
        assert_eq!(timers.pop_due(49), None);
        assert_eq!(timers.pop_due(50), Some((A, 1)));
        assert!(!timers.cancel(A, 1));
    }

    #[test]
    fn a_session_that_ends_leaves_no_timer() {
        let mut timers = Timers::default();
        timers.set(A, 1, 10);
        timers.set(A, u64::MAX, 10);
        timers.set(B, 7, 10);
        timers.cancel_all(A);
        assert_eq!(timers.pop_due(10), Some((B, 7)));
        assert_eq!(timers.next(), None);
    }
}
