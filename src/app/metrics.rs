//! What a server counts for those who watch it: plain numbers, bounded tables, no name of a peer.
//!
//! Every table has a fixed number of rows: nothing that a peer sends can add one.

use crate::wire::close::CloseCode;
use crate::wire::response::Status;
use std::time::Duration;

/// Counters of a server, as of the end of the last turn of its loop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Connections accepted since the start; calls to other servers are none.
    pub accepted: u64,
    /// Connections that live now, upgraded or not, calls included.
    pub connections: u64,
    /// Sessions opened since the start.
    pub opened: u64,
    /// Sessions closed since the start.
    pub closed: u64,
    /// Messages received.
    pub received: u64,
    /// Messages sent, one per receiver.
    pub sent: u64,
    /// Messages dropped by a backlog policy, and binary ones that an event stream cannot carry.
    pub dropped: u64,
    /// Connections and requests that were refused with 429, and messages that rooms did not take, because
    /// their address or user had too many.
    pub limited: u64,
    /// Bytes that wait for slow peers or for the rest of a message, now.
    pub buffered: u64,
    /// The most that may be buffered: [`Limits::max_buffered`](crate::Limits::max_buffered) as it is in force.
    pub max_buffered: Option<u64>,
}

/// Statuses that have a row of their own; all others share one.
const STATUSES: [u16; 34] = [
    101, 200, 201, 204, 206, 301, 302, 303, 304, 307, 308, 400, 401, 403, 404, 405, 406, 408, 409,
    410, 412, 413, 414, 415, 417, 421, 426, 429, 431, 500, 501, 502, 503, 505,
];

/// How often each HTTP status was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusCounts([u64; STATUSES.len() + 1]);

impl Default for StatusCounts {
    fn default() -> Self {
        Self([0; STATUSES.len() + 1])
    }
}

impl StatusCounts {
    pub(crate) fn add(&mut self, status: Status) {
        let known = STATUSES.binary_search(&status.code());
        self.0[known.unwrap_or(STATUSES.len())] += 1;
    }

    /// How often this status was answered. A status without a row of its own: all of those together.
    pub fn of(&self, status: Status) -> u64 {
        let known = STATUSES.binary_search(&status.code());
        self.0[known.unwrap_or(STATUSES.len())]
    }

    /// Every row: its name, which is the code or `other`, and its number.
    pub fn rows(&self) -> impl Iterator<Item = (String, u64)> {
        let names = STATUSES.iter().map(u16::to_string);
        let names = names.chain(std::iter::once("other".to_owned()));
        names.zip(self.0.iter().copied())
    }

    /// All of them together.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }
}

/// The first code of RFC 6455 §7.4.1, and how many follow it.
const FIRST_CODE: u16 = 1000;
const CODES: usize = 16;

/// How often sessions ended with each close code (RFC 6455 §7.4): 1000 to 1015 have a row each, and
/// there is one for 3000 to 3999, for 4000 to 4999 and for all others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CloseCounts([u64; CODES + 3]);

impl CloseCounts {
    fn row(code: CloseCode) -> usize {
        match code.get() {
            code @ 1000..=1015 => usize::from(code - FIRST_CODE),
            3000..=3999 => CODES,
            4000..=4999 => CODES + 1,
            _ => CODES + 2,
        }
    }

    pub(crate) fn add(&mut self, code: CloseCode) {
        self.0[Self::row(code)] += 1;
    }

    /// How often sessions ended with this code, or with one of its row.
    pub fn of(&self, code: impl Into<CloseCode>) -> u64 {
        self.0[Self::row(code.into())]
    }

    /// Every row: its name, which is the code, `3xxx`, `4xxx` or `other`, and its number.
    pub fn rows(&self) -> impl Iterator<Item = (String, u64)> {
        let codes = (FIRST_CODE..).take(CODES).map(|code| code.to_string());
        let others = ["3xxx", "4xxx", "other"].map(str::to_owned);
        codes.chain(others).zip(self.0.iter().copied())
    }
}

/// Upper bounds of the buckets of [`LagHistogram`]; a last one has no bound.
const BOUNDS: [Duration; 13] = [
    Duration::from_micros(100),
    Duration::from_micros(250),
    Duration::from_micros(500),
    Duration::from_millis(1),
    Duration::from_micros(2_500),
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(25),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
];

/// How long turns of the loop took: what an event waits at most that arrives while one is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LagHistogram {
    buckets: [u64; BOUNDS.len() + 1],
    sum: Duration,
}

impl LagHistogram {
    #[inline]
    pub(crate) fn add(&mut self, lag: Duration) {
        let bucket = BOUNDS.iter().position(|bound| lag <= *bound);
        self.buckets[bucket.unwrap_or(BOUNDS.len())] += 1;
        self.sum += lag;
    }

    /// The buckets: an upper bound (`None`: there is no bound), and how many turns took no longer than
    /// that. Each counts what those before it count, so that the last counts every turn.
    pub fn buckets(&self) -> impl Iterator<Item = (Option<Duration>, u64)> {
        let bounds = BOUNDS.iter().copied().map(Some);
        let bounds = bounds.chain(std::iter::once(None));
        bounds.zip(self.buckets.iter().scan(0, |sum, count| {
            *sum += count;
            Some(*sum)
        }))
    }

    /// How many turns there were.
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// How long all of them took together.
    pub fn sum(&self) -> Duration {
        self.sum
    }
}

/// What is counted of the engine that rooms are shared by, where there is one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct EngineStats {
    /// Both lines are up.
    pub is_ready: bool,
    /// Lines that were lost after they had been up.
    pub disconnects: u64,
    /// Requests that were answered, and how long that took together, milliseconds.
    pub answers: u64,
    /// See `answers`.
    pub waited_ms: u64,
    /// The longest that an answer took, milliseconds.
    pub longest_ms: u64,
    /// Rooms whose histories were read because pushes may have been missed.
    pub mended: u64,
    /// Messages that were delivered by that.
    pub mended_messages: u64,
    /// Ids that could not be mended: members were told of a gap.
    pub lost_ids: u64,
    /// Times that a room began a new epoch while somebody here was in it.
    pub epochs: u64,
    /// Requests that were refused because the engine was away.
    pub unavailable: u64,
}

/// Why a server is not ready for more connections, worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotReady {
    /// It is shutting down.
    Stopping,
    /// The system has no descriptors for another connection, and accepting pauses.
    AcceptPaused,
    /// More was buffered than [`Limits::max_buffered`](crate::Limits::max_buffered) within the last second.
    OutOfMemory,
    /// The engine that rooms are shared by does not answer.
    EngineAway,
}

impl NotReady {
    /// The reason as a sentence for an operator.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Stopping => "the server is stopping",
            Self::AcceptPaused => {
                "accepting is paused: the process or the system is out of descriptors"
            }
            Self::OutOfMemory => "more is buffered than max_buffered allows",
            Self::EngineAway => "the engine of the rooms does not answer",
        }
    }
}

/// Everything that a server counts, beside its [`Stats`] also what only an operator wants to know:
/// [`Context::metrics`](super::Context::metrics) and [`Remote::metrics`](super::Remote::metrics).
///
/// Counters run from the start of the server and never go back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metrics {
    /// The counters that programs look at.
    pub stats: Stats,
    /// Bytes that were read from peers, as they came over the wire.
    pub bytes_received: u64,
    /// Bytes that the system took to be sent to peers.
    pub bytes_sent: u64,
    /// Answers to requests for a session: 101 for those that opened, and the status of each refusal.
    pub handshakes: StatusCounts,
    /// Answers to all other requests, and refusals of connections before they asked for anything. A
    /// response that is streamed counts when it begins; an event stream is a 200 here.
    pub responses: StatusCounts,
    /// Sessions that ended, by close code.
    pub closes: CloseCounts,
    /// Sessions that were closed because their peer read too slowly.
    pub slow_closed: u64,
    /// How often accepting paused for want of descriptors.
    pub accept_pauses: u64,
    /// Work that turns did, in units of about a nanosecond on the reference machine.
    pub work: u64,
    /// Turns that used all of their budget of work, so that something waited for the next one.
    pub turns_exhausted: u64,
    /// How long turns took; it counts every turn.
    pub lag: LagHistogram,
    /// Of the engine that rooms are shared by, if there is one.
    pub engine: Option<EngineStats>,
    /// Why the server should be sent nobody now; `None`: it is ready.
    pub not_ready: Option<NotReady>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_counted_by_code_and_unknown_ones_together() {
        let mut counts = StatusCounts::default();
        let mut known = STATUSES;
        known.sort_unstable();
        assert_eq!(known, STATUSES, "they are searched for");
        for code in [101, 101, 503, 299, 599] {
            counts.add(Status::new(code).unwrap());
        }
        assert_eq!(counts.of(Status::SWITCHING_PROTOCOLS), 2);
        assert_eq!(counts.of(Status::SERVICE_UNAVAILABLE), 1);
        assert_eq!(counts.of(Status::new(299).unwrap()), 2);
        assert_eq!(counts.rows().last(), Some(("other".to_owned(), 2)));
        assert_eq!(counts.total(), 5);
    }

    #[test]
    fn close_codes_have_a_bounded_set_of_rows() {
        let mut counts = CloseCounts::default();
        for code in 0..=u16::MAX {
            counts.add(CloseCode::new(code));
        }
        let rows: Vec<_> = counts.rows().collect();
        assert_eq!(rows.len(), 19);
        assert_eq!(rows[6], ("1006".to_owned(), 1));
        assert_eq!(rows[16], ("3xxx".to_owned(), 1000));
        assert_eq!(rows[17], ("4xxx".to_owned(), 1000));
        assert_eq!(rows[18], ("other".to_owned(), 65_536 - 2_016));
    }

    #[test]
    fn buckets_of_the_lag_are_cumulative_and_the_last_counts_every_turn() {
        let mut lag = LagHistogram::default();
        for us in [50, 100, 101, 3_000_000] {
            lag.add(Duration::from_micros(us));
        }
        let buckets: Vec<_> = lag.buckets().collect();
        assert_eq!(buckets[0], (Some(Duration::from_micros(100)), 2));
        assert_eq!(buckets[1].1, 3);
        assert_eq!(buckets[12], (Some(Duration::from_secs(1)), 3));
        assert_eq!(buckets[13], (None, 4));
        assert_eq!(
            (lag.count(), lag.sum()),
            (4, Duration::from_micros(3_000_251))
        );
    }
}
