//! How much a session may ask for in a second.

/// One second, microseconds.
const SECOND: u64 = 1_000_000;

/// When a session that keeps to its rate would ask next: a second's worth may come at once, and then
/// one at a time.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rate {
    next: u64,
    /// How often it was refused, beyond what was taken since.
    strikes: u8,
}

impl Rate {
    /// Whether one more is within so many a second at this time, microseconds.
    pub(super) fn admits(&mut self, most: Option<usize>, now: u64) -> bool {
        let Some(most) = most else { return true };
        let next = self.next.max(now) + SECOND / most as u64;
        let admits = next <= now + SECOND;
        if admits {
            self.next = next;
            self.strikes = self.strikes.saturating_sub(1);
        } else {
            self.strikes = self.strikes.saturating_add(1);
        }
        admits
    }

    /// Whether it goes on after so many refusals: a second's worth of them, 50 at most.
    pub(super) fn is_flooding(&self, most: Option<usize>) -> bool {
        usize::from(self.strikes) > most.unwrap_or(50).min(50)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_s_worth_comes_at_once_and_then_one_at_a_time() {
        let mut rate = Rate::default();
        let at_once = (0..100).filter(|_| rate.admits(Some(50), 7)).count();
        assert_eq!(at_once, 50);
        assert!(!rate.admits(Some(50), 7 + 19_999));
        assert!(rate.admits(Some(50), 7 + 20_000));
        assert!(!rate.admits(Some(50), 7 + 20_000));
        let later = (0..100)
            .filter(|_| rate.admits(Some(50), 9 * SECOND))
            .count();
        assert_eq!(later, 50);
        assert!((0..1000).all(|_| rate.admits(None, 0)));
    }
}
