//! The scenarios: each file is one kind of work, each entry of the list one row (or two) of the table.

mod accept;
mod broadcast;
mod echo;
mod idle;
mod leave;
mod memory;
mod room;
mod rooms;
mod start;
mod storm;

use std::io;
use std::path::PathBuf;
use std::time::Duration;

pub(crate) use leave::hold;

use crate::proc::{Cores, Program, Server};
use crate::report::Row;

/// How long and how often to measure, and what.
pub(crate) struct Plan {
    pub(crate) rounds: usize,
    /// Time under load before a measurement.
    pub(crate) warm: Duration,
    /// Length of one measurement.
    pub(crate) span: Duration,
    /// How long the bystanders are watched under a broadcast.
    pub(crate) watch: Duration,
    /// How long they are watched beside a flood.
    pub(crate) flood: Duration,
    /// How often a flood is measured again when another process had the server's core meanwhile.
    pub(crate) again: usize,
    /// How long a server may take to give back the memory of a storm.
    pub(crate) calm: Duration,
    pub(crate) binary: PathBuf,
    /// Measure the bare loop against itself: what is then not 1.00 is the noise of the machine.
    pub(crate) bare_only: bool,
    pub(crate) cores: Cores,
}

impl Plan {
    /// A subcommand of this binary.
    pub(crate) fn itself(&self, subcommand: &'static str) -> io::Result<Server> {
        Server::start(Program::Itself(subcommand), self.cores)
    }

    /// The server that is measured against the bare loop `subcommand`.
    fn subject(&self, subcommand: &'static str) -> io::Result<Server> {
        if self.bare_only {
            self.itself(subcommand)
        } else {
            self.dunlin()
        }
    }

    pub(crate) fn dunlin(&self) -> io::Result<Server> {
        Server::start(Program::Dunlin(&self.binary), self.cores)
    }

    /// Runs both sides once a round; the side that goes first changes, so that neither profits from its place.
    fn alternate<T>(
        &self,
        name: &str,
        mut bare: impl FnMut() -> io::Result<T>,
        mut subject: impl FnMut() -> io::Result<T>,
        show: impl Fn(&T) -> String,
    ) -> io::Result<Vec<(T, T)>> {
        let mut pairs = Vec::new();
        for round in 0..self.rounds {
            let pair = if round % 2 == 0 {
                let bare = bare()?;
                (bare, subject()?)
            } else {
                let subject = subject()?;
                (bare()?, subject)
            };
            eprintln!(
                "{name}, round {} of {}: bare {}, dunlin {}",
                round + 1,
                self.rounds,
                show(&pair.0),
                show(&pair.1)
            );
            pairs.push(pair);
        }
        Ok(pairs)
    }
}

/// A scenario by its name on the command line.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) run: fn(&Plan) -> io::Result<Vec<Row>>,
}

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "echo",
        about: "512 connections, 5 B, one in flight",
        run: |plan| echo::SMALL.run(plan),
    },
    Scenario {
        name: "echo16",
        about: "the same, 16 in flight",
        run: |plan| echo::SMALL_16.run(plan),
    },
    Scenario {
        name: "echo64",
        about: "100 connections, 20 B, 64 in flight",
        run: |plan| echo::SMALL_64.run(plan),
    },
    Scenario {
        name: "echo16k",
        about: "64 connections, 16 KiB binary, one in flight",
        run: |plan| echo::MIDDLE.run(plan),
    },
    Scenario {
        name: "echo256k",
        about: "16 connections, 256 KiB binary, one in flight",
        run: |plan| echo::LARGE.run(plan),
    },
    Scenario {
        name: "echo256k-text",
        about: "the same as text",
        run: |plan| echo::LARGE_TEXT.run(plan),
    },
    Scenario {
        name: "memory",
        about: "RSS of an idle connection, 1 000 to 15 000",
        run: memory::run,
    },
    Scenario {
        name: "accept",
        about: "CPU to accept and upgrade, 15 000 in a row",
        run: accept::run,
    },
    Scenario {
        name: "broadcast",
        about: "10 senders, 1000 receivers, 512 B, plain and deflate",
        run: broadcast::run,
    },
    Scenario {
        name: "room",
        about: "bystanders beside a saturated room of 10 000",
        run: room::run,
    },
    Scenario {
        name: "rooms",
        about: "one room, 1000 who listen: deflate and events against plain",
        run: rooms::run,
    },
    Scenario {
        name: "leave",
        about: "bystanders while 15 000 disconnect at once",
        run: leave::run,
    },
    Scenario {
        name: "start",
        about: "time and RSS of a process that starts",
        run: start::run,
    },
    Scenario {
        name: "idle",
        about: "CPU while 15 000 connections rest, pings on",
        run: idle::run,
    },
    Scenario {
        name: "storm",
        about: "RSS after 1000 connections flooded, stalled and left",
        run: storm::run,
    },
];
