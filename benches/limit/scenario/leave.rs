//! Leave: 15 000 idle connections disconnect at once while a bystander wants its echoes.
//!
//! They belong to a process of their own that ends: the kernel closes all of them, without any Close frame.

use std::io::{self, BufRead, BufReader, Error, Read};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::bystander::{Bystander, Echoes, messages_in};
use crate::client::Crowd;
use crate::frames::Payload;
use crate::proc::{raise_file_limit, step_behind};
use crate::report::{Row, judge_latency, median_of, percentile_ms, spread};
use crate::scenario::Plan;
use crate::upgrade::Upgrade;

const HOLDERS: usize = 15_000;
/// How long the bystander is watched before and after the moment.
const BEFORE: Duration = Duration::from_secs(1);
const AFTER: Duration = Duration::from_secs(3);
/// Milliseconds.
const HOLD: f64 = 3.0;
const NAME: &str = "bystander while 15 000 disconnect at once, p99";
const READY: &str = "ready";
/// Longest time to open the connections.
const OPEN_LIMIT: Duration = Duration::from_secs(60);

pub(super) fn run(plan: &Plan) -> io::Result<Vec<Row>> {
    let hold = format!("≤ {HOLD:.0} ms");
    if plan.itself {
        return Ok(vec![Row::blank(
            NAME,
            &hold,
            "there is no bare loop of this kind",
        )]);
    }
    let mut rounds = Vec::new();
    for round in 0..plan.rounds.min(3) {
        let seen = watch(plan)?;
        eprintln!(
            "{NAME}, round {}: p99 {:.2} ms",
            round + 1,
            percentile_ms(&seen.after, 0.99)
        );
        rounds.push(seen);
    }
    let all: Vec<f64> = rounds
        .iter()
        .map(|seen| percentile_ms(&seen.after, 0.99))
        .collect();
    let p99 = median_of(&all, |&value| value);
    let lag = |part| median_of(&rounds, |seen| percentile_ms(&seen.lag, part));
    let (held, doubt) = judge_latency(p99, HOLD, lag(0.99));
    Ok(vec![Row {
        name: NAME.to_owned(),
        bare: "–".to_owned(),
        subject: format!("{p99:.2} ms"),
        ratio: None,
        hold,
        held,
        note: format!(
            "{doubt}p99 {}; p50 {:.2}, max {:.2}, quiet p99 {:.2}, client's own lag p99 {:.2} and max {:.2} ms, {} unanswered",
            spread(&all, |value| format!("{value:.2}")),
            median_of(&rounds, |seen| percentile_ms(&seen.after, 0.5)),
            median_of(&rounds, |seen| percentile_ms(&seen.after, 1.0)),
            median_of(&rounds, |seen| percentile_ms(&seen.before, 0.99)),
            lag(0.99),
            lag(1.0),
            rounds.iter().map(|seen| seen.missing).sum::<usize>(),
        ),
    }])
}

struct Seen {
    before: Vec<u64>,
    after: Vec<u64>,
    /// The client's lag after the moment.
    lag: Vec<u64>,
    missing: usize,
}

fn watch(plan: &Plan) -> io::Result<Seen> {
    let server = plan.dunlin()?;
    let holder = Holder::start(server.address)?;
    let bystander = Bystander::connect(server.address)?;
    let start = Instant::now();
    thread::scope(|scope| {
        let watching = scope.spawn(move || bystander.watch(start, messages_in(BEFORE + AFTER)));
        thread::sleep((start + BEFORE).saturating_duration_since(Instant::now()));
        let moment = messages_in(start.elapsed());
        holder.leave()?;
        let Echoes {
            mut latency,
            mut lag,
            missing,
        } = watching
            .join()
            .map_err(|_| Error::other("the bystander panicked"))??;
        let after = latency.split_off(moment.min(latency.len()));
        Ok(Seen {
            before: latency,
            after,
            lag: lag.split_off(moment.min(lag.len())),
            missing,
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
