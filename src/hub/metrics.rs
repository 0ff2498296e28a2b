//! What a server counts, each number in one place.

use crate::app::{EngineStats, Metrics, NotReady, Stats};
use crate::wire::close::CloseCode;
use crate::wire::response::Status;
use std::time::Duration;

/// For so long after memory was short the server is not ready, in milliseconds.
const SHORT_OF_MEMORY_MS: u64 = 1_000;

/// Counters since the start.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    counted: Metrics,
    /// A table has changed since it was published.
    has_new_rows: bool,
    /// Accepting pauses now.
    is_accept_paused: bool,
    /// When more was held than may be the last time, in milliseconds since the start.
    was_short_at: Option<u64>,
}

impl Counters {
    /// How the engine of the rooms is.
    pub(crate) fn on_engine(&mut self, engine: EngineStats) {
        self.counted.engine = Some(engine);
    }

    /// A connection came in.
    pub(crate) fn on_accepted(&mut self) {
        self.counted.stats.accepted += 1;
    }

    /// A connection or a request was refused, or a message of a room, for a limit by address or user.
    pub(crate) fn on_limited(&mut self) {
        self.counted.stats.limited += 1;
    }

    /// A handler opened a session.
    pub(crate) fn on_opened(&mut self) {
        self.counted.stats.opened += 1;
    }

    /// A session is over.
    pub(crate) fn on_closed(&mut self, code: CloseCode) {
        self.counted.stats.closed += 1;
        self.counted.closes.add(code);
        self.has_new_rows = true;
    }

    /// A message arrived.
    #[inline]
    pub(crate) fn on_received(&mut self) {
        self.counted.stats.received += 1;
    }

    /// So many bytes were read.
    #[inline]
    pub(crate) fn on_read(&mut self, bytes: usize) {
        self.counted.bytes_received += bytes as u64;
    }

    /// The transport took so many bytes.
    #[inline]
    pub(crate) fn on_written(&mut self, bytes: usize) {
        self.counted.bytes_sent += bytes as u64;
    }

    /// Messages went out or wait to, one for each receiver.
    #[inline]
    pub(crate) fn on_sent(&mut self, messages: u64) {
        self.counted.stats.sent += messages;
    }

    /// What was sent in an open event that refused is taken away again.
    pub(crate) fn on_unsent(&mut self, messages: u64) {
        self.counted.stats.sent -= messages;
    }

    /// A backlog policy dropped messages.
    pub(crate) fn on_dropped(&mut self, messages: u64) {
        self.counted.stats.dropped += messages;
    }

    /// A session is closed because its peer reads too slowly.
    pub(crate) fn on_slow(&mut self) {
        self.counted.slow_closed += 1;
    }

    /// A request is answered; of one that asked for a session that is its handshake.
    pub(crate) fn on_answered(&mut self, status: Status, is_handshake: bool) {
        self.has_new_rows = true;
        if is_handshake {
            self.counted.handshakes.add(status);
        } else {
            self.counted.responses.add(status);
        }
    }

    /// Accepting pauses for want of descriptors, or goes on.
    pub(crate) fn on_accepting(&mut self, is_paused: bool) {
        if is_paused && !self.is_accept_paused {
            self.counted.accept_pauses += 1;
        }
        self.is_accept_paused = is_paused;
    }

    /// More is held than may be.
    pub(crate) fn on_short_of_memory(&mut self, now_ms: u64) {
        self.was_short_at = Some(now_ms);
    }

    /// A turn is over: how long it took, what it spent, and whether that was all it had.
    #[inline]
    pub(crate) fn on_turn(&mut self, lag: Duration, spent: u64, is_exhausted: bool) {
        self.counted.lag.add(lag);
        self.counted.work += spent;
        self.counted.turns_exhausted += u64::from(is_exhausted);
    }

    /// How many messages went out or wait to.
    pub(crate) fn sent(&self) -> u64 {
        self.counted.stats.sent
    }

    /// The counters that programs look at, without what only the hub knows.
    pub(crate) fn stats(&self) -> Stats {
        self.counted.stats
    }

    /// Brings a copy up to date. The tables of rare events are copied only when they have changed.
    pub(crate) fn publish(
        &mut self,
        copy: &mut Metrics,
        stats: Stats,
        is_stopping: bool,
        now_ms: u64,
    ) {
        if std::mem::take(&mut self.has_new_rows) {
            *copy = self.all(stats, is_stopping, now_ms);
            return;
        }
        copy.stats = stats;
        copy.bytes_received = self.counted.bytes_received;
        copy.bytes_sent = self.counted.bytes_sent;
        copy.slow_closed = self.counted.slow_closed;
        copy.accept_pauses = self.counted.accept_pauses;
        copy.work = self.counted.work;
        copy.turns_exhausted = self.counted.turns_exhausted;
        copy.lag = self.counted.lag;
        copy.engine = self.counted.engine;
        copy.not_ready = self.not_ready(is_stopping, now_ms);
    }

    fn not_ready(&self, is_stopping: bool, now_ms: u64) -> Option<NotReady> {
        let was_short = |at: u64| now_ms < at + SHORT_OF_MEMORY_MS;
        if is_stopping {
            Some(NotReady::Stopping)
        } else if self.is_accept_paused {
            Some(NotReady::AcceptPaused)
        } else if self.was_short_at.is_some_and(was_short) {
            Some(NotReady::OutOfMemory)
        } else if self.counted.engine.is_some_and(|engine| !engine.is_ready) {
            Some(NotReady::EngineAway)
        } else {
            None
        }
    }

    /// All of them, with the state of the hub.
    pub(crate) fn all(&self, stats: Stats, is_stopping: bool, now_ms: u64) -> Metrics {
        Metrics {
            stats,
            not_ready: self.not_ready(is_stopping, now_ms),
            ..self.counted
        }
    }
}
