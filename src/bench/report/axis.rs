//! Axes: which values stand at the ticks, in steps of 1, 2 and 5, and where a value lies.

use super::super::quantity;

/// What an axis counts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Quantity {
    /// Nanoseconds.
    Time,
    /// Bytes.
    Size,
    /// A number of things, or of things a second.
    Count,
    /// A share, 1 is 100 %.
    Share,
}

const TIMES: [(f64, &str); 4] = [(1e9, "s"), (1e6, "ms"), (1e3, "µs"), (1.0, "ns")];
const SIZES: [(f64, &str); 5] = [
    (1_099_511_627_776.0, "TiB"),
    (1_073_741_824.0, "GiB"),
    (1_048_576.0, "MiB"),
    (1024.0, "KiB"),
    (1.0, "B"),
];
const COUNTS: [(f64, &str); 5] = [(1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, "")];
const SHARES: [(f64, &str); 1] = [(0.01, "%")];
/// Steps of a time axis, in seconds.
const SECONDS: [f64; 23] = [
    0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0,
    1200.0, 1800.0, 3600.0, 7200.0, 18_000.0, 43_200.0, 86_400.0,
];

/// An axis: its ends, whether it is logarithmic, and its ticks.
#[derive(Clone, Debug)]
pub(super) struct Axis {
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) is_log: bool,
    pub(super) ticks: Vec<(f64, String)>,
}

impl Axis {
    /// For these values: logarithmic where that is allowed and they span more than two decades, from 0 otherwise.
    pub(super) fn fitting(
        quantity: Quantity,
        values: impl Iterator<Item = f64>,
        may_be_log: bool,
    ) -> Self {
        let (mut least, mut most) = (f64::INFINITY, 0.0f64);
        for value in values.filter(|value| value.is_finite() && *value > 0.0) {
            least = least.min(value);
            most = most.max(value);
        }
        if may_be_log && most / least > 100.0 {
            Self::log(quantity, least, most)
        } else {
            Self::linear(quantity, most)
        }
    }

    /// From 0 to at least this.
    fn linear(quantity: Quantity, most: f64) -> Self {
        let most = if most > 0.0 {
            most
        } else {
            match quantity {
                Quantity::Time => 1e6,
                Quantity::Size => 1_048_576.0,
                Quantity::Count | Quantity::Share => 1.0,
            }
        };
        let (factor, unit) = unit_of(quantity, most);
        let mut step = nice(most / factor / 6.0) * factor;
        if quantity == Quantity::Count && most > 1.0 {
            step = step.max(1.0);
        }
        let steps = (most / step * (1.0 - 1e-9)).ceil().max(1.0);
        let ticks = (0..=steps as usize).map(|at| {
            let value = at as f64 * step;
            (value, label(value / factor, step / factor, unit))
        });
        Self {
            low: 0.0,
            high: steps * step,
            is_log: false,
            ticks: ticks.collect(),
        }
    }

    /// From at most `least` to at least `most`, both above 0.
    fn log(quantity: Quantity, least: f64, most: f64) -> Self {
        // Sizes and shares are not drawn so: their decades are those of the plain number.
        let digits = if most / least < 3000.0 {
            &[1.0, 2.0, 5.0][..]
        } else {
            &[1.0][..]
        };
        let first = least.log10().floor() as i32;
        let last = most.log10().ceil() as i32;
        let grid: Vec<f64> = (first..=last)
            .flat_map(|decade| digits.iter().map(move |digit| digit * 10f64.powi(decade)))
            .collect();
        let low = grid
            .iter()
            .copied()
            .rfind(|at| *at <= least * (1.0 + 1e-9))
            .unwrap_or(least);
        let high = grid
            .iter()
            .copied()
            .find(|at| *at >= most * (1.0 - 1e-9))
            .unwrap_or(most);
        let inside = grid.iter().copied().filter(|at| (low..=high).contains(at));
        let ticks = inside.map(|value| {
            let (factor, unit) = unit_of(quantity, value * (1.0 + 1e-9));
            (value, label(value / factor, value / factor, unit))
        });
        Self {
            low,
            high,
            is_log: true,
            ticks: ticks.collect(),
        }
    }

    /// Time in seconds between two ends.
    pub(super) fn seconds(low: f64, high: f64) -> Self {
        let span = if high > low { high - low } else { 1.0 };
        let high = low + span;
        let step = SECONDS.iter().copied().find(|step| span / step <= 8.0);
        let step = step.unwrap_or_else(|| (span / 8.0 / 86_400.0).ceil() * 86_400.0);
        let (factor, unit) = match step {
            step if step < 60.0 => (1.0, "s"),
            step if step < 3600.0 => (60.0, "min"),
            _ => (3600.0, "h"),
        };
        let first = (low / step - 1e-9).ceil() as i64;
        let last = (high / step + 1e-9).floor() as i64;
        let ticks = (first..=last).map(|at| {
            let value = at as f64 * step;
            (value, label(value / factor, step / factor, unit))
        });
        Self {
            low,
            high,
            is_log: false,
            ticks: ticks.collect(),
        }
    }

    /// Quantiles up to that of the greatest of so many values, by 1 / (1 − quantile): see [`tail`].
    pub(super) fn quantiles(count: u64) -> Self {
        let high = tail(1.0, count);
        let named = [
            "0 %",
            "90 %",
            "99 %",
            "99.9 %",
            "99.99 %",
            "99.999 %",
            "99.9999 %",
        ];
        let mut ticks: Vec<(f64, String)> = vec![(tail(0.5, count), "50 %".to_owned())];
        for (decade, name) in named.iter().enumerate() {
            ticks.push((decade as f64, (*name).to_owned()));
        }
        ticks.retain(|(at, _)| *at <= high + 1e-9);
        ticks.sort_by(|one, other| one.0.total_cmp(&other.0));
        Self {
            low: 0.0,
            high,
            is_log: false,
            ticks,
        }
    }

    /// Where a value lies, 0 to 1; what lies outside is drawn at the edge.
    pub(super) fn part(&self, value: f64) -> f64 {
        let part = if self.is_log {
            (value.max(self.low) / self.low).log10() / (self.high / self.low).log10()
        } else {
            (value - self.low) / (self.high - self.low)
        };
        if part.is_finite() {
            part.clamp(0.0, 1.0)
        } else {
            0.0
        }
    }
}

/// Where a quantile stands: the decades of 1 / (1 − quantile). The greatest of `count` values stands where
/// one in `count` is above, since 100 % itself lies nowhere.
pub(super) fn tail(quantile: f64, count: u64) -> f64 {
    let most = (count.max(10) as f64).log10();
    let decades = -(1.0 - quantile).max(0.0).log10();
    decades.min(most)
}

/// The largest unit that the value has at least one of.
fn unit_of(quantity: Quantity, value: f64) -> (f64, &'static str) {
    let units: &[(f64, &str)] = match quantity {
        Quantity::Time => &TIMES,
        Quantity::Size => &SIZES,
        Quantity::Count => &COUNTS,
        Quantity::Share => &SHARES,
    };
    let found = units.iter().find(|(factor, unit)| {
        // Four digits are still read at once.
        let from = if *unit == "k" { 10_000.0 } else { *factor };
        value >= from
    });
    found.copied().unwrap_or(units[units.len() - 1])
}

/// The least of 1, 2 and 5 times a power of ten that is not below.
fn nice(step: f64) -> f64 {
    let decade = 10f64.powf(step.log10().floor());
    let digits = [1.0, 2.0, 5.0, 10.0];
    let digit = digits
        .iter()
        .find(|digit| **digit * decade >= step * (1.0 - 1e-9));
    digit.unwrap_or(&10.0) * decade
}

/// With as many digits behind the point as the step has.
fn label(value: f64, step: f64, unit: &str) -> String {
    let after = (-(step.abs().log10() + 1e-9).floor()).clamp(0.0, 12.0) as usize;
    let number = if value == 0.0 {
        "0".to_owned()
    } else {
        format!("{value:.after$}")
    };
    match unit {
        "" if value >= 1000.0 && after == 0 => quantity::count(value as u64),
        "" => number,
        "k" | "M" | "G" | "T" if value == 0.0 => number,
        "k" | "M" | "G" | "T" => format!("{number}{unit}"),
        _ => format!("{number} {unit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|(_, label)| label.as_str()).collect()
    }

    fn of(quantity: Quantity, values: &[f64], may_be_log: bool) -> Axis {
        Axis::fitting(quantity, values.iter().copied(), may_be_log)
    }

    #[test]
    fn linear_ticks_step_by_1_2_or_5_in_the_unit_of_the_greatest() {
        for (quantity, most, wanted) in [
            (
                Quantity::Time,
                3.4e6,
                &["0 ms", "1 ms", "2 ms", "3 ms", "4 ms"][..],
            ),
            (
                Quantity::Time,
                0.4e6,
                &["0 µs", "100 µs", "200 µs", "300 µs", "400 µs"],
            ),
            (
                Quantity::Size,
                40.0 * 1_048_576.0,
                &["0 MiB", "10 MiB", "20 MiB", "30 MiB", "40 MiB"],
            ),
            (
                Quantity::Count,
                84_000.0,
                &["0", "20k", "40k", "60k", "80k", "100k"],
            ),
            (Quantity::Count, 3.0, &["0", "1", "2", "3"]),
            (
                Quantity::Count,
                0.3,
                &["0", "0.05", "0.10", "0.15", "0.20", "0.25", "0.30"],
            ),
            (Quantity::Count, 1500.0, &["0", "500", "1,000", "1,500"]),
            (
                Quantity::Share,
                1.7,
                &["0 %", "50 %", "100 %", "150 %", "200 %"],
            ),
            (
                Quantity::Share,
                0.0042,
                &["0 %", "0.1 %", "0.2 %", "0.3 %", "0.4 %", "0.5 %"],
            ),
            (
                Quantity::Count,
                0.0,
                &["0", "0.2", "0.4", "0.6", "0.8", "1.0"],
            ),
        ] {
            assert_eq!(labels(&of(quantity, &[most], false)), wanted, "{most}");
        }
    }

    #[test]
    fn two_decades_and_more_are_logarithmic() {
        let few = of(Quantity::Time, &[1e6, 9e7], true);
        assert!(!few.is_log);
        let more = of(Quantity::Time, &[400e3, 90e6], true);
        assert!(more.is_log);
        let wanted = [
            "200 µs", "500 µs", "1 ms", "2 ms", "5 ms", "10 ms", "20 ms", "50 ms", "100 ms",
        ];
        assert_eq!(labels(&more), wanted);
        let many = of(Quantity::Time, &[3e3, 40e9], true);
        assert_eq!(labels(&many)[..3], ["1 µs", "10 µs", "100 µs"]);
        assert_eq!(labels(&many).last(), Some(&"100 s"));
    }

    #[test]
    fn every_value_has_a_place_however_odd_it_is() {
        for values in [
            &[][..],
            &[0.0],
            &[1.0],
            &[f64::NAN, f64::INFINITY],
            &[0.0, 1e-9, 1e19],
            &[u64::MAX as f64; 3],
        ] {
            for quantity in [
                Quantity::Time,
                Quantity::Size,
                Quantity::Count,
                Quantity::Share,
            ] {
                let axis = of(quantity, values, true);
                assert!((2..=40).contains(&axis.ticks.len()), "{values:?}: {axis:?}");
                for value in [0.0, -1.0, 1.0, 1e300, f64::NAN, f64::INFINITY] {
                    assert!(
                        (0.0..=1.0).contains(&axis.part(value)),
                        "{value} on {axis:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn time_has_the_steps_of_a_clock() {
        for (low, high, wanted) in [
            (
                0.0,
                1.0,
                &["0 s", "0.2 s", "0.4 s", "0.6 s", "0.8 s", "1.0 s"][..],
            ),
            (-2.0, 8.0, &["-2 s", "0 s", "2 s", "4 s", "6 s", "8 s"]),
            (
                0.0,
                200.0,
                &["0 s", "30 s", "60 s", "90 s", "120 s", "150 s", "180 s"],
            ),
            (
                0.0,
                600.0,
                &["0 min", "2 min", "4 min", "6 min", "8 min", "10 min"],
            ),
            (
                0.0,
                10_000.0,
                &["0 min", "30 min", "60 min", "90 min", "120 min", "150 min"],
            ),
            (
                5.0,
                5.0,
                &["5.0 s", "5.2 s", "5.4 s", "5.6 s", "5.8 s", "6.0 s"],
            ),
        ] {
            assert_eq!(labels(&Axis::seconds(low, high)), wanted, "{low} to {high}");
        }
        assert!(Axis::seconds(0.0, 1e7).ticks.len() < 12);
    }

    #[test]
    fn quantiles_stand_by_how_rare_the_rest_is() {
        let axis = Axis::quantiles(100_000);
        assert_eq!(
            labels(&axis),
            [
                "0 %", "50 %", "90 %", "99 %", "99.9 %", "99.99 %", "99.999 %"
            ]
        );
        assert!((axis.part(tail(0.9, 100_000)) - 0.2).abs() < 1e-9);
        assert!((axis.part(tail(1.0, 100_000)) - 1.0).abs() < 1e-9);
        assert_eq!(labels(&Axis::quantiles(1)), ["0 %", "50 %", "90 %"]);
        assert_eq!(
            labels(&Axis::quantiles(u64::MAX)).last(),
            Some(&"99.9999 %")
        );
    }
}
