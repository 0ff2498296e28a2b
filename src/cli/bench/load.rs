//! One run: progress while it goes on, then its table, JSON and report, and the exit code.

use super::super::exit::CommandFailure;
use super::arguments::Job;
use super::live::Live;
use dunlin_bench::machine;
use dunlin_bench::report;
use dunlin_bench::run::{self, Failure};
use dunlin_bench::summary::{Asked, Ended, Summary};
use signal_hook::consts::{SIGINT, SIGTERM};
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// The generator was the bottleneck.
const INVALID: u8 = 3;
/// A condition does not hold.
const CONDITION: u8 = 99;
/// Ctrl-C: 128 and the number of the signal.
const INTERRUPTED: u8 = 130;

/// Makes the run and tells it.
pub(super) fn run(job: &Job) -> Result<(), CommandFailure> {
    let stop = stopped_by_signals()?;
    let mut live = Live::new(job.quiet);
    let mut summary = one_run(job, &stop, &mut live)?;
    summary.conditions = job.conditions.judge(&summary);
    if let Some(path) = &job.html {
        let page = report::html(std::slice::from_ref(&summary));
        std::fs::write(path, page).map_err(|error| {
            let text = format!("cannot write {}: {error}", path.display());
            CommandFailure::Text(text, 1)
        })?;
    }
    print(&if job.json {
        report::json(&summary)
            .map_err(|error| CommandFailure::Text(format!("no JSON: {error}"), 1))?
    } else {
        report::text(&summary)
    });
    verdict(&summary)
}

/// Makes one run.
pub(super) fn one_run(
    job: &Job,
    stop: &AtomicBool,
    live: &mut Live,
) -> Result<Summary, CommandFailure> {
    let environment = machine::environment(std::env::args());
    let mut show = |progress: &_| live.show(progress);
    let summary = run::run(&job.plan, environment, &job.pids, &mut show, stop);
    live.end();
    summary.map_err(|failure| match failure {
        Failure::Plan(text) => CommandFailure::usage(text),
        Failure::System(error) => CommandFailure::Text(error.to_string(), 1),
    })
}

/// Ends the load at SIGINT and SIGTERM; a second one ends the process.
pub(super) fn stopped_by_signals() -> Result<Arc<AtomicBool>, CommandFailure> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        let again = signal_hook::flag::register_conditional_shutdown(
            signal,
            i32::from(INTERRUPTED),
            Arc::clone(&stop),
        );
        let first = signal_hook::flag::register(signal, Arc::clone(&stop));
        again.and(first).map_err(|error| {
            CommandFailure::Text(format!("cannot listen for signals: {error}"), 1)
        })?;
    }
    Ok(stop)
}

/// A closed standard output is no reason to stop: the exit code still tells.
pub(super) fn print(text: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

fn verdict(summary: &Summary) -> Result<(), CommandFailure> {
    let failed = summary.conditions.iter().any(|judged| !judged.held);
    match summary.ended {
        Ended::Nothing => {
            let first = summary
                .notes
                .iter()
                .find(|note| note.contains("first error"));
            let why = first.map_or("no connection was ever open", |note| note);
            let Asked { url, dialect, .. } = &summary.asked;
            let text = if summary.connections.opened > 0 {
                format!(
                    "{url} opens connections, and none could begin: {why}\nwanted: a server and flags that fit the dialect {dialect}"
                )
            } else {
                format!(
                    "{url} takes no connection: {why}\nwanted: a WebSocket server there; is it running, and is the path right?"
                )
            };
            Err(CommandFailure::Text(text, 1))
        }
        Ended::Lost => {
            let text = "the server went away in the middle: all connections were lost";
            Err(CommandFailure::Text(text.to_owned(), 1))
        }
        Ended::Interrupted => Err(CommandFailure::Quiet(INTERRUPTED)),
        Ended::Complete if failed => Err(CommandFailure::Quiet(CONDITION)),
        Ended::Complete if !summary.invalid.is_empty() => Err(CommandFailure::Quiet(INVALID)),
        Ended::Complete => Ok(()),
    }
}
