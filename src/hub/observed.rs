//! What is told of a hub: its counters, to programs and to other threads, and what a turn adds to them.

use crate::app::{Metrics, Stats};
use crate::hub::core::{Core, Hub};
use std::time::Duration;

impl Hub {
    /// The counters of now.
    pub fn stats(&self) -> Stats {
        self.core.stats()
    }

    /// Everything that is counted, as of now.
    pub(crate) fn metrics(&self) -> Metrics {
        self.core.metrics()
    }

    /// A turn is over: how long it took and what it spent, of so much.
    pub(crate) fn end_turn(&mut self, lag: Duration, spent: i64, budget: u32) {
        let spent = u64::try_from(spent).unwrap_or(0);
        let is_exhausted = spent >= budget.into();
        self.core.metrics.on_turn(lag, spent, is_exhausted);
    }

    /// Brings what other threads see up to date.
    pub(crate) fn publish_metrics(&mut self, shared: &mut Metrics) {
        let (stats, is_stopping) = (self.core.stats(), self.core.is_stopping());
        let now = self.core.now.ms;
        self.core.metrics.publish(shared, stats, is_stopping, now);
    }

    /// Accepting pauses for want of descriptors, or goes on.
    pub(crate) fn set_accept_paused(&mut self, is_paused: bool) {
        self.core.metrics.on_accepting(is_paused);
    }

    /// How many topics there are.
    pub fn topics(&self) -> usize {
        self.core.topics.len()
    }
}

impl Core {
    /// The counters of now.
    pub(crate) fn stats(&self) -> Stats {
        let waiting = self.ledger.held().waiting + self.topics.held().waiting;
        Stats {
            connections: self.connections() as u64,
            buffered: waiting as u64,
            max_buffered: self.limits.max_buffered.map(|bytes| bytes as u64),
            ..self.metrics.stats()
        }
    }

    /// Everything that is counted, as of now.
    pub(crate) fn metrics(&self) -> Metrics {
        let (stats, is_stopping) = (self.stats(), self.is_stopping());
        self.metrics.all(stats, is_stopping, self.now.ms)
    }
}
