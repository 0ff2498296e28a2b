//! Coarse deadlines: two bytes a connection in one parallel array, scanned in
//! order when the earliest is due. For times of seconds: they are kept to within a
//! tick, and in ticks nothing fires early.

use std::time::Duration;

/// Length of a tick in milliseconds.
pub(crate) const TICK_MS: u64 = 100;
const TICK: Duration = Duration::from_millis(TICK_MS);
/// Deadlines lie at most this many ticks ahead (54 minutes), so that two bytes tell before from
/// after: one less than they could, because a deadline may be kept one tick later.
pub(crate) const HORIZON: u64 = 0x7ffe;

/// Deadlines that are looked at together.
const BLOCK: usize = 64;
/// Distances less one from here on are of the past: their deadlines are due.
const DUE: u16 = HORIZON as u16 + 1;

/// Ticks since the start.
pub(crate) type Tick = u64;

/// How many ticks a duration takes, rounded up.
pub(crate) fn ticks(duration: Duration) -> u64 {
    duration.as_nanos().div_ceil(TICK.as_nanos()) as u64
}

/// A tick as it is kept in a connection: its low 16 bits.
pub(crate) type ShortTick = u16;

/// Ticks between a kept tick and now.
pub(crate) fn since(short: ShortTick, now: Tick) -> u64 {
    u64::from((now as u16).wrapping_sub(short))
}

/// One deadline a key, or none.
#[derive(Debug, Default)]
pub(crate) struct Deadlines {
    /// 0: none; a deadline that falls on 0 is kept one tick later.
    at: Vec<ShortTick>,
    /// Nothing is due before; `None`: there is no deadline at all.
    next: Option<Tick>,
}

impl Deadlines {
    /// Sets the deadline of a key to `tick`, which may not be before `now`.
    pub(crate) fn set(&mut self, key: u32, tick: Tick, now: Tick) {
        let tick = tick.clamp(now, now + HORIZON);
        let key = key as usize;
        if key >= self.at.len() {
            self.at.resize(key + 1, 0);
        }
        self.at[key] = (tick as u16).max(1);
        self.next = Some(self.next.map_or(tick, |next| next.min(tick)));
    }

    /// Takes the deadline of a key away.
    pub(crate) fn clear(&mut self, key: u32) {
        if let Some(at) = self.at.get_mut(key as usize) {
            *at = 0;
        }
    }

    /// The deadline of a key.
    pub(crate) fn of(&self, key: u32, now: Tick) -> Option<Tick> {
        match self.at.get(key as usize) {
            None | Some(0) => None,
            Some(&short) => Some(now + u64::from(short.wrapping_sub(now as u16) & 0x7fff)),
        }
    }

    /// The tick of the earliest deadline (or an earlier one, when that was taken away).
    pub(crate) fn next(&self) -> Option<Tick> {
        self.next
    }

    /// Moves every key whose deadline has come to `due`, and takes its deadline away.
    pub(crate) fn expire(&mut self, now: Tick, due: &mut Vec<u32>) {
        if self.next.is_none_or(|next| now < next) {
            return;
        }
        // `u16::MAX`: none. What is kept is one less, so that a due one is greater than all others.
        let mut nearest = u16::MAX;
        for (number, block) in self.at.chunks_mut(BLOCK).enumerate() {
            let (least, most) = look(block, now as u16);
            if most < DUE {
                nearest = nearest.min(least);
                continue;
            }
            for (place, at) in block.iter_mut().enumerate() {
                let ahead = at.wrapping_sub(now as u16).wrapping_sub(1);
                if *at != 0 && ahead >= DUE {
                    *at = 0;
                    due.push((number * BLOCK + place) as u32);
                } else if *at != 0 {
                    nearest = nearest.min(ahead);
                }
            }
        }
        self.next = (nearest < u16::MAX).then(|| now + u64::from(nearest) + 1);
    }
}

/// The least and the greatest distance of a block's deadlines, less one. Without a branch, so that many
/// are looked at in one instruction: with a million connections one deadline or another is due in every tick.
fn look(block: &[ShortTick], now: ShortTick) -> (u16, u16) {
    let (mut least, mut most) = (u16::MAX, 0);
    for &at in block {
        let ahead = at.wrapping_sub(now).wrapping_sub(1);
        least = least.min(if at == 0 { u16::MAX } else { ahead });
        most = most.max(if at == 0 { 0 } else { ahead });
    }
    (least, most)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(deadlines: &mut Deadlines, now: Tick) -> Vec<u32> {
        let mut due = Vec::new();
        deadlines.expire(now, &mut due);
        due
    }

    #[test]
    fn a_duration_takes_as_many_ticks_as_cover_it() {
        for (nanos, expected) in [
            (0, 0),
            (1, 1),
            (100_000_000, 1),
            (100_000_001, 2),
            (250_000_000, 3),
        ] {
            assert_eq!(ticks(Duration::from_nanos(nanos)), expected, "{nanos} ns");
        }
    }

    #[test]
    fn deadlines_fire_once_and_not_early() {
        let mut deadlines = Deadlines::default();
        deadlines.set(3, 10, 0);
        deadlines.set(1, 20, 0);
        assert_eq!(deadlines.next(), Some(10));
        assert_eq!(due(&mut deadlines, 9), [0u32; 0]);
        assert_eq!(due(&mut deadlines, 10), [3]);
        assert_eq!(deadlines.next(), Some(20));
        assert_eq!(due(&mut deadlines, 19), [0u32; 0]);
        assert_eq!(due(&mut deadlines, 25), [1]);
        assert_eq!(deadlines.next(), None);
    }

    #[test]
    fn a_deadline_can_be_moved_and_taken_away() {
        let mut deadlines = Deadlines::default();
        deadlines.set(0, 10, 0);
        deadlines.set(0, 30, 0);
        deadlines.set(1, 12, 0);
        deadlines.clear(1);
        assert_eq!(due(&mut deadlines, 29), [0u32; 0]);
        assert_eq!(deadlines.of(0, 29), Some(30));
        assert_eq!(due(&mut deadlines, 30), [0]);
    }

    #[test]
    fn two_bytes_are_enough_across_every_border() {
        for now in [0, 32_000, 65_534, 65_535, 65_536, 1 << 20] {
            for ahead in [1, 2, 1000, HORIZON] {
                let mut deadlines = Deadlines::default();
                deadlines.set(0, now + ahead, now);
                assert_eq!(
                    due(&mut deadlines, now + ahead - 1),
                    [0u32; 0],
                    "{now} {ahead}"
                );
                // One tick late where the low bits are 0, never early.
                let slack = u64::from((now + ahead) as u16 == 0);
                assert_eq!(
                    due(&mut deadlines, now + ahead + slack),
                    [0],
                    "{now} {ahead}"
                );
            }
        }
    }

    #[test]
    fn a_deadline_a_whole_horizon_away_is_not_early_whatever_is_looked_at_before() {
        // 65 536 less a horizon: there its low bits are 0, and it is kept one tick later.
        for now in [0, 1, 32_768, 65_536 - HORIZON, 65_535, 1 << 20] {
            let mut deadlines = Deadlines::default();
            deadlines.set(0, now + HORIZON, now);
            for at in [0, 1, 2, HORIZON / 2, HORIZON - 1] {
                // Another one that is due makes the loop look at all of them.
                deadlines.set(1, now + at, now + at);
                let late = u64::from((now + at) as u16 == 0);
                assert_eq!(due(&mut deadlines, now + at + late), [1], "{now} {at}");
                assert!(deadlines.of(0, now + at).is_some(), "{now} {at}");
            }
            let slack = u64::from((now + HORIZON) as u16 == 0);
            assert_eq!(due(&mut deadlines, now + HORIZON + slack), [0], "{now}");
        }
    }

    #[test]
    fn a_deadline_beyond_the_horizon_comes_at_the_horizon() {
        let mut deadlines = Deadlines::default();
        deadlines.set(0, 10 * HORIZON, 5);
        assert_eq!(deadlines.of(0, 5), Some(5 + HORIZON));
    }
}
