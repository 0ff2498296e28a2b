//! How the benchmarks print their tables and keep their runs: a part of each of them, no benchmark itself.

#![allow(dead_code)] // a toolbox: each benchmark takes what it needs

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{SystemTime, UNIX_EPOCH};
use std::{fs, io};

/// Runs a benchmark that knows `--record` and nothing else. Without any argument, as `cargo test
/// --benches` calls it, there is no time for measurements.
pub(crate) fn main(bench: &str, run: impl FnOnce() -> String) -> ExitCode {
    let usage = format!("usage: cargo bench --bench {bench} -- [--record]");
    // The first is what cargo itself adds.
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let keep = match words[..] {
        ["--bench"] => false,
        ["--record"] | ["--record", "--bench"] | ["--bench", "--record"] => true,
        [] => {
            println!("{usage}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprintln!("{usage}");
            return ExitCode::from(2);
        }
    };
    let machine = machine();
    let title = bench[..1].to_uppercase() + &bench[1..];
    let text = format!("# {title}, {}\n\n{machine}\n{}", today(), run());
    println!("{text}");
    if !keep {
        return ExitCode::SUCCESS;
    }
    match record(bench, &text) {
        Ok(path) => {
            println!("recorded in {}", path.display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{bench}: the run cannot be recorded: {error}");
            ExitCode::FAILURE
        }
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

pub(crate) fn nanoseconds(value: f64) -> String {
    if value < 10_000.0 {
        format!("{value:.0} ns")
    } else {
        format!("{:.1} µs", value / 1e3)
    }
}

/// A table in Markdown; all columns but the last are padded, so that it reads well on a terminal too.
pub(crate) fn table<const N: usize>(head: [&str; N], rows: &[[String; N]]) -> String {
    let lines = || std::iter::once(head.map(str::to_owned)).chain(rows.iter().cloned());
    let widths: [usize; N] = std::array::from_fn(|column| {
        let width = lines().map(|cells| cells[column].chars().count()).max();
        match column + 1 {
            last if last == N => head[column].chars().count(),
            _ => width.unwrap_or(0).max(3),
        }
    });
    let mut text = String::new();
    for (number, cells) in lines().enumerate() {
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

/// Writes the run to `benches/runs/<date>-<bench>.md`, with a number behind when there is one already.
pub(crate) fn record(bench: &str, text: &str) -> io::Result<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/runs");
    fs::create_dir_all(&folder)?;
    let date = today();
    let mut path = folder.join(format!("{date}-{bench}.md"));
    for number in 2.. {
        if !path.exists() {
            break;
        }
        path = folder.join(format!("{date}-{bench}-{number}.md"));
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
