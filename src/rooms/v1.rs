//! The subprotocol `dunlin.v1` as a server writes it: JSON texts.

use super::{Excerpt, Format, FormatId, Position, RoomId, RoomMessage, Told};
use serde::Serialize;
use std::fmt::Write;

/// The name of the subprotocol.
pub const PROTOCOL: &str = "dunlin.v1";

#[derive(Serialize)]
struct Presence<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(rename = "roomId")]
    room: RoomId,
    #[serde(skip_serializing_if = "Option::is_none")]
    sender: Option<&'a str>,
    members: usize,
}

#[derive(Serialize)]
struct Gap {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(rename = "roomId")]
    room: RoomId,
    from: u64,
    to: u64,
}

#[derive(Serialize)]
struct Closed<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(rename = "roomId")]
    room: RoomId,
    reason: &'a str,
}

#[derive(Serialize)]
struct Refused<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(rename = "roomId", skip_serializing_if = "Option::is_none")]
    room: Option<RoomId>,
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    reference: Option<&'a str>,
    code: &'static str,
    message: String,
}

impl Serialize for RoomId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for super::Epoch {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Bytes of a message that are neither its text nor its sender, about.
const AROUND: usize = 160;

/// Writes a message: `type`, `roomId`, `sender`, `message`, `id`, `date`, and the mark if there is one.
fn write_talk(out: &mut String, room: &str, message: &RoomMessage, reference: Option<&str>) {
    let _ = write!(out, r#"{{"type":"TALK","roomId":"{room}","sender":"#);
    write_text(out, &message.sender);
    out.push_str(r#","message":"#);
    message.write_text(out);
    let _ = write!(out, r#","id":{},"date":{}"#, message.id, message.date);
    if let Some(reference) = reference {
        out.push_str(r#","ref":"#);
        write_text(out, reference);
    }
    out.push('}');
}

fn write_text(out: &mut String, text: &str) {
    out.push_str(&write(&text).unwrap_or_default());
}

impl Excerpt {
    /// Writes `id`, `recovered`, what else there is, and `messages`, behind an open brace.
    fn write(&self, out: &mut String, room: &str, more: &str) {
        let bytes = self.messages.iter().map(|message| AROUND + message.held());
        out.reserve(AROUND + more.len() + bytes.sum::<usize>());
        let (epoch, id, recovered) = (self.epoch, self.top, self.recovered);
        let _ = write!(
            out,
            r#""epoch":"{epoch}","id":{id},"recovered":{recovered},{more}"messages":["#
        );
        for (at, message) in self.messages.iter().enumerate() {
            if at > 0 {
                out.push(',');
            }
            write_talk(out, room, message, None);
        }
        out.push_str("]}");
    }

    /// As JSON: `roomId`, `epoch`, `id`, `recovered` and `messages`, each as `dunlin.v1` writes it.
    pub fn to_json(&self, room: RoomId) -> String {
        let room = room.to_string();
        let mut out = format!(r#"{{"roomId":"{room}","#);
        self.write(&mut out, &room, "");
        out
    }
}

fn entered(room: RoomId, name: &str, members: usize, excerpt: &Excerpt) -> String {
    let room = room.to_string();
    let mut out = format!(r#"{{"type":"ENTERED","roomId":"{room}","name":"#);
    write_text(&mut out, name);
    out.push(',');
    excerpt.write(&mut out, &room, &format!(r#""members":{members},"#));
    out
}

fn talk(room: RoomId, message: &RoomMessage, reference: Option<&str>) -> String {
    let mut out = String::with_capacity(AROUND + message.held());
    write_talk(&mut out, &room.to_string(), message, reference);
    out
}

/// `dunlin.v1`.
pub(super) struct V1;

impl Format for V1 {
    fn encode(&self, room: Option<RoomId>, told: &Told<'_>) -> Option<String> {
        if let Told::Error { reference, error } = told {
            return write(&Refused {
                kind: "ERROR",
                room,
                reference: *reference,
                code: error.code(),
                message: error.to_string(),
            });
        }
        let room = room?;
        match told {
            Told::Entered {
                name,
                members,
                excerpt,
            } => Some(entered(room, name, *members, excerpt)),
            Told::Message { message, reference } => Some(talk(room, message, *reference)),
            Told::Joined { name, members } => presence("JOINED", room, *name, *members),
            Told::Left { name, members } => presence("LEFT", room, *name, *members),
            Told::Gap { from, to } => write(&Gap {
                kind: "GAP",
                room,
                from: *from,
                to: *to,
            }),
            Told::Epoch(Position { epoch, id }) => Some(format!(
                r#"{{"type":"EPOCH","roomId":"{room}","epoch":"{epoch}","id":{id}}}"#
            )),
            Told::Closed { reason } => write(&Closed {
                kind: "CLOSED",
                room,
                reason,
            }),
            Told::Arrived { .. } | Told::Departed { .. } | Told::Error { .. } => None,
        }
    }
}

fn presence(
    kind: &'static str,
    room: RoomId,
    sender: Option<&str>,
    members: usize,
) -> Option<String> {
    write(&Presence {
        kind,
        room,
        sender,
        members,
    })
}

fn write(value: &impl Serialize) -> Option<String> {
    serde_json::to_string(value).ok()
}

impl FormatId {
    /// The format of a session that agreed on this subprotocol, if it has one here.
    pub fn of_protocol(protocol: Option<&str>) -> Option<Self> {
        (protocol == Some(PROTOCOL)).then_some(Self::V1)
    }
}
