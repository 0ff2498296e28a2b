//! How the modelled engine writes what it says, and how it reads what it is told.

use super::super::request::{Answer, RawExcerpt, write_digest};
use super::super::script::Command;
use crate::rooms::RoomMessage;

/// Words of a command at most, as in Redis.
const MOST_WORDS: usize = 1 << 20;

/// Bytes of a word at most, as in Redis.
const MOST_BYTES: usize = 512 << 20;

/// A value of RESP2.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Reply {
    Simple(&'static str),
    Error(String),
    Number(i64),
    Bulk(Vec<u8>),
    Null,
    Array(Vec<Reply>),
}

impl Reply {
    pub(super) const OK: Self = Self::Simple("OK");

    pub(super) fn error(text: &str) -> Self {
        Self::Error(text.to_owned())
    }

    pub(super) fn text(text: impl ToString) -> Self {
        Self::Bulk(text.to_string().into_bytes())
    }

    pub(super) fn number(number: usize) -> Self {
        Self::Number(i64::try_from(number).unwrap_or(i64::MAX))
    }

    pub(super) fn bulks(all: impl IntoIterator<Item = Vec<u8>>) -> Self {
        Self::Array(all.into_iter().map(Self::Bulk).collect())
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let line = |kind: char, rest: &dyn std::fmt::Display| format!("{kind}{rest}\r\n");
        match self {
            Self::Simple(text) => out.extend(line('+', text).as_bytes()),
            Self::Error(text) => out.extend(line('-', text).as_bytes()),
            Self::Number(number) => out.extend(line(':', number).as_bytes()),
            Self::Null => out.extend(b"$-1\r\n"),
            Self::Bulk(bytes) => {
                out.extend(line('$', &bytes.len()).as_bytes());
                out.extend(bytes);
                out.extend(b"\r\n");
            }
            Self::Array(items) => {
                out.extend(line('*', &items.len()).as_bytes());
                for item in items {
                    item.write(out);
                }
            }
        }
    }

    /// An answer as its script gives it.
    pub(super) fn of(answer: &Answer) -> Self {
        let mut items = vec![Self::text("ok")];
        match answer {
            Answer::Refused(error) => items[0] = Self::text(error.code()),
            Answer::Created { number } => items.push(Self::text(number)),
            Answer::Deleted => {}
            Answer::Room {
                name,
                key,
                number,
                members,
            } => items.extend([
                Self::text(name),
                Self::text(write_digest(key)),
                Self::text(number),
                Self::number(*members),
            ]),
            Answer::Joined {
                excerpt, before, ..
            } => {
                let before = before.map(|before| before.to_string());
                items.push(Self::text(before.unwrap_or_default()));
                items.extend(Self::excerpt(excerpt));
            }
            Answer::Left { members } => items.push(Self::number(*members)),
            Answer::Published {
                epoch,
                id,
                date,
                known,
            } => items.extend([
                Self::text(epoch),
                Self::text(id),
                Self::text(date),
                Self::Array(known.iter().map(Self::message).collect()),
            ]),
            Answer::Excerpt(excerpt) => items.extend(Self::excerpt(excerpt)),
            Answer::Names { members, names } => items.extend([
                Self::number(*members),
                Self::Array(names.iter().map(Self::text).collect()),
            ]),
            Answer::Declared { lost } => {
                items.push(Self::Array(lost.iter().map(Self::text).collect()));
            }
            Answer::Audited { members } => {
                let words = members
                    .iter()
                    .flat_map(|(name, place)| [name.to_string(), format!("{place:016x}")]);
                items.push(Self::Array(words.map(Self::text).collect()));
            }
            Answer::Swept { has_more } => items.push(Self::Number(i64::from(*has_more))),
        }
        Self::Array(items)
    }

    /// The newest first, as half of the real ones come.
    fn excerpt(excerpt: &RawExcerpt) -> [Self; 7] {
        let messages = excerpt.messages.iter().rev().map(Self::message);
        [
            Self::text(excerpt.epoch),
            Self::text(excerpt.top),
            Self::Number(i64::from(excerpt.is_here)),
            Self::text(excerpt.upto.map_or(String::new(), |upto| upto.to_string())),
            Self::Array(messages.collect()),
            Self::number(excerpt.census.members),
            Self::text(excerpt.census.changes),
        ]
    }

    fn message(message: &RoomMessage) -> Self {
        let mut fields = vec![
            Self::text("d"),
            Self::text(message.date),
            Self::text("u"),
            Self::text(&message.sender),
        ];
        if let Some(text) = &message.text {
            fields.extend([Self::text("t"), Self::text(text)]);
        }
        let id = format!("{}-0", message.id);
        Self::Array(vec![Self::text(id), Self::Array(fields)])
    }
}

/// Reads one command, an array of strings: its words and its bytes. `None` until it is complete.
///
/// # Errors
/// What is wrong; nothing behind it can be read.
pub(super) fn command(bytes: &[u8]) -> Result<Option<(Command, usize)>, &'static str> {
    let mut at = 0;
    let Some(count) = length(bytes, &mut at, b'*')? else {
        return Ok(None);
    };
    if count > MOST_WORDS {
        return Err("invalid multibulk length");
    }
    let mut words = Vec::new();
    for _ in 0..count {
        let Some(length) = length(bytes, &mut at, b'$')? else {
            return Ok(None);
        };
        if length > MOST_BYTES {
            return Err("invalid bulk length");
        }
        let Some(word) = bytes.get(at..at + length + 2) else {
            return Ok(None);
        };
        let word = word.strip_suffix(b"\r\n").ok_or("expected CRLF")?;
        words.push(word.to_vec());
        at += length + 2;
    }
    Ok(Some((words, at)))
}

/// Reads a line of one letter and a number.
fn length(bytes: &[u8], at: &mut usize, kind: u8) -> Result<Option<usize>, &'static str> {
    let line = &bytes[*at..];
    let Some(first) = line.first() else {
        return Ok(None);
    };
    if *first != kind {
        return Err("expected another type");
    }
    let Some(end) = line.iter().position(|byte| *byte == b'\r') else {
        return if line.len() > 32 {
            Err("too big a length")
        } else {
            Ok(None)
        };
    };
    let Some(newline) = line.get(end + 1) else {
        return Ok(None);
    };
    let number = std::str::from_utf8(&line[1..end]).ok();
    let number = number.and_then(super::super::request::decimal);
    let number = number.and_then(|number| usize::try_from(number).ok());
    *at += end + 2;
    match number {
        Some(number) if *newline == b'\n' => Ok(Some(number)),
        _ => Err("invalid length"),
    }
}
