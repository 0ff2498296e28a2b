//! CPU time of this thread, and medians of rounds of it.

use crate::record;
use std::time::Duration;

/// How many rounds there are, and how long one is.
#[derive(Clone, Copy)]
pub(crate) struct Clock {
    pub(crate) rounds: usize,
    pub(crate) round: Duration,
}

impl Clock {
    pub(crate) const FULL: Self = Self {
        rounds: 7,
        round: Duration::from_millis(8),
    };
    pub(crate) const QUICK: Self = Self {
        rounds: 3,
        round: Duration::from_millis(2),
    };

    /// Nanoseconds of a call: the median of the rounds.
    pub(crate) fn per_call(self, mut call: impl FnMut()) -> f64 {
        call();
        self.median(|| {
            let (start, mut calls) = (cpu(), 0u32);
            loop {
                call();
                calls += 1;
                // The clock is a system call: it is asked ever less often.
                if calls.is_power_of_two() || calls.is_multiple_of(1024) {
                    let spent = cpu() - start;
                    if spent >= self.round.as_nanos() as f64 {
                        return spent / f64::from(calls);
                    }
                }
            }
        })
    }

    /// Nanoseconds of `work`, without those of what has to be there before it. `work` should take
    /// some ten microseconds at least.
    pub(crate) fn per_batch<T>(
        self,
        mut prepare: impl FnMut() -> T,
        mut work: impl FnMut(T),
    ) -> f64 {
        self.median(|| {
            let (begin, mut spent, mut batches) = (cpu(), 0.0, 0u32);
            let most = 2.0 * self.round.as_nanos() as f64;
            while batches == 0 || cpu() - begin < most {
                let prepared = prepare();
                let start = cpu();
                work(prepared);
                spent += cpu() - start;
                batches += 1;
            }
            spent / f64::from(batches)
        })
    }

    fn median(self, round: impl FnMut() -> f64) -> f64 {
        let values: Vec<f64> = std::iter::repeat_with(round).take(self.rounds).collect();
        record::median(&values)
    }
}

/// CPU time of this thread in nanoseconds: a neighbour on the same core does not count.
#[cfg(target_os = "linux")]
fn cpu() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

/// Elsewhere time itself has to do.
#[cfg(not(target_os = "linux"))]
fn cpu() -> f64 {
    static START: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    let start = START.get_or_init(std::time::Instant::now);
    start.elapsed().as_nanos() as f64
}
