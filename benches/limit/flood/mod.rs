//! Floods: one hostile client does its worst, and two bystanders want their echoes meanwhile.
//!
//! Each row starts a server of its own, watches it quiet, opens the flooding connections and watches again while
//! they flood. The flooder is a thread of this process, on the client's core and behind the bystanders there.
//! Everything is bounded in time and bytes, and goes to this machine only.

mod answers;
mod connection;
mod deflated;
mod engine;
mod kind;
mod row;
mod script;
mod tally;

use std::io::{self, Error};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use dunlin_bench::process::Load;

use engine::Engine;
pub(crate) use kind::{Kind, all};
pub(crate) use row::{FloodRow, table};
use tally::Tally;
pub(crate) use tally::bytes;

use crate::bystander::{Bystanders, Seen};
use crate::proc::Server;
use crate::report::DISTURBED;
use crate::rights::{raise_file_limit, step_behind};
use crate::scenario::Plan;

/// Bytes one row may send and read, together.
const ALLOWANCE: u64 = 8 << 30;
/// Open files beside the connections that a row is named after.
const OTHERS: u64 = 1_200;
/// How long the bystanders are watched before the flood.
const QUIET: Duration = Duration::from_millis(300);
/// Longest time to open the connections of a flood; it begins with those that are open by then.
const FILL_LIMIT: Duration = Duration::from_secs(30);
/// Time for a server to get rid of a flood that has left.
const REST: Duration = Duration::from_millis(300);

/// Runs the rows of a kind; all of them, or the one with so many connections.
pub(crate) fn run(plan: &Plan, kind: &Kind, only: Option<usize>) -> Vec<FloodRow> {
    let counts = kind.counts.iter().copied();
    let chosen = counts.filter(|&count| only.is_none_or(|only| only == count));
    chosen.map(|count| run_row(plan, kind, count)).collect()
}

/// A row that was disturbed is measured again as often as the plan allows, and the least disturbed one is kept.
fn run_row(plan: &Plan, kind: &Kind, count: usize) -> FloodRow {
    let mut best = run_once(plan, kind, count);
    for _ in 0..plan.again {
        if best.disturbed < DISTURBED {
            break;
        }
        let next = run_once(plan, kind, count);
        if next.disturbed < best.disturbed {
            best = next;
        }
    }
    best
}

fn run_once(plan: &Plan, kind: &Kind, count: usize) -> FloodRow {
    let row = match measure(plan, kind, count) {
        Ok(found) => FloodRow::of(kind.name, count, &found),
        Err(error) => FloodRow::failed(kind.name, count, &error),
    };
    eprintln!("{}", row.line());
    row
}

/// What one row found.
struct Measured {
    quiet: Seen,
    busy: Seen,
    tally: Tally,
    /// How much of its core the server had while it was flooded.
    load: Load,
    /// The server's greatest resident memory, bytes.
    peak: u64,
    log_lines: usize,
    /// What is wrong with the server, if anything is.
    trouble: Option<String>,
}

fn measure(plan: &Plan, kind: &Kind, count: usize) -> io::Result<Measured> {
    raise_file_limit(count as u64 + OTHERS)?;
    let mut server = kind.start(plan)?;
    let room = &kind.prepare(server.address)?;
    let mut bystanders = Bystanders::connect(server.address)?;
    let (over, stop) = (AtomicBool::new(false), AtomicBool::new(false));
    let quiet = bystanders.watch(QUIET, &over)?;
    let (begun, begin) = mpsc::channel();
    let (busy, tally, load) = thread::scope(|scope| {
        let address = server.address;
        let (over, stop) = (&over, &stop);
        // Scripts are shared within a thread only, so that the flooder makes its own.
        let flooder = scope.spawn(move || -> io::Result<Tally> {
            step_behind()?;
            let mut engine = Engine::new(address, &kind.groups(count, room), ALLOWANCE)?;
            engine.fill(Instant::now() + FILL_LIMIT)?;
            // The other side is gone only when it gave up.
            let _ = begun.send(());
            let tally = engine.run(stop);
            over.store(true, Ordering::Relaxed);
            tally
        });
        let watched = begin
            .recv_timeout(FILL_LIMIT * 2)
            .map_err(Error::other)
            .and_then(|()| watch(plan, &server, &mut bystanders, over));
        stop.store(true, Ordering::Relaxed);
        let tally = flooder
            .join()
            .map_err(|_| Error::other("the flooder panicked"))??;
        let (busy, load) = match (watched, server.ended()?) {
            (_, Some(status)) => return Err(Error::other(format!("THE SERVER ENDED: {status}"))),
            (watched, None) => watched?,
        };
        Ok((busy, tally, load))
    })?;
    let peak = server.peak_memory()?;
    thread::sleep(REST);
    let (log_lines, panic) = server.log()?;
    let trouble = match server.ended()? {
        Some(status) => Some(format!("THE SERVER ENDED: {status}")),
        None => panic.or_else(|| {
            afterwards(&server)
                .err()
                .map(|error| format!("AFTERWARDS: {error}"))
        }),
    };
    Ok(Measured {
        quiet,
        busy,
        tally,
        load,
        peak,
        log_lines,
        trouble,
    })
}

fn watch(
    plan: &Plan,
    server: &Server,
    bystanders: &mut Bystanders,
    over: &AtomicBool,
) -> io::Result<(Seen, Load)> {
    let (before, start) = (server.cpu()?, Instant::now());
    let busy = bystanders.watch(plan.flood, over)?;
    let load = server.cpu()?.since(before).load(start.elapsed());
    Ok((busy, load))
}

/// Whether a newcomer is served once the flood is over.
fn afterwards(server: &Server) -> io::Result<()> {
    let seen = Bystanders::connect(server.address)?
        .watch(Duration::from_millis(20), &AtomicBool::new(false))?;
    match seen.unanswered {
        0 => Ok(()),
        _ => Err(Error::other("no answer")),
    }
}

/// Floods, stalls and leaves with so many connections, without bystanders. What became of them, in words.
pub(crate) fn storm(address: SocketAddr, connections: usize, span: Duration) -> io::Result<String> {
    let mut engine = Engine::new(address, &kind::storm(connections), ALLOWANCE)?;
    engine.fill(Instant::now() + FILL_LIMIT)?;
    let stop = AtomicBool::new(false);
    let tally = thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(span);
            stop.store(true, Ordering::Relaxed);
        });
        engine.run(&stop)
    })?;
    Ok(tally.fate())
}
