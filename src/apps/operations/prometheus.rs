//! Counters as Prometheus reads them: its text format, version 0.0.4. Pure: numbers in, text out.
//!
//! Every family has its `HELP` and `TYPE` once, whatever its numbers, and labels come from fixed tables
//! only. Never a room, a user or an address as a label: they would make a series each.

use super::process::Process;
use crate::{EngineStats, Metrics};
use std::fmt::{Display, Write};

/// Text that grows family by family. Writing to a `String` cannot fail.
struct Exposition(String);

impl Exposition {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn counter(&mut self, name: &str, help: &str, value: impl Display) {
        self.family(name, "counter", help);
        let _ = writeln!(self.0, "{name} {value}");
    }

    fn gauge(&mut self, name: &str, help: &str, value: impl Display) {
        self.family(name, "gauge", help);
        let _ = writeln!(self.0, "{name} {value}");
    }

    /// A gauge of something that is not known everywhere.
    fn gauge_if_known(&mut self, name: &str, help: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            self.gauge(name, help, value);
        }
    }

    /// A counter for each row of a table. Rows that are 0 are there from the start, so that the first
    /// one shows as an increase.
    fn counters(
        &mut self,
        name: &str,
        label: &str,
        help: &str,
        rows: impl Iterator<Item = (String, u64)>,
    ) {
        self.family(name, "counter", help);
        for (row, value) in rows {
            let _ = writeln!(self.0, "{name}{{{label}=\"{row}\"}} {value}");
        }
    }
}

/// Everything that is counted, as text.
pub(super) fn text(metrics: &Metrics, process: &Process) -> String {
    let mut out = Exposition(String::with_capacity(12 << 10));
    out.family("dunlin_build_info", "gauge", "The version of this server.");
    let version = env!("CARGO_PKG_VERSION");
    let _ = writeln!(out.0, "dunlin_build_info{{version=\"{version}\"}} 1");
    connections(&mut out, metrics);
    traffic(&mut out, metrics);
    turns(&mut out, metrics);
    if let Some(engine) = &metrics.engine {
        of_engine(&mut out, engine);
    }
    of_process(&mut out, process);
    out.0
}

fn of_engine(out: &mut Exposition, engine: &EngineStats) {
    out.gauge(
        "dunlin_engine_ready",
        "1 while both lines to the engine of the rooms are up.",
        u8::from(engine.is_ready),
    );
    for (name, help, value) in [
        (
            "dunlin_engine_disconnects_total",
            "Lines to the engine that were lost.",
            engine.disconnects,
        ),
        (
            "dunlin_engine_answers_total",
            "Requests that the engine answered.",
            engine.answers,
        ),
        (
            "dunlin_engine_mended_total",
            "Rooms whose histories were read because pushes may have been missed.",
            engine.mended,
        ),
        (
            "dunlin_engine_mended_messages_total",
            "Messages that were delivered by that.",
            engine.mended_messages,
        ),
        (
            "dunlin_engine_lost_ids_total",
            "Messages that the engine had no longer: members were told of a gap.",
            engine.lost_ids,
        ),
        (
            "dunlin_engine_epochs_total",
            "Times that a room began a new epoch while somebody here was in it.",
            engine.epochs,
        ),
        (
            "dunlin_engine_unavailable_total",
            "Requests that were refused because the engine was away.",
            engine.unavailable,
        ),
    ] {
        out.counter(name, help, value);
    }
    let seconds = engine.waited_ms as f64 / 1000.0;
    out.counter(
        "dunlin_engine_answer_seconds_total",
        "How long its answers took together.",
        seconds,
    );
    out.gauge(
        "dunlin_engine_longest_answer_seconds",
        "The longest that an answer took since the start.",
        engine.longest_ms as f64 / 1000.0,
    );
}

fn connections(out: &mut Exposition, metrics: &Metrics) {
    let stats = &metrics.stats;
    out.gauge(
        "dunlin_ready",
        "1 while new connections are welcome, as /readyz says.",
        u8::from(metrics.not_ready.is_none()),
    );
    out.counter(
        "dunlin_connections_accepted_total",
        "Connections that were accepted.",
        stats.accepted,
    );
    out.gauge(
        "dunlin_connections",
        "Connections that are open, upgraded or not.",
        stats.connections,
    );
    out.counter(
        "dunlin_accept_pauses_total",
        "How often accepting paused for want of descriptors.",
        metrics.accept_pauses,
    );
    out.counters(
        "dunlin_handshakes_total",
        "status",
        "Answers to requests for a WebSocket: 101, and the status of each refusal.",
        metrics.handshakes.rows(),
    );
    out.counters(
        "dunlin_http_responses_total",
        "status",
        "Answers to all other requests, and refusals of connections.",
        metrics.responses.rows(),
    );
    out.gauge(
        "dunlin_sessions",
        "Sessions that are open: WebSockets and event streams.",
        stats.opened.saturating_sub(stats.closed),
    );
    out.counter(
        "dunlin_sessions_opened_total",
        "Sessions that were opened.",
        stats.opened,
    );
    out.counters(
        "dunlin_sessions_closed_total",
        "code",
        "Sessions that ended, by close code; 1006: the connection was lost.",
        metrics.closes.rows(),
    );
    out.counter(
        "dunlin_limited_total",
        "Connections, requests and messages that were refused because an address or user had too many.",
        stats.limited,
    );
    out.counter(
        "dunlin_slow_readers_closed_total",
        "Sessions that were closed because their peer read too slowly.",
        metrics.slow_closed,
    );
}

fn traffic(out: &mut Exposition, metrics: &Metrics) {
    let stats = &metrics.stats;
    out.counter(
        "dunlin_messages_received_total",
        "Messages that arrived.",
        stats.received,
    );
    out.counter(
        "dunlin_messages_sent_total",
        "Messages that went out or wait to, one for each receiver.",
        stats.sent,
    );
    out.counter(
        "dunlin_messages_dropped_total",
        "Messages that a backlog policy dropped.",
        stats.dropped,
    );
    out.counter(
        "dunlin_received_bytes_total",
        "Bytes that were read from peers.",
        metrics.bytes_received,
    );
    out.counter(
        "dunlin_sent_bytes_total",
        "Bytes that the system took to be sent to peers.",
        metrics.bytes_sent,
    );
    out.gauge(
        "dunlin_buffered_bytes",
        "Bytes that wait for slow peers or for the rest of a message.",
        stats.buffered,
    );
    out.gauge_if_known(
        "dunlin_buffered_bytes_limit",
        "The most that may be buffered: max_buffered.",
        stats.max_buffered,
    );
}

fn turns(out: &mut Exposition, metrics: &Metrics) {
    out.counter(
        "dunlin_work_units_total",
        "Work that turns of the loop did, in units of about a nanosecond.",
        metrics.work,
    );
    out.counter(
        "dunlin_turns_exhausted_total",
        "Turns that used all of their budget of work.",
        metrics.turns_exhausted,
    );
    let name = "dunlin_loop_lag_seconds";
    let help = "How long turns of the loop took, from the return of the poll to their end.";
    out.family(name, "histogram", help);
    for (bound, count) in metrics.lag.buckets() {
        let _ = match bound {
            Some(bound) => {
                let bound = bound.as_secs_f64();
                writeln!(out.0, "{name}_bucket{{le=\"{bound}\"}} {count}")
            }
            None => writeln!(out.0, "{name}_bucket{{le=\"+Inf\"}} {count}"),
        };
    }
    let sum = metrics.lag.sum().as_secs_f64();
    let count = metrics.lag.count();
    let _ = writeln!(out.0, "{name}_sum {sum}\n{name}_count {count}");
}

fn of_process(out: &mut Exposition, process: &Process) {
    out.gauge_if_known(
        "process_start_time_seconds",
        "When the server started, in seconds since 1970.",
        process.started,
    );
    out.gauge_if_known(
        "process_resident_memory_bytes",
        "Memory of the process that is present.",
        process.resident,
    );
    out.gauge_if_known(
        "process_open_fds",
        "Open descriptors of the process.",
        process.open_files,
    );
    out.gauge_if_known(
        "process_max_fds",
        "How many descriptors the process may have open.",
        process.max_files,
    );
}

#[cfg(test)]
mod tests;
