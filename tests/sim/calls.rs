//! Outgoing sessions: the test plays the other server.

use crate::puppet::secs;
use dunlin::Reserved;
use dunlin::testing::{IncomingCall, Received, Sim};
use dunlin::wire::extension::{Agreement, Extension, Offer, Transform};
use dunlin::{
    App, Call, CloseReason, Context, Error, Handler, Message, Open, Peer, Request, Session,
    SessionId, Settings, Status,
};
use std::cell::RefCell;
use std::rc::Rc;

type Diary = Rc<RefCell<Vec<String>>>;

/// Says what happens, and answers every message with itself.
struct Caller(Diary);

impl Caller {
    fn write(&self, event: impl Into<String>) {
        self.0.borrow_mut().push(event.into());
    }
}

impl Handler for Caller {
    type Data = ();

    fn open(&mut self, _: &Request<'_>, _: &mut Session<'_>) -> Open<()> {
        self.write("opened");
        Open::Accept(())
    }

    fn message(&mut self, (): &mut (), session: &mut Session<'_>, message: Message<'_>) {
        let _ = session.send(message);
    }

    fn close(&mut self, (): (), _: &mut Session<'_>, reason: &CloseReason) {
        self.write(format!("closed {reason} by {:?}", reason.by));
    }

    fn failed(&mut self, _: &mut Context<'_>, _: SessionId, call: &Call, error: &Error) {
        self.write(format!("{call} failed: {:?}", error.kind()));
    }
}

fn call() -> (Sim, Diary, IncomingCall) {
    call_with(Settings::default(), |call| call)
}

fn call_with(settings: Settings, change: fn(Call) -> Call) -> (Sim, Diary, IncomingCall) {
    let diary = Diary::default();
    let caller = Caller(Rc::clone(&diary));
    let app = App::new().outgoing("there", settings, caller);
    let sim = Sim::new(app).expect("the program is right");
    let address = ([10, 0, 0, 1], 80).into();
    let call = Call::new(address, "there.example", "/news?all");
    sim.remote()
        .connect("there", change(call))
        .expect("it runs");
    let call = sim.next_call().expect("a connection is made");
    assert_eq!(call.address(), Peer::Tcp(address));
    assert_eq!(call.target(), "/news?all");
    (sim, diary, call)
}

#[test]
fn a_call_opens_a_session_that_masks_what_it_sends() {
    let (sim, diary, call) = call();
    let server = call.accept();
    server.send("hello");
    assert_eq!(server.receive_text(), "hello");
    server.send(b"bytes".as_slice());
    assert_eq!(server.receive(), Some(Received::binary(b"bytes")));
    assert_eq!(*diary.borrow(), ["opened"]);
    sim.advance(secs(60));
    assert_eq!(*diary.borrow(), ["opened"], "the server answers pings");
}

#[test]
fn either_side_of_a_call_closes_and_the_server_ends_the_connection() {
    let (sim, diary, call) = call();
    let server = call.accept();
    server.close(4000, "enough");
    sim.drive();
    assert_eq!(server.arrived(), [Received::close(4000, "")]);
    assert_eq!(*diary.borrow(), ["opened", "closed 4000 enough by Peer"]);
    assert!(sim.is_empty() && server.is_over());
    let (sim, diary, call) = self::call();
    let server = call.accept();
    let id = server.id().expect("it lives");
    sim.drive();
    sim.remote().close(id, 4001, "done").expect("it runs");
    assert_eq!(server.receive(), Some(Received::close(4001, "done")));
    assert_eq!(*diary.borrow(), ["opened", "closed 4001 done by Us"]);
    assert!(sim.is_empty());
}

#[test]
fn what_a_call_asks_for_is_told_and_what_the_server_chooses_is_agreed_on() {
    let settings = Settings::default().protocols(["news.v2", "news.v1"]);
    let ask = |call: Call| {
        call.field("Authorization", "Bearer t")
            .field("Origin", "http://a")
    };
    let (sim, diary, call) = call_with(settings, ask);
    assert!(call.protocols().eq(["news.v2", "news.v1"]));
    assert!(call.extensions().is_empty());
    assert_eq!(call.field("authorization"), Some("Bearer t"));
    assert_eq!(call.field("host"), Some("there.example"));
    assert_eq!(call.field("cookie"), None);
    assert!(call.fields().any(|field| field == ("Origin", "http://a")));
    let server = call.accept_with(&[("Sec-WebSocket-Protocol", "news.v1")]);
    server.send("hello");
    assert_eq!(server.receive_text(), "hello");
    assert_eq!(*diary.borrow(), ["opened"]);
    drop(sim);
}

#[test]
fn a_wrong_answer_to_a_call_is_told() {
    let failed = |kind: &str| ["ws://there.example/news?all failed: ".to_owned() + kind];
    let (sim, diary, call) = call();
    let server = call.accept_with(&[("Sec-WebSocket-Protocol", "nobody-asked")]);
    sim.drive();
    assert_eq!(*diary.borrow(), failed("Protocol"));
    assert!(server.is_over());
    let (sim, diary, call) = self::call();
    call.send_raw(b"SMTP here\r\n");
    sim.drive();
    assert_eq!(*diary.borrow(), failed("Protocol"));
}

#[test]
fn a_masked_frame_of_the_server_ends_the_session_with_1002() {
    let (sim, diary, call) = call();
    let server = call.accept();
    server.send_raw(b"\x81\x80\0\0\0\0");
    assert_eq!(server.receive_all().len(), 1, "a Close");
    assert!(
        diary.borrow()[1].starts_with("closed 1002 "),
        "a masked frame of a server"
    );
    drop(sim);
}

#[test]
fn calls_to_where_nobody_listens_fail_with_io() {
    let diary = Diary::default();
    let caller = Caller(Rc::clone(&diary));
    let app = App::new().outgoing("there", Settings::default(), caller);
    let sim = Sim::new(app).expect("the program is right");
    sim.set_unreachable(true);
    let call = Call::new(([10, 0, 0, 1], 80).into(), "there.example", "/news?all");
    sim.remote()
        .connect("there", call.clone())
        .expect("it runs");
    assert!(sim.next_call().is_none());
    assert_eq!(*diary.borrow(), ["ws://there.example/news?all failed: Io"]);
    assert!(sim.is_empty());
    sim.set_unreachable(false);
    sim.remote().connect("there", call).expect("it runs");
    sim.next_call().expect("it is reached again").accept();
    sim.drive();
    assert_eq!(diary.borrow().last().expect("an event"), "opened");
}

#[test]
fn a_call_that_is_cut_closes_with_1006() {
    let (sim, diary, call) = call();
    let server = call.accept();
    sim.drive();
    server.cut();
    sim.drive();
    assert_eq!(*diary.borrow(), ["opened", "closed 1006 by Lost"]);
    assert!(sim.is_empty());
}

#[test]
fn a_call_without_an_answer_fails_after_10_s() {
    let (sim, diary, _call) = call();
    sim.advance(secs(10));
    let expected = "ws://there.example/news?all failed: Timeout";
    assert_eq!(*diary.borrow(), [expected]);
    assert!(sim.is_empty());
}

#[test]
fn a_refused_call_fails_with_the_status() {
    for status in [Status::NOT_FOUND, Status::TOO_MANY_REQUESTS] {
        let (sim, diary, call) = call();
        call.refuse_with(status, &[("Retry-After", "60")], "not here");
        sim.drive();
        let expected = "ws://there.example/news?all failed: Refused";
        assert_eq!(*diary.borrow(), [expected]);
        assert!(sim.is_empty());
    }
}

#[test]
fn a_call_whose_line_breaks_fails() {
    let (sim, diary, call) = call();
    call.cut();
    sim.drive();
    let expected = "ws://there.example/news?all failed: Closed";
    assert_eq!(*diary.borrow(), [expected]);
    assert!(sim.is_empty());
}

/// Panics where it is to offer, or to confirm the answer.
#[derive(Debug)]
struct Fragile {
    offers: bool,
}

impl Extension for Fragile {
    fn name(&self) -> &str {
        "fragile"
    }

    fn reserved(&self) -> Reserved {
        Reserved::NONE
    }

    fn accept(&self, _: &Offer) -> Option<Agreement> {
        None
    }

    fn offers(&self) -> Vec<Offer> {
        assert!(self.offers, "on purpose");
        vec![Offer {
            name: "fragile".to_owned(),
            params: Vec::new(),
        }]
    }

    fn confirm(&self, _: &Offer) -> Result<Box<dyn Transform>, String> {
        panic!("on purpose")
    }
}

#[test]
fn an_extension_that_panics_fails_its_call_and_nothing_else() {
    for offers in [false, true] {
        let diary = Diary::default();
        let caller = Caller(Rc::clone(&diary));
        let settings = Settings::default().extension(Fragile { offers });
        let app = App::new().outgoing("there", settings, caller);
        let sim = Sim::new(app).expect("the program is right");
        sim.expect_panics();
        let call = Call::new(([10, 0, 0, 1], 80).into(), "there", "/");
        sim.remote().connect("there", call).expect("it runs");
        let call = sim.next_call_raw().expect("a connection is made").1;
        if offers {
            let request = call.receive_http();
            let key = request
                .lines()
                .find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "));
            let accept = dunlin::wire::upgrade::accept_key(key.expect("a key"));
            let accept = String::from_utf8_lossy(&accept);
            call.send_raw(
                format!(
                    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
                     Connection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\
                     Sec-WebSocket-Extensions: fragile\r\n\r\n"
                )
                .as_bytes(),
            );
        }
        sim.drive();
        assert_eq!(*diary.borrow(), ["ws://there/ failed: Panicked"]);
        assert_eq!(sim.take_panics(), ["on purpose"]);
    }
}
