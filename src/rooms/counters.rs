//! Numbers that are given once.

use super::engine::Outcome;
use std::collections::HashMap;

/// Counters by their names, which programs have a handful of.
#[derive(Debug, Default)]
pub(super) struct Counters(HashMap<Box<str>, u64>);

impl Counters {
    /// The next number of a counter, from 0 on.
    pub(super) fn next(&mut self, name: Box<str>) -> Outcome {
        let next = self.0.entry(name).or_default();
        *next += 1;
        Outcome::Number(*next - 1)
    }
}
