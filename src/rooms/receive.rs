//! The subprotocol `dunlin.v1` as clients speak it: JSON texts.

use super::sessions::MOST_REFERENCE;
use super::{Enter, Epoch, Member, PROTOCOL, Position, RoomError, RoomId, Rooms, Told};
use crate::app::Session;
use crate::wire::work::price;
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};
use std::borrow::Cow;
use std::fmt;

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
    since: Option<Since>,
    #[serde(default)]
    last: Option<Count>,
    #[serde(borrow, default)]
    message: Option<Cow<'a, str>>,
    #[serde(rename = "ref", borrow, default)]
    reference: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct SaidPosition {
    epoch: String,
    id: Count,
}

/// A [`SaidPosition`]. What else is said in its place is not repeated in the error, however long it is.
struct Since(SaidPosition);

impl<'de> Deserialize<'de> for Since {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SinceVisitor)
    }
}

struct SinceVisitor;

impl<'de> Visitor<'de> for SinceVisitor {
    type Value = Since;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with epoch and id")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Since, A::Error> {
        SaidPosition::deserialize(MapAccessDeserializer::new(map)).map(Since)
    }

    fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<Since, E> {
        Err(E::invalid_type(Unexpected::Other("string"), &self))
    }
}

/// A number, and the same for a text in its place.
struct Count(u64);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CountVisitor)
    }
}

struct CountVisitor;

impl Visitor<'_> for CountVisitor {
    type Value = Count;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, 0 or more")
    }

    fn visit_u64<E>(self, number: u64) -> Result<Count, E> {
        Ok(Count(number))
    }

    fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<Count, E> {
        Err(E::invalid_type(Unexpected::Other("string"), &self))
    }
}

/// Bytes of a message that is read to tell which one was refused.
const READ_ANYHOW: usize = 1 << 10;

/// Does what a text of a client says.
pub(super) fn receive(rooms: &Rooms, member: &Member, session: &mut Session<'_>, text: &str) {
    let taken = rooms.takes_message(session.context(), member);
    if taken == Ok(false) {
        return;
    }
    // A short one is read also when it comes too fast: its sender is told which one it was.
    let said = match &taken {
        Err(error) if text.len() > READ_ANYHOW => Err(error.clone()),
        _ => rooms.check_json(text).and_then(|()| parse(text)),
    };
    session.context().charge(price_of(text));
    let (room, reference, done) = match &said {
        Err(error) => (
            None,
            None,
            Err(taken.err().unwrap_or_else(|| error.clone())),
        ),
        Ok(said) => {
            let room = RoomId::of_client(said.room.as_deref().unwrap_or(""));
            let allowed = taken.and_then(|_| room.clone());
            let done = allowed.and_then(|room| obey(rooms, member, session, room, said));
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

/// Reads an object. An array is none, and a text is not repeated in the error, however long it is.
pub(crate) fn parse_object<'a, T: Deserialize<'a>>(text: &'a str) -> serde_json::Result<T> {
    if !text.trim_ascii_start().starts_with('{') {
        return Err(serde::de::Error::custom("a message is an object"));
    }
    serde_json::from_str(text)
}

/// What reading a text costs, and doing what it says.
pub(crate) fn price_of(text: &str) -> u32 {
    price::ROOM + price::JSON.saturating_mul(text.len() as u32)
}

fn parse(text: &str) -> Result<Said<'_>, RoomError> {
    parse_object(text).map_err(|error| {
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
            let since = said.since.as_ref().map(|Since(since)| {
                // An epoch that is none is not the room's.
                let epoch = since.epoch.parse().unwrap_or(Epoch::of_bits(0));
                Position {
                    epoch,
                    id: since.id.0,
                }
            });
            let enter = Enter {
                name,
                client: said.client.as_deref(),
                since,
                last: said
                    .last
                    .as_ref()
                    .map_or(0, |last| last.0.min(100) as usize),
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
