//! What a server counts, each number in one place.

use crate::app::Stats;

/// Counters since the start.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    counted: Stats,
}

impl Metrics {
    /// A connection came in.
    pub(crate) fn on_accepted(&mut self) {
        self.counted.accepted += 1;
    }

    /// A connection or a request was refused, or a message of a room, for a limit by address or user.
    pub(crate) fn on_limited(&mut self) {
        self.counted.limited += 1;
    }

    /// A handler opened a session.
    pub(crate) fn on_opened(&mut self) {
        self.counted.opened += 1;
    }

    /// A session is over.
    pub(crate) fn on_closed(&mut self) {
        self.counted.closed += 1;
    }

    /// A message arrived.
    #[inline]
    pub(crate) fn on_received(&mut self) {
        self.counted.received += 1;
    }

    /// Messages went out or wait to, one for each receiver.
    #[inline]
    pub(crate) fn on_sent(&mut self, messages: u64) {
        self.counted.sent += messages;
    }

    /// What was sent in an open event that refused is taken away again.
    pub(crate) fn on_unsent(&mut self, messages: u64) {
        self.counted.sent -= messages;
    }

    /// A backlog policy dropped messages.
    pub(crate) fn on_dropped(&mut self, messages: u64) {
        self.counted.dropped += messages;
    }

    /// How many messages went out or wait to.
    pub(crate) fn sent(&self) -> u64 {
        self.counted.sent
    }

    /// All of it, with what only the hub knows: how many connections live and how many bytes wait.
    pub(crate) fn stats(&self, connections: usize, buffered: usize) -> Stats {
        Stats {
            connections: connections as u64,
            buffered: buffered as u64,
            ..self.counted
        }
    }
}
