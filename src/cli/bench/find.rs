//! `dunlin bench find`: the most connections, or messages a second, with which conditions hold.

use super::super::exit::CommandFailure;
use super::arguments::Job;
use super::flags::Arguments as Load;
use super::live::Live;
use super::load::{one_run, print, stopped_by_signals};
use dunlin_bench::condition::Conditions;
use dunlin_bench::find::{Search, Trial};
use dunlin_bench::plan::{Pace, Scenario};
use dunlin_bench::summary::{Ended, Summary};
use serde_json::json;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};

const EXAMPLES: &str = "\
Examples:
  dunlin bench find URL --over rate --keep 'p99<50ms,loss=0' --duration 5s
  dunlin bench find URL --over connections --keep 'p99<50ms,errors=0' --rate 1000
  dunlin bench find URL --scenario idle --over connections --keep 'errors=0' --workers 4

It doubles from --start until a run fails, halves the distance to what held, and runs once more at \
the result. Every connection has to open, whatever --keep says. A run in which the load tester was \
the bottleneck (INVALID) ends the search upward: the result is then what the server does at least.

Exit codes: 0 a number was found, 1 not even 1 holds, 2 usage, 3 none was found and the load tester \
was the bottleneck, 130 after Ctrl-C.";

const SEARCH: &str = "Search";

/// What is searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Over {
    /// Connections that are open at a time
    Connections,
    /// Messages a second of all senders together
    Rate,
}

/// The scenarios that can be searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Which {
    /// Connections are held
    Idle,
    /// Each sends and waits for its own message
    Echo,
    /// Senders send, and every connection receives
    Broadcast,
    /// Connections come, send and leave
    Churn,
}

/// The flags as they were written.
#[derive(clap::Args)]
#[command(mut_args = of_one_run, after_help = EXAMPLES)]
#[group(id = "search")]
pub(crate) struct Arguments {
    /// What is searched
    #[arg(help_heading = SEARCH, long, value_enum, value_name = "WHAT")]
    over: Over,

    /// What must hold, such as 'p99<50ms,loss=0'; the figures are those of --fail in a single run
    #[arg(help_heading = SEARCH, long, value_name = "CONDITIONS")]
    keep: String,

    /// What the connections do
    #[arg(help_heading = SEARCH, long, value_enum, value_name = "NAME", default_value = "echo")]
    scenario: Which,

    /// The first number that is tried
    #[arg(help_heading = SEARCH, long, value_name = "N", default_value_t = 100)]
    start: u64,

    /// The greatest number that is tried
    #[arg(help_heading = SEARCH, long, value_name = "N", default_value_t = 1_000_000)]
    most: u64,

    /// How near the result has to be to the least number that fails, in percent of the result
    #[arg(help_heading = SEARCH, long, value_name = "PERCENT", default_value_t = 5.0)]
    precision: f64,

    /// Most runs, those that confirm the result included
    #[arg(help_heading = SEARCH, long, value_name = "N", default_value_t = 40)]
    trials: usize,

    #[command(flatten)]
    load: Load,
}

/// What is refused here is not in the help.
fn of_one_run(flag: clap::Arg) -> clap::Arg {
    match flag.get_id().as_str() {
        "fail" | "html" | "slow" => flag.hide(true),
        _ => flag,
    }
}

impl Arguments {
    pub(super) fn run(self) -> Result<(), CommandFailure> {
        let scenario = match self.scenario {
            Which::Idle => Scenario::Idle,
            Which::Echo => Scenario::Echo,
            Which::Broadcast => Scenario::Broadcast,
            Which::Churn => Scenario::Churn,
        };
        if self.over == Over::Rate && scenario == Scenario::Idle {
            let text =
                "idle connections send nothing\nwanted: --over connections, or --scenario echo";
            return Err(CommandFailure::usage(text.to_owned()));
        }
        let keep: Conditions = self
            .keep
            .parse()
            .map_err(|error| CommandFailure::usage(format!("{error}")))?;
        let search = Search {
            start: self.start,
            most: self.most,
            precision: self.precision / 100.0,
            trials: self.trials,
            ..Search::default()
        };
        search.check().map_err(CommandFailure::usage)?;
        let mut job = self.load.check(scenario)?;
        if job.html.is_some() || !job.conditions.0.is_empty() {
            let text =
                "--html and --fail are of one run\nwanted: --keep, and --json for all trials";
            return Err(CommandFailure::usage(text.to_owned()));
        }
        let stop = stopped_by_signals()?;
        let what = match self.over {
            Over::Connections => "connections",
            Over::Rate => "messages a second",
        };
        let found = search.run(|number| {
            match self.over {
                Over::Connections => job.plan.connections = number as usize,
                Over::Rate => job.plan.pace = Pace::Rate(number as f64),
            }
            let trial = try_once(&job, &keep, &stop)?;
            if !job.quiet {
                let outcome = match (&*trial.invalid, trial.held) {
                    ([], true) => "held".to_owned(),
                    ([], false) => format!("failed: {}", trial.why.join("; ")),
                    (why, _) => format!("INVALID: {}", why.join("; ")),
                };
                let _ = writeln!(io::stderr(), "{number} {what}: {outcome}");
            }
            Ok::<_, CommandFailure>(trial)
        })?;
        print(&if job.json {
            let value = json!({ "version": 1, "over": what, "keep": self.keep, "found": found });
            format!("{value:#}\n")
        } else {
            format!("{}\n{}\n", found.table(what), found.verdict(what))
        });
        match (found.best, found.bound) {
            (None, dunlin_bench::find::Bound::Generator(..)) => Err(CommandFailure::Quiet(3)),
            (None, _) => Err(CommandFailure::Quiet(1)),
            (Some(_), _) => Ok(()),
        }
    }
}

fn try_once(job: &Job, keep: &Conditions, stop: &AtomicBool) -> Result<Trial, CommandFailure> {
    let mut summary = one_run(job, stop, &mut Live::new(job.quiet))?;
    if stop.load(Ordering::Relaxed) {
        return Err(CommandFailure::Quiet(130));
    }
    summary.conditions = keep.judge(&summary);
    let mut trial = Trial::of(&summary);
    trial.why.extend(shortfall(&summary));
    trial.held &= trial.why.is_empty();
    Ok(trial)
}

/// What no condition needs to say: everybody who was asked for must be there.
fn shortfall(summary: &Summary) -> Option<String> {
    let asked = summary.asked.connections as u64;
    match summary.ended {
        Ended::Nothing => Some("no connection was ever open".to_owned()),
        Ended::Lost => Some("the server went away".to_owned()),
        _ if summary.asked.scenario == "churn" => None,
        _ if summary.connections.peak < asked => Some(format!(
            "{} of {asked} connections opened",
            summary.connections.peak
        )),
        _ => None,
    }
}
