//! Room: one sender saturates a room of 10 000 while bystanders, who are not in the room, want
//! their echoes.

use std::io::{self, Error};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::{Duration, Instant};

use crate::client::{Crowd, Rule};
use crate::flood::NEVER;
use crate::report::{Row, median_of};
use crate::scenario::Plan;
use dunlin_bench::bystander::{Bystanders, Seen};
use dunlin_bench::frames::Payload;
use dunlin_bench::rights::{raise_file_limit, step_behind};
use dunlin_bench::site::Site;
use dunlin_bench::upgrade::Upgrade;

const MEMBERS: usize = 10_000;
const LENGTH: usize = 128;
/// Messages the sender keeps ahead of what it got back.
const AHEAD: u64 = 64;
/// Milliseconds.
const HOLD: f64 = 1.0;
const NAME: &str = "bystander beside a saturated room of 10 000, p99";
/// Longest time to fill the room.
const FILL_LIMIT: Duration = Duration::from_secs(60);

struct Round {
    quiet: Seen,
    busy: Seen,
    /// The part of the time that others had the server's core.
    waited: f64,
    deliveries_per_second: f64,
}

pub(super) fn run(plan: &Plan) -> io::Result<Vec<Row>> {
    if plan.bare_only {
        let hold = format!("≤ {HOLD:.0} ms");
        return Ok(vec![Row::without_bare(NAME, &hold)]);
    }
    raise_file_limit(MEMBERS as u64 + 100)?;
    let mut rounds = Vec::new();
    for round in 0..plan.rounds.min(3) {
        let seen = watch(plan)?;
        eprintln!(
            "{NAME}, round {}: p99 {:.2} ms, {:.0} deliveries a second",
            round + 1,
            seen.busy.round_trip(0.99),
            seen.deliveries_per_second
        );
        rounds.push(seen);
    }
    let all: Vec<f64> = rounds
        .iter()
        .map(|seen| seen.busy.round_trip(0.99))
        .collect();
    let busy = |value: fn(&Seen) -> f64| median_of(&rounds, |seen| value(&seen.busy));
    let lag = busy(|seen| seen.lag(0.99));
    let waited = median_of(&rounds, |seen| seen.waited);
    let note = format!(
        "p50 {:.2}, max {:.2}, stream p99 {:.2}, quiet p99 {:.2}, client's own lag p99 {:.2} ms, {} unanswered; server kept waiting {:.0} % of the time; {:.0} deliveries a second",
        busy(|seen| seen.round_trip(0.5)),
        busy(|seen| seen.round_trip(1.0)),
        busy(|seen| seen.stream(0.99)),
        median_of(&rounds, |seen| seen.quiet.round_trip(0.99)),
        lag,
        rounds
            .iter()
            .map(|seen| seen.busy.unanswered)
            .sum::<usize>(),
        100.0 * waited,
        median_of(&rounds, |seen| seen.deliveries_per_second),
    );
    Ok(vec![Row::latency(NAME, &all, HOLD, lag, waited, &note)])
}

fn watch(plan: &Plan) -> io::Result<Round> {
    let server = plan.dunlin()?;
    let address = server.address;
    let mut bystanders = Bystanders::connect(&Site::ready(address), &NEVER)?;
    let stop = AtomicBool::new(false);
    let quiet = bystanders
        .watch(Duration::from_secs(1), &NEVER, &NEVER)
        .whole()?;
    thread::scope(|scope| {
        let (full, filled) = mpsc::channel();
        let room = scope.spawn(|| saturate(address, full, &stop));
        // When the room failed its end of the channel is gone, and the error is in its result.
        let busy = filled
            .recv_timeout(FILL_LIMIT)
            .map_err(Error::other)
            .and_then(|()| {
                thread::sleep(plan.warm);
                let (before, start) = (server.cpu()?, Instant::now());
                let seen = bystanders.watch(plan.watch, &NEVER, &NEVER).whole()?;
                Ok((seen, server.cpu()?.since(before).load(start.elapsed())))
            });
        stop.store(true, Ordering::Relaxed);
        let deliveries_per_second = room
            .join()
            .map_err(|_| Error::other("the room panicked"))??;
        let (busy, load) = busy?;
        Ok(Round {
            quiet,
            busy,
            waited: load.waited,
            deliveries_per_second,
        })
    })
}

/// Fills the room, says so, and saturates it until told to stop. Returns deliveries per second; a message that
/// one of the members did not get is an error.
fn saturate(address: SocketAddr, full: Sender<()>, stop: &AtomicBool) -> io::Result<f64> {
    step_behind()?;
    let mut crowd = Crowd::new(Payload::constant(LENGTH, AHEAD as usize))?;
    crowd.grow(
        address,
        MEMBERS,
        Some(Upgrade {
            path: "/flow",
            offer: None,
            fields: "",
            greetings: 1,
        }),
    )?;
    let start = Instant::now();
    // The other side is gone only when it gave up, and then it says to stop.
    let _ = full.send(());
    let rule = Rule {
        senders: 1,
        window: AHEAD,
        per: 1,
        fan_out: MEMBERS as u64,
    };
    crowd.run_until(rule, || stop.load(Ordering::Relaxed))?;
    Ok(crowd.received() as f64 / start.elapsed().as_secs_f64())
}
