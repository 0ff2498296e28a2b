//! A line of the log as a JSON object (RFC 8259), for programs that read logs.
//!
//! ```json
//! {"time":"2026-01-31T23:59:59.999Z","level":"info","target":"dunlin::apps::sessions","message":"…","connection":"3.1"}
//! ```
//!
//! `connection` is there where the line is about one. Whatever a terminal might obey is escaped, also where
//! JSON would allow it, so that a line can be looked at as it is.

use super::log_text::{obeyed, write_time};
use log::Record;
use log::kv::Key;
use std::fmt::{self, Write};
use std::time::Duration;

/// Writes a record as an object and a line end.
pub(super) fn write(line: &mut String, since_epoch: Duration, record: &Record<'_>) -> fmt::Result {
    line.push_str("{\"time\":\"");
    write_time(line, since_epoch)?;
    let level = record.level().as_str().to_ascii_lowercase();
    write!(line, "\",\"level\":\"{level}\",\"target\":\"")?;
    Escaped(line).write_str(record.target())?;
    line.push_str("\",\"message\":\"");
    // What its own Display refuses is left out; the line stays an object.
    let written = write!(Escaped(line), "{}", record.args());
    line.push('"');
    if let Some(connection) = record.key_values().get(Key::from("connection")) {
        line.push_str(",\"connection\":\"");
        write!(Escaped(line), "{connection}")?;
        line.push('"');
    }
    line.push_str("}\n");
    written
}

/// Writes text as it stands within a JSON string.
struct Escaped<'l>(&'l mut String);

impl Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            match character {
                '"' | '\\' => self.0.extend(['\\', character]),
                '\n' => self.0.push_str("\\n"),
                '\r' => self.0.push_str("\\r"),
                '\t' => self.0.push_str("\\t"),
                // All of them are of the first plane: one unit of UTF-16 each.
                _ if obeyed(character) => write!(self.0, "\\u{:04x}", u32::from(character))?,
                _ => self.0.push(character),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use log::Level;
    use serde_json::Value;

    fn written(message: &str, connection: Option<&str>) -> String {
        let mut line = String::new();
        let pairs = connection.map(|id| ("connection", id));
        let record = |line: &mut String, args: fmt::Arguments<'_>| {
            let record = Record::builder()
                .level(Level::Warn)
                .target("dunlin::\"hub\"")
                .args(args)
                .key_values(&pairs)
                .build();
            write(line, Duration::from_millis(1_700_000_000_007), &record)
        };
        record(&mut line, format_args!("{message}")).unwrap();
        line
    }

    #[test]
    fn a_line_is_one_object_with_time_level_target_message_and_connection() {
        assert_eq!(
            written("session 3.1 ends", Some("3.1")),
            "{\"time\":\"2023-11-14T22:13:20.007Z\",\"level\":\"warn\",\"target\":\"dunlin::\\\"hub\\\"\",\
             \"message\":\"session 3.1 ends\",\"connection\":\"3.1\"}\n"
        );
        assert!(!written("of nobody", None).contains("connection"));
    }

    #[test]
    fn whatever_a_message_holds_comes_back_and_is_one_line_that_no_terminal_obeys() {
        for code in (0..=0x10_ffff).step_by(7).chain(0..0x3000) {
            let Some(character) = char::from_u32(code) else {
                continue;
            };
            let message = format!("a{character}\",\"level\":\"b");
            let line = written(&message, Some(&message));
            let value: Value = serde_json::from_str(&line).expect("an object");
            assert_eq!(value["message"], message.as_str(), "{code:x}");
            assert_eq!(value["connection"], message.as_str(), "{code:x}");
            assert_eq!(value["level"], "warn");
            let body = line.strip_suffix('\n').expect("a line end");
            assert!(!body.chars().any(obeyed), "{code:x}");
        }
    }
}
