//! The plain format of `/ws/chat`: `type`, `roomId`, `sender`, `message`, in that order.

use crate::Session;
use crate::rooms::{Enter, Format, Member, RoomError, RoomId, Rooms, Told, parse_object, price_of};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The longest id of a room that an error repeats, bytes.
const REPEATED: usize = 64;

#[derive(Deserialize)]
struct Said<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(rename = "roomId", borrow, default)]
    room: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    sender: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    message: Option<Cow<'a, str>>,
}

#[derive(Serialize)]
struct Line<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(rename = "roomId")]
    room: Option<&'a str>,
    sender: &'a str,
    message: Option<&'a str>,
}

fn line(kind: &str, room: Option<&str>, sender: &str, message: Option<&str>) -> Option<String> {
    serde_json::to_string(&Line {
        kind,
        room,
        sender,
        message,
    })
    .ok()
}

fn error_line(room: Option<&str>, error: &RoomError) -> Option<String> {
    line("ERROR", room, "server", Some(&error.to_string()))
}

/// The plain format.
pub(super) struct Plain;

impl Format for Plain {
    fn encode(&self, room: Option<RoomId>, told: &Told<'_>) -> Option<String> {
        let room = room.map(|room| room.to_string());
        let room = room.as_deref();
        match told {
            Told::Message { message, .. } => {
                line("TALK", room, &message.sender, message.text.as_deref())
            }
            Told::Arrived { name } => line(
                "ENTER",
                room,
                name,
                Some(&format!("{name}님이 입장했습니다.")),
            ),
            Told::Departed { name } => line(
                "LEAVE",
                room,
                name,
                Some(&format!("{name}님이 퇴장했습니다.")),
            ),
            Told::Error { error, .. } => error_line(room, error),
            _ => None,
        }
    }

    fn ends_with_room(&self) -> bool {
        true
    }
}

/// Does what a text of a client says.
pub(super) fn receive(rooms: &Rooms, member: &Member, session: &mut Session<'_>, text: &str) {
    let taken = rooms.takes_message(session.context(), member);
    if taken == Ok(false) {
        return;
    }
    session.context().charge(price_of(text));
    let (room, done) = match taken.and_then(|_| parse(rooms, text)) {
        Err(error) => (None, Err(error)),
        Ok(said) => {
            let done = obey(rooms, member, session, &said);
            (said.room, done)
        }
    };
    if let Err(error) = done {
        let room = room.as_deref().filter(|room| room.len() <= REPEATED);
        if let Some(line) = error_line(room, &error) {
            session.send(line);
        }
    }
}

fn parse<'a>(rooms: &Rooms, text: &'a str) -> Result<Said<'a>, RoomError> {
    rooms.check_json(text)?;
    parse_object(text).map_err(|error| {
        let wanted = r#"{"type":"ENTER","roomId":"…","sender":"…","message":"…"}"#;
        RoomError::BadMessage(format!("no message: {error}; wanted: such as {wanted}"))
    })
}

fn obey(
    rooms: &Rooms,
    member: &Member,
    session: &mut Session<'_>,
    said: &Said<'_>,
) -> Result<(), RoomError> {
    let kind = &*said.kind;
    if !["ENTER", "TALK", "LEAVE"].contains(&kind) {
        let problem = "the type of a message is ENTER, TALK or LEAVE";
        return Err(RoomError::BadMessage(problem.to_owned()));
    }
    let room = RoomId::of_client(said.room.as_deref().unwrap_or(""))?;
    // Whoever is in a room has one name there and in every other.
    let bound = match kind {
        "ENTER" => rooms.name_of(member),
        _ => Some(rooms.name_in(member, room).ok_or(RoomError::NotEntered)?),
    };
    if let (Some(bound), Some(sender)) = (&bound, &said.sender)
        && rooms.name(sender)?.as_str() != &**bound
    {
        return Err(RoomError::OtherName(bound.to_string()));
    }
    let context = session.context();
    match kind {
        "ENTER" => {
            let enter = Enter {
                name: said.sender.as_deref().or(bound.as_deref()).unwrap_or(""),
                ..Enter::default()
            };
            rooms.enter(context, member, room, &enter)
        }
        "TALK" => rooms.talk(context, member, room, said.message.as_deref(), None),
        _ => rooms.leave(context, member, room),
    }
}
