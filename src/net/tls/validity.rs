//! From when to when a certificate holds (RFC 5280 §4.1.2.5): just enough of DER to find it.

const SEQUENCE: u8 = 0x30;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
/// The version, which the first form of certificates does not have.
const VERSION: u8 = 0xa0;

/// Why a certificate does not hold at this time (seconds since 1970), as the end of a sentence. `None`: it
/// does, or it cannot be told.
pub(super) fn problem(certificate: &[u8], now: u64) -> Option<String> {
    let (from, to) = bounds(certificate)?;
    let now = i64::try_from(now).ok()?;
    if now > to {
        return Some(format!("expired {} ago", days(now - to)));
    }
    (now < from).then(|| format!("is not valid for another {}", days(from - now)))
}

fn days(seconds: i64) -> String {
    match seconds / 86_400 {
        0 => "less than a day".to_owned(),
        1 => "1 day".to_owned(),
        days => format!("{days} days"),
    }
}

/// First and last second, since 1970.
fn bounds(certificate: &[u8]) -> Option<(i64, i64)> {
    let (_, mut outer, _) = element(certificate)?;
    let (tag, mut body) = next(&mut outer)?;
    if tag != SEQUENCE {
        return None;
    }
    if body.first() == Some(&VERSION) {
        next(&mut body)?;
    }
    // The serial number, the algorithm and the issuer come before it.
    for _ in 0..3 {
        next(&mut body)?;
    }
    let (SEQUENCE, mut validity) = next(&mut body)? else {
        return None;
    };
    Some((time(next(&mut validity)?)?, time(next(&mut validity)?)?))
}

/// The first element of DER: its tag, its content and what is behind it.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, mut rest) = rest.split_first()?;
    let len = if first < 0x80 {
        usize::from(first)
    } else {
        let (digits, behind) = rest.split_at_checked(usize::from(first & 0x7f))?;
        rest = behind;
        if digits.len() > 3 {
            return None;
        }
        digits
            .iter()
            .fold(0, |len, digit| len << 8 | usize::from(*digit))
    };
    let (content, behind) = rest.split_at_checked(len)?;
    Some((tag, content, behind))
}

/// Takes the first element off.
fn next<'a>(der: &mut &'a [u8]) -> Option<(u8, &'a [u8])> {
    let (tag, content, behind) = element(der)?;
    *der = behind;
    Some((tag, content))
}

/// `YYMMDDHHMMSSZ` or `YYYYMMDDHHMMSSZ`, in seconds since 1970.
fn time((tag, text): (u8, &[u8])) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let (year, rest) = match tag {
        UTC_TIME => {
            let (year, rest) = text.split_at_checked(2)?;
            let year: i64 = year.parse().ok()?;
            (if year < 50 { 2000 + year } else { 1900 + year }, rest)
        }
        GENERALIZED_TIME => {
            let (year, rest) = text.split_at_checked(4)?;
            (year.parse().ok()?, rest)
        }
        _ => return None,
    };
    if rest.len() != 10 || !rest.is_ascii() {
        return None;
    }
    let part = |at: usize| rest[at..at + 2].parse::<i64>().ok();
    let days = days_from_civil(year, part(0)?, part(2)?);
    Some(days * 86_400 + part(4)? * 3_600 + part(6)? * 60 + part(8)?)
}

/// Days from 1970-01-01 to a day of the Gregorian calendar, month and day from 1.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    // Years are counted from the first of March, which puts the leap day last.
    let year = if month > 2 { year } else { year - 1 };
    let (cycle, of_cycle) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    cycle * 146_097 + of_cycle * 365 + of_cycle / 4 - of_cycle / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::date::civil;

    #[test]
    fn days_are_counted_as_the_calendar_does() {
        for days in (0..100_000).step_by(17) {
            let (year, month, day) = civil(days);
            let counted = days_from_civil(year as i64, month as i64, day as i64);
            assert_eq!(counted, days as i64);
        }
    }

    #[test]
    fn times_are_read_in_both_forms() {
        assert_eq!(time((UTC_TIME, b"700101000000Z")), Some(0));
        assert_eq!(time((UTC_TIME, b"380119031408Z")), Some(1 << 31));
        assert_eq!(
            time((GENERALIZED_TIME, b"20500101000000Z")),
            Some(2_524_608_000)
        );
        for wrong in [
            &b"7001010000Z"[..],
            b"",
            b"700101000000",
            b"7001010000\xff\xffZ",
        ] {
            assert_eq!(time((UTC_TIME, wrong)), None);
        }
    }

    #[test]
    fn a_certificate_tells_from_when_to_when_it_holds() {
        let mut wanted = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        wanted.not_before = rcgen::date_time_ymd(2024, 2, 29);
        wanted.not_after = rcgen::date_time_ymd(2024, 3, 31);
        let key = rcgen::KeyPair::generate().unwrap();
        let made = wanted.self_signed(&key).unwrap();
        let (from, to) = bounds(made.der()).unwrap();
        assert_eq!((from, to), (1_709_164_800, 1_711_843_200));
        let at = |now: i64| problem(made.der(), now as u64);
        assert_eq!(at(from), None);
        assert_eq!(at(to), None);
        assert_eq!(
            at(from - 2 * 86_400).unwrap(),
            "is not valid for another 2 days"
        );
        assert_eq!(at(to + 86_400).unwrap(), "expired 1 day ago");
    }

    #[test]
    fn what_is_cut_or_garbled_is_no_certificate() {
        let key = rcgen::KeyPair::generate().unwrap();
        let made = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let made = made.self_signed(&key).unwrap();
        for len in 0..made.der().len() {
            assert_eq!(bounds(&made.der()[..len]), None, "{len}");
        }
        for at in 0..200 {
            let mut garbled = made.der().to_vec();
            garbled[at] ^= 0xff;
            // Whatever it says, it says something.
            let _ = bounds(&garbled);
        }
    }
}
