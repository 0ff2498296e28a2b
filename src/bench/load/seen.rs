//! Which numbers of a sender have arrived: what is missing, late, or there twice.

/// How far back an arrival is known to be late and not a second one.
const HORIZON: u32 = 64;

/// What an arrival was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// For the first time: as the next one, or ahead of some that are missing.
    New,
    /// For the first time, behind a later one.
    Late,
    /// Once more.
    Again,
}

/// The numbers that have arrived.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen {
    /// One more than the highest.
    next: u32,
    /// Bit `b`: number `next - 1 - b` has not arrived.
    missing: u64,
}

impl Seen {
    /// Everything below this number is done with.
    pub(super) fn from(next: u32) -> Self {
        Self { next, missing: 0 }
    }

    /// Takes a number.
    #[inline]
    pub(super) fn take(&mut self, number: u32) -> Arrival {
        if number == self.next {
            self.missing <<= 1;
            self.next = number.wrapping_add(1);
            return Arrival::New;
        }
        let ahead = number.wrapping_sub(self.next) as i32;
        if ahead >= 0 {
            let gap = ahead as u32;
            // The new one has arrived, the `gap` before it have not.
            let shifted = self.missing.checked_shl(gap + 1).unwrap_or(0);
            let skipped = 1_u64.checked_shl(gap).map_or(u64::MAX, |bit| bit - 1);
            self.missing = shifted | skipped << 1;
            self.next = number.wrapping_add(1);
            return Arrival::New;
        }
        let back = (-ahead) as u32 - 1;
        let bit = 1_u64.checked_shl(back).unwrap_or(0);
        if back >= HORIZON || self.missing & bit == 0 {
            return Arrival::Again;
        }
        self.missing &= !bit;
        Arrival::Late
    }

    /// The number of which `number` is the rest by `modulus`: the nearest to the next one.
    #[inline]
    pub(super) fn unfold(&self, number: u32, modulus: u64) -> u32 {
        // As a rule it is the next one.
        if let Ok(modulus) = u32::try_from(modulus)
            && self.next % modulus == number
        {
            return self.next;
        }
        let next = u64::from(self.next);
        let ahead = (u64::from(number) + modulus - next % modulus) % modulus;
        if ahead <= modulus / 2 {
            self.next.wrapping_add(ahead as u32)
        } else {
            self.next.wrapping_sub((modulus - ahead) as u32)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Arrival::{Again, Late, New};
    use super::*;

    #[test]
    fn gaps_are_filled_late_and_nothing_counts_twice() {
        let mut seen = Seen::default();
        for (number, arrival) in [
            (0, New),
            (1, New),
            (1, Again),
            (5, New),
            (3, Late),
            (3, Again),
            (2, Late),
            (4, Late),
            (4, Again),
            (6, New),
            (70, New),
            (7, Late),
            (200, New),
            (8, Again),
            (199, Late),
            (137, Late),
            (136, Again),
        ] {
            assert_eq!(seen.take(number), arrival, "{number}");
        }
    }

    #[test]
    fn numbers_wrap() {
        let mut seen = Seen::from(u32::MAX);
        assert_eq!(seen.take(u32::MAX), New);
        assert_eq!(seen.take(1), New);
        assert_eq!(seen.take(0), Late);
        assert_eq!(seen.take(u32::MAX), Again);
    }

    #[test]
    fn a_rest_is_the_nearest_number_of_its_kind() {
        let seen = Seen::from(1003);
        assert_eq!(seen.unfold(3, 10), 1003);
        assert_eq!(seen.unfold(7, 10), 1007);
        assert_eq!(seen.unfold(2, 10), 1002);
        assert_eq!(seen.unfold(9, 10), 999);
        assert_eq!(Seen::default().unfold(3, 10), 3);
        assert_eq!(Seen::from(5).unfold(5, 1 << 32), 5);
    }
}
