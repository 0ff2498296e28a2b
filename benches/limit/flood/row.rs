//! The table of the floods.

use std::io;

use dunlin_bench::flood::bytes;

use super::Measured;
use crate::record;
use crate::report::{judge_latency, verdict};

/// What a round trip may take beside any flood, milliseconds, p99.
const HOLD: f64 = 3.0;

const HEAD: [&str; 15] = [
    "flood",
    "connections",
    "round trip p50",
    "p99",
    "max",
    "≤ 3 ms",
    "stream p99",
    "max",
    "client late, p99",
    "sent",
    "read",
    "server busy",
    "kept waiting",
    "its peak RSS",
    "what became of the flooders",
];

/// One row.
pub(crate) struct FloodRow {
    cells: [String; 15],
    /// Whether the figure was held; nothing without a verdict.
    held: Option<bool>,
    pub(crate) failed: bool,
    /// The part of the time that others had the server's core.
    pub(super) disturbed: f64,
}

impl FloodRow {
    pub(super) fn of(name: &str, count: usize, found: &Measured) -> Self {
        let busy = &found.busy;
        let p99 = busy.round_trip(0.99);
        let (mut held, doubt) = judge_latency(p99, HOLD, busy.lag(0.99), found.load.waited);
        if found.trouble.is_some() {
            held = Some(false);
        }
        let mut fate = doubt.to_owned();
        if let Some(trouble) = &found.trouble {
            fate += &format!("{trouble}; ");
        }
        fate += &found.tally.fate();
        if busy.unanswered > 0 {
            fate += &format!("; bystanders: {} unanswered", busy.unanswered);
        }
        if found.log_lines > 0 {
            fate += &format!("; {} lines of log", found.log_lines);
        }
        let quiet = found.quiet.round_trip(0.99);
        if quiet > HOLD / 2.0 {
            fate += &format!("; p99 while quiet {quiet:.2} ms");
        }
        let ms = |value: f64| format!("{value:.2}");
        Self {
            cells: [
                name.to_owned(),
                count.to_string(),
                ms(busy.round_trip(0.5)),
                ms(p99),
                ms(busy.round_trip(1.0)),
                verdict(held).to_owned(),
                ms(busy.stream(0.99)),
                ms(busy.stream(1.0)),
                ms(busy.lag(0.99)),
                bytes(found.tally.sent),
                bytes(found.tally.read),
                format!("{:.0} %", 100.0 * found.load.used),
                format!("{:.0} %", 100.0 * found.load.waited),
                bytes(found.peak),
                fate,
            ],
            held,
            failed: false,
            disturbed: found.load.waited,
        }
    }

    pub(super) fn failed(name: &str, count: usize, error: &io::Error) -> Self {
        let mut cells: [String; 15] = std::array::from_fn(|_| "–".to_owned());
        cells[0] = name.to_owned();
        cells[1] = count.to_string();
        cells[14] = format!("failed: {error}");
        Self {
            cells,
            held: None,
            failed: true,
            disturbed: 1.0,
        }
    }

    /// The row while the run goes on.
    pub(crate) fn line(&self) -> String {
        let [name, count, p50, p99, max, verdict, .., fate] = &self.cells;
        format!("{name}, {count}: round trip {p50}, {p99}, {max} ms, {verdict}; {fate}")
    }
}

/// The rows, and how many of them were held.
pub(crate) fn table(rows: &[FloodRow]) -> String {
    let held = rows.iter().filter(|row| row.held == Some(true)).count();
    let judged = rows.iter().filter(|row| row.held.is_some()).count();
    let cells: Vec<_> = rows.iter().map(|row| row.cells.clone()).collect();
    format!(
        "Floods: a bystander's round trip and stream beside them, milliseconds. {held} of {judged} rows hold.\n\n{}",
        record::table(HEAD, &cells)
    )
}
