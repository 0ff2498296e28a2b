//! The tables of the page: every figure of a run, and the figures of several side by side.

use super::super::quantity::{count, time};
use super::super::summary::{Latency, Summary};
use super::figures::{self, Figure};
use super::markup::escape;
use super::runs::{self, Row};
use std::collections::BTreeMap;

/// All tables of one run.
pub(super) fn all(run: &Summary) -> String {
    let mut out = latencies(&figures::latencies(run), run);
    out.push_str("<div class=\"groups\">");
    for (title, figures) in [
        ("Connections", figures::connections(run)),
        ("Messages", figures::messages(run)),
        ("Server", figures::server(run)),
        ("Generator", figures::generator(run)),
    ] {
        out.push_str(&group(title, &figures));
    }
    out.push_str(&kinds("Errors", &run.errors));
    out.push_str(&kinds("Sessions that ended early", &run.closes));
    let environment = figures::environment(run);
    let rows = environment.iter().map(|(name, value)| {
        format!(
            "<tr><th scope=\"row\">{name}</th><td>{}</td></tr>",
            escape(value)
        )
    });
    let rows: String = rows.collect();
    out.push_str(&format!(
        "<section class=\"group\"><h3>Environment</h3><table class=\"figures words\">{rows}</table></section>"
    ));
    out.push_str("</div>");
    let command = figures::command(run);
    if !command.is_empty() {
        out.push_str(&format!(
            "<section class=\"group\"><h3>Command</h3><pre>{}</pre></section>",
            escape(&command)
        ));
    }
    out
}

/// The conditions with what was found.
pub(super) fn conditions(run: &Summary) -> String {
    if run.conditions.is_empty() {
        return String::new();
    }
    let failed = run.conditions.iter().filter(|judged| !judged.held).count();
    let title = match failed {
        0 => "All conditions held".to_owned(),
        failed => format!("{failed} of {} conditions not held", run.conditions.len()),
    };
    let items = run.conditions.iter().map(|judged| {
        let (class, sign, word) = if judged.held { ("held", "✓", "held") } else { ("failed", "✗", "not held") };
        format!(
            "<li class=\"{class}\"><b aria-hidden=\"true\">{sign}</b><code>{}</code><span>{word}: {}</span></li>",
            escape(&judged.text),
            escape(&judged.found)
        )
    });
    let items: String = items.collect();
    format!("<section class=\"conditions\"><h2>{title}</h2><ul>{items}</ul></section>")
}

/// The figures of several runs, a column each, with the change from the first.
pub(super) fn comparison(all: &[Summary], labels: &[String]) -> String {
    let heads = labels
        .iter()
        .zip(all)
        .enumerate()
        .map(|(at, (label, run))| {
            let invalid = if run.invalid.is_empty() {
                ""
            } else {
                "<strong class=\"tag\">INVALID</strong>"
            };
            format!(
                "<th scope=\"col\"><i class=\"key c{}\"></i>{}{invalid}</th>",
                at % 8,
                escape(label)
            )
        });
    let heads: String = heads.collect();
    let rows: String = runs::rows(all).iter().map(compared).collect();
    format!(
        "<div class=\"scroll\" tabindex=\"0\"><table class=\"wide\"><thead><tr><th></th>{heads}</tr></thead>\
         <tbody>{rows}</tbody></table></div>"
    )
}

fn compared(row: &Row) -> String {
    let first = row.values.first().copied().flatten();
    let cells = row.values.iter().enumerate().map(|(at, value)| {
        let Some(value) = value else {
            return "<td>–</td>".to_owned();
        };
        let change = match first {
            Some(first) if at > 0 && first > 0.0 && value.is_finite() => change(value / first),
            _ => String::new(),
        };
        format!("<td>{}{change}</td>", unbroken(&(row.show)(*value)))
    });
    let cells: String = cells.collect();
    format!("<tr><th scope=\"row\">{}</th>{cells}</tr>", row.name)
}

/// A small note: by how much it differs from the first run.
fn change(ratio: f64) -> String {
    let percent = (ratio - 1.0) * 100.0;
    let text = match percent.abs() {
        small if small < 0.5 => return String::new(),
        _ if ratio >= 10.0 => format!("× {ratio:.0}"),
        _ if percent > 0.0 => format!("+{percent:.0} %"),
        _ => format!("−{:.0} %", percent.abs()),
    };
    format!("<small>{}</small>", unbroken(&text))
}

fn latencies(latencies: &[(&'static str, &Latency)], run: &Summary) -> String {
    let mut latencies = latencies.to_vec();
    if run.asked.rate.is_some() && run.generator.lag.count > 0 {
        latencies.push(("lag of the generator", &run.generator.lag));
    }
    if latencies.is_empty() {
        return String::new();
    }
    let mut rows = String::new();
    for (name, latency) in latencies {
        rows.push_str(&format!(
            "<tr><th scope=\"row\">{name}</th><td>{}</td>",
            count(latency.count)
        ));
        let Latency {
            min,
            mean,
            p50,
            p90,
            p99,
            p999,
            p9999,
            max,
            ..
        } = latency;
        for ns in [
            *min as f64,
            *mean,
            *p50 as f64,
            *p90 as f64,
            *p99 as f64,
            *p999 as f64,
            *p9999 as f64,
            *max as f64,
        ] {
            rows.push_str(&format!("<td>{}</td>", unbroken(&time(ns))));
        }
        rows.push_str("</tr>");
    }
    let heads = [
        "values", "min", "mean", "p50", "p90", "p99", "p99.9", "p99.99", "max",
    ];
    let heads: String = heads
        .iter()
        .map(|head| format!("<th scope=\"col\">{head}</th>"))
        .collect();
    format!(
        "<section class=\"group\"><h3>Latency</h3><div class=\"scroll\" tabindex=\"0\"><table class=\"wide\">\
         <thead><tr><th></th>{heads}</tr></thead><tbody>{rows}</tbody></table></div></section>"
    )
}

fn group(title: &str, figures: &[Figure]) -> String {
    if figures.is_empty() {
        return String::new();
    }
    let rows = figures.iter().map(|figure| {
        let class = if figure.is_bad { " class=\"bad\"" } else { "" };
        format!(
            "<tr{class}><th scope=\"row\">{}</th><td>{}</td><td class=\"note\">{}</td></tr>",
            figure.name,
            escape(&unbroken(&figure.value)),
            escape(&figure.note)
        )
    });
    let rows: String = rows.collect();
    format!(
        "<section class=\"group\"><h3>{title}</h3><table class=\"figures\">{rows}</table></section>"
    )
}

fn kinds(title: &str, kinds: &BTreeMap<String, u64>) -> String {
    if kinds.is_empty() {
        return String::new();
    }
    let rows = kinds.iter().map(|(kind, number)| {
        format!(
            "<tr class=\"bad\"><th scope=\"row\">{}</th><td>{}</td></tr>",
            escape(kind),
            count(*number)
        )
    });
    let rows: String = rows.collect();
    format!(
        "<section class=\"group\"><h3>{title}</h3><table class=\"figures kinds\">{rows}</table></section>"
    )
}

/// A value stays in one line with its unit.
fn unbroken(text: &str) -> String {
    text.replace(' ', "\u{a0}")
}
