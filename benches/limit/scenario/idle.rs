//! Idle: the server's CPU while 15 000 connections rest and get their pings.
//!
//! The client answers no ping, so that the watch must be over before the server gives them up: 25 s of silence
//! and then 15 s. It begins with the first pings.

use std::io;
use std::thread;
use std::time::{Duration, Instant};

use crate::client::Crowd;
use crate::report::Row;
use crate::scenario::Plan;
use dunlin_bench::frames::Payload;
use dunlin_bench::rights::raise_file_limit;
use dunlin_bench::upgrade::Upgrade;

const CONNECTIONS: usize = 15_000;
/// The default of `Settings::ping_period`: one ping a connection falls into each span of this length.
const PING_PERIOD: Duration = Duration::from_secs(25);
/// Percent of a core.
const HOLD: f64 = 0.27;
const NAME: &str = "15 000 connections idle, pings on, part of a core";

pub(super) fn run(plan: &Plan) -> io::Result<Vec<Row>> {
    let hold = format!("≤ {HOLD} %");
    if plan.bare_only {
        return Ok(vec![Row::without_bare(NAME, &hold)]);
    }
    raise_file_limit(CONNECTIONS as u64 + 100)?;
    let server = plan.dunlin()?;
    let mut crowd = Crowd::new(Payload::constant(1, 1))?;
    let opening = Instant::now();
    crowd.grow(server.address, CONNECTIONS, Some(Upgrade::to("/echo-raw")))?;
    let opened = opening.elapsed();
    thread::sleep(Duration::from_millis(200));
    let (before, start) = (server.cpu()?, Instant::now());
    // All pings fall into this span, those of the last connections at its end.
    thread::sleep(PING_PERIOD + Duration::from_secs(1));
    let used = server.cpu()?.since(before).nanoseconds as f64;
    let part = 100.0 * used / start.elapsed().as_nanos() as f64;
    Ok(vec![Row {
        name: NAME.to_owned(),
        bare: "–".to_owned(),
        subject: format!("{part:.2} %"),
        ratio: None,
        hold,
        held: Some(part <= HOLD),
        note: format!(
            "one ping to each within {:.0?}, none answered; opened in {opened:.1?}",
            start.elapsed()
        ),
    }])
}
