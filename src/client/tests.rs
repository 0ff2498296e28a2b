//! The client in memory, over a stream that answers by a script.

mod handshake;

use super::*;
use crate::wire::close::{CloseCode, ClosedBy};
use crate::wire::error::{ErrorKind, Result};
use crate::wire::frame::{self, Header, OpCode, Reserved};
use crate::wire::mask::apply_mask;
use crate::wire::upgrade::{accept_key, write_switching_protocols};
use std::cell::RefCell;
use std::io::{self, Read, Write};
use std::rc::Rc;

const URL: &str = "ws://example.org/chat";

/// What both ends of a scripted stream share.
#[derive(Default)]
struct Wire {
    /// What the client has written.
    written: Vec<u8>,
    /// What the client will read; then it would have to wait, or comes to the end.
    waiting: Vec<u8>,
    ended: bool,
    /// Bytes of one read; 0: as many as there is room for.
    step: usize,
}

/// A server of which every byte is decided by the test.
#[derive(Clone, Default)]
struct Scripted(Rc<RefCell<Wire>>);

impl Scripted {
    fn says(&self, bytes: &[u8]) {
        self.0.borrow_mut().waiting.extend_from_slice(bytes);
    }

    fn frame(&self, opcode: OpCode, payload: &[u8]) {
        let mut bytes = Vec::new();
        frame::write_frame(&mut bytes, true, opcode, Reserved::NONE, payload, None);
        self.says(&bytes);
    }

    /// The next frame that the client has written, and its mask key.
    #[track_caller]
    fn heard(&self) -> (OpCode, Vec<u8>, [u8; 4]) {
        let written = &mut self.0.borrow_mut().written;
        let (header, size) = Header::parse(written).expect("a frame");
        let end = size + header.len as usize;
        let mut payload = written[size..end].to_vec();
        written.drain(..end);
        let key = header.mask.expect("a client masks every frame");
        apply_mask(&mut payload, key, 0);
        (header.opcode, payload, key)
    }

    fn is_silent(&self) -> bool {
        self.0.borrow().written.is_empty()
    }
}

impl Read for Scripted {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let wire = &mut *self.0.borrow_mut();
        // The answer to the upgrade needs the client's key.
        if let Some(request) = wire.written.strip_prefix(b"GET ") {
            let request = String::from_utf8(request.to_vec()).expect("a head is text");
            let (_, key) = request.split_once("Sec-WebSocket-Key: ").expect("a key");
            let mut answer = Vec::new();
            write_switching_protocols(&mut answer, &accept_key(&key[..24]), None, None, &[]);
            wire.waiting.splice(..0, answer);
            wire.written.clear();
        }
        if wire.waiting.is_empty() && !wire.ended {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let most = if wire.step == 0 {
            buf.len()
        } else {
            wire.step.min(buf.len())
        };
        let n = most.min(wire.waiting.len());
        buf[..n].copy_from_slice(&wire.waiting[..n]);
        wire.waiting.drain(..n);
        Ok(n)
    }
}

impl Write for Scripted {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().written.extend_from_slice(buf);
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn opened() -> (Client<Scripted>, Scripted) {
    let server = Scripted::default();
    let client = Options::new().connect_with(server.clone(), URL).unwrap();
    (client, server)
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T>, kind: ErrorKind, part: &str) {
    let error = result.expect_err("an error");
    assert_eq!(error.kind(), kind, "{error}");
    assert!(error.to_string().contains(part), "{error}");
}

#[test]
fn messages_go_out_under_a_new_mask_each() {
    let (mut client, server) = opened();
    client.send("same").unwrap();
    client.send("same").unwrap();
    client.send(&b"\x00\xff"[..]).unwrap();
    let (first, second) = (server.heard(), server.heard());
    assert_eq!((first.0, &*first.1), (OpCode::Text, &b"same"[..]));
    assert_eq!(second.1, b"same");
    assert_ne!(first.2, second.2, "two masks of 32 random bits");
    let (opcode, payload, _) = server.heard();
    assert_eq!((opcode, &*payload), (OpCode::Binary, &b"\x00\xff"[..]));
}

#[test]
fn messages_come_in_whatever_the_reads_are_cut_into() {
    let long = "long ".repeat(20_000);
    for step in [0, 1, 7, 5000] {
        let server = Scripted::default();
        server.0.borrow_mut().step = step;
        // The first frames are on their way with the answer already.
        server.frame(OpCode::Text, "한글".as_bytes());
        server.frame(OpCode::Binary, b"\xff");
        server.frame(OpCode::Text, long.as_bytes());
        server.frame(OpCode::Pong, b"unasked");
        let mut client = Options::new().connect_with(server, URL).unwrap();
        for wanted in [
            Incoming::Text("한글".to_owned()),
            Incoming::Binary(b"\xff".to_vec()),
            Incoming::Text(long.clone()),
            Incoming::Pong(b"unasked".to_vec()),
        ] {
            assert_eq!(client.receive().unwrap(), wanted, "steps of {step}");
        }
    }
}

#[test]
fn fragments_arrive_as_one_message_and_a_ping_among_them_first() {
    let (mut client, server) = opened();
    server.says(b"\x01\x02He\x89\x01?\x00\x02ll\x80\x01o");
    assert_eq!(client.receive().unwrap(), Incoming::Ping(b"?".to_vec()));
    assert_eq!(client.receive().unwrap().text(), Some("Hello"));
    let (opcode, payload, _) = server.heard();
    assert_eq!((opcode, &*payload), (OpCode::Pong, &b"?"[..]));
}

#[test]
fn receive_message_passes_heartbeats_over_and_answers_them() {
    let (mut client, server) = opened();
    server.frame(OpCode::Ping, b"1");
    server.frame(OpCode::Pong, b"2");
    server.frame(OpCode::Text, b"3");
    assert_eq!(client.receive_message().unwrap().text(), Some("3"));
    assert_eq!(server.heard().0, OpCode::Pong);
    assert!(server.is_silent(), "a pong is not answered");
}

#[test]
fn a_time_limit_loses_nothing() {
    let (mut client, server) = opened();
    server.says(b"\x81\x05He");
    refused(
        client.receive(),
        ErrorKind::Timeout,
        "a message did not come",
    );
    server.says(b"llo");
    assert_eq!(client.receive().unwrap().text(), Some("Hello"));
}

#[test]
fn the_servers_close_is_answered_with_its_code_and_ends_all() {
    let (mut client, server) = opened();
    server.frame(OpCode::Close, b"\x0f\xa1enough");
    let Incoming::Close(reason) = client.receive().unwrap() else {
        panic!("wanted a Close");
    };
    assert_eq!((reason.code.get(), &*reason.reason), (4001, "enough"));
    assert_eq!(reason.by, ClosedBy::Peer);
    let (opcode, payload, _) = server.heard();
    assert_eq!((opcode, &*payload), (OpCode::Close, &b"\x0f\xa1"[..]));
    refused(client.receive(), ErrorKind::Closed, "4001 enough");
    refused(client.send("late"), ErrorKind::Closed, "4001 enough");
    assert_eq!(client.close(1000, "").unwrap(), reason);
    assert!(server.is_silent());
}

#[test]
fn an_empty_close_is_answered_with_an_empty_one() {
    let (mut client, server) = opened();
    server.frame(OpCode::Close, b"");
    let Incoming::Close(reason) = client.receive().unwrap() else {
        panic!("wanted a Close");
    };
    assert_eq!(reason.code, CloseCode::NO_STATUS);
    let (opcode, payload, _) = server.heard();
    assert_eq!((opcode, &*payload), (OpCode::Close, &b""[..]));
}

#[test]
fn close_waits_for_the_answer_past_what_is_still_under_way() {
    let (mut client, server) = opened();
    server.frame(OpCode::Text, b"under way");
    server.frame(OpCode::Ping, b"no pong behind our Close");
    server.frame(OpCode::Close, b"\x03\xe8bye");
    let reason = client.close(1000, "done").unwrap();
    assert_eq!(reason.to_string(), "1000 bye");
    assert_eq!(reason.by, ClosedBy::Us);
    let (opcode, payload, _) = server.heard();
    assert_eq!((opcode, &*payload), (OpCode::Close, &b"\x03\xe8done"[..]));
    assert!(server.is_silent());
}

#[test]
fn what_arrives_behind_our_close_can_still_be_received() {
    let (mut client, server) = opened();
    client.send_close(1000, "").unwrap();
    refused(client.send("late"), ErrorKind::Closed, "closing");
    server.frame(OpCode::Text, b"under way");
    server.frame(OpCode::Close, b"\x03\xe8");
    assert_eq!(client.receive().unwrap().text(), Some("under way"));
    assert!(matches!(client.receive().unwrap(), Incoming::Close(_)));
}

#[test]
fn a_close_that_is_not_answered_ends_in_a_timeout() {
    let (mut client, _server) = opened();
    refused(
        client.close(1000, ""),
        ErrorKind::Timeout,
        "the server's Close",
    );
    refused(client.receive(), ErrorKind::Closed, "1006");
}

#[test]
fn an_end_without_a_close_is_an_error() {
    let (mut client, server) = opened();
    server.0.borrow_mut().ended = true;
    refused(client.receive(), ErrorKind::Closed, "1006");
}

#[test]
fn a_server_that_breaks_the_protocol_is_told_so_and_left() {
    for (bytes, code, kind, part) in [
        (
            &b"\x81\x81abcd\x00"[..],
            1002_u16,
            ErrorKind::Protocol,
            "masked",
        ),
        (b"\xc1\x01a", 1002, ErrorKind::Protocol, "reserved bits"),
        (b"\x83\x00", 1002, ErrorKind::Protocol, "opcode"),
        (b"\x81\x01\xff", 1007, ErrorKind::Protocol, "UTF-8"),
        (
            b"\x82\x7f\x00\x00\x00\x00\x00\x20\x00\x00",
            1009,
            ErrorKind::Limit,
            "too big",
        ),
    ] {
        let (mut client, server) = opened();
        server.says(bytes);
        refused(client.receive(), kind, part);
        let (opcode, payload, _) = server.heard();
        assert_eq!(
            (opcode, &payload[..2]),
            (OpCode::Close, &code.to_be_bytes()[..])
        );
        refused(client.receive(), ErrorKind::Closed, part);
        refused(client.send("more"), ErrorKind::Closed, part);
    }
}

#[test]
fn what_may_not_be_sent_is_refused_before_it_is() {
    let (mut client, server) = opened();
    refused(client.ping([0; 126]), ErrorKind::Config, "126");
    refused(client.close(1005, ""), ErrorKind::Config, "1005");
    refused(client.send_close(2999, ""), ErrorKind::Config, "2999");
    assert!(server.is_silent());
    client.send("still open").unwrap();
}

#[test]
fn options_that_cannot_be_used_are_told_before_anything_is_sent() {
    for (options, part) in [
        (Options::new().header("Host", "b"), "does not set itself"),
        (Options::new().header("A", "b\r\nEvil: 1"), "control"),
        (Options::new().protocol("a b"), "subprotocol"),
        (Options::new().max_message_size(0), "max_frame_size"),
    ] {
        let server = Scripted::default();
        let opened = options.connect_with(server.clone(), URL).map(drop);
        refused(opened, ErrorKind::Config, part);
        assert!(server.is_silent());
    }
}

#[test]
fn an_end_in_place_of_an_answer_is_an_error() {
    let nothing = io::Cursor::new(Vec::new());
    let opened = Options::new().connect_with(nothing, URL).map(drop);
    refused(opened, ErrorKind::Closed, "before it answered");
}
