//! What a test holds: a raw connection, and a conversation over one.

use super::network::{End, Upstream};
use super::virtual_peer::Received;
use super::world::World;
use crate::app::SessionId;
use crate::wire::close::{CloseCode, cut_reason};
use crate::wire::error::Result;
use crate::wire::extension::Offer;
use crate::wire::frame::{self, OpCode, Reserved};
use crate::wire::message::AsMessage;
use crate::wire::upgrade::{new_key, parse_offers};
use std::cell::RefCell;
use std::fmt;
use std::ops::Deref;
use std::rc::Rc;

/// One virtual connection, seen from its peer. What it does arrives with the next turn.
#[derive(Clone)]
pub struct Line {
    pub(super) world: Rc<RefCell<World>>,
    pub(super) line: usize,
}

impl Line {
    /// Sends bytes as they are.
    pub fn send_raw(&self, bytes: &[u8]) {
        self.world.borrow_mut().turn.io.push_up(self.line, bytes);
    }

    /// Runs the server until it rests and returns the bytes that arrived and are not part of frames.
    #[track_caller]
    pub fn receive_raw(&self) -> Vec<u8> {
        self.world.borrow_mut().drive();
        self.arrived_raw()
    }

    /// The bytes that arrived up to now and are not part of frames; the server does not run.
    pub fn arrived_raw(&self) -> Vec<u8> {
        let mut world = self.world.borrow_mut();
        world.turn.io.lines[self.line].client.take_raw()
    }

    /// [`receive_raw`](Self::receive_raw) as text, for answers in HTTP.
    #[track_caller]
    pub fn receive_http(&self) -> String {
        String::from_utf8_lossy(&self.receive_raw()).into_owned()
    }

    /// Ends the sending direction; the server reads an end of file behind what was sent.
    pub fn half_close(&self) {
        self.world.borrow_mut().turn.io.half_close(self.line);
    }

    /// Cuts the line: nothing under way arrives on either side.
    pub fn cut(&self) {
        self.world.borrow_mut().turn.io.reset(self.line);
    }

    /// Stops reading: what the server sends fills the pipe, and then waits in the server.
    pub fn stall(&self) {
        self.world.borrow_mut().turn.io.lines[self.line].is_stalled = true;
    }

    /// Reads again.
    pub fn resume(&self) {
        let mut world = self.world.borrow_mut();
        world.turn.io.lines[self.line].is_stalled = false;
        world.turn.io.mark_arrived(self.line);
    }

    /// How many bytes fit between server and peer. Default 64 KiB.
    pub fn set_capacity(&self, bytes: usize) {
        self.world.borrow_mut().turn.io.lines[self.line].capacity = bytes;
    }

    /// Lets at most this many bytes of what is sent arrive in one turn.
    pub fn trickle(&self, bytes: usize) {
        self.world.borrow_mut().turn.io.lines[self.line].per_turn = bytes.max(1);
    }

    /// From now on nothing is answered by itself: a ping is told and gets no pong, a Close no Close,
    /// and the line stays open when the server ends its side.
    pub fn manual(&self) {
        self.world.borrow_mut().turn.io.lines[self.line]
            .client
            .is_automatic = false;
    }

    /// Bytes that were sent and that the server has not read.
    pub fn unread(&self) -> usize {
        self.world.borrow().turn.io.lines[self.line].up.len()
    }

    /// Bytes that wait in the server because this peer did not take them, by its own account and as
    /// [`Session::buffered`](crate::Session::buffered) tells; 0 when the connection is gone. What the pipe
    /// holds already is not among them.
    pub fn backlog(&self) -> usize {
        let world = self.world.borrow();
        let id = world.turn.io.lines[self.line].id;
        id.map_or(0, |id| world.turn.hub.buffered(id))
    }

    /// How the connection ended, once the server's side did.
    pub fn end(&self) -> Option<End> {
        self.world.borrow().turn.io.lines[self.line].end
    }

    /// Whether neither side can send any more.
    pub fn is_over(&self) -> bool {
        let world = self.world.borrow();
        let state = &world.turn.io.lines[self.line];
        state.end.is_some() && state.upstream != Upstream::Open
    }

    /// The server's name for this connection while it has one.
    pub fn id(&self) -> Option<SessionId> {
        self.world.borrow().turn.io.lines[self.line].id
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Line({})", self.line)
    }
}

/// A WebSocket conversation with the simulated server.
///
/// It answers pings and Closes by itself, as every client does, until it is made [`manual`](Line::manual).
/// It does not speak extensions: the test fails when the server sends a frame with reserved bits to it.
/// Everything a [`Line`] can suffer, it can suffer too.
#[derive(Clone, Debug)]
pub struct Conversation(pub(super) Line);

impl Deref for Conversation {
    type Target = Line;

    fn deref(&self) -> &Line {
        &self.0
    }
}

impl Conversation {
    /// Sends a whole message.
    pub fn send(&self, message: impl AsMessage) {
        let (opcode, payload) = frame::parts(message.as_message());
        self.send_frame(true, Reserved::NONE, opcode, payload);
    }

    /// Sends one masked frame, right or wrong.
    pub fn send_frame(&self, fin: bool, reserved: Reserved, opcode: OpCode, payload: &[u8]) {
        let mut frame = Vec::new();
        let mut world = self.world.borrow_mut();
        let client = &mut world.turn.io.lines[self.line].client;
        client.write(&mut frame, fin, reserved, opcode, payload);
        world.turn.io.push_up(self.line, &frame);
    }

    /// Sends a ping of at most 125 bytes.
    pub fn ping(&self, payload: &[u8]) {
        self.send_frame(true, Reserved::NONE, OpCode::Ping, payload);
    }

    /// Sends a pong of at most 125 bytes.
    pub fn pong(&self, payload: &[u8]) {
        self.send_frame(true, Reserved::NONE, OpCode::Pong, payload);
    }

    /// Sends a Close (the reason is cut at 123 bytes).
    pub fn close(&self, code: impl Into<CloseCode>, reason: &str) {
        let code = code.into();
        let payload = [&code.get().to_be_bytes(), cut_reason(reason).as_bytes()].concat();
        self.send_frame(true, Reserved::NONE, OpCode::Close, &payload);
    }

    /// Sends a Close without a code.
    pub fn close_empty(&self) {
        self.send_frame(true, Reserved::NONE, OpCode::Close, b"");
    }

    /// What arrived next; the server runs until it rests when nothing waits. `None`: it has
    /// nothing to say at this time.
    #[track_caller]
    pub fn receive(&self) -> Option<Received> {
        let mut world = self.world.borrow_mut();
        if world.turn.io.lines[self.line].client.received.is_empty() {
            world.drive();
        }
        world.turn.io.lines[self.line].client.received.pop_front()
    }

    /// The text that arrived next.
    ///
    /// # Panics
    /// When something else arrived, or nothing.
    #[track_caller]
    pub fn receive_text(&self) -> String {
        match self.receive() {
            Some(Received::Text(text)) => text,
            other => panic!("a text was expected, {}", told(other.as_ref())),
        }
    }

    /// How many messages, pings, pongs and Closes arrived and were not received; the server does not run.
    pub fn waiting(&self) -> usize {
        let world = self.world.borrow();
        world.turn.io.lines[self.line].client.received.len()
    }

    /// Everything that arrived up to now; the server does not run.
    pub fn arrived(&self) -> Vec<Received> {
        let mut world = self.world.borrow_mut();
        let received = &mut world.turn.io.lines[self.line].client.received;
        received.drain(..).collect()
    }

    /// Everything that arrives until the server rests.
    #[track_caller]
    pub fn receive_all(&self) -> Vec<Received> {
        self.world.borrow_mut().drive();
        self.arrived()
    }

    /// Whether the server has switched protocols.
    pub fn is_open(&self) -> bool {
        self.world.borrow().turn.io.lines[self.line]
            .client
            .is_open()
    }

    /// The subprotocol that the server chose.
    pub fn protocol(&self) -> Option<String> {
        self.world.borrow().turn.io.lines[self.line]
            .client
            .protocol
            .clone()
    }

    /// The value of a header field of the 101 (the first, when there are several).
    pub fn field(&self, name: &str) -> Option<String> {
        let world = self.world.borrow();
        let mut fields = world.turn.io.lines[self.line].client.fields.iter();
        let found = fields.find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.clone())
    }

    /// Whether the server has answered the upgrade, with a 101 or otherwise; the server does not run. For
    /// an upgrade of [`Line::upgrade`] that is answered later.
    pub fn is_answered(&self) -> bool {
        let world = self.world.borrow();
        world.turn.io.lines[self.line].client.is_answered()
    }

    /// The conversation, once it is open; the server does not run.
    ///
    /// # Errors
    /// As [`Sim::open_with`](super::Sim::open_with): why it is not.
    pub fn opened(self) -> Result<Self> {
        let mut world = self.world.borrow_mut();
        let client = &mut world.turn.io.lines[self.line].client;
        let refusal = client.refusal();
        let is_open = client.is_open();
        drop(world);
        match (refusal, is_open) {
            (Some(error), _) => Err(error),
            (None, true) => Ok(self),
            (None, false) => Err(crate::Error::new(
                crate::ErrorKind::Closed,
                "the server did not answer the upgrade",
            )),
        }
    }
}

impl Line {
    /// Asks for an upgrade of this connection; the answer comes when the simulation runs.
    pub fn upgrade(&self, target: &str, fields: &[(&str, &str)]) -> Conversation {
        let request = {
            let mut world = self.world.borrow_mut();
            let client = &mut world.turn.io.lines[self.line].client;
            let key = new_key(client.random_key());
            let request = upgrade_request(target, &key, fields);
            let (protocols, extensions) = (offered_protocols(fields), offered_extensions(fields));
            client.expect_upgrade(key, protocols, extensions);
            request
        };
        self.send_raw(request.as_bytes());
        Conversation(self.clone())
    }
}

fn told(received: Option<&Received>) -> String {
    match received {
        Some(received) => format!("{received:?} arrived"),
        None => "nothing arrived".to_owned(),
    }
}

fn upgrade_request(target: &str, key: &str, fields: &[(&str, &str)]) -> String {
    let mut request = format!(
        "GET {target} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
    );
    for (name, value) in fields {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str("\r\n");
    request
}

/// The values of one field, which may stand on several lines.
fn values<'f>(fields: &'f [(&str, &str)], name: &str) -> impl Iterator<Item = &'f str> {
    let of_name = move |field: &&(&str, &str)| field.0.eq_ignore_ascii_case(name);
    fields.iter().filter(of_name).map(|(_, value)| *value)
}

fn offered_protocols(fields: &[(&str, &str)]) -> Vec<String> {
    values(fields, "sec-websocket-protocol")
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_owned())
        .collect()
}

fn offered_extensions(fields: &[(&str, &str)]) -> Vec<Offer> {
    let lines = values(fields, "sec-websocket-extensions").map(str::as_bytes);
    parse_offers(lines).unwrap_or_default()
}
