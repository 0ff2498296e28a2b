//! Outgoing sessions: the test plays the other server with raw bytes.

use crate::puppet::secs;
use dunlin::testing::{Line, Sim};
use dunlin::wire::frame::Header;
use dunlin::wire::mask::apply_mask;
use dunlin::wire::upgrade::accept_key;
use dunlin::{
    App, Call, CloseReason, Context, Error, Handler, Message, Peer, Request, Response, Session,
    SessionId, Settings,
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

    fn open(&mut self, _: &Request<'_>, _: &mut Session<'_>) -> Result<(), Response> {
        self.write("opened");
        Ok(())
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

fn call() -> (Sim, Diary, Line) {
    let diary = Diary::default();
    let caller = Caller(Rc::clone(&diary));
    let app = App::new().outgoing("there", Settings::default(), caller);
    let sim = Sim::new(app).expect("the program is right");
    let address = ([10, 0, 0, 1], 80).into();
    let call = Call::new(address, "there.example", "/news?all");
    sim.remote().connect("there", call).expect("it runs");
    let (peer, line) = sim.next_call().expect("a connection is made");
    assert_eq!(peer, Peer::Tcp(address));
    (sim, diary, line)
}

/// Answers the request on this line with a 101.
fn accept(line: &Line) {
    let request = line.receive_http();
    assert!(
        request.starts_with("GET /news?all HTTP/1.1\r\n"),
        "{request}"
    );
    let key = request
        .lines()
        .find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "));
    let accept = accept_key(key.expect("a key"));
    line.send_raw(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n",
    );
    line.send_raw(b"Sec-WebSocket-Accept: ");
    line.send_raw(&accept);
    line.send_raw(b"\r\n\r\n");
}

#[test]
fn a_call_opens_a_session_that_masks_what_it_sends() {
    let (_sim, diary, line) = call();
    accept(&line);
    line.send_raw(b"\x81\x05hello");
    let mut frame = line.receive_raw();
    assert_eq!(*diary.borrow(), ["opened"]);
    let (header, size) = Header::parse(&frame).expect("a frame");
    apply_mask(&mut frame[size..], header.mask.expect("a mask"), 0);
    assert_eq!(&frame[size..], b"hello");
}

#[test]
fn a_call_that_is_cut_closes_with_1006() {
    let (sim, diary, line) = call();
    accept(&line);
    sim.drive();
    line.cut();
    sim.drive();
    assert_eq!(*diary.borrow(), ["opened", "closed 1006 by Lost"]);
    assert!(sim.is_empty());
}

#[test]
fn a_call_without_an_answer_fails_after_10_s() {
    let (sim, diary, _line) = call();
    sim.advance(secs(10));
    let expected = "ws://there.example/news?all failed: Timeout";
    assert_eq!(*diary.borrow(), [expected]);
    assert!(sim.is_empty());
}

#[test]
fn a_refused_call_fails_with_the_status() {
    let (sim, diary, line) = call();
    line.send_raw(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    sim.drive();
    let expected = "ws://there.example/news?all failed: Refused";
    assert_eq!(*diary.borrow(), [expected]);
    assert!(sim.is_empty());
}

#[test]
fn a_call_whose_line_breaks_fails() {
    let (sim, diary, line) = call();
    line.cut();
    sim.drive();
    let expected = "ws://there.example/news?all failed: Closed";
    assert_eq!(*diary.borrow(), [expected]);
    assert!(sim.is_empty());
}
