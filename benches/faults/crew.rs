//! Many runs in several threads. A run that fails is noted, and the others go on.

use super::play::{self, Totals};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// A line of progress comes this often.
const TELL_EVERY: Duration = Duration::from_secs(5);
/// Findings that are told; the others are counted.
const MOST_TOLD: usize = 50;

/// A run that broke a promise.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    pub(crate) seed: u64,
    pub(crate) message: String,
}

pub(crate) struct Outcome {
    pub(crate) totals: Totals,
    pub(crate) findings: Vec<Finding>,
    pub(crate) took: Duration,
}

thread_local! {
    /// What the panic of this thread says, and where.
    static SAID: std::cell::RefCell<String> = const { std::cell::RefCell::new(String::new()) };
}

/// Panics are findings: they are kept and not printed. Those of the program are expected.
fn keep_panics() {
    std::panic::set_hook(Box::new(|info| {
        let message = info.payload_as_str().unwrap_or("it said nothing");
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        let said = format!("{place}: {}", message.replace('\n', " "));
        SAID.with_borrow_mut(|kept| *kept = said);
    }));
}

/// Plays the runs of so many seeds.
pub(crate) fn run(from: u64, count: u64, jobs: usize) -> Outcome {
    keep_panics();
    let start = Instant::now();
    let next = AtomicUsize::new(0);
    let outcome = Mutex::new((Totals::default(), Vec::<Finding>::new()));
    let lock = || outcome.lock().unwrap_or_else(PoisonError::into_inner);
    thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed) as u64;
                    if number >= count {
                        return;
                    }
                    let seed = from + number;
                    match catch_unwind(AssertUnwindSafe(|| play::play(seed))) {
                        Ok(totals) => lock().0.add(totals),
                        Err(_) => {
                            let message = SAID.with_borrow_mut(std::mem::take);
                            let findings = &mut lock().1;
                            if findings.len() < MOST_TOLD {
                                eprintln!("seed {seed}: {message}");
                            }
                            findings.push(Finding { seed, message });
                        }
                    }
                }
            });
        }
        let mut told = Instant::now();
        while (next.load(Ordering::Relaxed) as u64) < count {
            thread::sleep(Duration::from_millis(50));
            if told.elapsed() >= TELL_EVERY {
                told = Instant::now();
                let (turns, found) = {
                    let outcome = lock();
                    (outcome.0.turns, outcome.1.len())
                };
                let done = (next.load(Ordering::Relaxed) as u64).min(count);
                let each = start.elapsed().as_secs_f64() / done.max(1) as f64;
                let left = each * (count - done) as f64;
                eprintln!(
                    "{done} of {count} seeds, {turns} turns, {found} findings, {left:.0} s left"
                );
            }
        }
    });
    let (totals, mut findings) = outcome.into_inner().unwrap_or_else(PoisonError::into_inner);
    findings.sort_by_key(|finding| finding.seed);
    Outcome {
        totals,
        findings,
        took: start.elapsed(),
    }
}
