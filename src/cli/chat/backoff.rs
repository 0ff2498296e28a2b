//! How long to wait before the next attempt to connect: exponential with full jitter.
//!
//! Full jitter spreads a crowd that lost its server at one moment over the whole time, where plain
//! doubling would bring all of them back together.

use rand::TryRng;
use rand::rngs::SysRng;
use std::time::Duration;

/// The longest wait before the first attempt; it doubles from one to the next.
const FIRST: Duration = Duration::from_millis(500);
/// The longest wait of all.
const LONGEST: Duration = Duration::from_secs(20);
/// No attempt follows another faster than this.
const SHORTEST: Duration = Duration::from_millis(50);
/// A connection that lasted so long ends a series of attempts. A server that accepts and hangs up is
/// not called ever faster.
const STABLE: Duration = Duration::from_secs(10);

/// Attempts in a row that led to no lasting connection.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    attempts: u32,
}

impl Backoff {
    /// A connection has ended that was open for this long.
    pub(super) fn lasted(&mut self, open: Duration) {
        if open >= STABLE {
            self.attempts = 0;
        }
    }

    /// How long to wait now.
    pub(super) fn next(&mut self) -> Duration {
        let mut random = [0; 4];
        // Without random numbers all of the wait is as good a choice as any.
        let part = match SysRng.try_fill_bytes(&mut random) {
            Ok(()) => f64::from(u32::from_le_bytes(random)) / f64::from(u32::MAX),
            Err(_) => 1.0,
        };
        self.wait(part)
    }

    /// This part of the longest wait, 0 to 1.
    fn wait(&mut self, part: f64) -> Duration {
        let longest = FIRST.saturating_mul(1 << self.attempts.min(10));
        self.attempts = self.attempts.saturating_add(1);
        longest.min(LONGEST).mul_f64(part).max(SHORTEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_wait_doubles_from_half_a_second_to_twenty() {
        let mut backoff = Backoff::default();
        let waits: Vec<_> = (0..8).map(|_| backoff.wait(1.0).as_millis()).collect();
        assert_eq!(waits, [500, 1000, 2000, 4000, 8000, 16_000, 20_000, 20_000]);
        for _ in 0..100 {
            assert!((SHORTEST..=LONGEST).contains(&backoff.next()));
        }
    }

    #[test]
    fn only_a_connection_that_lasted_begins_anew() {
        let mut backoff = Backoff::default();
        backoff.wait(1.0);
        backoff.lasted(Duration::from_secs(9));
        assert_eq!(backoff.wait(1.0).as_millis(), 1000);
        backoff.lasted(Duration::from_secs(10));
        assert_eq!(backoff.wait(1.0).as_millis(), 500);
        assert_eq!(backoff.wait(0.0), SHORTEST);
    }
}
