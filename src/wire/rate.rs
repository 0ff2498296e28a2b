//! How much somebody may ask for in a second, and a table of many who ask, of one size for ever.

use core::hash::Hasher;
use std::hash::DefaultHasher;
use std::time::Duration;

/// One second, in the units of a [`Rate`]: they come round after five days.
const SECOND: u32 = 10_000;

/// When somebody who keeps to a rate would ask next: so much as a burst may come at once, and then one
/// at a time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Rate {
    /// Four bytes that stand on no border: small where many are kept.
    next: [u8; 4],
    /// How often it was refused, beyond what was taken since.
    strikes: u8,
}

impl Rate {
    /// Whether one more is within so many a second at this time, where a second's worth may come at once.
    pub(crate) fn admits(&mut self, most: Option<usize>, now: Duration) -> bool {
        self.admits_burst(most, most.unwrap_or(1), now)
    }

    /// The same where `burst` may come at once. Both numbers are at most 10 000.
    pub(crate) fn admits_burst(
        &mut self,
        most: Option<usize>,
        burst: usize,
        now: Duration,
    ) -> bool {
        let Some(most) = most else { return true };
        let interval = (SECOND / most.max(1) as u32).max(1);
        let window = interval * burst.max(1) as u32;
        // What is not within the window is long past.
        let ahead = self.ahead(now);
        let ahead = if ahead <= window { ahead } else { 0 };
        let ahead = ahead + interval;
        let admits = ahead <= window;
        if admits {
            self.next = units(now).wrapping_add(ahead).to_le_bytes();
            self.strikes = self.strikes.saturating_sub(1);
        } else {
            self.strikes = self.strikes.saturating_add(1);
        }
        admits
    }

    fn ahead(&self, now: Duration) -> u32 {
        u32::from_le_bytes(self.next).wrapping_sub(units(now))
    }

    /// Whether it goes on after so many refusals: a second's worth of them, 50 at most.
    pub(crate) fn is_flooding(&self, most: Option<usize>) -> bool {
        usize::from(self.strikes) > most.unwrap_or(50).min(50)
    }
}

fn units(now: Duration) -> u32 {
    (now.as_micros() / 100) as u32
}

/// What a [`RateTable`] keeps of one who asks.
pub(crate) trait Owing: Copy + Default {
    /// How far it is from having asked for nothing, at this time; 0: as good as a new one.
    fn owed(&self, now: Duration) -> u32;
}

impl Owing for Rate {
    fn owed(&self, now: Duration) -> u32 {
        let ahead = self.ahead(now);
        // No window is longer than 10 000 s: what seems further ahead is past.
        if ahead <= 10_000 * SECOND { ahead } else { 0 }
    }
}

/// Sets of a table, and places in a set.
const SETS: usize = 1024;
const WAYS: usize = 8;

/// Those who asked lately, 8192 at most: however many come, it does not grow, and a look at it costs the
/// same. Where a set is full, the one is forgotten that owes the least, so that a flood of new ones does
/// not make those be forgotten who are at their limit.
#[derive(Debug)]
pub(crate) struct RateTable<V> {
    seed: u64,
    /// Empty until the first one asks.
    sets: Vec<[(u64, V); WAYS]>,
}

impl<V: Owing> RateTable<V> {
    /// Nobody yet. The seed decides who shares a set: without it nobody can aim at another's.
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            seed,
            sets: Vec::new(),
        }
    }

    /// What is kept of the one with this key.
    pub(crate) fn at(&mut self, key: u64, now: Duration) -> &mut V {
        if self.sets.is_empty() {
            self.sets = vec![[(0, V::default()); WAYS]; SETS];
        }
        let mut hasher = DefaultHasher::new();
        hasher.write_u64(self.seed);
        hasher.write_u64(key);
        let set = &mut self.sets[hasher.finish() as usize % SETS];
        // A place that nobody has had is as good as that of a key 0 which owes nothing.
        let known = set.iter().position(|(known, _)| *known == key);
        let place = known.unwrap_or_else(|| {
            let owed = |place: &usize| set[*place].1.owed(now);
            let place = (0..WAYS).min_by_key(owed).unwrap_or(0);
            set[place] = (key, V::default());
            place
        });
        &mut set[place].1
    }

    /// Bytes that it holds.
    #[cfg(test)]
    pub(crate) fn held(&self) -> usize {
        self.sets.capacity() * size_of::<[(u64, V); WAYS]>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(micros: u64) -> Duration {
        Duration::from_micros(micros)
    }

    #[test]
    fn a_second_s_worth_comes_at_once_and_then_one_at_a_time() {
        let mut rate = Rate::default();
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

    #[test]
    fn a_burst_comes_at_once_also_where_it_is_many_seconds_worth() {
        for (most, burst) in [(1, 1), (1, 10_000), (2, 100), (10_000, 1), (10_000, 10_000)] {
            let mut rate = Rate::default();
            let mut taken = |now, asked| {
                let admits = |_: &usize| rate.admits_burst(Some(most), burst, now);
                (0..asked).filter(admits).count()
            };
            assert_eq!(taken(at(0), burst + 10), burst, "{most} {burst}");
            let interval = 1_000_000 / most as u64;
            assert_eq!(taken(at(interval - 100), 1), 0, "{most} {burst}");
            assert_eq!(taken(at(interval), 2), 1, "{most} {burst}");
            let full = at(interval * (burst as u64 + 2));
            assert_eq!(taken(full, burst + 10), burst, "{most} {burst}");
        }
    }

    #[test]
    fn a_table_keeps_those_apart_who_ask_and_never_grows() {
        let mut table = RateTable::<Rate>::new(7);
        assert_eq!(table.held(), 0, "who has no rate pays nothing");
        let (one, now) = (Some(1), at(5));
        assert!(table.at(1, now).admits(one, now));
        assert!(!table.at(1, now).admits(one, now));
        assert!(table.at(2, now).admits(one, now));
        assert!(table.at(0, now).admits(one, now));
        assert!(!table.at(0, now).admits(one, now));
        let held = table.held();
        for key in 0..1_000_000 {
            table.at(key, now).admits(one, now);
        }
        assert_eq!(table.held(), held);
        assert!(held <= 256 << 10, "{held}");
    }

    #[test]
    fn a_flood_of_others_does_not_make_it_forget_who_is_at_its_limit() {
        let mut table = RateTable::<Rate>::new(3);
        let (most, burst, now) = (Some(10), 50, at(1_000));
        let greedy = 0xffff_0000_7f00_0001;
        while table.at(greedy, now).admits_burst(most, burst, now) {}
        for key in 1..1_000_000 {
            table.at(key, now).admits_burst(most, burst, now);
        }
        assert!(!table.at(greedy, now).admits_burst(most, burst, now));
    }
}
