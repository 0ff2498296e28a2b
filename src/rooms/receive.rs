//! The subprotocol `dunlin.v1` as clients speak it: JSON texts.

use super::sessions::MOST_REFERENCE;
use super::{Enter, Epoch, Member, PROTOCOL, Position, RoomError, RoomId, Rooms, Told};
use crate::app::Session;
use crate::wire::work::price;
use serde::Deserialize;
use std::borrow::Cow;

/// What a client says. Keys that are not known are not looked at.
#[derive(Deserialize)]
struct Said<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(rename = "roomId", borrow, default)]
    room: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    sender: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    client: Option<Cow<'a, str>>,
    #[serde(default)]
    since: Option<SaidPosition>,
    #[serde(default)]
    last: Option<u32>,
    #[serde(borrow, default)]
    message: Option<Cow<'a, str>>,
    #[serde(rename = "ref", borrow, default)]
    reference: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct SaidPosition {
    epoch: String,
    id: u64,
}

/// Does what a text of a client says.
pub(super) fn receive(rooms: &Rooms, member: &Member, session: &mut Session<'_>, text: &str) {
    if !rooms.takes_message(session.context(), member) {
        return;
    }
    let said = rooms.check_json(text).and_then(|()| parse(text));
    session.context().charge(price_of(text));
    let (room, reference, done) = match &said {
        Err(error) => (None, None, Err(error.clone())),
        Ok(said) => {
            let room = said.room.as_deref().unwrap_or("").parse();
            let done = room
                .clone()
                .and_then(|room| obey(rooms, member, session, room, said));
            (room.ok(), said.reference.as_deref(), done)
        }
    };
    if let Err(error) = done {
        let reference = reference.filter(|reference| reference.len() <= MOST_REFERENCE);
        let error = &error;
        rooms.tell(
            session.context(),
            member,
            room,
            &Told::Error { reference, error },
        );
    }
}

/// What reading a text costs, and doing what it says.
pub(crate) fn price_of(text: &str) -> u32 {
    price::ROOM + price::JSON.saturating_mul(text.len() as u32)
}

fn parse(text: &str) -> Result<Said<'_>, RoomError> {
    serde_json::from_str(text).map_err(|error| {
        let wanted = r#"{"type":"ENTER","roomId":"…","sender":"…"}"#;
        let problem = format!("no message of {PROTOCOL}: {error}; wanted: such as {wanted}");
        RoomError::BadMessage(problem)
    })
}

fn obey(
    rooms: &Rooms,
    member: &Member,
    session: &mut Session<'_>,
    room: RoomId,
    said: &Said<'_>,
) -> Result<(), RoomError> {
    let context = session.context();
    match &*said.kind {
        "ENTER" => {
            let name = said.sender.as_deref().unwrap_or("");
            let since = said.since.as_ref().map(|since| {
                // An epoch that is none is not the room's.
                let epoch = since.epoch.parse().unwrap_or(Epoch::of_bits(0));
                Position {
                    epoch,
                    id: since.id,
                }
            });
            let enter = Enter {
                name,
                client: said.client.as_deref(),
                since,
                last: said.last.unwrap_or(0) as usize,
            };
            rooms.enter(context, member, room, &enter)
        }
        "TALK" => {
            let text = said
                .message
                .as_deref()
                .filter(|text| !text.trim().is_empty());
            let text = text.ok_or(RoomError::Empty)?;
            let reference = said.reference.as_deref();
            rooms.talk(context, member, room, Some(text), reference)
        }
        "LEAVE" => rooms.leave(context, member, room),
        _ => Err(RoomError::BadMessage(
            "the type of a message is ENTER, TALK or LEAVE".to_owned(),
        )),
    }
}
