//! The rows of the table, and how they are printed and recorded.
//!
//! A row never hides its spread: next to the median of the rounds stand the smallest and the largest value.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

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
            hold: match hold.is_finite() {
                true => format!("≤ {hold:.2}"),
                false => "–".to_owned(),
            },
            held: hold.is_finite().then_some(ratio <= hold),
            note: format!("ratios {spread}; {note}"),
        }
    }

    fn cells(&self) -> [String; 7] {
        let verdict = match self.held {
            Some(true) => "ok",
            Some(false) => "OVER",
            None => "–",
        };
        [
            self.name.clone(),
            self.bare.clone(),
            self.subject.clone(),
            self.ratio
                .map_or("–".to_owned(), |ratio| format!("{ratio:.3}")),
            self.hold.clone(),
            verdict.to_owned(),
            self.note.clone(),
        ]
    }
}

pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => f64::NAN,
        odd if odd % 2 == 1 => sorted[odd / 2],
        even => f64::midpoint(sorted[even / 2 - 1], sorted[even / 2]),
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

/// The value below which `part` (0 to 1) of `values` lie, in milliseconds. `values` are nanoseconds.
pub(crate) fn percentile_ms(values: &[u64], part: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let place = (part * sorted.len() as f64).ceil() as usize;
    sorted
        .get(place.clamp(1, sorted.len().max(1)) - 1)
        .map_or(f64::NAN, |&value| value as f64 / 1e6)
}

/// Whether a latency was held.
///
/// A client that was late itself, in sending and so probably in receiving, cannot blame the server for that
/// much: then there is no verdict.
pub(crate) fn judge_latency(
    p99_ms: f64,
    hold_ms: f64,
    lag_p99_ms: f64,
) -> (Option<bool>, &'static str) {
    let late = lag_p99_ms > hold_ms / 2.0;
    if late && p99_ms > hold_ms && p99_ms <= hold_ms + 2.0 * lag_p99_ms {
        return (None, "no verdict, the client itself was late; ");
    }
    (Some(p99_ms <= hold_ms), "")
}

pub(crate) fn nanoseconds(value: f64) -> String {
    if value < 10_000.0 {
        format!("{value:.0} ns")
    } else {
        format!("{:.1} µs", value / 1e3)
    }
}

/// The table as Markdown, columns padded so that it reads well on a terminal too.
pub(crate) fn table(rows: &[Row]) -> String {
    let mut lines = vec![
        [
            "scenario",
            "bare loop",
            "dunlin",
            "ratio",
            "hold",
            "",
            "seen",
        ]
        .map(str::to_owned),
    ];
    lines.extend(rows.iter().map(Row::cells));
    let widths: [usize; 7] = std::array::from_fn(|column| {
        let width = lines
            .iter()
            .map(|cells| cells[column].chars().count())
            .max()
            .unwrap_or(0);
        if column == 6 { 4 } else { width.max(3) }
    });
    let mut text = String::new();
    for (number, cells) in lines.iter().enumerate() {
        for (cell, width) in cells.iter().zip(widths) {
            let _ = write!(text, "| {cell:width$} ");
        }
        text.push_str("|\n");
        if number == 0 {
            text.extend(widths.map(|width| format!("|{}", "-".repeat(width + 2))));
            text.push_str("|\n");
        }
    }
    text
}

/// What the figures depend on, in plain words, one fact a line.
pub(crate) fn machine() -> String {
    let line = |path: &str| {
        fs::read_to_string(path)
            .unwrap_or_default()
            .trim()
            .to_owned()
    };
    let cpuinfo = line("/proc/cpuinfo");
    let model = cpuinfo
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("unknown processor", |(_, model)| model);
    let rustc = Command::new("rustc").arg("--version").output();
    let rustc = rustc.map_or("rustc unknown".to_owned(), |out| {
        String::from_utf8_lossy(&out.stdout).trim().to_owned()
    });
    let cores = std::thread::available_parallelism()
        .map_or(1, usize::from)
        .max(
            cpuinfo
                .lines()
                .filter(|line| line.starts_with("processor"))
                .count(),
        );
    let load = line("/proc/loadavg");
    let load = load.split(' ').next().unwrap_or("unknown");
    format!(
        "- {cores} cores, {model}\n- Linux {}\n- {rustc}\n- load average at the start: {load}\n",
        line("/proc/sys/kernel/osrelease")
    )
}

/// Writes the run to `benches/runs/<date>-limit.md`, with a number behind the date when there is one already.
pub(crate) fn record(manifest: &Path, text: &str) -> io::Result<PathBuf> {
    let folder = manifest.join("benches/runs");
    fs::create_dir_all(&folder)?;
    let date = today();
    let mut path = folder.join(format!("{date}-limit.md"));
    for number in 2.. {
        if !path.exists() {
            break;
        }
        path = folder.join(format!("{date}-limit-{number}.md"));
    }
    fs::write(&path, text)?;
    Ok(path)
}

/// Today as year-month-day (UTC).
pub(crate) fn today() -> String {
    let seconds = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    // Days to a civil date: eras of 400 years that begin on the first of March.
    let days = seconds / 86_400 + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    format!(
        "{}-{month:02}-{day_of_month:02}",
        era * 400 + year + u64::from(month <= 2)
    )
}
