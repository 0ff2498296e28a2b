//! Event streams: sessions that cannot receive, in the same topics as all others.

mod delivery;
mod ending;
mod opening;
mod slow;

use dunlin::testing::Sim;
use dunlin::{App, CloseCode, CloseReason, Event, Handler, Limits, Message, Open};
use dunlin::{Request, Response, Session, SessionId, Settings, Status};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

/// What happened, in words.
type Notes = Rc<RefCell<Vec<String>>>;

/// Joins `room` and notes every event. A text of a WebSocket is published as it is, or as what its first
/// word says.
struct Room {
    notes: Notes,
    streams: Vec<SessionId>,
}

impl Handler for Room {
    type Data = ();

    fn open(&mut self, request: &Request<'_>, session: &mut Session<'_>) -> Open<()> {
        if request.query("refuse").is_some() {
            session.send("never seen");
            return Open::Refuse(Response::refusal(Status::FORBIDDEN));
        }
        if let Some(field) = request.query("field") {
            assert!(session.add_answer_field("X-Field", &field));
            assert!(!session.add_answer_field("Content-Type", "text/html"));
        }
        if let Some(greeting) = request.query("greet") {
            session.send(&greeting);
        }
        if let Some(topics) = request.query("join") {
            for topic in topics.split(',') {
                session.join(topic);
            }
        } else {
            session.join("room");
        }
        if request.query("close").is_some() {
            session.close(CloseCode::new(4000), "at once");
        }
        if request.query("timer").is_some() {
            session.set_timer(Duration::from_secs(1), 7);
        }
        self.streams.push(session.id());
        Open::Accept(())
    }

    fn message(&mut self, (): &mut (), session: &mut Session<'_>, message: Message<'_>) {
        let Message::Text(text) = message else {
            session.publish("room", message);
            return;
        };
        let (verb, rest) = text.split_once(' ').unwrap_or((text, ""));
        match verb {
            "event" => {
                let event = Event::new(rest).id("e:7").name("talk");
                session.publish("room", event);
            }
            "other" => drop(session.publish("other", rest)),
            "fill" => {
                let count = rest.parse().unwrap_or(0);
                for number in 0..count {
                    session.publish("room", format!("{number:<100}"));
                }
            }
            "behind" => {
                let long = "x".repeat(rest.parse().unwrap_or(0));
                for text in ["a", &long, &long, "b"] {
                    session.publish("room", text);
                }
                for &stream in &self.streams {
                    session.send_to(stream, "c");
                }
            }
            "send" => {
                for &stream in &self.streams {
                    let outcome = session.send_to(stream, Event::new(rest).id("sent"));
                    self.notes.borrow_mut().push(format!("{outcome:?}"));
                }
            }
            "bytes" => {
                for &stream in &self.streams {
                    let outcome = session.send_to(stream, rest.as_bytes());
                    self.notes.borrow_mut().push(format!("{outcome:?}"));
                }
            }
            "ping" => {
                for &stream in &self.streams {
                    session.context().ping(stream, b"?");
                }
            }
            "close" => {
                for &stream in &self.streams {
                    session.close_other(stream, CloseCode::new(4001), rest);
                }
            }
            "panic" => panic!("told to"),
            _ => drop(session.publish("room", text)),
        }
    }

    fn drain(&mut self, (): &mut (), _: &mut Session<'_>, dropped: u64) {
        let note = format!("drained, {dropped} dropped");
        self.notes.borrow_mut().push(note);
    }

    fn timer(&mut self, (): &mut (), session: &mut Session<'_>, token: u64) {
        session.send(format!("timer {token}"));
    }

    fn close(&mut self, (): (), _: &mut Session<'_>, reason: &CloseReason) {
        let note = format!("closed {reason} by {:?}", reason.by);
        self.notes.borrow_mut().push(note);
    }
}

/// A simulation with a room at `/ws` and its event stream at `/events`, and what happens in both.
fn room_with(settings: Settings, limits: Limits) -> (Sim, Notes) {
    let notes = Notes::default();
    let room = Rc::new(RefCell::new(Room {
        notes: Rc::clone(&notes),
        streams: Vec::new(),
    }));
    let app = App::new()
        .ws("/ws", Silent(Rc::clone(&room)))
        .sse("/events", settings, room)
        .post("/events", |_, _| Response::text("posted"));
    (Sim::with(app, limits, 0).expect("a good program"), notes)
}

fn room() -> (Sim, Notes) {
    room_with(Settings::default(), Limits::default())
}

/// The WebSocket side: it talks, and is not noted.
struct Silent(Rc<RefCell<Room>>);

impl Handler for Silent {
    type Data = ();

    fn open(&mut self, _: &Request<'_>, session: &mut Session<'_>) -> Open<()> {
        session.join("room");
        Open::Accept(())
    }

    fn message(&mut self, data: &mut (), session: &mut Session<'_>, message: Message<'_>) {
        self.0.borrow_mut().message(data, session, message);
    }
}

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}
