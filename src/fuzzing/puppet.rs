//! The program behind the targets of the hub: it does what its clients tell
//! it, and keeps a record of its sessions.

use crate::app::{
    Answer, App, BacklogPolicy, Call, Context, Event, Handler, Open, OpenTicket, Piece, RawHandler,
    Request, Response, Session, SessionId, Settings, Ticket,
};
use crate::hub::Limits;
use crate::wire::close::{CloseCode, CloseReason};
use crate::wire::deflate::Deflate;
use crate::wire::frame::{OpCode, Reserved};
use crate::wire::message::Message;
use crate::wire::receive::RawFrame;
use crate::wire::response::Status;
use core::net::{Ipv4Addr, SocketAddr};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

/// The WebSocket routes of the program, and one that is plain HTTP.
pub(super) const TARGETS: [&str; 7] = [
    "/newest", "/oldest", "/close", "/stop", "/raw", "/deflate", "/plain",
];
/// Its event streams.
pub(super) const STREAMS: [&str; 3] = ["/events", "/events-oldest", "/events-newest"];
/// Sessions that a command can name.
const KNOWN: usize = 16;
const TOPICS: [&str; 4] = ["a", "b", "c", "d"];

/// What was opened and closed. What is wrong is kept here, because a panic of a handler is the
/// hub's to catch.
#[derive(Default)]
pub(super) struct SessionRecord {
    live: Vec<SessionId>,
    wrong: Option<String>,
}

pub(super) type SharedRecord = Rc<RefCell<SessionRecord>>;

impl SessionRecord {
    /// # Panics
    /// When an event came to a session before its open event, after its close event, or twice.
    pub(super) fn check(&self, sessions: u64) {
        if let Some(wrong) = &self.wrong {
            panic!("{wrong}");
        }
        assert_eq!(self.live.len() as u64, sessions, "sessions that live");
    }

    fn opened(&mut self, id: SessionId) {
        if self.live.contains(&id) {
            self.wrong = Some(format!("{id} opened twice"));
        }
        self.live.push(id);
    }

    fn event(&mut self, id: SessionId, what: &str) {
        if !self.live.contains(&id) {
            self.wrong = Some(format!("{what} of {id}, which is not open"));
        }
    }

    fn closed(&mut self, id: SessionId) {
        self.event(id, "close");
        self.live.retain(|live| *live != id);
    }
}

/// Small limits, so that few bytes pass them.
pub(super) fn limits() -> Limits {
    Limits::default()
        .max_connections(24)
        .max_per_address(20)
        .max_buffered(40 << 10)
        .max_body(200)
}

fn settings(backlog: BacklogPolicy) -> Settings {
    let mut settings = Settings::default()
        .max_message_size(4096)
        .backlog_mark(1 << 10)
        .backlog_limit(6 << 10)
        .backlog(backlog);
    settings.protocols = vec!["chat".to_owned(), "v2".to_owned()];
    settings
}

/// The program and its record.
pub(super) fn program() -> (App, SharedRecord) {
    let record = SharedRecord::default();
    let tickets = Rc::<RefCell<Tickets>>::default();
    let kept = Rc::clone(&tickets);
    let puppet = || Puppet {
        record: Rc::clone(&record),
        tickets: Rc::clone(&tickets),
        known: Vec::new(),
    };
    let deflate = settings(BacklogPolicy::Close).extension(Deflate::new());
    let app = App::new()
        .ws_with("/newest", settings(BacklogPolicy::DropNewest), puppet())
        .ws_with("/oldest", settings(BacklogPolicy::DropOldest), puppet())
        .ws_with("/close", settings(BacklogPolicy::Close), puppet())
        .ws_with("/stop", settings(BacklogPolicy::StopReading), puppet())
        .ws_raw("/raw", settings(BacklogPolicy::Close), puppet())
        .ws_with("/deflate", deflate.clone(), puppet())
        .sse(STREAMS[0], settings(BacklogPolicy::Close), puppet())
        .sse(STREAMS[1], settings(BacklogPolicy::DropOldest), puppet())
        .sse(STREAMS[2], settings(BacklogPolicy::DropNewest), puppet())
        .outgoing("out", deflate, puppet())
        .get("/plain", move |request, context| {
            if request.query("later").is_some() {
                let (answer, ticket) = Answer::later(context);
                kept.borrow_mut().answers.push(ticket);
                return answer;
            }
            if let Some(length) = request.query("stream") {
                kept.borrow_mut().streams.extend(context.caller());
                return stream(length.parse().ok());
            }
            Response::ok("text/plain", request.path().as_bytes().to_vec()).into()
        })
        .post("/plain", |request, _| {
            Response::ok("text/plain", request.body().to_vec())
        });
    (app, record)
}

/// Tickets that wait for somebody to say `a`.
#[derive(Default)]
struct Tickets {
    opens: Vec<OpenTicket<()>>,
    answers: Vec<Ticket>,
    /// Streams, of which some wait.
    streams: Vec<SessionId>,
}

/// A response in pieces, some of which are empty, long, or still to come.
fn stream(length: Option<u64>) -> Answer {
    let mut asked = 0;
    let pieces = move |_: &mut Context<'_>| {
        asked += 1;
        match asked {
            1 => Piece::Bytes(vec![b'a'; 100]),
            2 => Piece::Bytes(Vec::new()),
            3 | 5 => Piece::Wait,
            4 => Piece::Bytes(vec![b'b'; 3_000]),
            6 => Piece::Bytes(vec![b'c'; 70_000]),
            _ => Piece::End,
        }
    };
    match length {
        Some(length) => Answer::stream_sized(Response::text(""), length, pieces),
        None => Answer::stream(Response::text("first"), pieces),
    }
}

/// An event that says whatever it may, and what it may not.
fn event(text: &str, with: usize) -> Event<'_> {
    let data = ["", "\n\n", "a\r\nb", text][with & 3];
    let event = match with {
        0xf8.. => Event::new("long\n".repeat(with * 16)),
        _ => Event::new(data),
    };
    let event = event.name("n\n\ndata: false");
    match with & 4 {
        0 => event,
        _ => event.id(format!("{with}\r\0")),
    }
}

struct Puppet {
    record: SharedRecord,
    tickets: Rc<RefCell<Tickets>>,
    known: Vec<SessionId>,
}

impl Puppet {
    fn open(&mut self, request: &Request<'_>, session: &mut Session<'_>) -> Open<()> {
        let id = session.id();
        self.known.truncate(KNOWN - 1);
        self.known.insert(0, id);
        if let Some(commands) = request.query("do") {
            self.obey(session, commands.as_bytes());
        }
        if request.query("later").is_some() {
            let (open, ticket) = Open::later(session);
            self.tickets.borrow_mut().opens.push(ticket);
            return open;
        }
        if request.query("refuse").is_some() {
            return Open::Refuse(Response::refusal(Status::FORBIDDEN));
        }
        self.record.borrow_mut().opened(id);
        Open::Accept(())
    }

    /// Two bytes a command: what, and with what.
    fn obey(&mut self, session: &mut Session<'_>, commands: &[u8]) {
        for command in commands.chunks_exact(2).take(64) {
            let (verb, with) = (command[0], usize::from(command[1]));
            self.act(session, verb, with);
        }
    }

    /// Tickets are answered in the order in which they were given, or dropped.
    fn answer(&mut self, with: usize) {
        let mut tickets = self.tickets.borrow_mut();
        let Tickets { opens, answers, .. } = &mut *tickets;
        if with & 1 == 0 && !opens.is_empty() {
            let ticket = opens.remove(0);
            match with & 6 {
                0 => drop(ticket),
                2 => drop(ticket.refuse(Response::refusal(Status::FORBIDDEN))),
                _ => drop(ticket.accept(())),
            }
        } else if with & 1 == 1 && !answers.is_empty() {
            let ticket = answers.remove(0);
            if with & 2 == 0 {
                ticket.answer(Response::text("late ".repeat(with)));
            }
        }
    }

    fn accepted(&mut self, session: &mut Session<'_>) {
        self.record.borrow_mut().opened(session.id());
        session.add_answer_field("X", "y");
        session.join("a");
        let _ = session.send("accepted");
    }

    fn act(&mut self, session: &mut Session<'_>, verb: u8, with: usize) {
        let topic = TOPICS[with % TOPICS.len()];
        let text = "text of a message ".repeat(with / 16);
        let other = self.known[with % self.known.len()];
        match verb {
            b's' => {
                let _ = session.send(&text);
            }
            b'S' => {
                let _ = session.send(&vec![0; with * 64][..]);
            }
            b'j' => {
                session.join(topic);
            }
            b'l' => drop(session.leave(topic)),
            b'p' => drop(session.publish(topic, &text)),
            b'o' => drop(session.publish_to_others(topic, &text)),
            b't' => {
                let _ = session.send_to(other, "told");
            }
            b'e' => drop(session.publish(topic, event(&text, with))),
            b'E' => {
                let _ = session.send_to(other, event(&text, with));
            }
            b'c' => session.close(CloseCode::new(995 + with as u16), &text),
            b'x' => session.close_other(other, CloseCode::NORMAL, "bye"),
            b'i' => {
                let _ = session.ping(text.as_bytes());
            }
            b'T' => session.set_timer(Duration::from_millis(with as u64 * 20), with as u64 & 3),
            b'C' => drop(session.cancel_timer(with as u64 & 3)),
            b'd' => {
                let address = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), with as u16);
                let call = Call::new(address, "localhost", "/somewhere");
                drop(session.connect("out", call));
            }
            b'a' => self.answer(with),
            b'w' => {
                let tickets = self.tickets.borrow();
                if let Some(stream) = tickets.streams.get(with) {
                    session.context().resume(*stream);
                }
            }
            b'q' => drop((session.subscribers(topic), session.buffered())),
            _ => {}
        }
    }
}

impl Handler for Puppet {
    type Data = ();

    fn open(&mut self, request: &Request<'_>, session: &mut Session<'_>) -> Open<()> {
        Self::open(self, request, session)
    }

    fn accepted(&mut self, (): &mut (), session: &mut Session<'_>) {
        Self::accepted(self, session);
    }

    fn message(&mut self, (): &mut (), session: &mut Session<'_>, message: Message<'_>) {
        self.record.borrow_mut().event(session.id(), "message");
        match message {
            Message::Text(text) => self.obey(session, text.as_bytes()),
            Message::Binary(_) => {
                let _ = session.send(message);
            }
        }
    }

    fn drain(&mut self, (): &mut (), session: &mut Session<'_>, dropped: u64) {
        self.record.borrow_mut().event(session.id(), "drain");
        // An answer to what was drained would fill the backlog again, for ever.
        if dropped == 1 {
            let _ = session.send("one was dropped");
        }
    }

    fn pong(&mut self, (): &mut (), session: &mut Session<'_>, payload: &[u8]) {
        self.record.borrow_mut().event(session.id(), "pong");
        assert!(payload.len() <= 125);
    }

    fn timer(&mut self, (): &mut (), session: &mut Session<'_>, token: u64) {
        self.record.borrow_mut().event(session.id(), "timer");
        self.act(session, b"slpx"[token as usize & 3], 33);
    }

    fn failed(
        &mut self,
        context: &mut Context<'_>,
        _: SessionId,
        _: &Call,
        _: &crate::wire::error::Error,
    ) {
        context.publish("a", "a call failed");
    }

    fn close(&mut self, (): (), session: &mut Session<'_>, _: &CloseReason) {
        self.record.borrow_mut().closed(session.id());
        session.publish("b", "somebody left");
    }
}

impl RawHandler for Puppet {
    type Data = ();

    fn open(&mut self, request: &Request<'_>, session: &mut Session<'_>) -> Open<()> {
        Self::open(self, request, session)
    }

    fn accepted(&mut self, (): &mut (), session: &mut Session<'_>) {
        Self::accepted(self, session);
    }

    fn frame(&mut self, (): &mut (), session: &mut Session<'_>, frame: RawFrame<'_>) {
        self.record.borrow_mut().event(session.id(), "frame");
        let answer = RawFrame {
            fin: true,
            reserved: Reserved::NONE,
            ..frame
        };
        match frame.opcode {
            OpCode::Text => self.obey(session, frame.payload),
            OpCode::Binary => {
                let _ = session.send_frame(answer);
            }
            OpCode::Close => {
                let payload = &[0x03, 0xE8];
                let _ = session.send_frame(RawFrame { payload, ..answer });
            }
            _ => {}
        }
    }

    fn close(&mut self, (): (), session: &mut Session<'_>, _: &CloseReason) {
        self.record.borrow_mut().closed(session.id());
    }
}
