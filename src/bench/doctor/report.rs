//! The rows as a table for people and as a document for programs.

use super::row::{Asked, Row, Verdict};
use std::fmt::Write as _;

/// How many of them are in the way.
fn low(rows: &[Row]) -> usize {
    let low = rows.iter().filter(|row| row.verdict == Verdict::Low);
    low.count()
}

/// A table, then how to lift what is in the way.
#[must_use]
pub fn table(asked: Asked, rows: &[Row]) -> String {
    let head = ["LIMIT", "FOUND", "WANTED"];
    let width = |cell: fn(&Row) -> &str, head: &str| {
        let widths = rows.iter().map(|row| cell(row).chars().count());
        widths.max().unwrap_or(0).max(head.len())
    };
    let (a, b, c) = (
        width(|row| row.name, head[0]),
        width(|row| &row.found, head[1]),
        width(|row| &row.wanted, head[2]),
    );
    let mut text = format!("{:a$}  {:b$}  {:c$}  VERDICT\n", head[0], head[1], head[2]);
    // Nothing fails to be written to a string.
    for row in rows {
        let Row {
            name,
            found,
            wanted,
            ..
        } = row;
        let verdict = match row.verdict {
            Verdict::Ok => "ok",
            Verdict::Low => "LOW",
            Verdict::Unknown => "unknown",
        };
        let _ = writeln!(text, "{name:a$}  {found:b$}  {wanted:c$}  {verdict}");
    }
    let connections = asked.connections;
    match low(rows) {
        0 => {
            let _ = writeln!(
                text,
                "\nNothing is in the way of {connections} connections."
            );
        }
        count => {
            let are = if count == 1 { "limit is" } else { "limits are" };
            let _ = writeln!(
                text,
                "\n{count} {are} in the way of {connections} connections:"
            );
        }
    }
    for row in rows.iter().filter(|row| !row.lift.is_empty()) {
        let optional = match row.verdict {
            Verdict::Low => "",
            _ => " (if you like)",
        };
        let _ = writeln!(text, "\n{}{optional}\n  {}", row.name, row.lift);
        if !row.lasting.is_empty() {
            let _ = writeln!(text, "  to make it last: {}", row.lasting);
        }
    }
    text
}

/// One object: what was asked, the rows, and how many are in the way.
#[must_use]
pub fn document(asked: Asked, rows: &[Row]) -> String {
    let document = serde_json::json!({
        "version": 1,
        "connections": asked.connections,
        "workers": asked.workers,
        "server": asked.place,
        "in_the_way": low(rows),
        "limits": rows,
    });
    format!("{document:#}\n")
}
