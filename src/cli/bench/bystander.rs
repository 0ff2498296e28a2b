//! `dunlin bench bystander`: what a quiet client of a server sees while others do their worst.

use super::super::exit::CommandFailure;
use super::super::values::{duration, field};
use super::load::{print, stopped_by_signals};
use super::page::Page;
use dunlin::client::{Handshake, Options, Url};
use dunlin_bench::bystander::{self, Found, Plan, Progress, Refusal};
use dunlin_bench::flood::Kind;
use dunlin_bench::machine;
use dunlin_bench::report;
use dunlin_bench::summary::Ended;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// The client itself was late, and cannot blame the server.
const INVALID: u8 = 3;
/// Ctrl-C: 128 and the number of the signal.
const INTERRUPTED: u8 = 130;

const EXAMPLES: &str = "\
Examples:
  dunlin bench bystander ws://127.0.0.1:8080/echo-raw
  dunlin bench bystander URL --flood empty --flood fragments-64k --connections 10
  dunlin bench bystander URL --span 1s --json > floods.json
  dunlin bench bystander wss://127.0.0.1:8443/echo-raw --insecure --span 1s
  dunlin bench bystander --list

Two quiet connections measure, one by round trips, one by a steady stream, while others flood the \
server, one flood after another. A flood that needs what the server does not have is skipped. Only \
this machine and private networks are flooded, unless you say that the server is yours: floods take \
weak servers down.

Exit codes: 0 done, 1 no echo there, or the server ended or did not answer afterwards, 2 usage, 3 a \
row is INVALID: the load tester itself was late, 130 after Ctrl-C, with what was found until then.";

/// The flags as they were written.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(in super::super) struct Arguments {
    /// A path that echoes, such as ws://127.0.0.1:8080/echo-raw
    #[arg(required_unless_present = "list")]
    url: Option<String>,

    /// Only this flood (repeatable); --list shows their names
    #[arg(help_heading = "Load", long, value_name = "NAME")]
    flood: Vec<String>,

    /// Connections of each flood [default: its usual numbers, up to 100]
    #[arg(help_heading = "Load", short, long, value_name = "N")]
    #[arg(value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=20_000))]
    connections: Option<usize>,

    /// Length of each flood, such as 500ms or 10s
    #[arg(help_heading = "Load", long, value_name = "TIME", value_parser = duration, default_value = "3s")]
    span: Duration,

    /// Most bytes of each flood, both ways together
    #[arg(
        help_heading = "Load",
        long,
        value_name = "MIB",
        default_value_t = 1024
    )]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=1 << 20))]
    mib: u64,

    /// Flood a server that is neither on this machine nor in a private network
    #[arg(help_heading = "Load", long)]
    this_server_is_mine: bool,

    /// A further field of each request, such as 'Origin: https://example.org' (repeatable)
    #[arg(
        help_heading = "Connections",
        short = 'H',
        long,
        value_name = "NAME: VALUE"
    )]
    header: Vec<String>,

    #[command(flatten, next_help_heading = "Connections")]
    trust: super::super::trust::Arguments,

    /// Print one JSON object in place of the table
    #[arg(help_heading = "Output", long)]
    json: bool,

    /// Write a report to this file
    #[arg(help_heading = "Output", long, value_name = "FILE")]
    html: Option<PathBuf>,

    /// Show the floods and what each needs of a server
    #[arg(help_heading = "Output", long)]
    list: bool,

    /// No progress on standard error
    #[arg(help_heading = "Output", short, long)]
    quiet: bool,
}

impl Arguments {
    /// Runs it and prints what was found.
    pub(super) fn run(self) -> Result<(), CommandFailure> {
        if self.list {
            print(&bystander::list());
            return Ok(());
        }
        let plan = self.plan().map_err(CommandFailure::usage)?;
        let page = self.html.as_deref().map(Page::open).transpose()?;
        let interrupted = stopped_by_signals()?;
        let environment = machine::environment(std::env::args());
        let quiet = self.quiet;
        let mut tell = |progress: Progress<'_>| {
            if quiet {
                return;
            }
            let line = match progress {
                Progress::Begins(rows) => begins(rows, plan.span),
                Progress::Row(row) => bystander::line(row),
            };
            // Nobody listens: the run goes on.
            let _ = writeln!(io::stderr(), "{line}");
        };
        let found = bystander::run(&plan, environment, &mut tell, &interrupted);
        let found = found.map_err(|refusal| match refusal {
            _ if interrupted.load(Ordering::Relaxed) => CommandFailure::Quiet(INTERRUPTED),
            Refusal::Usage(text) => CommandFailure::usage(text),
            Refusal::Failure(text) => CommandFailure::Text(text, 1),
        })?;
        let kept = page.map(|page| page.fill(&report::html_of_bystanders(&found)));
        print(&if self.json {
            json(&found)?
        } else {
            bystander::text(&found)
        });
        kept.transpose()?;
        verdict(&found)
    }

    fn plan(&self) -> Result<Plan, String> {
        let url = self.url.as_deref().unwrap_or_default();
        let url = Url::parse(url).map_err(|error| format!("{error:#}"))?;
        self.trust.check(url.is_secure())?;
        let mut plan = Plan::new(url);
        plan.believed = self.trust.believed(plan.url.is_secure())?;
        for header in &self.header {
            plan.fields.push(field(header)?);
        }
        let options = plan
            .fields
            .iter()
            .fold(Options::new(), |all, (name, value)| all.header(name, value));
        // Only to see that the fields can be sent.
        Handshake::new(&plan.url, &options, [0; 16], &mut Vec::new())
            .map_err(|error| format!("{error:#}"))?;
        for name in &self.flood {
            let kind = flood(name)?;
            if !plan.floods.iter().any(|known| known.name == kind.name) {
                plan.floods.push(kind);
            }
        }
        if self.span.is_zero() {
            return Err("--span is 0s, wanted: 1ms to 60min".to_owned());
        }
        plan.connections = self.connections;
        plan.span = self.span;
        plan.bytes = self.mib << 20;
        plan.mine = self.this_server_is_mine;
        Ok(plan)
    }
}

fn flood(name: &str) -> Result<&'static Kind, String> {
    bystander::named(name).ok_or_else(|| {
        format!("there is no flood {name:?}\nwanted: one of `dunlin bench bystander --list`")
    })
}

/// Each row takes its span and about a second more.
fn begins(rows: usize, span: Duration) -> String {
    let seconds = rows as f64 * (span.as_secs_f64() + 1.0);
    format!(
        "{rows} rows, about {:.0} s in all; Ctrl-C ends it and shows what was found",
        seconds.ceil()
    )
}

fn json(found: &Found) -> Result<String, CommandFailure> {
    let text = serde_json::to_string_pretty(found);
    text.map(|text| text + "\n")
        .map_err(|error| CommandFailure::Text(format!("the result cannot be written: {error}"), 1))
}

fn verdict(found: &Found) -> Result<(), CommandFailure> {
    let fails = found.rows.iter().any(|row| !row.trouble.is_empty());
    let is_invalid = found.rows.iter().any(|row| row.invalid.is_some());
    match found.ended {
        Ended::Interrupted => Err(CommandFailure::Quiet(INTERRUPTED)),
        Ended::Lost => Err(CommandFailure::Quiet(1)),
        _ if fails => Err(CommandFailure::Quiet(1)),
        _ if found.measured().count() == 0 => Err(CommandFailure::Quiet(1)),
        _ if is_invalid => Err(CommandFailure::Quiet(INVALID)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        bystander: Arguments,
    }

    fn plan(arguments: &[&str]) -> Result<Plan, String> {
        let line = Line::try_parse_from([&["bystander"], arguments].concat());
        line.map_err(|error| error.to_string())?.bystander.plan()
    }

    #[test]
    fn what_cannot_be_asked_says_what_was_wanted() {
        for (arguments, parts) in [
            (&[][..], ["<URL>", "required"]),
            (&["127.0.0.1:80"], ["no scheme", "ws://127.0.0.1:80"]),
            (&["ws://a/", "--flood", "rain"], ["\"rain\"", "--list"]),
            (&["ws://a/", "--span", "0s"], ["0s", "1ms to 60min"]),
            (&["ws://a/", "--span", "3"], ["3", "500ms"]),
            (&["ws://a/", "--connections", "0"], ["0", "1..="]),
            (&["ws://a/", "--header", "a"], ["\"a\"", "NAME: VALUE"]),
            (&["ws://a/", "--header", "a: b\nc: d"], ["`a`", "control"]),
        ] {
            let Err(text) = plan(arguments) else {
                panic!("{arguments:?} were taken");
            };
            for part in parts {
                assert!(text.contains(part), "{arguments:?}: {text}");
            }
        }
    }

    #[test]
    fn a_flood_is_named_with_or_without_its_prefix_and_counts_once() {
        let arguments = [
            "ws://a/",
            "--flood",
            "empty",
            "--flood",
            "flood-empty",
            "--flood",
            "rooms-list",
        ];
        let plan = plan(&arguments).expect("a plan");
        let names: Vec<&str> = plan.floods.iter().map(|kind| kind.name).collect();
        assert_eq!(names, ["flood-empty", "rooms-list"]);
        assert_eq!(plan.counts(plan.floods[0]), [1, 4]);
        assert_eq!(plan.bytes, 1 << 30);
        assert!(!plan.mine);
    }

    #[test]
    fn a_flood_of_large_crowds_only_has_a_hundred_without_a_wish() {
        let plan = plan(&["ws://a/"]).expect("a plan");
        let kind = flood("publish").expect("a flood");
        assert_eq!(plan.counts(kind), [100]);
    }
}
