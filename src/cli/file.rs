//! The configuration file: TOML with one key per setting and no tables.

use super::exit::CommandFailure;
use std::collections::HashMap;
use std::path::Path;
use toml::de::{DeTable, DeValue};

/// The texts of one key.
pub(super) struct FileValue {
    pub(super) texts: Vec<String>,
    /// `FILE:LINE`.
    pub(super) at: String,
}

/// Reads a file whose keys are all among `known`.
pub(super) fn read(
    path: &Path,
    known: &[&'static str],
) -> Result<HashMap<&'static str, FileValue>, CommandFailure> {
    let text = text(path, "configuration file").map_err(CommandFailure::configuration)?;
    parse(&path.display().to_string(), &text, known).map_err(CommandFailure::configuration)
}

/// The text of a file of at most 1 MiB.
///
/// # Errors
/// A sentence that names the file; `what` is what it should be.
pub(super) fn text(path: &Path, what: &str) -> Result<String, String> {
    let name = path.display();
    let bytes = dunlin::read_small_file(path)
        .map_err(|error| format!("cannot read the {what} {name}: {error}"))?;
    String::from_utf8(bytes).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        format!("{name}:{line}: no UTF-8; wanted: a text, saved as UTF-8")
    })
}

fn parse(
    name: &str,
    text: &str,
    known: &[&'static str],
) -> Result<HashMap<&'static str, FileValue>, String> {
    let at = |byte: usize| {
        let before = text.as_bytes().iter().take(byte);
        let line = 1 + before.filter(|byte| **byte == b'\n').count();
        format!("{name}:{line}")
    };
    let table = DeTable::parse(text).map_err(|error| {
        let byte = error.span().map_or(0, |span| span.start);
        format!("{}: no TOML: {}", at(byte), error.message())
    })?;
    let mut found = HashMap::new();
    for (key, value) in table.get_ref() {
        let at = at(key.span().start);
        let given = key.get_ref().as_ref();
        let Some(key) = known.iter().find(|known| **known == given) else {
            if let DeValue::Table(_) = value.get_ref() {
                return Err(format!(
                    "{at}: {given:?} is a table\nwanted: settings as lines KEY = VALUE, without tables; \
                     `dunlin config print` shows every key"
                ));
            }
            let hint = nearest(given, known);
            return Err(format!(
                "{at}: the key {given:?} is unknown\nwanted: perhaps {hint:?}; \
                 `dunlin config print` shows every key"
            ));
        };
        let texts = texts(value.get_ref()).ok_or_else(|| {
            format!("{at}: the value of {key} is no text, number, true or false, or list of texts")
        })?;
        found.insert(*key, FileValue { texts, at });
    }
    Ok(found)
}

fn texts(value: &DeValue<'_>) -> Option<Vec<String>> {
    match value {
        DeValue::Array(list) => list
            .iter()
            .map(|item| match item.get_ref() {
                DeValue::String(text) => Some(text.to_string()),
                _ => None,
            })
            .collect(),
        DeValue::String(text) => Some(vec![text.to_string()]),
        DeValue::Boolean(flag) => Some(vec![flag.to_string()]),
        DeValue::Integer(number) if number.radix() == 10 => Some(vec![number.as_str().to_owned()]),
        _ => None,
    }
}

/// The known key that takes the fewest changes of a letter.
fn nearest(given: &str, known: &[&'static str]) -> &'static str {
    let nearest = known.iter().min_by_key(|known| distance(given, known));
    nearest.copied().unwrap_or_default()
}

/// The known key that this is meant to be, if it is one but for a slip of the pen.
pub(super) fn slip_of(given: &str, known: &[&'static str]) -> Option<&'static str> {
    let nearest = nearest(given, known);
    let is_slip = nearest.len() > 4 && (1..=2).contains(&distance(given, nearest));
    is_slip.then_some(nearest)
}

/// Letters to add, take away or exchange (Levenshtein).
fn distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (at, left) in from.bytes().enumerate() {
        let mut corner = std::mem::replace(&mut row[0], at + 1);
        for (column, right) in to.bytes().enumerate() {
            let exchanged = corner + usize::from(left != right);
            corner = row[column + 1];
            row[column + 1] = exchanged.min(corner + 1).min(row[column] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 3] = ["listen", "max_body", "ping_period"];

    #[test]
    fn texts_numbers_flags_and_lists_are_taken_with_their_line() {
        let text = "\nlisten = ['a', \"b\"]\n# more\nmax_body = 10\nping_period = true\n";
        let found = parse("d.toml", text, &KNOWN).unwrap();
        assert_eq!(found["listen"].texts, ["a", "b"]);
        assert_eq!(found["listen"].at, "d.toml:2");
        assert_eq!(found["max_body"].texts, ["10"]);
        assert_eq!(found["max_body"].at, "d.toml:4");
        assert_eq!(found["ping_period"].texts, ["true"]);
    }

    #[track_caller]
    fn refused(text: &str, parts: &[&str]) {
        let error = parse("d.toml", text, &KNOWN).err().expect("an error");
        for part in parts {
            assert!(error.contains(part), "{part:?} is missing in {error:?}");
        }
    }

    #[test]
    fn an_unknown_key_names_the_nearest_and_its_line() {
        refused(
            "\nmaxbody = 1",
            &["d.toml:2:", "\"maxbody\"", "\"max_body\""],
        );
        refused("ping-period = 1", &["d.toml:1:", "\"ping_period\""]);
    }

    #[test]
    fn what_is_no_toml_or_no_value_says_where() {
        refused("listen = 'a'\nmax_body =", &["d.toml:2:", "no TOML"]);
        refused("[listen]\na = 1", &["d.toml:1:", "listen"]);
        refused("listen = [1]", &["d.toml:1:", "list of texts"]);
    }

    #[test]
    fn a_slip_of_the_pen_is_told_from_another_word() {
        for (given, meant) in [
            ("listn", Some("listen")),
            ("ping_periods", Some("ping_period")),
            ("listen", None),
            ("list", Some("listen")),
            ("service_port", None),
        ] {
            assert_eq!(slip_of(given, &KNOWN), meant, "{given}");
        }
    }

    #[test]
    fn a_distance_counts_letters() {
        for (from, to, changes) in [
            ("", "", 0),
            ("a", "", 1),
            ("maxbody", "max_body", 1),
            ("abc", "acb", 2),
        ] {
            assert_eq!(distance(from, to), changes, "{from} {to}");
        }
    }
}
