//! The rows of the table, and how they are judged.
//!
//! A row never hides its spread: next to the median of the rounds stand the smallest and the largest value.

use crate::record;
pub(crate) use crate::record::{median, nanoseconds};

/// One line of the table.
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) bare: String,
    pub(crate) subject: String,
    /// Median of the ratios of each round to its own bare loop.
    pub(crate) ratio: Option<f64>,
    /// The figure to hold in words, such as `≤ 1.03`.
    pub(crate) hold: String,
    /// Whether the figure was held; nothing for a line that is only for orientation.
    pub(crate) held: Option<bool>,
    /// What else was seen.
    pub(crate) note: String,
}

impl Row {
    /// A line that was not measured, with the reason.
    pub(crate) fn blank(name: &str, hold: &str, note: &str) -> Self {
        Self {
            name: name.to_owned(),
            bare: "–".to_owned(),
            subject: "–".to_owned(),
            ratio: None,
            hold: hold.to_owned(),
            held: None,
            note: note.to_owned(),
        }
    }

    /// A line of a scenario that no bare loop does, where the bare loop is to be measured against itself.
    pub(crate) fn without_bare(name: &str, hold: &str) -> Self {
        Self::blank(name, hold, "there is no bare loop of this kind")
    }

    /// A latency in milliseconds, of rounds without a bare loop; `lag` is how late the client was
    /// itself, `waited` the part of the time that others had the server's core.
    pub(crate) fn latency(
        name: &str,
        rounds: &[f64],
        hold: f64,
        lag: f64,
        waited: f64,
        note: &str,
    ) -> Self {
        let subject = median(rounds);
        let (held, doubt) = judge_latency(subject, hold, lag, waited);
        let spread = spread(rounds, |value| format!("{value:.2}"));
        Self {
            name: name.to_owned(),
            bare: "–".to_owned(),
            subject: format!("{subject:.2} ms"),
            ratio: None,
            hold: format!("≤ {hold:.0} ms"),
            held,
            note: format!("{doubt}rounds {spread}; {note}"),
        }
    }

    /// Costs per message of paired rounds, judged by the median of their ratios.
    pub(crate) fn ratio(name: &str, pairs: &[(f64, f64)], hold: f64, note: &str) -> Self {
        let ratios: Vec<f64> = pairs.iter().map(|(bare, subject)| subject / bare).collect();
        let ratio = median(&ratios);
        let spread = spread(&ratios, |value| format!("{value:.3}"));
        Self {
            name: name.to_owned(),
            bare: nanoseconds(median_of(pairs, |pair| pair.0)),
            subject: nanoseconds(median_of(pairs, |pair| pair.1)),
            ratio: Some(ratio),
            hold: if hold.is_finite() {
                format!("≤ {hold:.2}")
            } else {
                "–".to_owned()
            },
            held: hold.is_finite().then_some(ratio <= hold),
            note: format!("ratios {spread}; {note}"),
        }
    }

    fn cells(&self) -> [String; 7] {
        [
            self.name.clone(),
            self.bare.clone(),
            self.subject.clone(),
            self.ratio
                .map_or("–".to_owned(), |ratio| format!("{ratio:.3}")),
            self.hold.clone(),
            verdict(self.held).to_owned(),
            self.note.clone(),
        ]
    }
}

pub(crate) fn verdict(held: Option<bool>) -> &'static str {
    match held {
        Some(true) => "ok",
        Some(false) => "OVER",
        None => "–",
    }
}

pub(crate) fn median_of<T>(values: &[T], value: impl Fn(&T) -> f64) -> f64 {
    median(&values.iter().map(value).collect::<Vec<_>>())
}

/// Smallest to largest.
pub(crate) fn spread(values: &[f64], show: impl Fn(f64) -> String) -> String {
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    format!("{} to {}", show(least), show(most))
}

/// A server that was kept waiting for its core for more than this part of the time cannot be blamed for a round
/// trip that is not much too long: another process has the core for some milliseconds at a time.
pub(crate) const DISTURBED: f64 = 0.1;
/// How many times too long that is.
const MUCH: f64 = 5.0;

/// Whether a latency was held, and why not when there is no verdict.
///
/// A client that was late itself, in sending and so probably in receiving, cannot blame the server for that
/// much, nor can one whose server was kept from running.
pub(crate) fn judge_latency(
    p99_ms: f64,
    hold_ms: f64,
    lag_p99_ms: f64,
    waited: f64,
) -> (Option<bool>, &'static str) {
    if p99_ms <= hold_ms {
        return (Some(true), "");
    }
    if lag_p99_ms > hold_ms / 2.0 && p99_ms <= hold_ms + 2.0 * lag_p99_ms {
        return (None, "no verdict, the client itself was late; ");
    }
    if waited > DISTURBED && p99_ms <= hold_ms * MUCH {
        return (None, "no verdict, others had the server's core; ");
    }
    (Some(false), "")
}

/// The table of the scenarios.
pub(crate) fn table(rows: &[Row]) -> String {
    let head = [
        "scenario",
        "bare loop",
        "dunlin",
        "ratio",
        "hold",
        "",
        "seen",
    ];
    record::table(head, &rows.iter().map(Row::cells).collect::<Vec<_>>())
}
