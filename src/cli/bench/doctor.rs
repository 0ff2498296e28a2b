//! `dunlin bench doctor`: the limits of this machine as a table, or as JSON.

use crate::exit::CommandFailure;
use dunlin_bench::doctor::{Asked, Attempt, Place, Tree, Verdict, attempt, check, document, table};
use std::io::{self, Write};

const EXAMPLES: &str = "\
Examples:
  dunlin bench doctor --connections 100000
  dunlin bench doctor ws://127.0.0.1:8080/echo-raw --connections 20000
  dunlin bench doctor ws://example.org/socket --connections 50000 --workers 4 --json

Nothing is changed: each limit that is too low comes with the line that lifts it. With a URL one \
connection is opened and closed. Without one the server is taken to be on this machine, and needs its \
share of files, ports and memory.

Exit codes: 0 nothing is in the way, 1 something is, 2 usage.";

/// The flags of `bench doctor`.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The server, such as ws://127.0.0.1:8080/echo-raw
    #[arg(value_name = "URL")]
    url: Option<String>,

    /// Connections that are to be open at a time
    #[arg(short, long, value_name = "N", default_value_t = 10_000)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    connections: u64,

    /// Processes of the load tester that share them
    #[arg(long, value_name = "N", default_value_t = 1)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=1024))]
    workers: u64,

    /// Print one JSON object in place of the table
    #[arg(long)]
    json: bool,
}

impl Arguments {
    /// Looks at everything and prints it.
    pub(super) fn run(self) -> Result<(), CommandFailure> {
        let server = self.url.as_deref().map(attempt).transpose();
        let server = server.map_err(|error| CommandFailure::usage(format!("{error:#}")))?;
        let Attempt { place, rows } = server.unwrap_or(Attempt {
            place: Place::Unknown,
            rows: Vec::new(),
        });
        let asked = Asked {
            connections: self.connections,
            workers: self.workers,
            place,
        };
        let rows = [rows, check(&Tree::here(), asked)].concat();
        let text = match self.json {
            true => document(asked, &rows),
            false => table(asked, &rows),
        };
        // A closed standard output is no reason to stop: the exit code still tells.
        let mut out = io::stdout().lock();
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        match rows.iter().any(|row| row.verdict == Verdict::Low) {
            true => Err(CommandFailure::Quiet(1)),
            false => Ok(()),
        }
    }
}
