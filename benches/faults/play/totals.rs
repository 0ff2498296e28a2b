//! What happened in runs.

use super::cast::Kind;
use dunlin::sim::FaultCounts;
use std::collections::BTreeMap;

#[derive(Default)]
pub(crate) struct Totals {
    pub(crate) runs: u64,
    pub(crate) turns: u64,
    pub(crate) faults: FaultCounts,
    pub(crate) kinds: BTreeMap<Kind, u64>,
    /// Things that reached peers and were checked.
    pub(crate) checked: u64,
    /// Calls to other servers.
    pub(crate) called: u64,
    /// How often bystanders were answered, and the most turns that one waited.
    pub(crate) answers: u64,
    pub(crate) longest: u64,
}

impl Totals {
    /// Adds those of other runs.
    pub(crate) fn add(&mut self, other: Self) {
        self.runs += other.runs;
        self.turns += other.turns;
        self.checked += other.checked;
        self.called += other.called;
        self.answers += other.answers;
        self.longest = self.longest.max(other.longest);
        for (fault, count) in other.faults {
            *self.faults.entry(fault).or_default() += count;
        }
        for (kind, count) in other.kinds {
            *self.kinds.entry(kind).or_default() += count;
        }
    }
}
