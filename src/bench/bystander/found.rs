//! What a run of `dunlin bench bystander` found, as it is printed and written as JSON.
//!
//! Times are nanoseconds, sizes bytes. A field that was not measured is absent. [`VERSION`] counts up when a
//! field changes its meaning or goes; new fields alone do not change it.

use super::super::flood::Tally;
use super::super::summary::{Ended, Environment};
use super::seen::{Seen, percentile};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The version of this format.
pub const VERSION: u32 = 1;

/// One run.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Found {
    /// [`VERSION`].
    pub version: u32,
    /// Where and with what it ran.
    pub environment: Environment,
    /// The server, as it was given.
    pub url: String,
    /// The address that all connections went to.
    pub address: String,
    /// Length of each flood, in nanoseconds.
    pub span_ns: u64,
    /// Most bytes of each flood, both ways together.
    pub bytes: u64,
    /// How it ended: `lost` when the server did.
    pub ended: Ended,
    /// The bystanders without any flood, before the first one.
    pub alone: Figures,
    /// One row for each flood and number of connections.
    pub rows: Vec<Row>,
}

/// What the two bystanders saw.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Figures {
    /// Of the one with one message in flight.
    pub round_trip: Times,
    /// Of the one that sends every 2 ms, whatever is outstanding.
    pub stream: Times,
    /// By how much the stream was sent later than planned: what the client was late by itself.
    pub lag: Times,
    /// Messages of both that were never answered; they count as late as they were waited for.
    pub unanswered: usize,
}

/// A distribution of times, in nanoseconds; zeros without any.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Times {
    /// Values.
    pub count: usize,
    /// Half of the values are at most this.
    pub p50: u64,
    /// 99 %.
    pub p99: u64,
    /// The greatest.
    pub max: u64,
}

/// One flood with so many connections.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Row {
    /// Name of the flood.
    pub flood: String,
    /// What it does.
    pub about: String,
    /// What it needs of a server.
    pub needs: String,
    /// Connections.
    pub connections: usize,
    /// Why it was not run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skipped: Option<String>,
    /// The bystanders right before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quiet: Option<Figures>,
    /// The bystanders beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beside: Option<Figures>,
    /// The flooding side.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flooders: Option<Flooders>,
    /// From the end of the flood until a newcomer had its echo.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovered_ns: Option<u64>,
    /// Why the figures are not those of the server: the client itself was late.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invalid: Option<String>,
    /// What is wrong with the server, such as that it ended.
    pub trouble: Vec<String>,
    /// What a reader should know beside that.
    pub notes: Vec<String>,
}

/// What the flooding connections did, and what the server did to them.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Flooders {
    /// In words, as the table has it.
    pub fate: String,
    /// Connections that were open when the flood began.
    pub opened: usize,
    /// Bytes sent.
    pub sent: u64,
    /// Bytes read.
    pub read: u64,
    /// Messages, pongs or responses that came back.
    pub answers: u64,
    /// How connections ended, and how many: by the server (`closed 1008`, `reset`), or by plan (`left`).
    pub ends: BTreeMap<String, u64>,
    /// Connections that read, wait for the server, and had nothing from it for the last half of the flood.
    pub starved: u64,
    /// Connections that do not read, and that the server does not read from either.
    pub held: u64,
    /// Connections that came again.
    pub reopened: u64,
    /// The flood ended early, its bytes spent.
    pub spent: bool,
    /// When the server had ended the last connection for good, from the beginning of the flood on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over_after_ns: Option<u64>,
}

/// The worst figures of round trips over several rows, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Worst {
    /// The greatest of the medians.
    pub p50: u64,
    /// The greatest p99.
    pub p99: u64,
    /// The greatest of all.
    pub max: u64,
}

impl Found {
    /// The worst round trips of all rows that were measured and are valid; nothing without any such row.
    pub fn worst(&self) -> Option<Worst> {
        let valid = self.rows.iter().filter(|row| row.invalid.is_none());
        let times = valid.filter_map(|row| row.beside.as_ref().map(|beside| beside.round_trip));
        times
            .filter(|times| times.count > 0)
            .map(|Times { p50, p99, max, .. }| Worst { p50, p99, max })
            .reduce(|one, other| Worst {
                p50: one.p50.max(other.p50),
                p99: one.p99.max(other.p99),
                max: one.max.max(other.max),
            })
    }

    /// Rows that were measured.
    pub fn measured(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| row.beside.is_some())
    }
}

impl Figures {
    /// The figures of what was seen.
    pub(super) fn of(seen: &Seen) -> Self {
        let took = |trips: &[super::seen::Trip]| trips.iter().map(|trip| trip.took).collect();
        Self {
            round_trip: Times::of(took(&seen.round_trips)),
            stream: Times::of(took(&seen.stream)),
            lag: Times::of(seen.lag.clone()),
            unanswered: seen.unanswered,
        }
    }
}

impl Times {
    fn of(mut values: Vec<u64>) -> Self {
        values.sort_unstable();
        let part = |part| percentile(&values, part).unwrap_or(0);
        Self {
            count: values.len(),
            p50: part(0.5),
            p99: part(0.99),
            max: part(1.0),
        }
    }
}

impl Flooders {
    /// What the tally says.
    pub(super) fn of(tally: &Tally) -> Self {
        Self {
            fate: tally.fate(),
            opened: tally.filled,
            sent: tally.sent,
            read: tally.read,
            answers: tally.answers,
            ends: tally.ends.clone(),
            starved: tally.starved,
            held: tally.held,
            reopened: tally.reopened,
            spent: tally.spent,
            over_after_ns: tally.over_after.map(|after| after.as_nanos() as u64),
        }
    }
}
