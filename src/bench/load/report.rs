//! What a worker is told, and what it tells: values that cross threads and processes.

use super::figures::{Figures, Times};
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

/// Nanoseconds of a second.
const SECOND: u64 = 1_000_000_000;

/// What a worker is told.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// Open the connections.
    Ramp,
    /// Send.
    Load,
    /// Measure from now on.
    Measure,
    /// Send no more.
    Stop,
    /// Close everything and end.
    Close,
}

/// What a worker tells.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Report {
    /// Four times a second.
    Tick(Tick),
    /// Every connection is open, or will not be.
    Settled(Tick),
    /// The measured span has begun: CPU time of the worker's thread so far, and time it waited for a core.
    Measuring(Cpu),
    /// It is over: the same, and how the worker did until then.
    Stopped(Cpu, Tick),
    /// Nothing is awaited any more.
    Drained,
    /// All that was found.
    Done(Box<Figures>, Option<String>),
    /// The worker cannot work.
    Failed(String),
}

/// How a worker does.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Tick {
    /// Connections that are open.
    pub open: u64,
    /// Sessions that opened so far.
    pub opened: u64,
    /// Messages sent so far.
    pub sent: u64,
    /// Answers so far.
    pub answered: u64,
    /// Errors so far.
    pub errors: u64,
    /// Response times since the last tick.
    pub recent: Times,
    /// CPU time so far.
    pub cpu: Cpu,
}

/// CPU time of a thread, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
pub struct Cpu {
    /// On a core.
    pub used: u64,
    /// Ready to run, while others had the core.
    pub waited: u64,
}

impl Cpu {
    /// Of this thread so far.
    pub fn of_this_thread() -> Self {
        let time = clock_gettime(ClockId::ThreadCPUTime);
        let waited = std::fs::read_to_string("/proc/thread-self/schedstat");
        let waited = waited
            .ok()
            .and_then(|line| line.split(' ').nth(1)?.parse().ok());
        Self {
            used: time.tv_sec as u64 * SECOND + time.tv_nsec as u64,
            waited: waited.unwrap_or(0),
        }
    }

    /// What was used since then.
    pub fn since(self, before: Self) -> Self {
        Self {
            used: self.used.saturating_sub(before.used),
            waited: self.waited.saturating_sub(before.waited),
        }
    }
}
