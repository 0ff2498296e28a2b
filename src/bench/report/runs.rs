//! Several runs side by side: what tells them apart, and the figures that are compared.

use super::super::quantity::{count, rate, share, size, time};
use super::super::summary::Summary;
use super::figures::{clean, plural};

/// A figure of all runs.
pub(super) struct Row {
    pub(super) name: &'static str,
    /// Of each run; `None`: not measured.
    pub(super) values: Vec<Option<f64>>,
    pub(super) show: fn(f64) -> String,
}

/// A number for each run, and the settings in which they differ.
pub(super) fn labels(runs: &[Summary]) -> Vec<String> {
    let settings: [fn(&Summary) -> String; 13] = [
        |run| {
            run.server
                .as_ref()
                .map(|server| server.name.clone())
                .unwrap_or_default()
        },
        |run| run.asked.url.clone(),
        |run| run.asked.scenario.clone(),
        |run| run.asked.dialect.clone(),
        |run| plural(run.asked.connections as u64, "connection"),
        |run| {
            run.asked
                .senders
                .map_or(String::new(), |number| plural(number as u64, "sender"))
        },
        |run| {
            run.asked
                .slow
                .map_or(String::new(), |number| plural(number as u64, "slow reader"))
        },
        |run| {
            run.asked
                .rate
                .map_or(String::new(), |number| format!("{}/s", rate(number)))
        },
        |run| {
            run.asked.window.map_or(String::new(), |number| {
                format!("{} in flight", count(number.into()))
            })
        },
        |run| size(run.asked.size as f64),
        |run| run.asked.kind.clone(),
        |run| {
            if run.asked.deflate {
                "deflate".to_owned()
            } else {
                String::new()
            }
        },
        |run| plural(run.asked.workers as u64, "worker"),
    ];
    let mut labels: Vec<String> = (1..=runs.len()).map(|number| number.to_string()).collect();
    let mut separator = " · ";
    for setting in settings {
        let values: Vec<String> = runs.iter().map(setting).collect();
        if values.iter().all(|value| *value == values[0]) {
            continue;
        }
        for (label, value) in labels.iter_mut().zip(&values) {
            if !value.is_empty() {
                label.push_str(separator);
                label.push_str(&clean(value));
            }
        }
        separator = ", ";
    }
    labels
}

/// The figures that at least one run has.
pub(super) fn rows(runs: &[Summary]) -> Vec<Row> {
    type Read = fn(&Summary) -> Option<f64>;
    type Show = fn(f64) -> String;
    fn some(number: u64, of: u64) -> Option<f64> {
        (of > 0).then_some(number as f64)
    }
    let whole: Show = |number| count(number as u64);
    let all: [(&'static str, Read, Show); 17] = [
        (
            "answers a second",
            |s| (s.messages.expected > 0).then_some(s.messages.answer_rate),
            rate,
        ),
        (
            "response p50",
            |s| some(s.response.p50, s.response.count),
            time,
        ),
        (
            "response p99",
            |s| some(s.response.p99, s.response.count),
            time,
        ),
        (
            "response p99.9",
            |s| some(s.response.p999, s.response.count),
            time,
        ),
        (
            "response max",
            |s| some(s.response.max, s.response.count),
            time,
        ),
        (
            "reconnect p99",
            |s| s.reconnect.as_ref().and_then(|l| some(l.p99, l.count)),
            time,
        ),
        (
            "lost",
            |s| some(s.messages.lost, s.messages.expected),
            whole,
        ),
        (
            "errors",
            |s| Some(s.errors.values().sum::<u64>() as f64),
            whole,
        ),
        ("opened", |s| Some(s.connections.opened as f64), whole),
        (
            "connect p99",
            |s| some(s.connect.p99, s.connect.count),
            time,
        ),
        (
            "upgrade p99",
            |s| some(s.upgrade.p99, s.upgrade.count),
            time,
        ),
        (
            "server CPU",
            |s| {
                s.server
                    .as_ref()
                    .filter(|_| s.measured_ns > 0)
                    .map(|server| server.cpu_ns as f64 / s.measured_ns as f64)
            },
            share,
        ),
        (
            "server CPU a message",
            |s| {
                s.server
                    .as_ref()
                    .filter(|_| s.messages.answered_measured > 0)
                    .map(|server| server.cpu_per_message)
            },
            time,
        ),
        (
            "server memory",
            |s| s.server.as_ref().map(|server| server.memory_peak as f64),
            size,
        ),
        (
            "server memory a connection",
            |s| s.server.as_ref()?.memory_per_connection,
            size,
        ),
        ("generator CPU", |s| Some(s.generator.busy), share),
        (
            "generator CPU a message",
            |s| (s.messages.answered_measured > 0).then_some(s.generator.cpu_per_message),
            time,
        ),
    ];
    let rows = all.into_iter().map(|(name, read, show)| Row {
        name,
        values: runs.iter().map(read).collect(),
        show,
    });
    rows.filter(|row| row.values.iter().any(Option::is_some))
        .collect()
}
