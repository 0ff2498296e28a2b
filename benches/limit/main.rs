//! `cargo bench --bench limit`: how near dunlin comes to a bare mio loop, on this machine, in this run.
//!
//! Every server is a process of its own on the first core, the client has the second one, and what counts is
//! the server's CPU time as the kernel tells it, not the clock on the wall. Rounds alternate between both
//! servers and the median is shown. The figures to hold are those of the design. The floods are rows of another
//! kind: what two bystanders see of the worst that a hostile client can do.
//!
//! ```text
//! cargo bench --bench limit -- [SCENARIO…] [FLOOD…|flood] [--connections N] [--quick] [--rounds N]
//!     [--span MS] [--again N] [--calm SECONDS] [--record] [--itself] [--priority] [--binary PATH] [--list]
//! ```

mod bare;
mod client;
mod flood;
mod own_app;
mod proc;
#[path = "../record/mod.rs"]
mod record;
mod report;
mod rights;
mod scenario;

use std::io::{self, Error};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use flood::{FloodRow, Kind};
use proc::Cores;
use report::Row;
use rights::Priority;
use scenario::{Plan, SCENARIOS, Scenario};

const USAGE: &str = "usage: cargo bench --bench limit -- [SCENARIO…] [FLOOD…]
without a name all scenarios run; `flood` stands for all floods
  --connections N   of the floods, only the rows with N connections
  --quick           three short rounds, short floods
  --rounds N        N rounds instead of 5
  --span MS         length of one flood
  --again N         measure a flood up to N times more when others had the server's core meanwhile
  --calm SECONDS    how long after a storm the memory is looked at (default 60, quick 10)
  --record          write the run to benches/runs/
  --itself          the bare loop against itself: the noise of this machine
  --priority        run before all else on a busy machine (needs the right to)
  --binary PATH     another build of dunlin
  --list            the scenarios and the floods";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match words[..] {
        ["bare-echo", port] => number(port).and_then(bare::echo).map(|()| true),
        ["bare-upgrade", port] => number(port).and_then(bare::upgrade).map(|()| true),
        ["own-app", port] => number(port).and_then(own_app::serve).map(|()| true),
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

/// The command of this build, which is made first.
fn own_binary() -> io::Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = std::process::Command::new(cargo)
        .args(["build", "--quiet", "--release", "-p", "dunlin-cli"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()?;
    let bench = std::env::current_exe()?;
    let binary = bench.ancestors().nth(2).map(|folder| folder.join("dunlin"));
    match binary.filter(|binary| built.success() && binary.is_file()) {
        Some(binary) => Ok(binary),
        None => Err(Error::other(
            "dunlin cannot be built; name a binary with --binary",
        )),
    }
}

/// What the command line asked for.
struct Choice {
    scenarios: Vec<&'static Scenario>,
    floods: Vec<&'static Kind>,
    connections: Option<usize>,
    rounds: Option<u16>,
    span: Option<u64>,
    calm: Option<u64>,
    again: usize,
    quick: bool,
    record: bool,
    itself: bool,
    priority: bool,
    list: bool,
    binary: Option<PathBuf>,
}

impl Choice {
    fn parse(words: &[&str]) -> io::Result<Self> {
        let mut choice = Self {
            scenarios: Vec::new(),
            floods: Vec::new(),
            connections: None,
            rounds: None,
            span: None,
            calm: None,
            again: 0,
            quick: false,
            record: false,
            itself: false,
            priority: false,
            list: false,
            binary: None,
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
                "--connections" => choice.connections = Some(number(value()?)?.into()),
                "--span" => choice.span = Some(number(value()?)?.max(1).into()),
                "--again" => choice.again = number(value()?)?.into(),
                "--calm" => choice.calm = Some(number(value()?)?.into()),
                "--binary" => choice.binary = Some(value()?.into()),
                "flood" => choice.floods.extend(flood::all()),
                name => choice.add(name)?,
            }
        }
        if choice.scenarios.is_empty() && choice.floods.is_empty() {
            choice.scenarios = SCENARIOS.iter().collect();
        }
        Ok(choice)
    }

    fn add(&mut self, name: &str) -> io::Result<()> {
        let scenario = SCENARIOS.iter().find(|scenario| scenario.name == name);
        let kind = flood::all().find(|kind| kind.name == name);
        self.scenarios.extend(scenario);
        self.floods.extend(kind);
        if scenario.is_none() && kind.is_none() {
            return Err(Error::other(format!(
                "there is no scenario {name:?}; --list shows them\n{USAGE}"
            )));
        }
        Ok(())
    }

    /// True when everything could be measured.
    fn run(self) -> io::Result<bool> {
        if self.list {
            list();
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
        let kinds = self.floods.iter();
        let floods: Vec<FloodRow> = kinds
            .flat_map(|kind| flood::run(&plan, kind, self.connections))
            .collect();
        complete &= floods.iter().all(|row| !row.failed);
        let text = self.page(&plan, &machine, &rows, &floods);
        println!("{text}");
        if self.record {
            let path = record::record("limit", &text)?;
            println!("recorded in {}", path.display());
        }
        Ok(complete)
    }

    fn plan(&self) -> io::Result<Plan> {
        let (rounds, warm, span, watch, flood, calm) = if self.quick {
            (3, 100, 300, 2_000, 1_000, 10)
        } else {
            (5, 300, 1_500, 5_000, 3_000, 60)
        };
        Ok(Plan {
            rounds: self.rounds.map_or(rounds, usize::from),
            warm: Duration::from_millis(warm),
            span: Duration::from_millis(span),
            watch: Duration::from_millis(watch),
            flood: Duration::from_millis(self.span.unwrap_or(flood)),
            calm: Duration::from_secs(self.calm.unwrap_or(calm)),
            again: self.again,
            binary: match &self.binary {
                Some(binary) => binary.clone(),
                None => own_binary()?,
            },
            bare_only: self.itself,
            cores: Cores::choose()?,
        })
    }

    fn page(&self, plan: &Plan, machine: &str, rows: &[Row], floods: &[FloodRow]) -> String {
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
        let itself = if plan.bare_only {
            " The column of dunlin shows the bare loop again."
        } else {
            ""
        };
        let mut page = format!(
            "# Limit, {}\n\n{machine}- {cores}{priority}\n",
            record::today()
        );
        if !rows.is_empty() {
            page += &format!(
                "\nServer CPU per message, medians of {} alternating rounds of {:?}.{itself}\n\n{}",
                plan.rounds,
                plan.span,
                report::table(rows)
            );
        }
        if !floods.is_empty() {
            page += &format!(
                "\nEach flood for {:?}. {}",
                plan.flood,
                flood::table(floods)
            );
        }
        page
    }
}

fn list() {
    for scenario in SCENARIOS {
        println!("{:22} {}", scenario.name, scenario.about);
    }
    for kind in flood::all() {
        println!("{:22} {}; {:?}", kind.name, kind.about, kind.counts);
    }
}
