//! Echo: every connection keeps a window of messages in flight and sends one more for each that comes back.
//!
//! The bare loop gets the very same bytes and sends them back as they are, frames and masks included; a
//! server's reply is four bytes shorter a frame, which is left as it is.

use std::io;

use crate::client::{Crowd, Rule, Sample};
use crate::proc::Server;
use crate::report::{Row, median_of, nanoseconds};
use crate::scenario::Plan;
use dunlin_bench::frames::Payload;
use dunlin_bench::upgrade::Upgrade;

pub(super) struct Echo {
    name: &'static str,
    connections: usize,
    /// Bytes in a message.
    length: usize,
    /// Binary messages; text costs a server the check of its UTF-8 on top.
    binary: bool,
    in_flight: u64,
    hold: f64,
}

pub(super) const SMALL: Echo = Echo {
    name: "echo, 512 connections, 5 B, 1 in flight",
    connections: 512,
    length: 5,
    binary: false,
    in_flight: 1,
    hold: 1.02,
};
pub(super) const SMALL_16: Echo = Echo {
    name: "the same, 16 in flight",
    in_flight: 16,
    hold: 1.04,
    ..SMALL
};
pub(super) const SMALL_64: Echo = Echo {
    name: "echo, 100 connections, 20 B, 64 in flight",
    connections: 100,
    length: 20,
    in_flight: 64,
    hold: 1.30,
    ..SMALL
};
pub(super) const MIDDLE: Echo = Echo {
    name: "echo 16 KiB binary, 64 connections",
    connections: 64,
    binary: true,
    length: 16 << 10,
    hold: 1.08,
    ..SMALL
};
pub(super) const LARGE: Echo = Echo {
    name: "echo 256 KiB binary, 16 connections",
    connections: 16,
    binary: true,
    length: 256 << 10,
    hold: 1.35,
    ..SMALL
};
pub(super) const LARGE_TEXT: Echo = Echo {
    name: "the same as text",
    binary: false,
    hold: f64::INFINITY,
    ..LARGE
};

impl Echo {
    pub(super) fn run(&self, plan: &Plan) -> io::Result<Vec<Row>> {
        let upgrade = (!plan.bare_only).then_some(Upgrade::to("/echo-raw"));
        let pairs = plan.alternate(
            self.name,
            || self.measure(plan, &plan.itself("bare-echo")?, None),
            || self.measure(plan, &plan.subject("bare-echo")?, upgrade),
            |sample| nanoseconds(sample.cost()),
        )?;
        let costs: Vec<_> = pairs
            .iter()
            .map(|(bare, subject)| (bare.cost(), subject.cost()))
            .collect();
        let naps = |sample: &Sample| 1e3 * sample.cpu.turns_on_core as f64 / sample.messages as f64;
        let note = format!(
            "naps per 1000 messages {:.1} and {:.1}, user time {:.0} % and {:.0} %",
            median_of(&pairs, |pair| naps(&pair.0)),
            median_of(&pairs, |pair| naps(&pair.1)),
            median_of(&pairs, |pair| 100.0 * pair.0.cpu.user_share()),
            median_of(&pairs, |pair| 100.0 * pair.1.cpu.user_share()),
        );
        Ok(vec![Row::ratio(self.name, &costs, self.hold, &note)])
    }

    fn measure(
        &self,
        plan: &Plan,
        server: &Server,
        upgrade: Option<Upgrade<'_>>,
    ) -> io::Result<Sample> {
        let payload = if self.binary {
            Payload::binary(self.length, self.in_flight as usize)
        } else {
            Payload::constant(self.length, self.in_flight as usize)
        };
        let mut crowd = Crowd::new(payload)?;
        crowd.grow(server.address, self.connections, upgrade)?;
        let rule = Rule {
            senders: self.connections,
            window: self.in_flight,
            per: 1,
            fan_out: 1,
        };
        crowd.measure(server, rule, plan.warm, plan.span)
    }
}
