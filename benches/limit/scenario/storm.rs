//! Storm: what stays of the memory that 1000 connections needed which flooded, stalled and left.
//!
//! The three do it at the same time, a third of the connections each: long messages that are echoed and read,
//! the same with nothing read, and messages of which the end never comes.

use std::io;
use std::thread;
use std::time::Instant;

use crate::flood::{self, bytes};
use crate::report::Row;
use crate::scenario::Plan;
use dunlin_bench::rights::raise_file_limit;

const CONNECTIONS: usize = 1_000;
/// Times the memory at the start.
const HOLD: f64 = 2.0;
const NAME: &str = "RSS after a storm of 1000, against that at start";

pub(super) fn run(plan: &Plan) -> io::Result<Vec<Row>> {
    let hold = format!("≤ {HOLD:.2}");
    if plan.bare_only {
        return Ok(vec![Row::without_bare(NAME, &hold)]);
    }
    raise_file_limit(CONNECTIONS as u64 + 100)?;
    let server = plan.dunlin()?;
    let at_start = server.settled_memory()?;
    let fate = flood::storm(server.address, CONNECTIONS, plan.flood)?;
    let left = Instant::now();
    let at_once = server.memory()?;
    thread::sleep(plan.calm.saturating_sub(left.elapsed()));
    let after = server.memory()?;
    let ratio = after as f64 / at_start as f64;
    Ok(vec![Row {
        name: NAME.to_owned(),
        bare: "–".to_owned(),
        subject: bytes(after),
        ratio: Some(ratio),
        hold,
        held: Some(ratio <= HOLD),
        note: format!(
            "{} at start, {} at most, {} when they had left, and this {:?} later; {fate}",
            bytes(at_start),
            bytes(server.peak_memory()?),
            bytes(at_once),
            plan.calm,
        ),
    }])
}
