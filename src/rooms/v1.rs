//! The subprotocol `dunlin.v1` as a server writes it: JSON texts.

use super::{Excerpt, Format, FormatId, RoomId, RoomMessage, Told};
use serde::Serialize;

/// The name of the subprotocol.
pub const PROTOCOL: &str = "dunlin.v1";

#[derive(Serialize)]
struct Talk<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(rename = "roomId")]
    room: RoomId,
    sender: &'a str,
    message: &'a str,
    id: u64,
    date: u64,
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    reference: Option<&'a str>,
}

impl<'a> Talk<'a> {
    fn new(room: RoomId, message: &'a RoomMessage, reference: Option<&'a str>) -> Self {
        Self {
            kind: "TALK",
            room,
            sender: &message.sender,
            message: message.text.as_deref().unwrap_or(""),
            id: message.id,
            date: message.date,
            reference,
        }
    }
}

#[derive(Serialize)]
struct Entered<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(rename = "roomId")]
    room: RoomId,
    name: &'a str,
    epoch: super::Epoch,
    id: u64,
    recovered: bool,
    members: usize,
    messages: Vec<Talk<'a>>,
}

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

#[derive(Serialize)]
struct Page<'a> {
    #[serde(rename = "roomId")]
    room: RoomId,
    epoch: super::Epoch,
    id: u64,
    recovered: bool,
    messages: Vec<Talk<'a>>,
}

impl Excerpt {
    fn talks(&self, room: RoomId) -> Vec<Talk<'_>> {
        let messages = self.messages.iter();
        messages
            .map(|message| Talk::new(room, message, None))
            .collect()
    }

    /// As JSON: `roomId`, `epoch`, `id`, `recovered` and `messages`, each as `dunlin.v1` writes it.
    pub fn to_json(&self, room: RoomId) -> String {
        let page = Page {
            room,
            epoch: self.epoch,
            id: self.top,
            recovered: self.recovered,
            messages: self.talks(room),
        };
        write(&page).unwrap_or_default()
    }
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
            } => write(&Entered {
                kind: "ENTERED",
                room,
                name,
                epoch: excerpt.epoch,
                id: excerpt.top,
                recovered: excerpt.recovered,
                members: *members,
                messages: excerpt.talks(room),
            }),
            Told::Message { message, reference } => write(&Talk::new(room, message, *reference)),
            Told::Joined { name, members } => presence("JOINED", room, *name, *members),
            Told::Left { name, members } => presence("LEFT", room, *name, *members),
            Told::Gap { from, to } => write(&Gap {
                kind: "GAP",
                room,
                from: *from,
                to: *to,
            }),
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
