//! How times, sizes, counts and shares are written for people: three digits that matter, and the unit
//! that fits.

/// Units of time with their nanoseconds, from the smallest on.
const TIMES: [(&str, f64); 6] = [
    ("ns", 1.0),
    ("µs", 1e3),
    ("ms", 1e6),
    ("s", 1e9),
    ("min", 60e9),
    ("h", 3600e9),
];

/// Units of memory with their bytes, from the smallest on.
const SIZES: [(&str, f64); 5] = [
    ("B", 1.0),
    ("KiB", 1024.0),
    ("MiB", 1_048_576.0),
    ("GiB", 1_073_741_824.0),
    ("TiB", 1_099_511_627_776.0),
];

/// A time given in nanoseconds: `840 ns`, `12.3 µs`, `4.56 ms`, `98.0 s`.
#[must_use]
pub fn time(ns: f64) -> String {
    time_with(ns, 3)
}

/// As [`time`], with so many digits that matter.
#[must_use]
pub fn time_with(ns: f64, digits: usize) -> String {
    // Minutes would hide digits: 130 s is read as fast as 2.17 min.
    let (unit, ns_of_unit) = fitting(&TIMES[..4], ns, 1000.0);
    let value = ns / ns_of_unit;
    if unit == "ns" && value.fract() == 0.0 {
        return format!("{value} ns");
    }
    format!("{} {unit}", significant(value, digits))
}

/// A length that somebody asked for, in the largest unit that keeps it short: `500 ms`, `10 s`, `2 min`.
#[must_use]
pub fn span(ns: u64) -> String {
    for (unit, ns_of_unit) in TIMES.iter().rev() {
        let value = ns as f64 / ns_of_unit;
        if value >= 1.0 && (value.fract() == 0.0 || *ns_of_unit <= 1e9) {
            return format!("{} {unit}", rate(value));
        }
    }
    "0 s".to_owned()
}

/// A number of bytes: `512 B`, `1.50 KiB`, `64.0 MiB`.
#[must_use]
pub fn size(bytes: f64) -> String {
    size_with(bytes, 3)
}

/// As [`size`], with so many digits that matter.
#[must_use]
pub fn size_with(bytes: f64, digits: usize) -> String {
    let (unit, bytes_of_unit) = fitting(&SIZES, bytes, 1024.0);
    let value = bytes / bytes_of_unit;
    if unit == "B" && value.fract() == 0.0 {
        return format!("{value} B");
    }
    format!("{} {unit}", significant(value, digits))
}

/// A whole number in groups of three: `1,234,567`.
#[must_use]
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// So many a second, without a unit: `0.25`, `12.5`, `84,210`.
#[must_use]
pub fn rate(number: f64) -> String {
    if number.is_finite() && number.abs() >= 999.5 {
        let sign = if number < 0.0 { "-" } else { "" };
        return format!("{sign}{}", count(number.abs().round() as u64));
    }
    trimmed(significant(number, 3))
}

/// A share, given as 0 to 1, in percent: `42.3 %`.
#[must_use]
pub fn share(part: f64) -> String {
    percent_with(part * 100.0, 3)
}

/// A number of percent with so many digits that matter: `0.1 %`.
#[must_use]
pub fn percent_with(percent: f64, digits: usize) -> String {
    format!("{} %", trimmed(significant(percent, digits)))
}

/// The largest unit in which the value is at least one; it counts as one when it would be shown as
/// `step` of the smaller unit.
fn fitting<'u>(units: &[(&'u str, f64)], value: f64, step: f64) -> (&'u str, f64) {
    let mut found = units[0];
    for &unit in &units[1..] {
        if value.abs() >= unit.1 * (1.0 - 0.5 / step) {
            found = unit;
        }
    }
    found
}

/// So many digits that matter; those before the point all stand.
fn significant(value: f64, digits: usize) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    if value == 0.0 {
        return "0".to_owned();
    }
    // The exponent of what is shown, so behind the rounding.
    let shown = format!("{value:.0$e}", digits.max(1) - 1);
    let exponent = shown
        .rsplit_once('e')
        .and_then(|(_, exponent)| exponent.parse::<i64>().ok());
    let after = digits as i64 - 1 - exponent.unwrap_or(0);
    let after = usize::try_from(after.clamp(0, 12)).unwrap_or(0);
    format!("{value:.after$}")
}

/// Without zeros at the end behind a point.
fn trimmed(text: String) -> String {
    if !text.contains('.') {
        return text;
    }
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_three_digits_and_the_unit_that_fits() {
        for (ns, text) in [
            (0.0, "0 ns"),
            (0.25, "0.250 ns"),
            (7.0, "7 ns"),
            (840.0, "840 ns"),
            (999.4, "999 ns"),
            (999.6, "1.00 µs"),
            (12_340.0, "12.3 µs"),
            (4_560_000.0, "4.56 ms"),
            (999_950_000.0, "1.00 s"),
            (98e9, "98.0 s"),
            (7200e9, "7200 s"),
            (f64::NAN, "– ns"),
        ] {
            assert_eq!(time(ns), text, "{ns}");
        }
        assert_eq!(time_with(20_004_000.0, 5), "20.004 ms");
    }

    #[test]
    fn lengths_are_written_as_they_are_asked_for() {
        for (ns, text) in [
            (0, "0 s"),
            (500_000_000, "500 ms"),
            (10_000_000_000, "10 s"),
            (1_500_000_000, "1.5 s"),
            (90_000_000_000, "90 s"),
            (120_000_000_000, "2 min"),
            (3_600_000_000_000, "1 h"),
            (10_000_000_000_000, "10,000 s"),
        ] {
            assert_eq!(span(ns), text, "{ns}");
        }
    }

    #[test]
    fn sizes_count_in_1024() {
        for (bytes, text) in [
            (0.0, "0 B"),
            (64.0, "64 B"),
            (731.5, "732 B"),
            (1023.9, "1.00 KiB"),
            (1536.0, "1.50 KiB"),
            (67_108_864.0, "64.0 MiB"),
            (1e15, "909 TiB"),
        ] {
            assert_eq!(size(bytes), text, "{bytes}");
        }
    }

    #[test]
    fn counts_rates_and_shares_are_grouped_and_short() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1000), "1,000");
        assert_eq!(count(u64::MAX), "18,446,744,073,709,551,615");
        for (number, text) in [
            (0.0, "0"),
            (0.25, "0.25"),
            (12.5, "12.5"),
            (999.7, "1,000"),
            (84_210.4, "84,210"),
            (f64::INFINITY, "–"),
        ] {
            assert_eq!(rate(number), text, "{number}");
        }
        assert_eq!(share(0.4234), "42.3 %");
        assert_eq!(share(1.0), "100 %");
        assert_eq!(share(0.0), "0 %");
    }
}
