//! Floods: one hostile client does its worst, and two bystanders want their echoes meanwhile.
//!
//! Each row starts a server of its own, watches it quiet, opens the flooding connections and watches again while
//! they flood. The flooder is a thread of this process, on the client's core and behind the bystanders there.
//! Everything is bounded in time and bytes, and goes to this machine only.

mod own;
mod row;

use std::io::{self, Error};
use std::net::SocketAddr;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::{Duration, Instant};

use dunlin_bench::bystander::{Bystanders, Seen};
use dunlin_bench::flood::{self, Flood, Tally};
pub(crate) use dunlin_bench::flood::{Kind, bytes};
use dunlin_bench::process::Load;
use dunlin_bench::rights::raise_file_limit;
use dunlin_bench::site::Site;
pub(crate) use row::{FloodRow, table};

use crate::proc::Server;
use crate::report::DISTURBED;
use crate::scenario::Plan;

/// Nothing interrupts a benchmark but its own end.
pub(crate) static NEVER: AtomicBool = AtomicBool::new(false);
/// Bytes one row may send and read, together.
const ALLOWANCE: u64 = 8 << 30;
/// Open files beside the connections that a row is named after.
const OTHERS: u64 = 1_200;
/// How long the bystanders are watched before the flood: a server may serve newcomers behind those who stay.
const QUIET: Duration = Duration::from_millis(2_500);
/// Time for a server to get rid of a flood that has left.
const REST: Duration = Duration::from_millis(300);

/// Every kind, in the order of the table: those of `dunlin serve`, and between them those of the program of this
/// benchmark.
pub(crate) fn all() -> impl Iterator<Item = &'static Kind> {
    flood::all().flat_map(|kind| {
        let own = own::KINDS.iter().filter(|own| own.behind == kind.name);
        std::iter::once(kind).chain(own.map(|own| &own.kind))
    })
}

/// The server of a kind, started.
fn start(plan: &Plan, kind: &Kind) -> io::Result<Server> {
    if own::KINDS.iter().any(|own| own.kind.name == kind.name) {
        plan.itself("own-app")
    } else {
        plan.dunlin()
    }
}

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
    let mut server = start(plan, kind)?;
    let site = Site::ready(server.address);
    let room = kind.prepare(&site)?;
    let mut bystanders = Bystanders::connect(&site, &NEVER)?;
    let quiet = bystanders.watch(QUIET, &NEVER, &NEVER).whole()?;
    let flood = Flood {
        site: &site,
        kind,
        connections: count,
        room: &room,
        bytes: ALLOWANCE,
        interrupted: &NEVER,
    };
    let flooded = flood.beside(|over| watch(plan, &server, &mut bystanders, over));
    let ((busy, load), tally) = match (flooded, server.ended()?) {
        (_, Some(status)) => return Err(Error::other(format!("THE SERVER ENDED: {status}"))),
        (flooded, None) => flooded?,
    };
    let peak = server.peak_memory()?;
    thread::sleep(REST);
    let (log_lines, panic) = server.log()?;
    let trouble = match server.ended()? {
        Some(status) => Some(format!("THE SERVER ENDED: {status}")),
        None => panic.or_else(|| {
            afterwards(&site)
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
    let busy = bystanders.watch(plan.flood, over, &NEVER).whole()?;
    let load = server.cpu()?.since(before).load(start.elapsed());
    Ok((busy, load))
}

/// Whether a newcomer is served once the flood is over.
fn afterwards(site: &Site) -> io::Result<()> {
    let mut newcomers = Bystanders::connect(site, &NEVER)?;
    let seen = newcomers.watch(Duration::from_millis(20), &NEVER, &NEVER);
    match seen.whole()?.unanswered {
        0 => Ok(()),
        _ => Err(Error::other("no answer")),
    }
}

/// Floods, stalls and leaves with so many connections, without bystanders. What became of them, in words.
pub(crate) fn storm(address: SocketAddr, connections: usize, span: Duration) -> io::Result<String> {
    Ok(flood::storm(&Site::ready(address), connections, span, ALLOWANCE)?.fate())
}
