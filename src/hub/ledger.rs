//! How many bytes are held for all connections: one sum, changed in one place.
//!
//! Two numbers each: bytes that wait for somebody, which is what a program and a log are told, and
//! the memory that was allocated for them, which is what limits are about. Whoever changes what a
//! connection holds does so inside [`Core::keep`](crate::hub::core::Core::keep), or tells the ledger both
//! sums itself.

use std::ops::{Add, Sub};

/// What something holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Held {
    /// Bytes that wait.
    pub(crate) waiting: usize,
    /// Bytes of memory that were allocated for them.
    pub(crate) memory: usize,
}

impl Held {
    /// So many bytes in a buffer of this capacity.
    pub(crate) const fn new(waiting: usize, memory: usize) -> Self {
        Self { waiting, memory }
    }
}

impl Add for Held {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            waiting: self.waiting + other.waiting,
            memory: self.memory + other.memory,
        }
    }
}

impl Sub for Held {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self {
            waiting: self.waiting - other.waiting,
            memory: self.memory - other.memory,
        }
    }
}

/// The sum over all connections.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    held: Held,
}

impl Ledger {
    /// What held so much holds something else now.
    #[inline]
    pub(crate) fn change(&mut self, before: Held, after: Held) {
        self.held = self.held + after - before;
    }

    /// What is held.
    pub(crate) fn held(&self) -> Held {
        self.held
    }
}

#[cfg(test)]
mod tests {
    use super::{Held, Ledger};

    #[test]
    fn what_is_let_go_is_no_longer_held() {
        let mut ledger = Ledger::default();
        let (none, some, more) = (Held::default(), Held::new(10, 100), Held::new(20, 250));
        ledger.change(none, some);
        ledger.change(some, more);
        ledger.change(none, Held::new(1, 1));
        ledger.change(more, none);
        assert_eq!(ledger.held(), Held::new(1, 1));
    }
}
