//! Leave: 15 000 idle connections disconnect at once while bystanders want their echoes.
//!
//! They belong to a process of their own that ends: the kernel closes all of them, without any Close frame.

use std::io::{self, BufRead, BufReader, Error, Read};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::client::Crowd;
use crate::flood::NEVER;
use crate::report::{Row, median_of};
use crate::scenario::Plan;
use dunlin_bench::bystander::{Bystanders, Seen};
use dunlin_bench::frames::Payload;
use dunlin_bench::rights::{raise_file_limit, step_behind};
use dunlin_bench::site::Site;
use dunlin_bench::upgrade::Upgrade;

const HOLDERS: usize = 15_000;
/// How long the bystander is watched before and after the moment.
const BEFORE: Duration = Duration::from_secs(1);
const AFTER: Duration = Duration::from_secs(3);
/// Milliseconds, for the worst round trip.
const HOLD: f64 = 5.0;
const NAME: &str = "bystander while 15 000 disconnect at once, worst round trip";
const READY: &str = "ready";
/// Longest time to open the connections.
const OPEN_LIMIT: Duration = Duration::from_secs(60);

pub(super) fn run(plan: &Plan) -> io::Result<Vec<Row>> {
    if plan.bare_only {
        let hold = format!("≤ {HOLD:.0} ms");
        return Ok(vec![Row::without_bare(NAME, &hold)]);
    }
    let mut rounds = Vec::new();
    for round in 0..plan.rounds.min(3) {
        let seen = watch(plan)?;
        eprintln!(
            "{NAME}, round {}: {:.2} ms",
            round + 1,
            seen.after.round_trip(1.0)
        );
        rounds.push(seen);
    }
    let all: Vec<f64> = rounds
        .iter()
        .map(|seen| seen.after.round_trip(1.0))
        .collect();
    let median = |value: fn(&Seen) -> f64| median_of(&rounds, |round| value(&round.after));
    let lag = median(|seen| seen.lag(1.0));
    let waited = median_of(&rounds, |round| round.waited);
    let note = format!(
        "p50 {:.2}, p99 {:.2}, stream p99 {:.2} and max {:.2}, quiet p99 {:.2}, client's own lag p99 {:.2} and max {lag:.2} ms, {} unanswered; server kept waiting {:.0} % of the time",
        median(|seen| seen.round_trip(0.5)),
        median(|seen| seen.round_trip(0.99)),
        median(|seen| seen.stream(0.99)),
        median(|seen| seen.stream(1.0)),
        median_of(&rounds, |round| round.before.round_trip(0.99)),
        median(|seen| seen.lag(0.99)),
        rounds
            .iter()
            .map(|round| round.after.unanswered)
            .sum::<usize>(),
        100.0 * waited,
    );
    Ok(vec![Row::latency(NAME, &all, HOLD, lag, waited, &note)])
}

/// What the bystanders saw before and after the moment.
struct Round {
    before: Seen,
    after: Seen,
    /// The part of the time that others had the server's core.
    waited: f64,
}

fn watch(plan: &Plan) -> io::Result<Round> {
    let server = plan.dunlin()?;
    let holder = Holder::start(server.address)?;
    let mut bystanders = Bystanders::connect(&Site::ready(server.address), &NEVER)?;
    thread::scope(|scope| {
        let (cpu, start) = (server.cpu()?, Instant::now());
        let watching =
            scope.spawn(move || bystanders.watch(BEFORE + AFTER, &NEVER, &NEVER).whole());
        thread::sleep(BEFORE);
        let moment = Instant::now();
        holder.leave()?;
        let seen = watching
            .join()
            .map_err(|_| Error::other("the bystanders panicked"))??;
        let (before, after) = seen.split(moment);
        let load = server.cpu()?.since(cpu).load(start.elapsed());
        Ok(Round {
            before,
            after,
            waited: load.waited,
        })
    })
}

/// The process that holds the idle connections; killed when dropped.
struct Holder {
    child: Child,
}

impl Holder {
    /// Returns once all connections are open.
    fn start(address: SocketAddr) -> io::Result<Self> {
        let child = Command::new(std::env::current_exe()?)
            .args(["hold", &address.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut holder = Self { child };
        let output = holder
            .child
            .stdout
            .take()
            .ok_or_else(|| Error::other("the holder has no output"))?;
        let (said, ready) = mpsc::channel();
        thread::spawn(move || {
            let mut line = String::new();
            if BufReader::new(output).read_line(&mut line).is_ok() && line.trim() == READY {
                // Nobody listens any more only when the wait below was given up.
                let _ = said.send(());
            }
        });
        ready
            .recv_timeout(OPEN_LIMIT)
            .map_err(|_| Error::other("the idle connections could not be opened"))?;
        Ok(holder)
    }

    /// Ends the process, and with it all its connections, and waits until it is gone.
    fn leave(mut self) -> io::Result<()> {
        drop(self.child.stdin.take());
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        // Both fail only when the child is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The holder's side: opens the connections, says so, and ends without a word when its input ends.
pub(crate) fn hold(address: SocketAddr) -> io::Result<()> {
    step_behind()?;
    raise_file_limit(HOLDERS as u64 + 100)?;
    let mut crowd = Crowd::new(Payload::constant(1, 1))?;
    crowd.grow(address, HOLDERS, Some(Upgrade::to("/echo-raw")))?;
    println!("{READY}");
    io::stdin().read_to_end(&mut Vec::new())?;
    std::process::exit(0)
}
