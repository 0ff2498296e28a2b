//! The table that a person reads in the terminal: 80 columns, no colour, the verdict first.

use super::super::quantity::{count, time};
use super::super::summary::{Latency, Summary};
use super::figures::{self, Figure, clean};
use super::runs;
use std::collections::BTreeMap;

const WIDTH: usize = 80;
/// Where the names of figures begin.
const INDENT: usize = 13;

/// The table of one run.
#[must_use]
pub fn text(run: &Summary) -> String {
    let mut out = String::new();
    verdict(&mut out, run);
    wrap(&mut out, "", &figures::title(run));
    wrap(&mut out, "", &(figures::headline(run) + "."));
    out.push('\n');
    wrap(
        &mut out,
        &title_column("asked"),
        &figures::asked(run).join(", "),
    );
    out.push('\n');
    rows(&mut out, "connections", &figures::connections(run));
    latencies(&mut out, &figures::latencies(run));
    let messages = figures::messages(run);
    if messages.is_empty() {
        wrap(&mut out, &title_column("messages"), "none were sent");
        out.push('\n');
    }
    rows(&mut out, "messages", &messages);
    kinds(&mut out, "errors", &run.errors);
    kinds(&mut out, "closes", &run.closes);
    rows(&mut out, "generator", &figures::generator(run));
    rows(&mut out, "server", &figures::server(run));
    let mut title = "conditions";
    for judged in &run.conditions {
        let held = if judged.held { "held" } else { "NOT HELD" };
        let start = format!("{title:<INDENT$}{held:<10}");
        let text = format!("{}, found: {}", clean(&judged.text), clean(&judged.found));
        wrap(&mut out, &start, &text);
        title = "";
    }
    if !run.conditions.is_empty() {
        out.push('\n');
    }
    let mut title = "notes";
    for note in &run.notes {
        wrap(&mut out, &title_column(title), &clean(note));
        title = "";
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

/// Several runs in columns.
#[must_use]
pub fn text_of_several(all: &[Summary]) -> String {
    let mut out = String::new();
    for (label, run) in runs::labels(all).iter().zip(all) {
        out.push_str(label);
        out.push('\n');
        verdict(&mut out, run);
        for judged in run.conditions.iter().filter(|judged| !judged.held) {
            let text = format!(
                "NOT HELD {}, found: {}",
                clean(&judged.text),
                clean(&judged.found)
            );
            wrap(&mut out, "  ", &text);
        }
    }
    const NAME: usize = 27;
    const COLUMN: usize = 13;
    let rows = runs::rows(all);
    let a_line = (WIDTH - NAME) / COLUMN;
    for start in (0..all.len()).step_by(a_line) {
        let end = (start + a_line).min(all.len());
        out.push('\n');
        let mut line = format!("{:<NAME$}", "run");
        for (number, run) in all.iter().enumerate().take(end).skip(start) {
            let invalid = if run.invalid.is_empty() {
                ""
            } else {
                " INVALID"
            };
            line.push_str(&format!("{:>COLUMN$}", format!("{}{invalid}", number + 1)));
        }
        out.push_str(&line);
        out.push('\n');
        for row in &rows {
            let mut line = format!("{:<NAME$}", row.name);
            for value in &row.values[start..end] {
                let value = value.map_or("–".to_owned(), row.show);
                line.push_str(&format!("{value:>COLUMN$}"));
            }
            out.push_str(&line);
            out.push('\n');
        }
    }
    out
}

/// Why the figures cannot be used, or how the run ended before its time.
fn verdict(out: &mut String, run: &Summary) {
    for reason in &run.invalid {
        // One plain line each, however long: scripts look for it.
        out.push_str(&format!("INVALID: {}\n", clean(reason)));
    }
    if let Some(ended) = figures::ended(run) {
        wrap(out, "", &ended);
    }
}

fn title_column(title: &str) -> String {
    format!("{title:<INDENT$}")
}

fn rows(out: &mut String, title: &str, figures: &[Figure]) {
    let mut title = title;
    for Figure {
        name, value, note, ..
    } in figures
    {
        let line = format!("{title:<INDENT$}{name:<20}{value:>14}  {note}");
        out.push_str(line.trim_end());
        out.push('\n');
        title = "";
    }
    if !figures.is_empty() {
        out.push('\n');
    }
}

fn latencies(out: &mut String, latencies: &[(&str, &Latency)]) {
    if latencies.is_empty() {
        return;
    }
    let mut line = format!("{:<INDENT$}{:<15}", "latency", "");
    for column in ["p50", "p90", "p99", "p99.9", "max"] {
        line.push_str(&format!("{column:>10}"));
    }
    out.push_str(&line);
    out.push('\n');
    for (name, latency) in latencies {
        let mut line = format!("{:<INDENT$}{name:<15}", "");
        for value in [
            latency.p50,
            latency.p90,
            latency.p99,
            latency.p999,
            latency.max,
        ] {
            line.push_str(&format!("{:>10}", time(value as f64)));
        }
        out.push_str(&line);
        out.push('\n');
    }
    out.push('\n');
}

fn kinds(out: &mut String, title: &str, kinds: &BTreeMap<String, u64>) {
    let mut title = title;
    for (kind, number) in kinds {
        let start = format!("{title:<INDENT$}{:>9}  ", count(*number));
        wrap(out, &start, &clean(kind));
        title = "";
    }
    if !kinds.is_empty() {
        out.push('\n');
    }
}

/// Words behind a start, in lines of at most [`WIDTH`]; the second and later ones are indented by as much as
/// the start is long. A longer word stands alone.
fn wrap(out: &mut String, start: &str, text: &str) {
    let indent = start.chars().count();
    let mut line = start.to_owned();
    let mut length = indent;
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let chars = word.chars().count();
        if length > indent && length + 1 + chars > WIDTH {
            out.push_str(&line);
            out.push('\n');
            line = " ".repeat(indent);
            length = indent;
        }
        if length > indent {
            line.push(' ');
            length += 1;
        }
        line.push_str(word);
        length += chars;
    }
    out.push_str(line.trim_end());
    out.push('\n');
}
