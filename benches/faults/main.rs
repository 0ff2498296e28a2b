//! `cargo bench --bench faults`: servers, peers of every kind, and a system that goes wrong, by the seed.
//!
//! ```text
//! cargo bench --bench faults -- --seeds 100000      as many runs, each by a seed of its own
//! cargo bench --bench faults -- --seed 17           one run again, and what it was
//! cargo bench --bench faults -- --torture           every call of some scenarios fails once, in every way
//! ```
//!
//! A run is some hundred turns of the real hub and turn over the virtual network. After every turn the
//! simulation checks the server's promises, and the peers check theirs. A run that breaks one is a finding:
//! its seed plays it again, turn for turn. A share of this runs in `cargo test`.

mod arguments;
mod crew;
mod play;
#[path = "../record/mod.rs"]
mod record;
mod report;
mod torture;

use arguments::{Arguments, USAGE, Work};
use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    // `cargo test --benches` runs this too, without `--bench`: a share of it is a test already.
    if words.is_empty() {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    let arguments = match Arguments::parse(&words) {
        Ok(arguments) => arguments,
        Err(problem) => {
            eprintln!("{problem}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let (text, findings) = match arguments.work {
        Work::One(seed) => return one(seed),
        Work::Seeds { from, count } => {
            let machine = record::machine();
            let outcome = crew::run(from, count, arguments.jobs);
            let text = report::seeds(from, &outcome);
            (format!("{machine}\n{text}"), outcome.findings.len())
        }
        Work::Torture => {
            let machine = record::machine();
            let (text, findings) = report::torture();
            (format!("{machine}\n{text}"), findings)
        }
    };
    let text = format!("# Faults, {}\n\n{text}", record::today());
    println!("{text}");
    match arguments.keep.then(|| record::record("faults", &text)) {
        Some(Ok(path)) => println!("recorded in {}", path.display()),
        Some(Err(error)) => {
            eprintln!("faults: the run cannot be recorded: {error}");
            return ExitCode::FAILURE;
        }
        None => {}
    }
    match findings {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

/// Tells what the server logs.
struct Told;

impl log::Log for Told {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        eprintln!("{}: {}", record.level(), record.args());
    }

    fn flush(&self) {}
}

/// Plays one run, with the server's log; a panic tells what is wrong with it.
fn one(seed: u64) -> ExitCode {
    // Nobody else has set one.
    if log::set_logger(&Told).is_ok() {
        log::set_max_level(log::LevelFilter::Debug);
    }
    let totals = play::play(seed);
    println!("{}", report::run(&totals));
    ExitCode::SUCCESS
}
