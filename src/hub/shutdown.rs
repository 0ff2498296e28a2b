//! A shutdown that is under way: which session has its time when, so that not everybody comes back at once.
//!
//! Sessions get Close 1001 one after another, evenly over half of
//! [`Limits::drain`](crate::Limits::drain), or over a millisecond for each of them where that is shorter;
//! up to [`AT_ONCE`] of them are no crowd and go at once.

use std::collections::VecDeque;
use std::time::Duration;

/// So many sessions are closed at once.
const AT_ONCE: usize = 100;
/// The time that each session of a crowd adds to the spread, while that is less than half of the drain.
const EACH_MS: u64 = 1;
/// Sessions are closed in groups this far apart, in milliseconds.
const STEP_MS: u64 = 10;

/// What is left of a shutdown.
#[derive(Debug)]
pub(crate) struct Shutdown {
    /// When it began, and when what is left is cut, in milliseconds since the start.
    began: u64,
    pub(crate) cut_at: u64,
    /// Over so many milliseconds the sessions are closed.
    spread: u64,
    /// How many sessions there were, and how many of them had their time.
    sessions: usize,
    released: usize,
    /// Sessions whose time has not come.
    pub(crate) later: VecDeque<u32>,
    /// Admin listeners have been stopped as well.
    pub(crate) has_stopped_admin: bool,
    pub(crate) has_cut: bool,
    /// Links are all that is left, and are to be told.
    pub(crate) tells_links: bool,
}

impl Shutdown {
    pub(crate) fn new(now: u64, drain: Duration, later: VecDeque<u32>) -> Self {
        let drain = u64::try_from(drain.as_millis()).unwrap_or(u64::MAX);
        let sessions = later.len();
        let spread = match sessions {
            0..=AT_ONCE => 0,
            _ => (sessions as u64 * EACH_MS).min(drain / 2),
        };
        Self {
            began: now,
            cut_at: now.saturating_add(drain),
            spread,
            sessions,
            released: 0,
            later,
            has_stopped_admin: false,
            has_cut: false,
            tells_links: false,
        }
    }

    /// How many sessions may have been closed by now.
    fn allowed(&self, now: u64) -> usize {
        let passed = now.saturating_sub(self.began) / STEP_MS * STEP_MS + STEP_MS;
        if passed >= self.spread {
            return self.sessions;
        }
        // Less than `sessions`, which is a `usize`.
        (self.sessions as u64 * passed / self.spread) as usize
    }

    /// Takes a session whose time has come.
    pub(crate) fn release(&mut self, now: u64) -> Option<u32> {
        if self.released >= self.allowed(now) {
            return None;
        }
        self.released += 1;
        self.later.pop_front()
    }

    /// When it has something to do next; `now` and before: at once.
    pub(crate) fn next(&self, now: u64) -> Option<u64> {
        let cut = (!self.has_cut).then_some(self.cut_at);
        if self.later.is_empty() {
            return cut;
        }
        if self.released < self.allowed(now) {
            return Some(now);
        }
        let passed = now.saturating_sub(self.began) / STEP_MS * STEP_MS;
        let next = self.began + passed + STEP_MS;
        Some(cut.map_or(next, |cut| cut.min(next)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drain(sessions: u32, drain: u64) -> Shutdown {
        Shutdown::new(1_000, Duration::from_millis(drain), (0..sessions).collect())
    }

    /// How many sessions are released within so many milliseconds.
    fn released(drain: &mut Shutdown, after: u64) -> usize {
        while drain.release(1_000 + after).is_some() {}
        drain.released
    }

    #[test]
    fn a_few_sessions_go_at_once() {
        let mut few = drain(100, 10_000);
        assert_eq!(released(&mut few, 0), 100);
        assert_eq!(few.next(1_000), Some(11_000), "the cut");
    }

    #[test]
    fn a_crowd_goes_evenly_over_half_of_the_drain() {
        let mut crowd = drain(20_000, 10_000);
        for after in (0..5_000).step_by(10) {
            let wanted = 20_000 * (after as usize + 10) / 5_000;
            assert_eq!(released(&mut crowd, after), wanted, "after {after} ms");
            let next = crowd.next(1_000 + after).unwrap();
            let is_last = after == 4_990;
            assert_eq!(next, if is_last { 11_000 } else { 1_010 + after });
        }
        assert!(crowd.later.is_empty());
    }

    #[test]
    fn a_small_crowd_takes_a_millisecond_each() {
        let mut crowd = drain(500, 10_000);
        assert_eq!(released(&mut crowd, 0), 10);
        assert_eq!(released(&mut crowd, 250), 260);
        assert_eq!(released(&mut crowd, 490), 500);
    }

    #[test]
    fn a_drain_of_a_millisecond_and_a_clock_that_jumps_release_all() {
        assert_eq!(released(&mut drain(200, 1), 0), 200);
        assert_eq!(released(&mut drain(5_000, 10_000), 3_600_000), 5_000);
    }
}
