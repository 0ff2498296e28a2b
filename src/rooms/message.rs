//! A message of a room, and what is known of a room.

use super::RoomId;
use std::rc::Rc;

/// A message as its room keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomMessage {
    /// Its number within the epoch.
    pub id: u64,
    /// When the room took it, milliseconds since 1970, UTC.
    pub date: u64,
    /// Who said it.
    pub sender: Rc<str>,
    /// What was said. Members of the plain format may say nothing at all.
    pub text: Option<Box<str>>,
    /// The text as JSON, where it is not the same between quotation marks. Made once: a history is told
    /// again and again.
    json: Option<Box<str>>,
}

impl RoomMessage {
    pub(super) fn new(id: u64, date: u64, sender: Rc<str>, text: Option<Box<str>>) -> Self {
        let json = text.as_deref().filter(|text| is_escaped(text));
        let json = json.and_then(|text| serde_json::to_string(text).ok());
        Self {
            id,
            date,
            sender,
            text,
            json: json.map(String::into_boxed_str),
        }
    }

    /// Writes the text as JSON; nothing said is an empty one.
    pub(super) fn write_text(&self, out: &mut String) {
        if let Some(json) = &self.json {
            return out.push_str(json);
        }
        out.push('"');
        out.push_str(self.text.as_deref().unwrap_or(""));
        out.push('"');
    }

    /// Bytes that keeping it takes, about; and no fewer than telling it takes.
    pub(super) fn held(&self) -> usize {
        let length = |text: &Option<Box<str>>| text.as_ref().map_or(0, |text| text.len());
        size_of::<Self>() + 32 + self.sender.len() + length(&self.text) + length(&self.json)
    }
}

/// Whether a text is written otherwise as JSON (RFC 8259 §7). In runs that a compiler can make short.
fn is_escaped(text: &str) -> bool {
    let is_special = |byte: &u8| *byte < 0x20 || *byte == b'"' || *byte == b'\\';
    let mut runs = text.as_bytes().chunks(64);
    runs.any(|run| {
        run.iter()
            .fold(false, |found, byte| found | is_special(byte))
    })
}

/// What is known of a room from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomInfo {
    /// Its name for programs.
    pub id: RoomId,
    /// Its name for people.
    pub name: Rc<str>,
    /// How many members are in.
    pub members: usize,
    /// Its number in the order of creation.
    pub(super) number: u64,
}

impl RoomInfo {
    pub(super) fn new(id: RoomId, name: Rc<str>, members: usize, number: u64) -> Self {
        Self {
            id,
            name,
            members,
            number,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_written_as_json_writes_it() {
        let long = format!("{}\u{1}", "x".repeat(100));
        for text in ["", "hi", "\"", "\\", "\n", "\0", "\u{7f}", "한글 👋", &long] {
            let message = RoomMessage::new(1, 2, "kim".into(), Some(text.into()));
            let mut json = String::new();
            message.write_text(&mut json);
            assert_eq!(json, serde_json::to_string(text).unwrap());
            assert!(message.held() >= json.len());
        }
    }
}
