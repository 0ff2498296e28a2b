//! Memory: how much the server's resident memory grows with each idle connection.

use std::io;

use crate::client::Crowd;
use crate::proc::Server;
use crate::report::{Row, median_of, spread};
use crate::scenario::Plan;
use dunlin_bench::frames::Payload;
use dunlin_bench::rights::raise_file_limit;
use dunlin_bench::upgrade::Upgrade;

const FEW: usize = 1_000;
const MANY: usize = 15_000;
/// Bytes.
const HOLD: f64 = 96.0;
const NAME: &str = "memory of an idle connection, 15 000";

pub(super) fn run(plan: &Plan) -> io::Result<Vec<Row>> {
    raise_file_limit(MANY as u64 + 100)?;
    let upgrade = (!plan.bare_only).then_some(Upgrade::to("/echo-raw"));
    // Memory hardly differs between rounds: three are enough.
    let plan = Plan {
        rounds: plan.rounds.min(3),
        binary: plan.binary.clone(),
        ..*plan
    };
    let pairs = plan.alternate(
        NAME,
        || slope(&plan.itself("bare-echo")?, None),
        || slope(&plan.subject("bare-echo")?, upgrade),
        |slope| bytes(slope.per_connection),
    )?;
    let own: Vec<f64> = pairs.iter().map(|pair| pair.1.per_connection).collect();
    let slope = median_of(&own, |&value| value);
    Ok(vec![Row {
        name: NAME.to_owned(),
        bare: bytes(median_of(&pairs, |pair| pair.0.per_connection)),
        subject: bytes(slope),
        ratio: None,
        hold: format!("≤ {}", bytes(HOLD)),
        held: Some(slope <= HOLD),
        note: format!(
            "{}; whole process with 1000 connections {:.1} MiB",
            spread(&own, bytes),
            median_of(&pairs, |pair| pair.1.at_few as f64) / f64::from(1 << 20)
        ),
    }])
}

struct Slope {
    /// Bytes.
    per_connection: f64,
    /// Resident bytes with few connections.
    at_few: u64,
}

fn slope(server: &Server, upgrade: Option<Upgrade<'_>>) -> io::Result<Slope> {
    let mut crowd = Crowd::new(Payload::constant(1, 1))?;
    crowd.grow(server.address, FEW, upgrade)?;
    let at_few = server.settled_memory()?;
    crowd.grow(server.address, MANY, upgrade)?;
    let at_many = server.settled_memory()?;
    Ok(Slope {
        per_connection: (at_many as f64 - at_few as f64) / (MANY - FEW) as f64,
        at_few,
    })
}

fn bytes(value: f64) -> String {
    format!("{value:.0} B")
}
