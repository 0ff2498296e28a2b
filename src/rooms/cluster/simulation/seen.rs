//! What a run saw, and how long it takes.

/// Virtual milliseconds in which things go wrong.
pub(super) const TROUBLE: u64 = 40_000;
/// Within which presence must be right, and all delivered, once nothing goes wrong any more.
pub(super) const PEACE: u64 = 20_000;

/// What a run saw.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen {
    /// Steps that were made.
    pub steps: u64,
    /// Messages that were published and receipted.
    pub receipts: u64,
    /// Messages that members got.
    pub deliveries: u64,
    /// Connections that were cut.
    pub cuts: u64,
    /// Engines that were replaced, by another process with the same data, or with older ones.
    pub failovers: u64,
    /// Messages that were lost by that.
    pub lost: u64,
    /// Nodes that were killed.
    pub kills: u64,
    /// Nodes and engines that stood still for a while.
    pub pauses: u64,
    /// Epochs that members were told of.
    pub epochs: u64,
    /// Gaps that members were told of.
    pub gaps: u64,
    /// Joins that resumed with nothing missing, and those that could not.
    pub resumed: u64,
    /// See `resumed`.
    pub unresumed: u64,
    /// Operations that were refused because the engine was away.
    pub refused: u64,
}

impl Seen {
    /// Of some runs, all of which must end well.
    #[cfg(test)]
    pub(super) fn of(seeds: std::ops::Range<u64>, run: fn(u64) -> Result<Self, String>) -> Self {
        let mut all = Self::default();
        for seed in seeds {
            match run(seed) {
                Ok(seen) => all.add(&seen),
                Err(problem) => panic!("{problem}"),
            }
        }
        all
    }

    /// Whether everything happened that must: what never does proves nothing.
    #[cfg(test)]
    pub(super) fn has_all(&self) -> bool {
        let all = [
            self.receipts,
            self.deliveries,
            self.cuts,
            self.failovers,
            self.lost,
            self.kills,
            self.pauses,
            self.epochs,
            self.resumed,
            self.unresumed,
            self.refused,
        ];
        all.iter().all(|count| *count > 0)
    }

    /// Adds another run.
    pub fn add(&mut self, other: &Self) {
        let parts = [
            (&mut self.steps, other.steps),
            (&mut self.receipts, other.receipts),
            (&mut self.deliveries, other.deliveries),
            (&mut self.cuts, other.cuts),
            (&mut self.failovers, other.failovers),
            (&mut self.lost, other.lost),
            (&mut self.kills, other.kills),
            (&mut self.pauses, other.pauses),
            (&mut self.epochs, other.epochs),
            (&mut self.gaps, other.gaps),
            (&mut self.resumed, other.resumed),
            (&mut self.unresumed, other.unresumed),
            (&mut self.refused, other.refused),
        ];
        for (sum, part) in parts {
            *sum += part;
        }
    }
}
