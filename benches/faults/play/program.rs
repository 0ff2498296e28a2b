//! The program that is served: it does what its peers tell it, and keeps a record.

use super::record::Shared;
use dunlin::apps;
use dunlin::{
    Answer, App, BacklogPolicy, Call, CloseReason, Context, Deflate, Error, Event, Handle, Handler,
    Message, OpCode, Open, Piece, Request, Response, Route, Session, SessionId, Settings,
};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

/// Routes that obey, by what they do about a backlog.
pub(crate) const OBEYING: [&str; 5] = ["/close", "/stop", "/oldest", "/newest", "/squeeze"];
/// Routes on which every message is answered.
pub(crate) const ANSWERING: [&str; 2] = ["/close", "/stop"];
/// What the program panics with when it is told to.
pub(crate) const ON_PURPOSE: &str = "on purpose";
/// The length of the answers to `/big` and `/pieces`.
pub(crate) const BIG: usize = 40_000;
pub(crate) const PIECES: usize = 7 * 1500;

/// The sizes of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    pub(crate) mark: usize,
    pub(crate) limit: usize,
    pub(crate) message: usize,
    pub(crate) ping_secs: u64,
}

fn settings(sizes: Sizes, policy: BacklogPolicy) -> Settings {
    Settings::default()
        .backlog(policy)
        .backlog_mark(sizes.mark)
        .backlog_limit(sizes.limit)
        .max_message_size(sizes.message)
        .ping_period(Duration::from_secs(sizes.ping_secs))
}

/// The whole program, and a handle of one of its routes.
pub(crate) fn program(sizes: Sizes, record: &Shared) -> (App, Handle<Obedient>) {
    let obedient = || Obedient(record.clone());
    let with = |policy| settings(sizes, policy);
    let closing = Route::new(obedient()).settings(with(BacklogPolicy::Close));
    let handle = closing.handle();
    let room = std::rc::Rc::new(std::cell::RefCell::new(Room(record.clone())));
    let squeeze = with(BacklogPolicy::Close).extension(Deflate::new());
    let there = with(BacklogPolicy::Close);
    let waiting = record.clone();
    let app = App::new()
        .on_message("/echo", |session, message| session.send(message))
        .route("/close", closing)
        .ws_with("/stop", with(BacklogPolicy::StopReading), obedient())
        .ws_with("/oldest", with(BacklogPolicy::DropOldest), obedient())
        .ws_with("/newest", with(BacklogPolicy::DropNewest), obedient())
        .ws_with("/squeeze", squeeze, obedient())
        .ws_with("/room", with(BacklogPolicy::Close), room.clone())
        .sse("/room/events", with(BacklogPolicy::Close), room)
        .ws_raw("/raw", with(BacklogPolicy::Close), raw)
        .outgoing("there", there, Caller(record.clone()))
        .get("/page", |_, _| Response::text("page"))
        .get("/big", |_, _| Response::text("b".repeat(BIG)))
        .get("/pieces", |_, _| pieces())
        .get("/wait", move |_, context| {
            let (answer, ticket) = Answer::later(context);
            waiting.borrow_mut().answers.push(ticket);
            answer
        })
        .post("/sum", |request, _| {
            Response::text(request.body().len().to_string())
        });
    (apps::rooms::mount(app), handle)
}

fn pieces() -> Answer {
    let mut asked = 0;
    Answer::stream(Response::text(""), move |_| {
        asked += 1;
        match asked {
            1..=7 => Piece::Bytes(vec![b'p'; 1500]),
            _ => Piece::End,
        }
    })
}

/// Every frame comes back, and a Close is answered.
fn raw(session: &mut Session<'_>, frame: dunlin::RawFrame<'_>) {
    let reserved = dunlin::Reserved::NONE;
    match frame.opcode {
        OpCode::Close => {
            let payload = &[0x03, 0xe8];
            session.send_frame(dunlin::RawFrame {
                fin: true,
                reserved,
                payload,
                ..frame
            });
        }
        OpCode::Text | OpCode::Binary | OpCode::Ping if frame.fin => {
            let opcode = OpCode::Binary;
            session.send_frame(dunlin::RawFrame {
                reserved,
                opcode,
                ..frame
            });
        }
        _ => {}
    }
}

/// Obeys what it is told, and answers with the same text where that is no command.
pub(crate) struct Obedient(Shared);

impl Obedient {
    fn obey(&self, session: &mut Session<'_>, text: &str) {
        let mut words = text.split(' ');
        let verb = words.next().unwrap_or_default();
        let mut number = || words.next().and_then(|word| word.parse().ok()).unwrap_or(1);
        let known = |at: usize| {
            let known = &self.0.borrow().known;
            known[at % known.len()]
        };
        match verb {
            "flood" => {
                let (count, length) = (number() % 200, number() % 5000);
                for _ in 0..count {
                    session.send("f".repeat(length));
                }
            }
            "timer" => {
                let at = number();
                session.set_timer(Duration::from_millis(at as u64), at as u64 % 4);
            }
            "ticks" => {
                session.context().set_timer(Duration::from_secs(1), 7);
            }
            "call" => self.call(session, number() as u64),
            "tell" => {
                let other = known(number());
                session.send_to(other, "told by another");
            }
            "relay" => {
                let other = known(number());
                session.send_to(other, "r".repeat(2000));
                session.pause_until_drained(other);
            }
            "pause" => {
                session.pause();
                session.set_timer(Duration::from_millis(700), 9);
            }
            "panic" => panic!("{ON_PURPOSE}"),
            "close" => session.close(1000 + number() as u16 % 3000, "told to"),
            "other" => {
                let other = known(number());
                session.close_other(other, 4001, "told by another");
            }
            "join" => {
                session.join(["x", "y"][number() % 2]);
            }
            "leave" => {
                session.leave(["x", "y"][number() % 2]);
            }
            "publish" => {
                let length = number();
                session.publish(["x", "y"][length % 2], "p".repeat(length % 3000));
            }
            "ping" => {
                session.ping(b"are you there");
            }
            "ticket" => self.answer_ticket(number()),
            _ => {
                session.send(text);
            }
        }
    }

    fn call(&self, session: &mut Session<'_>, after: u64) {
        let address = SocketAddr::new(Ipv4Addr::new(10, 0, 0, 1).into(), 80);
        let call = Call::new(address, "there.example", "/somewhere");
        let call = call.after(Duration::from_millis(after % 2000));
        // A server that is full or stops says so.
        if session.connect("there", call).is_ok() {
            self.0.borrow_mut().calls[0] += 1;
        }
    }

    fn answer_ticket(&self, how: usize) {
        let mut record = self.0.borrow_mut();
        let open = (!record.opens.is_empty()).then(|| record.opens.remove(0));
        let answer = (!record.answers.is_empty()).then(|| record.answers.remove(0));
        drop(record);
        if let Some(ticket) = open {
            match how % 3 {
                0 => drop(ticket),
                1 => {
                    let no = Response::text("no").with_status(dunlin::Status::FORBIDDEN);
                    ticket.refuse(no);
                }
                _ => {
                    ticket.accept(());
                }
            }
        }
        if let Some(ticket) = answer {
            ticket.answer(Response::text("late"));
        }
    }
}

impl Handler for Obedient {
    type Data = ();

    fn open(&mut self, request: &Request<'_>, session: &mut Session<'_>) -> Open<()> {
        if request.query("later").is_some() {
            let (open, ticket) = Open::later(session);
            self.0.borrow_mut().opens.push(ticket);
            return open;
        }
        if request.query("no").is_some() {
            return Open::Refuse(Response::text("no").with_status(dunlin::Status::FORBIDDEN));
        }
        self.0.borrow_mut().opened(session.id());
        Open::Accept(())
    }

    fn accepted(&mut self, (): &mut (), session: &mut Session<'_>) {
        self.0.borrow_mut().opened(session.id());
    }

    fn message(&mut self, (): &mut (), session: &mut Session<'_>, message: Message<'_>) {
        self.0.borrow().event(session.id(), "a message");
        match message {
            Message::Text(text) => self.obey(session, text),
            Message::Binary(_) => {
                session.send(message);
            }
        }
    }

    fn drain(&mut self, (): &mut (), session: &mut Session<'_>, _: u64) {
        self.0.borrow().event(session.id(), "a drain event");
    }

    fn pong(&mut self, (): &mut (), session: &mut Session<'_>, _: &[u8]) {
        self.0.borrow().event(session.id(), "a pong");
    }

    fn timer(&mut self, (): &mut (), session: &mut Session<'_>, token: u64) {
        self.0.borrow().event(session.id(), "a timer");
        match token {
            9 => {
                session.resume();
            }
            _ => {
                session.publish("x", "tick");
            }
        }
    }

    fn program_timer(&mut self, context: &mut Context<'_>, token: u64) {
        assert_eq!(token, 7);
        context.publish("y", "tick of the program");
    }

    fn close(&mut self, (): (), session: &mut Session<'_>, _: &CloseReason) {
        self.0.borrow_mut().closed(session.id());
        session.publish("x", "somebody has left");
    }
}

/// A room: what a member says, all get, the speaker as well.
struct Room(Shared);

impl Handler for Room {
    type Data = String;

    fn open(&mut self, request: &Request<'_>, session: &mut Session<'_>) -> Open<String> {
        let name = request.query("name").unwrap_or_default().into_owned();
        session.join(&format!("room {name}"));
        let mut record = self.0.borrow_mut();
        session.send(format!("from {}", record.said(&name).len()));
        record.opened(session.id());
        Open::Accept(name)
    }

    fn message(&mut self, name: &mut String, session: &mut Session<'_>, message: Message<'_>) {
        let Some(text) = message.text() else { return };
        let mut record = self.0.borrow_mut();
        record.event(session.id(), "a message");
        let said = record.rooms.entry(name.clone()).or_default();
        let number = said.len().to_string();
        let line = format!("{number} {text}");
        session.publish(&format!("room {name}"), Event::new(&line).id(number));
        said.push(line);
    }

    fn close(&mut self, _: String, session: &mut Session<'_>, _: &CloseReason) {
        self.0.borrow_mut().closed(session.id());
    }
}

/// Sessions to other servers: it answers them with the same.
struct Caller(Shared);

impl Handler for Caller {
    type Data = ();

    fn open(&mut self, _: &Request<'_>, session: &mut Session<'_>) -> Open<()> {
        let mut record = self.0.borrow_mut();
        record.calls[1] += 1;
        record.opened(session.id());
        session.send("hello, server");
        Open::Accept(())
    }

    fn message(&mut self, (): &mut (), session: &mut Session<'_>, message: Message<'_>) {
        self.0.borrow().event(session.id(), "a message");
        session.send(message);
    }

    fn failed(&mut self, context: &mut Context<'_>, _: SessionId, _: &Call, _: &Error) {
        self.0.borrow_mut().calls[2] += 1;
        context.publish("x", "a call has failed");
    }

    fn close(&mut self, (): (), session: &mut Session<'_>, _: &CloseReason) {
        self.0.borrow_mut().closed(session.id());
    }
}
