//! `/flow`, `/flow/events` and `/chatt` of all servers: what one says, all get as it was said.

use super::super::sessions::{logged, logged_events};
use super::attendee::Attendee;
use crate::rooms::{Format, FormatId, Position, RoomId, Rooms, Told};
use crate::{App, CloseReason, Handler, Message, Open, Request, Session, Settings};
use log::{debug, info};
use std::cell::Cell;
use std::rc::Rc;

/// Mounts `/flow` and `/flow/events`.
pub(super) fn mount_flow(app: App, rooms: &Rooms) -> App {
    let flow = Spoken {
        rooms: rooms.clone(),
        format: rooms.add_format(Words { has_gaps: false }),
        name: "flow",
        greeting: Some("You are connected to WebSocket!"),
        is_told: false,
    };
    let events = Spoken {
        format: rooms.add_format(Words { has_gaps: true }),
        rooms: rooms.clone(),
        greeting: None,
        ..flow
    };
    let app = logged(app, "/flow", super::super::settings(), flow);
    logged_events(app, "/flow/events", Settings::default(), events)
}

/// Mounts `/chatt`.
pub(super) fn mount_chatt(app: App, rooms: &Rooms) -> App {
    let chatt = Spoken {
        rooms: rooms.clone(),
        format: rooms.add_format(Words { has_gaps: false }),
        name: "chatt",
        greeting: None,
        is_told: true,
    };
    let settings = super::super::settings::chat_settings();
    logged(app, "/chatt", settings, chatt)
}

/// Texts as they were said; for event streams also what of them is missing.
struct Words {
    has_gaps: bool,
}

impl Format for Words {
    fn encode(&self, _: Option<RoomId>, told: &Told<'_>) -> Option<String> {
        match told {
            Told::Message { message, .. } => Some(message.text.as_deref().unwrap_or("").to_owned()),
            Told::Gap { from, to } if self.has_gaps => {
                Some(format!("{{\"from\":{from},\"to\":{to}}}"))
            }
            _ => None,
        }
    }

    fn event(&self, told: &Told<'_>) -> Option<&'static str> {
        matches!(told, Told::Gap { .. }).then_some("gap")
    }
}

struct Spoken {
    rooms: Rooms,
    format: FormatId,
    /// Names the room.
    name: &'static str,
    greeting: Option<&'static str>,
    /// Whether the log tells of every session and message.
    is_told: bool,
}

/// Who listens, and may speak.
struct Listener {
    attendee: Rc<Attendee>,
    /// The room that it follows, once it has begun to.
    follows: Rc<Cell<Option<RoomId>>>,
}

impl Spoken {
    /// Makes sure of the room, and follows it.
    fn arrive(&self, listener: &Listener, since: Option<Position>, session: &mut Session<'_>) {
        let (attendee, follows) = (Rc::clone(&listener.attendee), Rc::clone(&listener.follows));
        let format = self.format;
        let context = session.context();
        self.rooms
            .prepare(context, self.name, move |room, context| {
                let Some(room) = attendee.goes_on(room, context) else {
                    return;
                };
                follows.set(Some(room));
                let rooms = attendee.rooms.clone();
                let whom = (attendee.session, format);
                rooms.follow_relay(context, whom, room, since, move |followed, context| {
                    if attendee.goes_on(followed, context).is_some() {
                        attendee.arrived(room, context);
                    }
                });
            });
    }
}

impl Handler for Spoken {
    type Data = Listener;

    fn open(&mut self, request: &Request<'_>, session: &mut Session<'_>) -> Open<Listener> {
        let listener = Listener {
            attendee: Attendee::new(&self.rooms, session, None),
            follows: Rc::default(),
        };
        let since = request.last_event_id().and_then(|id| id.parse().ok());
        self.arrive(&listener, since, session);
        let Listener { attendee, follows } = listener;
        match attendee.opened() {
            Open::Accept(attendee) => {
                if self.is_told {
                    info!(connection:% = session.id(); "session opened {}", session.id());
                }
                if let Some(greeting) = self.greeting {
                    session.send(greeting);
                }
                Open::Accept(Listener { attendee, follows })
            }
            Open::Refuse(response) => {
                if let Some(room) = follows.get() {
                    self.rooms.unfollow(session.context(), room);
                }
                Open::Refuse(response)
            }
            Open::Later(deferral) => Open::Later(deferral),
        }
    }

    fn message(
        &mut self,
        listener: &mut Listener,
        session: &mut Session<'_>,
        message: Message<'_>,
    ) {
        let Message::Text(text) = message else { return };
        if self.is_told {
            info!(connection:% = session.id(); "received {}", session.id());
            debug!("text of {}: {}", session.id(), text.escape_debug());
        }
        listener.attendee.say(text, session.context());
    }

    fn close(&mut self, listener: Listener, session: &mut Session<'_>, reason: &CloseReason) {
        listener.attendee.end();
        if let Some(room) = listener.follows.get() {
            self.rooms.unfollow(session.context(), room);
        }
        if self.is_told {
            info!("session closed {} {}", session.id(), reason.code);
        }
    }
}
