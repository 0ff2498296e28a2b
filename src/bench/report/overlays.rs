//! Which plots a page shows of several runs, one drawn over the other.

use super::super::summary::{Latency, Summary};
use super::axis::{Axis, Quantity};
use super::plots::{POINTS, line, percentile_line, y_axis};
use super::svg::{Line, Plot};
use super::timeline::{self, Point};

/// Latency by percentile of several runs.
pub(super) fn percentiles(runs: &[Summary], labels: &[String]) -> Option<Plot> {
    let has_messages = runs.iter().any(|run| run.response.count > 0);
    let of = |run: &Summary| -> Latency {
        if has_messages {
            run.response.clone()
        } else {
            run.upgrade.clone()
        }
    };
    let latencies: Vec<Latency> = runs.iter().map(of).collect();
    let most = latencies
        .iter()
        .map(|latency| latency.count)
        .max()
        .filter(|most| *most > 0)?;
    let lines = latencies
        .iter()
        .enumerate()
        .filter(|(_, latency)| latency.count > 0);
    let lines: Vec<Line> = lines
        .map(|(at, latency)| Line {
            name: name(runs, labels, at),
            colour: at,
            is_dashed: at >= 8,
            ..percentile_line(latency)
        })
        .collect();
    let what = if has_messages {
        "Response time by percentile"
    } else {
        "Upgrade by percentile"
    };
    Some(Plot {
        title: what.to_owned(),
        description: labels.join("; "),
        x: Axis::quantiles(most),
        y: y_axis(Quantity::Time, &lines, true),
        lines,
        bands: Vec::new(),
        marks: Vec::new(),
        labels: Vec::new(),
        hints: Vec::new(),
        stamp: stamp(runs),
    })
}

/// The plots over time of several runs, each from the begin of its load on.
pub(super) fn over_time(runs: &[Summary], labels: &[String]) -> Vec<Plot> {
    type Read = fn(&Point) -> Option<f64>;
    let points: Vec<Vec<Point>> = runs.iter().map(from_load).collect();
    let ends = points.iter().flatten();
    let (low, high) = ends.fold((0.0f64, 0.0f64), |(low, high), p| {
        (low.min(p.from), high.max(p.to))
    });
    let plots: [(&str, Quantity, bool, Read); 6] = [
        ("Answers a second", Quantity::Count, false, |p| {
            Some(p.answered)
        }),
        ("Response time, p99", Quantity::Time, true, |p| p.p99),
        (
            "CPU of the server, of one core",
            Quantity::Share,
            false,
            |p| p.server,
        ),
        ("Memory of the server", Quantity::Size, false, |p| p.memory),
        (
            "CPU of the generator, of its core",
            Quantity::Share,
            false,
            |p| Some(p.generator),
        ),
        ("Open connections", Quantity::Count, false, |p| Some(p.open)),
    ];
    let drawn = plots
        .into_iter()
        .filter_map(|(title, quantity, may_be_log, read)| {
            let lines = points.iter().enumerate().map(|(at, points)| Line {
                is_dashed: at >= 8,
                ..line(&name(runs, labels, at), at, points, read)
            });
            let lines: Vec<Line> = lines.collect();
            let mut values = lines
                .iter()
                .flat_map(|line| &line.points)
                .filter_map(|(_, value)| *value);
            values.any(|value| value > 0.0).then(|| Plot {
                title: title.to_owned(),
                description: format!("from the begin of the load on; {}", labels.join("; ")),
                x: Axis::seconds(low, high),
                y: y_axis(quantity, &lines, may_be_log),
                lines,
                bands: Vec::new(),
                marks: Vec::new(),
                labels: Vec::new(),
                hints: Vec::new(),
                stamp: stamp(runs),
            })
        });
    drawn.collect()
}

/// The points of a run, moved so that its load begins at 0.
fn from_load(run: &Summary) -> Vec<Point> {
    let phases = timeline::phases(&run.seconds);
    let begin = phases
        .iter()
        .find(|phase| phase.name == "load")
        .map_or(0.0, |phase| phase.from);
    let mut points = timeline::points(&run.seconds, POINTS);
    for point in &mut points {
        point.from -= begin;
        point.to -= begin;
    }
    points
}

fn name(runs: &[Summary], labels: &[String], at: usize) -> String {
    let invalid = if runs[at].invalid.is_empty() {
        ""
    } else {
        " (INVALID)"
    };
    format!("{}{invalid}", labels[at])
}

/// Names the runs that are void, where others are not.
fn stamp(runs: &[Summary]) -> Option<String> {
    let void = runs
        .iter()
        .enumerate()
        .filter(|(_, run)| !run.invalid.is_empty());
    let void: Vec<String> = void.map(|(at, _)| (at + 1).to_string()).collect();
    match void.len() {
        0 => None,
        all if all == runs.len() => Some("INVALID".to_owned()),
        1..=3 => Some(format!("{} INVALID", void.join(", "))),
        many => Some(format!("{many} INVALID")),
    }
}
