//! One run: progress while it goes on, then its table, JSON and report, and the exit code.

use super::super::exit::CommandFailure;
use super::arguments::Job;
use super::live::Live;
use super::page::Page;
use dunlin_bench::machine;
use dunlin_bench::report;
use dunlin_bench::run::{self, Failure};
use dunlin_bench::summary::{Ended, Summary};
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
    let page = job.html.as_deref().map(Page::open).transpose()?;
    let stop = stopped_by_signals()?;
    let mut live = Live::new(job.quiet);
    let mut summary = one_run(job, &stop, &mut live)?;
    summary.conditions = job.conditions.judge(&summary);
    let kept = page.map(|page| page.fill(&report::html(std::slice::from_ref(&summary))));
    print(&if job.json {
        report::json(&summary)
            .map_err(|error| CommandFailure::Text(format!("no JSON: {error}"), 1))?
    } else {
        report::text(&summary)
    });
    kept.transpose()?;
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
    let url = &summary.asked.url;
    let first = summary
        .notes
        .iter()
        .find(|note| note.contains("first error"));
    let failure = |what: String, wanted: &str| {
        let why = first.map_or(String::new(), |note| format!(": {note}"));
        let text = format!("{what}{why}\nwanted: {wanted}");
        Err(CommandFailure::Text(text, 1))
    };
    let failed = summary.conditions.iter().any(|judged| !judged.held);
    let messages = &summary.messages;
    match summary.ended {
        Ended::Nothing if summary.connections.opened > 0 => failure(
            format!("{url} opens connections, and none was there when the load was to begin"),
            "a server that keeps them, and flags that fit its dialect",
        ),
        Ended::Nothing => failure(
            format!("{url} takes no connection"),
            "a WebSocket server there; is it running, and is the path right?",
        ),
        Ended::Lost => failure(
            format!("{url} went away in the middle: every connection ended"),
            "a server that is there until the end; its own log may say more",
        ),
        Ended::Interrupted => Err(CommandFailure::Quiet(INTERRUPTED)),
        Ended::Complete if messages.sent > 0 && messages.answered == 0 => failure(
            format!("{url} answered none of {} messages", messages.sent),
            match &*summary.asked.scenario {
                "broadcast" | "slow" => "a path that sends each message to everybody",
                _ => "a path that echoes each message",
            },
        ),
        Ended::Complete if failed => Err(CommandFailure::Quiet(CONDITION)),
        Ended::Complete if !summary.invalid.is_empty() => Err(CommandFailure::Quiet(INVALID)),
        Ended::Complete => Ok(()),
    }
}
