//! Values that several commands take on their command line.

#[cfg(any(feature = "bench", feature = "chat"))]
use std::time::Duration;

/// A field of a request, as `NAME: VALUE`.
///
/// # Errors
/// In words: it has no colon.
pub(super) fn field(text: &str) -> Result<(String, String), String> {
    let Some((name, value)) = text.split_once(':') else {
        return Err(format!(
            "the header {text:?} has no colon\nwanted: NAME: VALUE, for example 'Origin: http://127.0.0.1:8080'"
        ));
    };
    Ok((name.to_owned(), value.trim().to_owned()))
}

/// The length of a payload.
#[cfg(feature = "bench")]
pub(super) fn payload_size(text: &str) -> Result<usize, String> {
    let wanted = || "wanted: a number of bytes from 1 to 64MiB, such as 512 or 16KiB".to_owned();
    let size = dunlin::config::parse_size(text);
    size.filter(|size| (1..=64 << 20).contains(size))
        .ok_or_else(wanted)
}

/// A time with its unit, at most an hour.
#[cfg(any(feature = "bench", feature = "chat"))]
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let units = [("ms", 1), ("s", 1000), ("min", 60_000)];
    let found = units.iter().find_map(|(unit, ms)| {
        let number: u64 = text.strip_suffix(unit)?.trim_end().parse().ok()?;
        number.checked_mul(*ms)
    });
    match found {
        Some(ms) if ms <= 3_600_000 => Ok(Duration::from_millis(ms)),
        _ => Err("wanted: a time such as 500ms, 5s or 2min, at most 60min".to_owned()),
    }
}

#[cfg(all(test, feature = "bench"))]
mod tests {
    use super::payload_size;

    #[test]
    fn a_size_is_of_1_byte_to_64_mebibytes() {
        for (text, size) in [
            ("1", 1),
            ("512B", 512),
            ("16KiB", 16 << 10),
            ("64MiB", 64 << 20),
        ] {
            assert_eq!(payload_size(text), Ok(size), "{text}");
        }
        for text in ["0", "67108865", "9GiB", "x", "-1", ""] {
            let problem = payload_size(text).unwrap_err();
            assert!(problem.starts_with("wanted: "), "{text}: {problem}");
        }
    }
}
