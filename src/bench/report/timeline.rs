//! The seconds of a run as points to draw: rates in place of numbers, and never more points than a plot can show.

use super::super::summary::Second;

/// What is shown of one stretch of a run. Where it covers several seconds, rates, the median and use of CPU
/// are means, and everything else is the greatest.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Point {
    /// Begin and end, in seconds since the first call.
    pub(super) from: f64,
    pub(super) to: f64,
    pub(super) open: f64,
    pub(super) sent: f64,
    pub(super) answered: f64,
    /// A number, not a rate.
    pub(super) errors: u64,
    pub(super) p50: Option<f64>,
    pub(super) p99: Option<f64>,
    pub(super) max: Option<f64>,
    pub(super) generator: f64,
    pub(super) server: Option<f64>,
    pub(super) memory: Option<f64>,
}

/// A phase and its ends, in seconds since the first call.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Phase {
    pub(super) name: String,
    pub(super) from: f64,
    pub(super) to: f64,
}

/// At most `most` points, all of about the same length. A shorter rest at the end of the run goes into
/// the point before it: a rate of a few milliseconds says nothing.
pub(super) fn points(seconds: &[Second], most: usize) -> Vec<Point> {
    let a_point = seconds.len().div_ceil(most.max(1)).max(1);
    let mut chunks: Vec<Vec<&Second>> = Vec::new();
    for chunk in seconds.chunks(a_point) {
        chunks.push(chunk.iter().collect());
    }
    if chunks.len() > 1 && seconds.len() > 1 {
        let ends = |back: usize| seconds[seconds.len() - 1 - back].at_ns;
        let before = if seconds.len() > 2 { ends(2) } else { 0 };
        let (last, usual) = (
            ends(0).saturating_sub(ends(1)),
            ends(1).saturating_sub(before),
        );
        let is_short = chunks[chunks.len() - 1].len() == 1 && last < usual / 2;
        if is_short
            && let Some(rest) = chunks.pop()
            && let Some(into) = chunks.last_mut()
        {
            into.extend(rest);
        }
    }
    let mut from = 0.0;
    let points = chunks.iter().map(|chunk| {
        let point = point(from, chunk);
        from = point.to;
        point
    });
    points.collect()
}

fn point(from: f64, chunk: &[&Second]) -> Point {
    let to = chunk
        .last()
        .map_or(from, |second| second.at_ns as f64 / 1e9)
        .max(from);
    let length = if to > from { to - from } else { 1.0 };
    let sum = |of: fn(&Second) -> u64| chunk.iter().map(|second| of(second) as f64).sum::<f64>();
    let most = |of: fn(&Second) -> Option<u64>| {
        let values = chunk.iter().filter_map(|second| of(second));
        values.max().map(|value| value as f64)
    };
    let mean = |of: fn(&Second) -> Option<f64>| {
        let values: Vec<f64> = chunk.iter().filter_map(|second| of(second)).collect();
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
    };
    Point {
        from,
        to,
        open: most(|second| Some(second.open)).unwrap_or(0.0),
        sent: sum(|second| second.sent) / length,
        answered: sum(|second| second.answered) / length,
        errors: chunk.iter().map(|second| second.errors).sum(),
        p50: mean(|second| second.p50.map(|ns| ns as f64)),
        p99: most(|second| second.p99),
        max: most(|second| second.max),
        generator: mean(|second| Some(second.generator_busy)).unwrap_or(0.0),
        server: mean(|second| second.server_busy),
        memory: most(|second| second.server_memory),
    }
}

/// The phases in order.
pub(super) fn phases(seconds: &[Second]) -> Vec<Phase> {
    let mut phases: Vec<Phase> = Vec::new();
    let mut from = 0.0;
    for second in seconds {
        let to = (second.at_ns as f64 / 1e9).max(from);
        match phases.last_mut() {
            Some(last) if last.name == second.phase => last.to = to,
            _ => phases.push(Phase {
                name: second.phase.clone(),
                from,
                to,
            }),
        }
        from = to;
    }
    phases
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(at_ms: u64, phase: &str, sent: u64) -> Second {
        Second {
            at_ns: at_ms * 1_000_000,
            phase: phase.to_owned(),
            sent,
            p99: Some(sent),
            ..Second::default()
        }
    }

    #[test]
    fn a_point_is_a_second_while_there_are_few() {
        let seconds = [second(1000, "ramp", 10), second(2000, "load", 20)];
        let points = points(&seconds, 100);
        assert_eq!(points.len(), 2);
        assert_eq!((points[1].from, points[1].to), (1.0, 2.0));
        assert_eq!((points[0].sent, points[1].sent), (10.0, 20.0));
    }

    #[test]
    fn a_short_rest_joins_the_second_before_it() {
        let seconds = [
            second(1000, "load", 10),
            second(2000, "load", 20),
            second(2010, "drain", 1),
        ];
        let points = points(&seconds, 100);
        assert_eq!(points.len(), 2);
        assert!((points[1].sent - 21.0 / 1.01).abs() < 1e-9, "{points:?}");
        assert_eq!(super::points(&[second(3, "load", 3)], 10)[0].sent, 1000.0);
    }

    #[test]
    fn a_long_run_is_thinned_and_keeps_its_worst_second() {
        let mut seconds: Vec<Second> = (1..=10_000)
            .map(|at| second(at * 1000, "load", 7))
            .collect();
        seconds[6123].p99 = Some(1_000_000);
        let points = points(&seconds, 150);
        assert!((100..=150).contains(&points.len()), "{}", points.len());
        assert!(points.iter().all(|point| (point.sent - 7.0).abs() < 1e-9));
        assert!(points.iter().any(|point| point.p99 == Some(1e6)));
        assert_eq!(points.last().map(|point| point.to), Some(10_000.0));
    }

    #[test]
    fn seconds_without_length_or_order_give_finite_points() {
        let seconds = [
            second(0, "load", 5),
            second(0, "load", 5),
            second(1000, "load", 5),
            second(500, "load", 5),
        ];
        for point in points(&seconds, 10) {
            assert!(
                point.sent.is_finite() && point.to >= point.from,
                "{point:?}"
            );
        }
        assert!(points(&[], 10).is_empty());
    }

    #[test]
    fn phases_are_joined() {
        let seconds = [
            second(1000, "ramp", 0),
            second(2000, "load", 0),
            second(3000, "load", 0),
        ];
        let phases = phases(&seconds);
        assert_eq!(phases.len(), 2);
        assert_eq!(
            (&*phases[1].name, phases[1].from, phases[1].to),
            ("load", 1.0, 3.0)
        );
    }
}
