//! Which plots a page shows of one run.

use super::super::quantity::{count, rate, share, size, time};
use super::super::summary::{Latency, Summary};
use super::axis::{Axis, Quantity, tail};
use super::figures;
use super::svg::{Band, Line, Plot};
use super::timeline::{self, Point};
use std::cmp::Reverse;

/// Points of a plot over time.
pub(super) const POINTS: usize = 150;

/// The large plot of one run: latency by percentile; of the handshake where no message was answered.
pub(super) fn percentiles(run: &Summary) -> Option<Plot> {
    let is_message = |name: &str| !["connect", "upgrade", "reconnect"].contains(&name);
    let all = figures::latencies(run);
    let (messages, handshake): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|(name, _)| is_message(name));
    if messages.is_empty() {
        return by_percentile("Latency of the handshake by percentile", &handshake, run);
    }
    by_percentile("Latency by percentile", &messages, run)
}

/// The handshake where messages have the large plot.
pub(super) fn handshake(run: &Summary) -> Option<Plot> {
    if run.response.count == 0 {
        return None;
    }
    let all = figures::latencies(run).into_iter();
    let handshake = all.filter(|(name, _)| ["connect", "upgrade", "reconnect"].contains(name));
    by_percentile(
        "Handshake by percentile",
        &handshake.collect::<Vec<_>>(),
        run,
    )
}

fn by_percentile(title: &str, latencies: &[(&str, &Latency)], run: &Summary) -> Option<Plot> {
    // The line with the labels comes first: the response, or the one above the others, where they have room.
    let mut latencies = latencies.to_vec();
    latencies.sort_by_key(|(name, latency)| (*name != "response", Reverse(latency.p50)));
    let lines = latencies
        .iter()
        .enumerate()
        .map(|(at, (name, latency))| Line {
            name: (*name).to_owned(),
            colour: at,
            is_dashed: at > 0,
            ..percentile_line(latency)
        });
    let lines: Vec<Line> = lines.collect();
    let most = latencies.iter().map(|(_, latency)| latency.count).max()?;
    let (first_name, first) = latencies.first()?;
    let named = [
        (0.5, first.p50),
        (0.9, first.p90),
        (0.99, first.p99),
        (0.999, first.p999),
        (0.9999, first.p9999),
    ];
    let reached = named
        .iter()
        .filter(|(quantile, _)| tail(*quantile, u64::MAX) < (first.count as f64).log10());
    let mut labels: Vec<(f64, f64, String)> = reached
        .map(|(quantile, ns)| (tail(*quantile, first.count), *ns as f64, time(*ns as f64)))
        .collect();
    let max = first.max as f64;
    labels.push((tail(1.0, first.count), max, format!("max {}", time(max))));
    Some(Plot {
        title: title.to_owned(),
        description: format!(
            "{first_name}: p50 {}, p99 {}, max {}",
            time(first.p50 as f64),
            time(first.p99 as f64),
            time(max)
        ),
        x: Axis::quantiles(most),
        y: y_axis(Quantity::Time, &lines, true),
        lines,
        bands: Vec::new(),
        marks: Vec::new(),
        labels,
        hints: Vec::new(),
        stamp: stamp(run),
    })
}

pub(super) fn percentile_line(latency: &Latency) -> Line {
    let mut points: Vec<(f64, Option<f64>)> = Vec::new();
    let named = [
        (0.0, latency.min),
        (0.5, latency.p50),
        (0.9, latency.p90),
        (0.99, latency.p99),
        (0.999, latency.p999),
        (0.9999, latency.p9999),
        (1.0, latency.max),
    ];
    let all = latency.curve.iter().chain(&named);
    points.extend(all.map(|(quantile, ns)| (tail(*quantile, latency.count), Some(*ns as f64))));
    points.sort_by(|one, other| {
        let by_value = one.1.unwrap_or(0.0).total_cmp(&other.1.unwrap_or(0.0));
        one.0.total_cmp(&other.0).then(by_value)
    });
    Line {
        points,
        ..Line::default()
    }
}

/// The plots over time of one run; those of which nothing was measured are left out.
pub(super) fn over_time(run: &Summary) -> Vec<Plot> {
    let points = timeline::points(&run.seconds, POINTS);
    let Some(last) = points.last() else {
        return Vec::new();
    };
    let x = Axis::seconds(0.0, last.to);
    let bands: Vec<Band> = timeline::phases(&run.seconds)
        .into_iter()
        .map(band)
        .collect();
    let marks: Vec<f64> = points.iter().filter(|p| p.errors > 0).map(middle).collect();
    let plot = |title: &str, quantity: Quantity, may_be_log: bool, lines: Vec<Line>| {
        let lines: Vec<Line> = lines
            .into_iter()
            .filter(|line| line.points.iter().any(|(_, y)| y.is_some()))
            .collect();
        let names: Vec<&str> = lines.iter().map(|line| &*line.name).collect();
        Plot {
            title: title.to_owned(),
            description: format!("{} over {}", names.join(", "), time(last.to * 1e9)),
            x: x.clone(),
            y: y_axis(quantity, &lines, may_be_log),
            hints: hints(&points, &bands, quantity, &lines),
            lines,
            bands: bands.clone(),
            marks: Vec::new(),
            labels: Vec::new(),
            stamp: stamp(run),
        }
    };
    let mut plots = Vec::new();
    let has_messages = run
        .seconds
        .iter()
        .any(|second| second.sent > 0 || second.answered > 0);
    if has_messages {
        let answered = if run.asked.senders.is_some() {
            "delivered"
        } else {
            "answered"
        };
        let mut throughput = plot(
            "Messages a second",
            Quantity::Count,
            false,
            vec![
                Line {
                    is_area: true,
                    ..line("sent", 7, &points, |p| Some(p.sent))
                },
                line(answered, 0, &points, |p| Some(p.answered)),
            ],
        );
        throughput.marks.clone_from(&marks);
        plots.push(throughput);
    }
    if points.iter().any(|point| point.max.is_some()) {
        plots.push(plot(
            "Response time",
            Quantity::Time,
            true,
            vec![
                line("p50", 2, &points, |p| p.p50),
                line("p99", 0, &points, |p| p.p99),
                Line {
                    is_dashed: true,
                    ..line("max", 1, &points, |p| p.max)
                },
            ],
        ));
    }
    plots.push(plot(
        "CPU, of one core",
        Quantity::Share,
        false,
        vec![
            line("server", 0, &points, |p| p.server),
            Line {
                is_dashed: true,
                ..line("generator", 1, &points, |p| Some(p.generator))
            },
        ],
    ));
    if points.iter().any(|point| point.memory.is_some()) {
        plots.push(plot(
            "Memory of the server",
            Quantity::Size,
            false,
            vec![Line {
                is_area: true,
                ..line("resident memory", 0, &points, |p| p.memory)
            }],
        ));
    }
    let mut open = plot(
        "Open connections",
        Quantity::Count,
        false,
        vec![Line {
            is_area: true,
            ..line("open", 4, &points, |p| Some(p.open))
        }],
    );
    if !has_messages {
        open.marks = marks;
    }
    plots.push(open);
    plots
}

fn stamp(run: &Summary) -> Option<String> {
    (!run.invalid.is_empty()).then(|| "INVALID".to_owned())
}

fn band(phase: timeline::Phase) -> Band {
    let name = if phase.name == "warmup" {
        "warm-up".to_owned()
    } else {
        phase.name
    };
    Band {
        name,
        from: phase.from,
        to: phase.to,
    }
}

fn middle(point: &Point) -> f64 {
    f64::midpoint(point.from, point.to)
}

pub(super) fn line(
    name: &str,
    colour: usize,
    points: &[Point],
    read: fn(&Point) -> Option<f64>,
) -> Line {
    Line {
        name: name.to_owned(),
        colour,
        points: points
            .iter()
            .map(|point| (middle(point), read(point)))
            .collect(),
        ..Line::default()
    }
}

pub(super) fn y_axis(quantity: Quantity, lines: &[Line], may_be_log: bool) -> Axis {
    let values = lines
        .iter()
        .flat_map(|line| &line.points)
        .filter_map(|(_, value)| *value);
    Axis::fitting(quantity, values, may_be_log)
}

/// What each point says in words.
fn hints(
    points: &[Point],
    bands: &[Band],
    quantity: Quantity,
    lines: &[Line],
) -> Vec<(f64, f64, String)> {
    let show = |value: f64| match quantity {
        Quantity::Time => time(value),
        Quantity::Size => size(value),
        Quantity::Share => share(value),
        Quantity::Count => rate(value),
    };
    let hint = |(at, point): (usize, &Point)| {
        let mut text = format!(
            "{:.1} to {:.1} s{}",
            point.from,
            point.to,
            phase_at(bands, middle(point))
        );
        for line in lines {
            if let Some(value) = line.points[at].1 {
                text.push_str(&format!("\n{} {}", line.name, show(value)));
            }
        }
        if point.errors > 0 {
            text.push_str(&format!("\n{} errors", count(point.errors)));
        }
        (point.from, point.to, text)
    };
    points.iter().enumerate().map(hint).collect()
}

fn phase_at(bands: &[Band], at: f64) -> String {
    let band = bands
        .iter()
        .find(|band| (band.from..=band.to).contains(&at));
    band.map_or(String::new(), |band| format!(", {}", band.name))
}
