//! Several nodes and one modelled engine, seed after seed: what the simulation of `src/rooms/cluster` finds.
//!
//! `cargo bench --bench nodes -- [--hubs] --seeds N [--from S] [--jobs N]`, or `--seed S` for one run. `--hubs`: with
//! whole servers and people who speak `dunlin.v1`, instead of what speaks to the engine alone.

use dunlin::rooms::{Seen, simulate, simulate_hubs};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

/// The number behind a flag.
fn flag(name: &str) -> Option<u64> {
    let mut arguments = std::env::args().skip_while(|argument| argument != name);
    arguments.nth(1)?.parse().ok()
}

fn main() -> ExitCode {
    let has_hubs = std::env::args().any(|argument| argument == "--hubs");
    let simulate = if has_hubs { simulate_hubs } else { simulate };
    if let Some(seed) = flag("--seed") {
        return match simulate(seed) {
            Ok(seen) => {
                println!("{seen:#?}");
                ExitCode::SUCCESS
            }
            Err(problem) => {
                println!("{problem}");
                ExitCode::FAILURE
            }
        };
    }
    let (from, seeds) = (flag("--from").unwrap_or(0), flag("--seeds").unwrap_or(200));
    let jobs = flag("--jobs").unwrap_or(2) as usize;
    let (next, failed) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let started = Instant::now();
    let run = || {
        let mut all = Seen::default();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed) as u64;
            if index >= seeds || failed.load(Ordering::Relaxed) >= 10 {
                return all;
            }
            match simulate(from + index) {
                Ok(seen) => all.add(&seen),
                Err(problem) => {
                    println!("{problem}");
                    failed.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
    };
    let mut all = Seen::default();
    thread::scope(|scope| {
        let threads: Vec<_> = (0..jobs).map(|_| scope.spawn(run)).collect();
        for thread in threads {
            all.add(&thread.join().expect("a run that ends"));
        }
    });
    let failed = failed.into_inner();
    let took = started.elapsed().as_secs_f64();
    println!("{seeds} seeds from {from} in {took:.0} s: {failed} findings\n{all:#?}");
    if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
