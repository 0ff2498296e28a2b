//! A relay in one loop: each session that comes in is answered by one that goes out.

use super::to;
use crate::running::{Running, start};
use crate::wire_client::{Frame, WireClient};
use dunlin::{
    App, CloseCode, CloseReason, Context, Handler, Message, Open, Request, Session, SessionId,
    Settings,
};
use std::cell::RefCell;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::rc::Rc;

/// Who is joined to whom, both ways.
type Pairs = Rc<RefCell<HashMap<SessionId, SessionId>>>;

/// Passes everything on to the other side.
fn pass(pairs: &Pairs, session: &mut Session<'_>, message: Message<'_>) {
    if let Some(other) = pairs.borrow().get(&session.id()) {
        let _ = session.send_to(*other, message);
    }
}

fn part(pairs: &Pairs, context: &mut Context<'_>, id: SessionId, reason: &CloseReason) {
    let other = pairs.borrow_mut().remove(&id);
    if let Some(other) = other {
        pairs.borrow_mut().remove(&other);
        context.close(other, reason.code, &reason.reason);
    }
}

/// The side of the clients: it calls when the first message tells where to.
struct Inner(Pairs);

impl Handler for Inner {
    type Data = ();

    fn open(&mut self, _: &Request<'_>, _: &mut Session<'_>) -> Open<()> {
        Open::Accept(())
    }

    fn message(&mut self, (): &mut (), session: &mut Session<'_>, message: Message<'_>) {
        let address = message
            .text()
            .and_then(|text| text.parse::<SocketAddr>().ok());
        let Some(address) = address else {
            return pass(&self.0, session, message);
        };
        let id = session.connect("up", to(address)).expect("there is room");
        self.0.borrow_mut().insert(session.id(), id);
        self.0.borrow_mut().insert(id, session.id());
    }

    fn close(&mut self, (): (), session: &mut Session<'_>, reason: &CloseReason) {
        let id = session.id();
        part(&self.0, session.context(), id, reason);
    }
}

/// The side of the servers: its open event is the sign that messages can go through.
struct Outer(Pairs);

impl Handler for Outer {
    type Data = ();

    fn open(&mut self, _: &Request<'_>, session: &mut Session<'_>) -> Open<()> {
        pass(&self.0, session, "through".into());
        Open::Accept(())
    }

    fn message(&mut self, (): &mut (), session: &mut Session<'_>, message: Message<'_>) {
        pass(&self.0, session, message);
    }

    fn failed(
        &mut self,
        context: &mut Context<'_>,
        id: SessionId,
        _: &dunlin::Call,
        error: &dunlin::Error,
    ) {
        let reason = CloseReason::new(
            CloseCode::TRY_AGAIN,
            error.to_string(),
            dunlin::ClosedBy::Us,
        );
        part(&self.0, context, id, &reason);
    }

    fn close(&mut self, (): (), session: &mut Session<'_>, reason: &CloseReason) {
        let id = session.id();
        part(&self.0, session.context(), id, reason);
    }
}

/// A relay with an echo of its own.
fn relay() -> Running {
    start(|| {
        let pairs = Pairs::default();
        App::new()
            .ws("/relay", Inner(Rc::clone(&pairs)))
            .outgoing("up", Settings::default(), Outer(pairs))
            .on_message("/", |session, message| match message.text() {
                Some("bye") => session.close(CloseCode::new(4000), "bye"),
                _ => {
                    let _ = session.send(message);
                }
            })
    })
}

/// A client whose session goes through the relay to this address.
#[track_caller]
fn through(relay: &Running, address: SocketAddr) -> WireClient {
    let mut client = relay.open("/relay");
    client.send_text(&address.to_string());
    assert_eq!(client.read_text(), "through");
    client
}

#[test]
fn a_hundred_calls_are_relayed_at_once() {
    let (near, far) = (relay(), relay());
    let mut clients: Vec<_> = (0..100).map(|_| through(&near, far.address())).collect();
    for (number, client) in clients.iter_mut().enumerate() {
        client.send_text(&format!("message {number}"));
        client.send(Frame::binary(vec![number as u8; 10_000]));
    }
    for (number, client) in clients.iter_mut().enumerate() {
        assert_eq!(client.read_text(), format!("message {number}"));
        assert_eq!(
            client.read_frame(),
            Frame::binary(vec![number as u8; 10_000])
        );
    }
    for mut client in clients {
        client.send_text("bye");
        client.expect_close(4000, "bye");
    }
}

#[test]
fn a_server_can_call_itself() {
    let server = relay();
    let mut client = through(&server, server.address());
    client.send_text("round");
    assert_eq!(client.read_text(), "round");
    client.send(Frame::close(4001, "enough"));
    assert_eq!(client.read_close().0, 4001);
}

#[test]
fn a_relay_to_nowhere_tells_its_client() {
    let server = relay();
    let nowhere = crate::wire_server::WireServer::bind().address();
    let mut client = server.open("/relay");
    client.send_text(&nowhere.to_string());
    let (code, reason) = client.read_close();
    assert_eq!(code, 1013);
    assert!(reason.contains("cannot be made"), "{reason}");
}

#[test]
fn much_goes_through_in_order() {
    let (near, far) = (relay(), relay());
    let mut client = through(&near, far.address());
    for round in 0..10 {
        let texts: Vec<_> = (0..100).map(|n| format!("{round} {n}")).collect();
        let frames = texts
            .iter()
            .map(|text| Frame::text(text).mask([1, 2, 3, 4]).bytes());
        client.write(frames.collect::<Vec<_>>().concat());
        for text in &texts {
            assert_eq!(client.read_text(), *text);
        }
    }
}
