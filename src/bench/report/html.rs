//! The page of a run, or of several: one file with its style and drawings, no script, and nothing that is
//! loaded from elsewhere.

use super::super::quantity::{count, rate, size, time};
use super::super::summary::Summary;
use super::figures;
use super::markup::escape;
use super::svg::Plot;
use super::{overlays, plots, runs, tables};

const STYLE: &str = include_str!("style.css");

/// The page of these runs; several are drawn one over the other and compared with the first.
#[must_use]
pub fn html(all: &[Summary]) -> String {
    let (title, body) = match all {
        [] => (
            "No run".to_owned(),
            "<header><h1>No run</h1></header>".to_owned(),
        ),
        [run] => (figures::title(run), one(run)),
        _ => (format!("{} runs compared", all.len()), several(all)),
    };
    let invalid = if all.iter().all(|run| run.invalid.is_empty()) {
        ""
    } else {
        "INVALID: "
    };
    let version = all.first().map_or("", |run| &run.environment.dunlin);
    document(&format!("{invalid}{title}"), version, &body)
}

/// A whole page around its body, which is markup; the title is words.
pub(super) fn document(title: &str, version: &str, body: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">\n\
         <link rel=\"icon\" href=\"data:,\">\n<title>{}</title>\n<style>\n{STYLE}</style>\n</head>\n\
         <body>\n<main>\n{body}\n<footer>Made by <code>dunlin bench</code> {}</footer>\n</main>\n</body>\n</html>\n",
        escape(title),
        escape(version),
    )
}

fn one(run: &Summary) -> String {
    let mut out = verdict(run, "");
    let chips: String = figures::asked(run)
        .iter()
        .map(|words| format!("<li>{}</li>", escape(words)))
        .collect();
    out.push_str(&format!(
        "<header><p class=\"over\">dunlin bench · {}</p><h1>{}</h1><p class=\"url\">{}</p><ul class=\"chips\">{chips}</ul></header>",
        escape(&run.environment.date),
        escape(&run.asked.scenario),
        escape(&run.asked.url),
    ));
    out.push_str(&tiles(run));
    out.push_str(&tables::conditions(run));
    out.push_str(&notes(run));
    if let Some(plot) = plots::percentiles(run) {
        out.push_str(&large(&plot));
    }
    let mut small = plots::over_time(run);
    out.push_str(&shades(&small));
    small.extend(plots::handshake(run));
    out.push_str(&grid(&small));
    out.push_str("<h2>All figures</h2>");
    out.push_str(&tables::all(run));
    out
}

fn several(all: &[Summary]) -> String {
    let labels = runs::labels(all);
    let mut out = String::new();
    for (run, label) in all.iter().zip(&labels) {
        out.push_str(&verdict(run, label));
    }
    let first = figures::title(&all[0]);
    let same = all.iter().all(|run| figures::title(run) == first);
    let under = if same {
        first
    } else {
        "different scenarios or servers".to_owned()
    };
    out.push_str(&format!(
        "<header><p class=\"over\">dunlin bench · {}</p><h1>{} runs</h1><p class=\"url\">{}</p></header>",
        escape(&all[0].environment.date),
        all.len(),
        escape(&under)
    ));
    out.push_str(&tables::comparison(all, &labels));
    if let Some(plot) = overlays::percentiles(all, &labels) {
        out.push_str(&large(&plot));
    }
    out.push_str(&grid(&overlays::over_time(all, &labels)));
    out.push_str("<h2>All figures</h2>");
    let open = if all.len() <= 3 { " open" } else { "" };
    for (run, label) in all.iter().zip(&labels) {
        let chips: String = figures::asked(run)
            .iter()
            .map(|words| format!("<li>{}</li>", escape(words)))
            .collect();
        out.push_str(&format!(
            "<details{open}><summary>{}</summary><ul class=\"chips\">{chips}</ul>{}{}{}</details>",
            escape(label),
            tables::conditions(run),
            notes(run),
            tables::all(run)
        ));
    }
    out
}

/// What must not be missed: that the figures are void, or that the run ended before its time.
fn verdict(run: &Summary, label: &str) -> String {
    let mut out = String::new();
    let of = if label.is_empty() {
        String::new()
    } else {
        format!("<p>Run {}</p>", escape(label))
    };
    if !run.invalid.is_empty() {
        let reasons: String = run
            .invalid
            .iter()
            .map(|reason| format!("<li>{}</li>", escape(reason)))
            .collect();
        out.push_str(&format!(
            "<div class=\"banner invalid\" role=\"alert\"><strong>INVALID</strong>{of}\
             <p>These are not the figures of the server: the generator was the bottleneck.</p><ul>{reasons}</ul></div>"
        ));
    }
    if let Some(ended) = figures::ended(run) {
        out.push_str(&format!(
            "<div class=\"banner ended\" role=\"alert\">{of}<p>{}</p></div>",
            escape(&ended)
        ));
    }
    out
}

fn notes(run: &Summary) -> String {
    if run.notes.is_empty() {
        return String::new();
    }
    let notes: String = run
        .notes
        .iter()
        .map(|note| format!("<li>{}</li>", escape(note)))
        .collect();
    format!("<ul class=\"notes\">{notes}</ul>")
}

/// The main figures, large.
fn tiles(run: &Summary) -> String {
    let messages = &run.messages;
    let mut tiles: Vec<(String, String, String, bool)> = Vec::new();
    let mut tile = |name: &str, value: String, note: String, is_bad: bool| {
        tiles.push((name.to_owned(), value, note, is_bad));
    };
    if messages.expected > 0 {
        let name = if run.asked.senders.is_some() {
            "delivered"
        } else {
            "answered"
        };
        let sent = format!("{} sent a second", rate(messages.sent_rate));
        tile(
            name,
            format!("{} /s", rate(messages.answer_rate)),
            sent,
            false,
        );
    }
    let main = match (&run.reconnect, run.response.count) {
        (Some(reconnect), _) if reconnect.count > 0 => Some(("reconnect", reconnect)),
        (_, 0) if run.upgrade.count > 0 => Some(("upgrade", &run.upgrade)),
        (_, 0) => None,
        _ => Some(("response", &run.response)),
    };
    if let Some((name, latency)) = main {
        let p90 = format!("p90 {}", time(latency.p90 as f64));
        tile(
            &format!("{name}, median"),
            time(latency.p50 as f64),
            p90,
            false,
        );
        let max = format!("max {}", time(latency.max as f64));
        tile(
            &format!("{name}, p99"),
            time(latency.p99 as f64),
            max,
            false,
        );
    }
    if messages.expected > 0 {
        let of = format!("of {} expected", count(messages.expected));
        tile("lost", count(messages.lost), of, messages.lost > 0);
    }
    let connections = &run.connections;
    let tried = format!("of {} tried", count(connections.tried));
    tile(
        "connections",
        count(connections.opened),
        tried,
        connections.opened < connections.tried,
    );
    if let Some(server) = &run.server {
        if messages.answered_measured > 0 {
            let cpu = server.cpu_ns as f64 / run.measured_ns.max(1) as f64 * 100.0;
            let note = format!("{} % of a core", rate(cpu));
            tile(
                "server CPU a message",
                time(server.cpu_per_message),
                note,
                false,
            );
        }
        let peak = size(server.memory_peak as f64);
        match server.memory_per_connection {
            Some(bytes) => tile(
                "server memory a connection",
                size(bytes),
                format!("{peak} in all"),
                false,
            ),
            None => tile("server memory", peak, "at the most".to_owned(), false),
        }
    }
    let errors: u64 = run.errors.values().sum();
    if errors > 0 {
        tile(
            "errors",
            count(errors),
            figures::plural(run.errors.len() as u64, "kind"),
            true,
        );
    }
    let tiles = tiles.iter().map(|(name, value, note, is_bad)| {
        let (value, unit) = value.split_once(' ').unwrap_or((value, ""));
        let class = if *is_bad { " bad" } else { "" };
        format!(
            "<div class=\"tile{class}\"><dt>{}</dt><dd><b>{}</b> <span>{}</span></dd><dd class=\"note\">{}</dd></div>",
            escape(name),
            escape(value),
            escape(unit),
            escape(note)
        )
    });
    let class = if run.invalid.is_empty() { "" } else { " void" };
    // Rows of about the same number, at most six.
    let rows = tiles.len().div_ceil(6).max(1);
    let a_row = tiles.len().div_ceil(rows).max(1);
    let tiles: String = tiles.collect();
    format!("<dl class=\"tiles{class}\" style=\"--n:{a_row}\">{tiles}</dl>")
}

/// Drawn twice: a phone shows the narrow one.
fn large(plot: &Plot) -> String {
    let drawings = plot.svg(1060.0, 400.0, "broad") + &plot.svg(460.0, 340.0, "narrow");
    figure(plot, &drawings)
}

/// What the shading of the plots over time means, and that they can be asked.
fn shades(plots: &[Plot]) -> String {
    let Some(plot) = plots.first() else {
        return String::new();
    };
    let mut names: Vec<&str> = Vec::new();
    for band in plot
        .bands
        .iter()
        .filter(|band| band.name != "load" && !band.name.is_empty())
    {
        if !names.contains(&&*band.name) {
            names.push(&band.name);
        }
    }
    let shaded = match names.split_last() {
        None => String::new(),
        Some((one, [])) => format!("Shaded: {one}. "),
        Some((last, others)) => format!("Shaded: {} and {last}. ", others.join(", ")),
    };
    let shaded = escape(&shaded);
    format!(
        "<p class=\"under\">{shaded}<span>Rest with the pointer on a plot to read its values.</span></p>"
    )
}

fn grid(plots: &[Plot]) -> String {
    let figures: String = plots
        .iter()
        .map(|plot| figure(plot, &plot.svg(460.0, 260.0, "small")))
        .collect();
    format!("<div class=\"plots\">{figures}</div>")
}

fn figure(plot: &Plot, drawings: &str) -> String {
    let keys = plot.lines.iter().map(|line| {
        let dashed = if line.is_dashed { " dashed" } else { "" };
        format!(
            "<li><i class=\"key c{}{dashed}\"></i>{}</li>",
            line.colour % 8,
            escape(&line.name)
        )
    });
    let mut keys: String = keys.collect();
    if !plot.marks.is_empty() {
        keys.push_str("<li><i class=\"key errors\"></i>with errors</li>");
    }
    format!(
        "<figure><figcaption><h3>{}</h3><ul class=\"legend\">{keys}</ul></figcaption>{drawings}</figure>",
        escape(&plot.title)
    )
}
