//! Chat rooms: made and listed over HTTP, talked in over WebSocket, followed as events.
//!
//! `/ws/chat` speaks two formats. A client without a subprotocol gets the plain one: four keys in a fixed
//! order, and sentences in Korean for who comes and goes. One that offers `dunlin.v1` gets ids, history,
//! receipts and presence. Both are in the same rooms.

mod listing;
mod plain;
mod problem;
mod rest;

use super::sessions::logged;
use crate::rooms::{FormatId, Member, Pass, Rooms, RoomsHandler};
use crate::{App, CloseReason, Handler, Message, Open, Request, Session};

/// Mounts rooms in memory, with default limits.
pub fn mount(app: App) -> App {
    mount_with(app, &Rooms::new())
}

/// Mounts these rooms: `/chat`, `/chat/{roomId}` and what lies behind it, and `/ws/chat`.
pub fn mount_with(app: App, rooms: &Rooms) -> App {
    let settings = rooms.settings(super::settings());
    let chat = Chat {
        plain: rooms.add_format(plain::Plain),
        v1: rooms.handler(),
        rooms: rooms.clone(),
    };
    let app = rooms.mount(app);
    let app = logged(app, "/ws/chat", settings.clone(), chat);
    let app = app.sse("/chat/{roomId}/events", settings, rooms.followers());
    rest::mount(app, rooms)
}

/// `/ws/chat` in both formats.
struct Chat {
    rooms: Rooms,
    plain: FormatId,
    v1: RoomsHandler,
}

impl Handler for Chat {
    type Data = Member;

    fn open(&mut self, request: &Request<'_>, session: &mut Session<'_>) -> Open<Member> {
        let format = FormatId::of_protocol(session.protocol()).unwrap_or(self.plain);
        let pass = Pass::of_request(request);
        Open::Accept(self.rooms.admit_as(session, format, pass))
    }

    fn message(&mut self, member: &mut Member, session: &mut Session<'_>, message: Message<'_>) {
        match message {
            Message::Text(text) if self.rooms.format_of(member) == Some(self.plain) => {
                plain::receive(&self.rooms, member, session, text);
            }
            _ => self.v1.message(member, session, message),
        }
    }

    fn drain(&mut self, member: &mut Member, session: &mut Session<'_>, dropped: u64) {
        if self.rooms.format_of(member) == Some(FormatId::V1) {
            self.v1.drain(member, session, dropped);
        }
    }

    fn close(&mut self, member: Member, session: &mut Session<'_>, reason: &CloseReason) {
        self.v1.close(member, session, reason);
    }
}
