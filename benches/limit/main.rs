//! `cargo bench --bench limit`: how near dunlin comes to a bare mio loop, on this machine, in this run.
//!
//! Every server is a process of its own on the first core, the client has the second one, and what counts is
//! the server's CPU time as the kernel tells it, not the clock on the wall. Rounds alternate between both
//! servers and the median is shown. The figures to hold are those of the design.
//!
//! ```text
//! cargo bench --bench limit -- [SCENARIO…] [--quick] [--rounds N] [--record] [--itself]
//!     [--priority] [--binary PATH] [--list]
//! ```

mod bare;
mod bystander;
mod client;
mod frames;
mod proc;
#[path = "../record/mod.rs"]
mod record;
mod report;
mod scenario;
mod upgrade;

use std::io::{self, Error};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use proc::{Cores, Priority};
use report::Row;
use scenario::{Plan, SCENARIOS, Scenario};

const USAGE: &str = "usage: cargo bench --bench limit -- [SCENARIO…]
  --quick        three short rounds
  --rounds N     N rounds instead of 5
  --record       write the run to benches/runs/
  --itself       the bare loop against itself: the noise of this machine
  --priority     run before all else on a busy machine (needs the right to)
  --binary PATH  another build of dunlin
  --list         the scenarios";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match words[..] {
        ["bare-echo", port] => number(port).and_then(bare::echo).map(|()| true),
        ["bare-upgrade", port] => number(port).and_then(bare::upgrade).map(|()| true),
        ["hold", address] => address
            .parse()
            .map_err(Error::other)
            .and_then(scenario::hold)
            .map(|()| true),
        // `cargo test --benches` runs this too, without `--bench`: no time for measurements then.
        [] => {
            println!("{USAGE}");
            Ok(true)
        }
        _ => Choice::parse(&words).and_then(|choice| choice.run()),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("limit: {error}");
            ExitCode::from(2)
        }
    }
}

fn number(word: &str) -> io::Result<u16> {
    word.parse()
        .map_err(|_| Error::other(format!("{word:?} is not a number from 0 to 65535")))
}

/// What the command line asked for.
struct Choice {
    scenarios: Vec<&'static Scenario>,
    rounds: Option<u16>,
    quick: bool,
    record: bool,
    itself: bool,
    priority: bool,
    list: bool,
    binary: PathBuf,
}

impl Choice {
    fn parse(words: &[&str]) -> io::Result<Self> {
        let mut choice = Self {
            scenarios: Vec::new(),
            rounds: None,
            quick: false,
            record: false,
            itself: false,
            priority: false,
            list: false,
            binary: env!("CARGO_BIN_EXE_dunlin").into(),
        };
        let mut words = words.iter();
        while let Some(&word) = words.next() {
            let mut value = || {
                words
                    .next()
                    .ok_or_else(|| Error::other(format!("{word} wants a value\n{USAGE}")))
            };
            match word {
                // What cargo itself adds.
                "--bench" => {}
                "--quick" => choice.quick = true,
                "--record" => choice.record = true,
                "--itself" => choice.itself = true,
                "--priority" => choice.priority = true,
                "--list" => choice.list = true,
                "--rounds" => choice.rounds = Some(number(value()?)?.max(1)),
                "--binary" => choice.binary = value()?.into(),
                name => choice.scenarios.push(scenario(name)?),
            }
        }
        if choice.scenarios.is_empty() {
            choice.scenarios = SCENARIOS.iter().collect();
        }
        Ok(choice)
    }

    /// True when every scenario could be measured.
    fn run(self) -> io::Result<bool> {
        if self.list {
            for scenario in SCENARIOS {
                println!("{:10} {}", scenario.name, scenario.about);
            }
            return Ok(true);
        }
        let plan = self.plan()?;
        plan.cores.pin_client()?;
        let _priority = self.priority.then(Priority::take).transpose()?;
        let machine = record::machine();
        let mut rows = Vec::new();
        let mut complete = true;
        for scenario in &self.scenarios {
            rows.extend((scenario.run)(&plan).unwrap_or_else(|error| {
                complete = false;
                eprintln!("{}: {error}", scenario.name);
                vec![Row::blank(scenario.name, "–", &format!("failed: {error}"))]
            }));
        }
        let text = self.page(&plan, &machine, &rows);
        println!("{text}");
        if self.record {
            let path = record::record("limit", &text)?;
            println!("recorded in {}", path.display());
        }
        Ok(complete)
    }

    fn plan(&self) -> io::Result<Plan> {
        let (rounds, warm, span, watch) = if self.quick {
            (3, 100, 300, 2_000)
        } else {
            (5, 300, 1_500, 5_000)
        };
        Ok(Plan {
            rounds: self.rounds.map_or(rounds, usize::from),
            warm: Duration::from_millis(warm),
            span: Duration::from_millis(span),
            watch: Duration::from_millis(watch),
            binary: self.binary.clone(),
            itself: self.itself,
            cores: Cores::choose()?,
        })
    }

    fn page(&self, plan: &Plan, machine: &str, rows: &[Row]) -> String {
        let cores = if plan.cores.shared() {
            "There is one core only: server and client share it, and latencies mean little."
                .to_owned()
        } else {
            format!(
                "Server on core {}, client on core {}.",
                plan.cores.server, plan.cores.client
            )
        };
        let priority = if self.priority {
            " Both ran at a high priority."
        } else {
            ""
        };
        let itself = if plan.itself {
            " The column of dunlin shows the bare loop again."
        } else {
            ""
        };
        format!(
            "# Limit, {}\n\n{machine}- {cores}{priority}\n\nServer CPU per message, medians of {} alternating rounds of {:?}.{itself}\n\n{}",
            record::today(),
            plan.rounds,
            plan.span,
            report::table(rows)
        )
    }
}

fn scenario(name: &str) -> io::Result<&'static Scenario> {
    SCENARIOS
        .iter()
        .find(|scenario| scenario.name == name)
        .ok_or_else(|| {
            let names: Vec<_> = SCENARIOS.iter().map(|scenario| scenario.name).collect();
            Error::other(format!(
                "no scenario {name:?}; there are {}\n{USAGE}",
                names.join(", ")
            ))
        })
}
