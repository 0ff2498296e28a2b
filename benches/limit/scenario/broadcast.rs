//! Broadcast: 10 senders with one message in flight each, everybody in the room receives everything.
//!
//! Measured per delivery, plain and with permessage-deflate. The client counts frames and inflates nothing.
//! The bare echo of the same message is there for orientation only: a delivery has no request to read.

use std::io;

use crate::client::{Crowd, Rule, Sample};
use crate::proc::Server;
use crate::report::{Row, median, median_of, nanoseconds, spread};
use crate::scenario::Plan;
use dunlin_bench::frames::Payload;
use dunlin_bench::upgrade::Upgrade;

const SENDERS: usize = 10;
const RECEIVERS: usize = 1_000;
const LENGTH: usize = 512;
const TEXTS: usize = 640;
const ECHOES: usize = 512;
/// Cost of a compressed delivery against a plain one.
const HOLD: f64 = 1.0;
/// What browsers offer.
const OFFER: &str = "permessage-deflate; client_max_window_bits";

const PLAIN: &str = "broadcast, 10 senders, 1000 receivers, 512 B, per delivery";
const DEFLATE: &str = "the same with deflate, against plain";

pub(super) fn run(plan: &Plan) -> io::Result<Vec<Row>> {
    if plan.bare_only {
        return Ok(vec![
            Row::without_bare(PLAIN, "–"),
            Row::without_bare(DEFLATE, &format!("≤ {HOLD:.2}")),
        ]);
    }
    let plain = plan.alternate(
        PLAIN,
        || echo(plan, &plan.itself("bare-echo")?),
        || Ok(broadcast(plan, &plan.dunlin()?, None)?.0),
        |sample| nanoseconds(sample.cost()),
    )?;
    let costs: Vec<f64> = plain.iter().map(|pair| pair.1.cost()).collect();
    let row = Row {
        name: PLAIN.to_owned(),
        bare: nanoseconds(median_of(&plain, |pair| pair.0.cost())),
        subject: nanoseconds(median(&costs)),
        ratio: Some(median_of(&plain, |pair| pair.1.cost() / pair.0.cost())),
        hold: "–".to_owned(),
        held: None,
        note: format!(
            "{}; bare: an echo of the same message",
            spread(&costs, nanoseconds)
        ),
    };
    Ok(vec![row, deflate(plan)?])
}

fn deflate(plan: &Plan) -> io::Result<Row> {
    let hold = format!("≤ {HOLD:.2}");
    if !broadcast(plan, &plan.dunlin()?, Some(OFFER))?.1 {
        return Ok(Row::blank(DEFLATE, &hold, "not negotiated"));
    }
    let mut ratios = Vec::new();
    let mut costs = Vec::new();
    for round in 0..plan.rounds {
        let plain = || broadcast(plan, &plan.dunlin()?, None).map(|(sample, _)| sample.cost());
        let packed =
            || broadcast(plan, &plan.dunlin()?, Some(OFFER)).map(|(sample, _)| sample.cost());
        let (plain, packed) = if round % 2 == 0 {
            let plain = plain()?;
            (plain, packed()?)
        } else {
            let packed = packed()?;
            (plain()?, packed)
        };
        let (shown, number) = (nanoseconds(packed), round + 1);
        eprintln!(
            "{DEFLATE}, round {number} of {}: plain {}, deflate {shown}",
            plan.rounds,
            nanoseconds(plain)
        );
        ratios.push(packed / plain);
        costs.push(packed);
    }
    let ratio = median(&ratios);
    Ok(Row {
        name: DEFLATE.to_owned(),
        bare: "–".to_owned(),
        subject: nanoseconds(median(&costs)),
        ratio: Some(ratio),
        hold,
        held: Some(ratio <= HOLD),
        note: format!(
            "ratios to plain {}",
            spread(&ratios, |ratio| format!("{ratio:.3}"))
        ),
    })
}

fn broadcast(plan: &Plan, server: &Server, offer: Option<&str>) -> io::Result<(Sample, bool)> {
    let mut crowd = Crowd::new(Payload::new(&texts(), SENDERS))?;
    let members = SENDERS + RECEIVERS;
    crowd.grow(
        server.address,
        members,
        Some(Upgrade {
            path: "/flow",
            offer,
            fields: "",
            greetings: 1,
        }),
    )?;
    // A sender cannot tell its own message from those of the others: one in SENDERS is its own.
    let rule = Rule {
        senders: SENDERS,
        window: 1,
        per: SENDERS as u64,
        fan_out: members as u64,
    };
    let sample = crowd.measure(server, rule, plan.warm, plan.span)?;
    Ok((sample, crowd.negotiated()))
}

fn echo(plan: &Plan, server: &Server) -> io::Result<Sample> {
    let mut crowd = Crowd::new(Payload::new(&texts(), 1))?;
    crowd.grow(server.address, ECHOES, None)?;
    let rule = Rule {
        senders: ECHOES,
        window: 1,
        per: 1,
        fan_out: 1,
    };
    crowd.measure(server, rule, plan.warm, plan.span)
}

/// Messages as a dashboard or a game sends them: JSON, all alike in shape, no two the same.
fn texts() -> Vec<Vec<u8>> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut number = move || {
        // xorshift64: the figures only have to differ.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let text = |sequence: usize| {
        let mut text = format!("{{\"type\":\"update\",\"sequence\":{sequence},\"items\":[");
        while text.len() < LENGTH {
            let (id, x, y) = (number() % 100_000, number() % 1_920, number() % 1_080);
            text += &format!(
                "{{\"id\":{id},\"name\":\"player{}\",\"x\":{x},\"y\":{y},\"alive\":true}},",
                id % 100
            );
        }
        // Cut to length: nobody parses it, and a cut keeps all messages of one size.
        text.truncate(LENGTH - 2);
        (text + "]}").into_bytes()
    };
    (0..TEXTS).map(text).collect()
}
