//! How much a session may ask for in a second.

/// One second, in the units of a [`Rate`]: they come round after five days.
const SECOND: u32 = 10_000;

use std::time::Duration;

/// When a session that keeps to its rate would ask next: a second's worth may come at once, and then
/// one at a time.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rate {
    /// Four bytes that stand on no border: a session has two of these.
    next: [u8; 4],
    /// How often it was refused, beyond what was taken since.
    strikes: u8,
}

impl Rate {
    /// Whether one more is within so many a second at this time.
    pub(super) fn admits(&mut self, most: Option<usize>, now: Duration) -> bool {
        let Some(most) = most else { return true };
        let now = (now.as_micros() / 100) as u32;
        // What is not within the next second is long past.
        let ahead = u32::from_le_bytes(self.next).wrapping_sub(now);
        let ahead = if ahead <= SECOND { ahead } else { 0 };
        let ahead = ahead + SECOND / most as u32;
        let admits = ahead <= SECOND;
        if admits {
            self.next = now.wrapping_add(ahead).to_le_bytes();
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
        let at = |micros| Duration::from_micros(micros);
        let mut taken = |most, now, asked| (0..asked).filter(|_| rate.admits(most, now)).count();
        let fifty = Some(50);
        assert_eq!(taken(fifty, at(700), 100), 50);
        assert_eq!(taken(fifty, at(700 + 19_900), 1), 0);
        assert_eq!(taken(fifty, at(700 + 20_000), 2), 1);
        assert_eq!(taken(fifty, at(9_000_000), 100), 50);
        // Where the units come round, and days later.
        let round = 100 * (1_u64 << 32);
        assert_eq!(taken(fifty, at(round - 100), 100), 50);
        assert_eq!(taken(fifty, at(round + 19_900), 2), 1);
        assert_eq!(taken(fifty, at(round + round / 2 + 7), 100), 50);
        assert_eq!(taken(None, at(0), 1000), 1000);
    }
}
