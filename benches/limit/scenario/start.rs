//! Start: from the start of a process to the first connection it accepts, and its memory then.

use std::io;
use std::time::Duration;

use crate::proc::Server;
use crate::report::{Row, median_of, spread};
use crate::scenario::Plan;

const TIME: &str = "start, exec to first accepted connection";
const MEMORY: &str = "RSS at start";
/// Milliseconds.
const HOLD_TIME: f64 = 3.5;
/// MB, of a million bytes.
const HOLD_MEMORY: f64 = 2.5;
/// The start is short: more rounds than elsewhere cost nothing.
const ROUNDS: usize = 15;

pub(super) fn run(plan: &Plan) -> io::Result<Vec<Row>> {
    let plan = Plan {
        rounds: ROUNDS,
        binary: plan.binary.clone(),
        ..*plan
    };
    let pairs = plan.alternate(
        TIME,
        || look(&plan.itself("bare-echo")?),
        || look(&plan.subject("bare-echo")?),
        |(time, memory)| format!("{} and {}", milliseconds(*time), megabytes(*memory)),
    )?;
    let times: Vec<f64> = pairs.iter().map(|pair| pair.1.0).collect();
    let sizes: Vec<f64> = pairs.iter().map(|pair| pair.1.1).collect();
    let time = median_of(&times, |&value| value);
    let size = median_of(&sizes, |&value| value);
    Ok(vec![
        Row {
            name: TIME.to_owned(),
            bare: milliseconds(median_of(&pairs, |pair| pair.0.0)),
            subject: milliseconds(time),
            ratio: None,
            hold: format!("≤ {}", milliseconds(HOLD_TIME)),
            held: Some(time <= HOLD_TIME),
            note: spread(&times, milliseconds),
        },
        Row {
            name: MEMORY.to_owned(),
            bare: megabytes(median_of(&pairs, |pair| pair.0.1)),
            subject: megabytes(size),
            ratio: None,
            hold: format!("≤ {}", megabytes(HOLD_MEMORY)),
            held: Some(size <= HOLD_MEMORY),
            note: spread(&sizes, megabytes),
        },
    ])
}

/// Milliseconds, and MB.
fn look(server: &Server) -> io::Result<(f64, f64)> {
    std::thread::sleep(Duration::from_millis(50));
    let time = server.started_in.as_secs_f64() * 1e3;
    Ok((time, server.memory()? as f64 / 1e6))
}

fn milliseconds(value: f64) -> String {
    format!("{value:.1} ms")
}

fn megabytes(value: f64) -> String {
    format!("{value:.1} MB")
}
