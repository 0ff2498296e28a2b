//! The table of a run, and the line of a row while it goes on.

use super::super::flood::{Need, all, bytes};
use super::super::quantity;
use super::super::summary::Ended;
use super::found::{Figures, Found, Row, Times};
use std::fmt::Write as _;

/// Columns of the text.
const WIDTH: usize = 100;
/// What stands before each remark of a row.
const INDENT: usize = 8;

/// The whole run as text.
pub fn text(found: &Found) -> String {
    let mut text = String::new();
    let title = format!(
        "Two bystanders of {} ({}) while others flood it, each flood for {} or {}.",
        found.url,
        found.address,
        quantity::span(found.span_ns),
        bytes(found.bytes)
    );
    wrap(&mut text, 0, &title);
    text += "\n";
    text += "FLOOD         ROUND TRIP, ms                 STREAM, ms           CLIENT\n";
    text += "   CONNS      p50      p99      max        p99      max          LAG p99       SENT       READ\n";
    text += "alone\n";
    let _ = writeln!(text, "        {}", figures(&found.alone));
    let mut last = "";
    for row in found.rows.iter().filter(|row| row.skipped.is_none()) {
        if row.flood != last {
            wrap(&mut text, 0, &format!("{}: {}", row.flood, row.about));
            last = &row.flood;
        }
        measured(&mut text, row);
    }
    skipped(&mut text, found);
    legend(&mut text, found);
    end(&mut text, found);
    text
}

fn measured(text: &mut String, row: &Row) {
    let _ = write!(text, "{:>8}", row.connections);
    match (&row.beside, &row.flooders) {
        (Some(beside), Some(flooders)) => {
            let (sent, read) = (bytes(flooders.sent), bytes(flooders.read));
            let _ = writeln!(text, "{} {sent:>10} {read:>10}", figures(beside));
        }
        _ => text.push_str(" nothing was measured\n"),
    }
    if let Some(invalid) = &row.invalid {
        wrap(text, INDENT, &format!("INVALID: {invalid}"));
    }
    wrap(text, INDENT, &remarks(row));
}

/// Trouble first, then what became of the flooders, then the notes.
pub fn remarks(row: &Row) -> String {
    let fate = row.flooders.as_ref().map(|flooders| flooders.fate.clone());
    let parts: Vec<String> = row
        .trouble
        .iter()
        .cloned()
        .chain(fate)
        .chain(row.notes.iter().cloned())
        .collect();
    parts.join("; ")
}

fn figures(figures: &Figures) -> String {
    let Figures {
        round_trip,
        stream,
        lag,
        ..
    } = figures;
    let ms = |times: &Times, value: u64| match times.count {
        0 => "–".to_owned(),
        _ => format!("{:.2}", value as f64 / 1e6),
    };
    format!(
        " {:>8} {:>8} {:>8}   {:>8} {:>8}         {:>8}",
        ms(round_trip, round_trip.p50),
        ms(round_trip, round_trip.p99),
        ms(round_trip, round_trip.max),
        ms(stream, stream.p99),
        ms(stream, stream.max),
        ms(lag, lag.p99)
    )
}

/// Floods that were not run, those of one reason together.
fn skipped(text: &mut String, found: &Found) {
    let mut reasons: Vec<(&str, Vec<String>)> = Vec::new();
    for row in &found.rows {
        let Some(reason) = &row.skipped else { continue };
        let name = match row.connections {
            0 => row.flood.clone(),
            connections => format!("{} with {connections}", row.flood),
        };
        match reasons.iter_mut().find(|(known, _)| known == reason) {
            Some((_, names)) => names.push(name),
            None => reasons.push((reason, vec![name])),
        }
    }
    for (reason, names) in reasons {
        let _ = writeln!(text);
        wrap(text, 0, &format!("skipped, {reason}:"));
        wrap(text, INDENT, &names.join(", "));
    }
}

/// Words of the remarks that say too little by themselves.
const WORDS: [(&str, &str); 7] = [
    (
        "STARVED",
        "had nothing from the server for the last half of the flood, though it read",
    ),
    (
        "held",
        "does not read, and the server stopped reading from it",
    ),
    (
        "× ended",
        "the server closed the TCP connection without a Close",
    ),
    (
        "× reset",
        "the server, or its machine, reset the TCP connection",
    ),
    ("× left", "the flooder left, as planned"),
    ("made anew", "connected again, as planned"),
    ("answers (", "of all connections (fewest to most of one)"),
];

/// Explains those of the words that are there.
fn legend(text: &mut String, found: &Found) {
    let fates: Vec<&str> = found
        .rows
        .iter()
        .filter_map(|row| Some(&*row.flooders.as_ref()?.fate))
        .collect();
    let used = WORDS
        .iter()
        .filter(|(word, _)| fates.iter().any(|fate| fate.contains(word)));
    let used: Vec<String> = used
        .map(|(word, meaning)| format!("{}: {meaning}", word.trim_matches(['×', ' ', '('])))
        .collect();
    if !used.is_empty() {
        text.push('\n');
        wrap(text, 0, &used.join("; "));
    }
}

fn end(text: &mut String, found: &Found) {
    let measured = found.measured().count();
    let invalid = found.rows.iter().filter(|row| row.invalid.is_some());
    let invalid = invalid.count();
    let _ = writeln!(text);
    if let Some(worst) = found.worst() {
        let ms = |value: u64| value as f64 / 1e6;
        let _ = writeln!(
            text,
            "worst of {} valid rows: round trip p50 {:.2}, p99 {:.2}, max {:.2} ms",
            measured - invalid,
            ms(worst.p50),
            ms(worst.p99),
            ms(worst.max)
        );
    }
    if invalid > 0 {
        let _ = writeln!(
            text,
            "{invalid} of {measured} rows are INVALID: give the client a core of its own, or another machine"
        );
    }
    let trouble = found.rows.iter().filter(|row| !row.trouble.is_empty());
    let trouble: Vec<String> = trouble
        .map(|row| format!("{} with {}", row.flood, row.connections))
        .collect();
    if !trouble.is_empty() {
        wrap(text, 0, &format!("trouble: {}", trouble.join(", ")));
    }
    match found.ended {
        Ended::Interrupted => text.push_str("interrupted: this is what was found until then\n"),
        Ended::Lost => {
            text.push_str("the server does not answer any more: the other floods were not run\n")
        }
        Ended::Nothing | Ended::Complete if measured == 0 => {
            text.push_str("no flood could be run\n");
        }
        Ended::Nothing | Ended::Complete => {}
    }
}

/// One row while the run goes on.
pub fn line(row: &Row) -> String {
    let Row {
        flood, connections, ..
    } = row;
    if let Some(reason) = &row.skipped {
        return format!("{flood}: skipped, {reason}");
    }
    let Some(beside) = &row.beside else {
        return format!("{flood}, {connections}: nothing was measured");
    };
    let Times { p50, p99, max, .. } = beside.round_trip;
    let ms = |value: u64| value as f64 / 1e6;
    let invalid = row.invalid.as_ref().map_or("", |_| "INVALID, ");
    format!(
        "{flood}, {connections}: round trip {:.2}, {:.2}, {:.2} ms; {invalid}{}",
        ms(p50),
        ms(p99),
        ms(max),
        remarks(row)
    )
}

/// Every flood with what it needs and its usual numbers of connections.
pub fn list() -> String {
    let mut text = format!("{:22} {:21} CONNECTIONS, WHAT IT DOES\n", "FLOOD", "NEEDS");
    for kind in all() {
        let counts: Vec<String> = kind.counts.iter().map(usize::to_string).collect();
        let about = match kind.need {
            Need::Echo | Need::Deflate => kind.about.replace(", to /echo-raw", ""),
            _ => kind.about.to_owned(),
        };
        let _ = writeln!(
            text,
            "{:22} {:21} {}: {about}",
            kind.name,
            kind.need.words(),
            counts.join(", ")
        );
    }
    text
}

/// Appends lines of at most [`WIDTH`] columns; nothing for an empty text.
fn wrap(out: &mut String, indent: usize, text: &str) {
    let mut column = 0;
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let length = word.chars().count();
        if column > indent && column + 1 + length > WIDTH {
            out.push('\n');
            column = 0;
        }
        if column == 0 {
            out.push_str(&" ".repeat(indent));
            column = indent;
        } else {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += length;
    }
    if column > 0 {
        out.push('\n');
    }
}
