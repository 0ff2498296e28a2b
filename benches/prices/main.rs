//! What the items of the price list cost: `cargo bench --bench prices [-- --quick] [--record]`.
//!
//! A turn of the loop counts its work in units of about a nanosecond (`wire::work::price`). Here each
//! price stands beside what it pays for, in nanoseconds of CPU time of one thread: medians of rounds,
//! so that a busy machine matters less. An input of several items is charged by the meter of the code
//! that it goes through. A price stands for the worst input: it is off where one costs more than three
//! times as much, or where all inputs of a single item cost less than 0.3 of it. The second table
//! tells what a turn takes that is full of one kind of work.

mod bytes;
mod clock;
mod crowds;
mod deflate;
mod hub;
mod lanes;
#[path = "../record/mod.rs"]
mod record;
mod rooms;
mod row;
mod sockets;
mod tls;

use clock::Clock;
use std::io;
use std::process::ExitCode;

const USAGE: &str = "usage: cargo bench --bench prices -- [--quick] [--record]
  --quick    three short rounds
  --record   write the run to benches/runs/";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    // `cargo test --benches` runs this too, without `--bench`: no time for measurements then.
    if words.is_empty() {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    let (mut clock, mut keep) = (Clock::FULL, false);
    for word in &words {
        match word.as_str() {
            // What cargo itself adds.
            "--bench" => {}
            "--quick" => clock = Clock::QUICK,
            "--record" => keep = true,
            _ => {
                eprintln!("{USAGE}");
                return ExitCode::from(2);
            }
        }
    }
    match run(clock, keep) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("prices: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(clock: Clock, keep: bool) -> io::Result<()> {
    let machine = record::machine();
    let mut rows = hub::rows(clock);
    rows.extend(crowds::rows(clock));
    rows.extend(rooms::rows(clock));
    rows.extend(sockets::rows(clock)?);
    rows.extend(lanes::rows(clock));
    rows.extend(deflate::rows(clock));
    rows.extend(tls::rows(clock));
    let text = format!(
        "# Prices, {}\n\n{machine}\nPrices in units of about a nanosecond; measured in nanoseconds of CPU \
         time, medians of {} rounds of {:?}. Off: an input above 3, or all inputs of a single item below 0.3.\n\n{}\n{}",
        record::today(),
        clock.rounds,
        clock.round,
        row::table(&rows),
        row::turns(&rows),
    );
    println!("{text}");
    if keep {
        let path = record::record("prices", &text)?;
        println!("recorded in {}", path.display());
    }
    Ok(())
}
