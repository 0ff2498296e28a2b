//! How sizes and times are written: `64KiB`, `500ms`, `2min`.

use std::time::Duration;

const SIZES: [(&str, usize); 3] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
const TIMES: [(&str, u64); 4] = [("ms", 1), ("min", 60_000), ("h", 3_600_000), ("s", 1000)];

/// A number of bytes: digits alone, or with `B`, `KiB`, `MiB` or `GiB` behind them.
pub fn parse_size(text: &str) -> Option<usize> {
    for (unit, bytes) in SIZES {
        if let Some(number) = text.strip_suffix(unit) {
            return digits(number)?.checked_mul(bytes);
        }
    }
    digits(text.strip_suffix('B').unwrap_or(text))
}

/// A whole number with its unit; a number without one is no time.
pub(super) fn parse_time(text: &str) -> Option<Duration> {
    let (number, unit) = TIMES
        .iter()
        .find_map(|(name, unit)| Some((text.strip_suffix(name)?, unit)))?;
    let number = u64::try_from(digits(number)?).ok()?;
    Some(Duration::from_millis(number.checked_mul(*unit)?))
}

/// No sign and no space before it: only digits.
fn digits(text: &str) -> Option<usize> {
    let text = text.trim_end();
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok())?
}

/// In the largest unit that divides it.
pub(super) fn show_size(bytes: usize) -> String {
    let fits = |(_, unit): &&(&str, usize)| bytes != 0 && bytes.is_multiple_of(*unit);
    match SIZES.iter().find(fits) {
        Some((name, unit)) => format!("{}{name}", bytes / unit),
        None => format!("{bytes}B"),
    }
}

/// In the largest unit that divides it.
pub(super) fn show_time(time: Duration) -> String {
    let ms = time.as_millis();
    match ms {
        _ if ms == 0 || !ms.is_multiple_of(1000) => format!("{ms}ms"),
        _ if !ms.is_multiple_of(60_000) || ms < 120_000 => format!("{}s", ms / 1000),
        _ => format!("{}min", ms / 60_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_bytes_or_have_a_unit_of_1024() {
        for (text, bytes) in [
            ("0", 0),
            ("65536", 65_536),
            ("5B", 5),
            ("64KiB", 64 << 10),
            ("1 MiB", 1 << 20),
            ("2GiB", 2 << 30),
        ] {
            assert_eq!(parse_size(text), Some(bytes), "{text}");
        }
        for text in [
            "",
            "KiB",
            "-1",
            "+1",
            "1.5MiB",
            "64kb",
            "99999999999999999999",
        ] {
            assert_eq!(parse_size(text), None, "{text}");
        }
    }

    #[test]
    fn a_time_has_a_unit() {
        for (text, ms) in [
            ("500ms", 500),
            ("10s", 10_000),
            ("2min", 120_000),
            ("1h", 3_600_000),
        ] {
            assert_eq!(parse_time(text), Some(Duration::from_millis(ms)), "{text}");
        }
        for text in [
            "",
            "10",
            "s",
            "-1s",
            "1.5s",
            "10sec",
            "18446744073709551615h",
        ] {
            assert_eq!(parse_time(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_shown_is_read_as_the_same() {
        for bytes in [0, 1, 1023, 1024, 1025, 3 << 20, 1 << 30] {
            assert_eq!(parse_size(&show_size(bytes)), Some(bytes));
        }
        for ms in [0, 1, 999, 1000, 1001, 60_000, 90_000, 120_000, 1_800_000] {
            let time = Duration::from_millis(ms);
            assert_eq!(parse_time(&show_time(time)), Some(time), "{ms}");
        }
        assert_eq!(show_time(Duration::from_secs(60)), "60s");
        assert_eq!(show_size(8000), "8000B");
    }
}
