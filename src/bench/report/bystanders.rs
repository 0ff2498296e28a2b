//! The page of a run of `dunlin bench bystander`: its table, with what became of the flooders.

use super::super::bystander::{Figures, Found, Row, Times, remarks};
use super::super::flood::bytes;
use super::super::quantity::{span, time};
use super::super::summary::Ended;
use super::html::document;
use super::markup::escape;

/// Columns of the table.
const COLUMNS: [&str; 9] = [
    "connections",
    "round trip p50",
    "p99",
    "max",
    "stream p99",
    "max",
    "client\u{2019}s lag p99",
    "sent",
    "read",
];

/// The page of this run.
#[must_use]
pub fn html(found: &Found) -> String {
    let invalid = found.rows.iter().filter(|row| row.invalid.is_some());
    let invalid = invalid.count();
    let mut body = String::new();
    if invalid > 0 {
        body.push_str(&format!(
            "<div class=\"banner ended\" role=\"alert\"><p>{invalid} of {} rows are INVALID: the client \
             itself was late. Give it a core of its own, or another machine.</p></div>",
            found.measured().count()
        ));
    }
    if let Some(ended) = ended(found) {
        body.push_str(&format!(
            "<div class=\"banner ended\" role=\"alert\"><p>{ended}</p></div>"
        ));
    }
    let chips: String = [
        format!("two bystanders at {}", found.address),
        format!("each flood for {}", span(found.span_ns)),
        format!("at most {} each", bytes(found.bytes)),
    ]
    .iter()
    .map(|words| format!("<li>{}</li>", escape(words)))
    .collect();
    body.push_str(&format!(
        "<header><p class=\"over\">dunlin bench · {}</p><h1>bystander</h1><p class=\"url\">{}</p>\
         <ul class=\"chips\">{chips}</ul></header>",
        escape(&found.environment.date),
        escape(&found.url)
    ));
    body.push_str(&tiles(found));
    body.push_str(&table(found));
    body.push_str(&skipped(found));
    let environment = &found.environment;
    body.push_str(&format!(
        "<p class=\"under\">{} · {} · {} cores</p>",
        escape(&environment.system),
        escape(&environment.processor),
        environment.cores
    ));
    let title = format!("bystander of {}", found.url);
    document(&title, &environment.dunlin, &body)
}

fn ended(found: &Found) -> Option<&'static str> {
    match found.ended {
        Ended::Interrupted => Some("Interrupted: this is what was found until then."),
        Ended::Lost => Some("The server does not answer any more: the other floods were not run."),
        Ended::Nothing | Ended::Complete => None,
    }
}

/// Alone, and the worst that was seen beside a flood.
fn tiles(found: &Found) -> String {
    let mut tiles = vec![(
        "round trip p99, alone",
        shown(&found.alone.round_trip, |times| times.p99),
        false,
    )];
    if let Some(worst) = found.worst() {
        tiles.push(("worst median", time(worst.p50 as f64), false));
        tiles.push(("worst p99", time(worst.p99 as f64), false));
        tiles.push(("worst of all", time(worst.max as f64), false));
    }
    let trouble = found.rows.iter().filter(|row| !row.trouble.is_empty());
    let trouble = trouble.count();
    tiles.push(("rows with trouble", trouble.to_string(), trouble > 0));
    let items: String = tiles
        .iter()
        .map(|(name, value, is_bad)| {
            let class = if *is_bad { "tile bad" } else { "tile" };
            format!("<div class=\"{class}\"><dt>{name}</dt><dd><b>{value}</b></dd></div>")
        })
        .collect();
    format!(
        "<dl class=\"tiles\" style=\"--n:{}\">{items}</dl>",
        tiles.len()
    )
}

fn table(found: &Found) -> String {
    let heads: String = COLUMNS
        .iter()
        .map(|head| format!("<th scope=\"col\">{head}</th>"))
        .collect();
    let mut rows = format!(
        "<tr><th scope=\"row\">alone</th><td></td>{}<td></td><td></td></tr>",
        figures(&found.alone)
    );
    for row in found.rows.iter().filter(|row| row.skipped.is_none()) {
        rows.push_str(&measured(row));
    }
    format!(
        "<h2>Floods</h2><div class=\"scroll\" tabindex=\"0\"><table class=\"wide\"><thead><tr><th></th>{heads}</tr>\
         </thead><tbody>{rows}</tbody></table></div>"
    )
}

fn measured(row: &Row) -> String {
    let class = if row.trouble.is_empty() {
        ""
    } else {
        " class=\"bad\""
    };
    let cells = match (&row.beside, &row.flooders) {
        (Some(beside), Some(flooders)) => format!(
            "{}<td>{}</td><td>{}</td>",
            figures(beside),
            bytes(flooders.sent),
            bytes(flooders.read)
        ),
        _ => "<td colspan=\"8\">nothing was measured</td>".to_owned(),
    };
    let invalid = row.invalid.as_ref().map_or(String::new(), |reason| {
        format!("<b>INVALID: {}</b>. ", escape(reason))
    });
    format!(
        "<tr{class}><th scope=\"row\">{}</th><td>{}</td>{cells}</tr>\
         <tr><td class=\"words\" colspan=\"10\">{}: {invalid}{}</td></tr>",
        escape(&row.flood),
        row.connections,
        escape(&row.about),
        escape(&remarks(row))
    )
}

fn figures(figures: &Figures) -> String {
    let Figures {
        round_trip,
        stream,
        lag,
        ..
    } = figures;
    let cells = [
        shown(round_trip, |times| times.p50),
        shown(round_trip, |times| times.p99),
        shown(round_trip, |times| times.max),
        shown(stream, |times| times.p99),
        shown(stream, |times| times.max),
        shown(lag, |times| times.p99),
    ];
    cells.map(|cell| format!("<td>{cell}</td>")).concat()
}

fn shown(times: &Times, of: impl Fn(&Times) -> u64) -> String {
    match times.count {
        0 => "–".to_owned(),
        _ => time(of(times) as f64),
    }
}

fn skipped(found: &Found) -> String {
    let skipped = found
        .rows
        .iter()
        .filter_map(|row| Some((&row.flood, row.skipped.as_ref()?)));
    let items: String = skipped
        .map(|(flood, reason)| format!("<li>{}: {}</li>", escape(flood), escape(reason)))
        .collect();
    if items.is_empty() {
        return items;
    }
    format!("<h2>Not run</h2><ul class=\"notes\">{items}</ul>")
}
