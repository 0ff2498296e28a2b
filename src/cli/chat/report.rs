//! What is told: to a person as text, to a script as one JSON object a line.
//!
//! All text of the server passes [`shown`](super::show::shown) on its way to a person; JSON escapes
//! control characters by itself.

use super::screen::Screen;
use super::show::{shown, shown_within};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::io;
use std::time::Duration;

/// Characters of a message that a terminal shows; a pipe gets all of them.
const MAX_SHOWN: usize = 8192;
/// Bytes of a binary message that are shown.
const MAX_BYTES_SHOWN: usize = 16;

/// Something that is told.
pub(super) enum Told<'a> {
    Connecting {
        url: &'a str,
    },
    Connected {
        url: &'a str,
        protocol: Option<&'a str>,
        extensions: Option<&'a str>,
    },
    Disconnected {
        why: &'a str,
        /// How the connection ended, if there was one.
        code: Option<u16>,
        again: Duration,
    },
    Text(&'a str),
    Binary(&'a [u8]),
    /// A message of a room.
    Talk {
        sender: &'a str,
        text: &'a str,
        id: Option<u64>,
        date: Option<u64>,
        is_history: bool,
    },
    Entered {
        room: &'a str,
        id: &'a str,
        name: &'a str,
        members: u64,
    },
    Created {
        room: &'a str,
        id: &'a str,
        key: &'a str,
    },
    /// `joined` or `left`; without a name only the number changed.
    Presence {
        event: &'a str,
        sender: Option<&'a str>,
        members: u64,
    },
    /// Messages that this client does not get; the ids where they are known.
    Missing(Option<(u64, u64)>),
    /// The server has read a line.
    Sent {
        line: u64,
        id: Option<u64>,
    },
    Error {
        line: Option<u64>,
        code: Option<&'a str>,
        message: &'a str,
    },
    Note(&'a str),
    Closed {
        code: u16,
        reason: &'a str,
        by_us: bool,
    },
    Goodbye,
}

/// Where a text goes, and how it looks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    Message,
    Dim,
    Red,
}

/// Tells a person or a script.
#[derive(Clone)]
pub(super) struct Report {
    pub(super) screen: Screen,
    pub(super) json: bool,
    /// Colours for standard output, and for standard error.
    pub(super) colours: (bool, bool),
    /// Standard output is a terminal: what is endless is cut.
    pub(super) cuts: bool,
    /// A person left by a word or a key, and is greeted on standard output.
    pub(super) says_goodbye: bool,
}

impl Report {
    /// Tells it.
    ///
    /// # Errors
    /// Those of standard output.
    pub(super) fn tell(&self, told: &Told<'_>) -> io::Result<()> {
        if self.json {
            return match object(told) {
                Some(object) => self.screen.out(&object.to_string()),
                None => Ok(()),
            };
        }
        let Some((style, text)) = self.text(told) else {
            return Ok(());
        };
        if style == Style::Message || matches!(told, Told::Goodbye) && self.says_goodbye {
            return self.screen.out(&text);
        }
        self.screen.note(&text);
        Ok(())
    }

    fn cut<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if self.cuts {
            shown_within(text, MAX_SHOWN)
        } else {
            shown(text)
        }
    }

    /// The line for a person.
    fn text(&self, told: &Told<'_>) -> Option<(Style, String)> {
        let dim = |text: String| Some((Style::Dim, self.painted(Style::Dim, text)));
        let red = |text: String| Some((Style::Red, self.painted(Style::Red, text)));
        match *told {
            Told::Text(text) => Some((Style::Message, self.cut(text).into_owned())),
            Told::Binary(bytes) => Some((Style::Message, binary(bytes))),
            Told::Talk { sender, text, .. } => {
                let sender = shown(sender);
                let text = self.cut(text);
                let line = if self.colours.0 {
                    format!("\u{1b}[36m{sender}:\u{1b}[0m {text}")
                } else {
                    format!("{sender}: {text}")
                };
                Some((Style::Message, line))
            }
            Told::Connecting { url } => dim(format!("connecting to {url}")),
            Told::Connected { .. } => dim("connected".to_owned()),
            Told::Disconnected { why, code, again } => {
                // Without a code there was no connection.
                let lost = if code.is_some() { "disconnected: " } else { "" };
                let why = shown(why);
                dim(format!("{lost}{why}; again in {}", seconds(again)))
            }
            Told::Entered {
                room,
                name,
                members,
                ..
            } => {
                let (room, name) = (shown(room), shown(name));
                dim(format!("in {room} as {name}, {}", counted(members)))
            }
            Told::Created { room, id, key } => {
                let (room, id, key) = (shown(room), shown(id), shown(key));
                dim(format!(
                    "created the room {room} ({id})\nits Room-Key, which deletes it and is not shown again: {key}"
                ))
            }
            Told::Presence {
                event,
                sender,
                members,
            } => match sender {
                Some(sender) => dim(format!("{} {event}, {}", shown(sender), counted(members))),
                None => dim(counted(members)),
            },
            Told::Missing(None) => dim("messages may be missing here".to_owned()),
            Told::Missing(Some((from, to))) => {
                dim(format!("messages {from} to {to} are missing here"))
            }
            Told::Sent { .. } => None,
            Told::Error {
                line,
                code,
                message,
            } => {
                let line = line
                    .map(|line| format!("line {line}: "))
                    .unwrap_or_default();
                let code = code
                    .map(|code| format!("{}: ", shown(code)))
                    .unwrap_or_default();
                red(format!("{line}{code}{}", shown(message)))
            }
            Told::Note(text) => dim(text.to_owned()),
            Told::Closed { by_us: true, .. } => None,
            Told::Closed { code, reason, .. } => {
                let reason = shown(reason);
                let space = if reason.is_empty() { "" } else { " " };
                dim(format!(
                    "the server closed the connection: {code}{space}{reason}"
                ))
            }
            Told::Goodbye => Some((Style::Dim, "Connection closed. Goodbye!".to_owned())),
        }
    }

    fn painted(&self, style: Style, text: String) -> String {
        let colours = match self.screen {
            Screen::Streams => self.colours.1,
            Screen::Pane(_) => self.colours.0,
        };
        match style {
            Style::Dim if colours => format!("\u{1b}[2m{text}\u{1b}[0m"),
            Style::Red if colours => format!("\u{1b}[31m{text}\u{1b}[0m"),
            _ => text,
        }
    }
}

fn counted(members: u64) -> String {
    match members {
        1 => "1 member".to_owned(),
        _ => format!("{members} members"),
    }
}

/// A time to wait, as people read it.
pub(super) fn seconds(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds < 9.95 {
        format!("{seconds:.1} s")
    } else {
        format!("{seconds:.0} s")
    }
}

fn binary(bytes: &[u8]) -> String {
    let start: Vec<_> = bytes
        .iter()
        .take(MAX_BYTES_SHOWN)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let more = if bytes.len() > MAX_BYTES_SHOWN {
        " …"
    } else {
        ""
    };
    let space = if bytes.is_empty() { "" } else { ": " };
    format!(
        "<binary, {} bytes{space}{}{more}>",
        bytes.len(),
        start.join(" ")
    )
}

/// The object for a script; `None` for what only a person wants to know.
fn object(told: &Told<'_>) -> Option<Value> {
    let mut object = match *told {
        Told::Connecting { url } => json!({"type": "state", "state": "connecting", "url": url}),
        Told::Connected {
            url,
            protocol,
            extensions,
        } => json!({"type": "state", "state": "connected", "url": url, "protocol": protocol,
            "extensions": extensions}),
        Told::Disconnected { why, code, again } => json!({"type": "state", "state": "disconnected",
            "why": why, "code": code, "again_ms": millis(again)}),
        Told::Text(text) => json!({"type": "message", "text": text}),
        Told::Binary(bytes) => json!({"type": "message", "base64": STANDARD.encode(bytes)}),
        Told::Talk {
            sender,
            text,
            id,
            date,
            is_history,
        } => {
            json!({"type": "message", "sender": sender, "text": text, "id": id, "date": date,
                "history": is_history})
        }
        Told::Entered {
            room,
            id,
            name,
            members,
        } => json!({"type": "state", "state": "entered", "room": room, "roomId": id, "name": name,
            "members": members}),
        Told::Created { room, id, key } => {
            json!({"type": "state", "state": "created", "room": room, "roomId": id, "roomKey": key})
        }
        Told::Presence {
            event,
            sender,
            members,
        } => json!({"type": "presence", "event": event, "sender": sender, "members": members}),
        Told::Missing(ids) => {
            json!({"type": "missing", "from": ids.map(|ids| ids.0), "to": ids.map(|ids| ids.1)})
        }
        Told::Sent { line, id } => json!({"type": "sent", "line": line, "id": id}),
        Told::Error {
            line,
            code,
            message,
        } => json!({"type": "error", "line": line, "code": code, "message": message}),
        Told::Note(_) | Told::Goodbye => return None,
        Told::Closed {
            code,
            reason,
            by_us,
        } => json!({"type": "closed", "code": code, "reason": reason,
            "by": if by_us { "client" } else { "server" }}),
    };
    if let Value::Object(fields) = &mut object {
        fields.retain(|_, value| !value.is_null());
    }
    Some(object)
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(colours: bool, cuts: bool) -> Report {
        Report {
            screen: Screen::Streams,
            json: false,
            colours: (colours, colours),
            cuts,
            says_goodbye: true,
        }
    }

    fn text(told: &Told<'_>) -> String {
        report(false, true).text(told).expect("a line").1
    }

    #[test]
    fn what_comes_from_the_server_is_one_line_whatever_it_is() {
        let evil = "a\u{1b}[2J\nb";
        for told in [
            Told::Text(evil),
            Told::Talk {
                sender: evil,
                text: evil,
                id: None,
                date: None,
                is_history: false,
            },
            Told::Presence {
                event: "joined",
                sender: Some(evil),
                members: 2,
            },
            Told::Error {
                line: None,
                code: Some(evil),
                message: evil,
            },
            Told::Disconnected {
                why: evil,
                code: None,
                again: Duration::ZERO,
            },
            Told::Entered {
                room: evil,
                id: evil,
                name: evil,
                members: 1,
            },
            Told::Closed {
                code: 1000,
                reason: evil,
                by_us: false,
            },
        ] {
            let line = text(&told);
            assert!(!line.contains(['\u{1b}', '\n']), "{line:?}");
            assert!(line.contains("a␛[2J␊b"), "{line:?}");
            let object = object(&told).expect("an object").to_string();
            assert!(!object.contains(['\u{1b}', '\n']), "{object}");
        }
    }

    #[test]
    fn a_terminal_is_spared_what_is_endless_and_a_pipe_gets_all() {
        let long = "a".repeat(10_000);
        assert!(text(&Told::Text(&long)).ends_with("a… (10000 bytes)"));
        let all = report(false, false).text(&Told::Text(&long));
        assert_eq!(all.expect("a line").1, long);
        let bytes: Vec<u8> = (0..100).collect();
        let start = "<binary, 100 bytes: 00 01 02 ";
        assert!(text(&Told::Binary(&bytes)).starts_with(start));
        assert_eq!(text(&Told::Binary(&[])), "<binary, 0 bytes>");
    }

    #[test]
    fn there_are_colours_only_where_they_are_wanted() {
        let told = Told::Note("connected");
        let painted = report(true, true).text(&told).expect("a line").1;
        assert_eq!(painted, "\u{1b}[2mconnected\u{1b}[0m");
        assert_eq!(text(&told), "connected");
    }

    #[test]
    fn objects_leave_out_what_is_not_known() {
        let sent = object(&Told::Sent { line: 3, id: None }).expect("an object");
        assert_eq!(sent, json!({"type": "sent", "line": 3}));
        assert!(object(&Told::Goodbye).is_none());
    }

    #[test]
    fn a_wait_is_read_in_seconds() {
        for (ms, wanted) in [
            (50, "0.1 s"),
            (1440, "1.4 s"),
            (9960, "10 s"),
            (20_000, "20 s"),
        ] {
            assert_eq!(seconds(Duration::from_millis(ms)), wanted);
        }
    }
}
