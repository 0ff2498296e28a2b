//! Published messages through transformations: shared by all with one key, or made for each.

use super::toy::{HIDDEN, NOT_HIDDEN, Xor, hidden};
use crate::running::{Running, start};
use crate::wire_client::{Frame, WireClient};
use dunlin::{App, Message, Open, Request, Session, Settings};
use std::sync::atomic::Ordering;

struct Room;

impl dunlin::Handler for Room {
    type Data = ();

    fn open(&mut self, _: &Request<'_>, session: &mut Session<'_>) -> Open<()> {
        session.join("room");
        Open::Accept(())
    }

    fn message(&mut self, (): &mut (), session: &mut Session<'_>, message: Message<'_>) {
        session.publish("room", message);
    }
}

fn room(extension: Xor) -> Running {
    start(move || {
        let settings = Settings::default().extension(extension);
        App::new().ws_with("/", settings, Room)
    })
}

fn member(server: &Running, key: u8) -> WireClient {
    let mut client = server.connect();
    let offer = format!("Sec-WebSocket-Extensions: x-xor; key={key}");
    let head = client.upgrade("/", &[&offer]);
    assert!(head.field("sec-websocket-extensions").is_some());
    client
}

#[track_caller]
fn assert_hears(client: &mut WireClient, text: &str, key: u8) {
    let wanted = Frame::new(0x1, hidden(text.as_bytes(), key)).reserved(HIDDEN);
    assert_eq!(client.read_frame(), wanted);
}

#[test]
fn a_broadcast_reaches_each_member_in_its_own_form() {
    let server = room(Xor::shared());
    let mut plain = server.open("/");
    let mut members = [
        (1, member(&server, 1)),
        (1, member(&server, 1)),
        (2, member(&server, 2)),
    ];
    for text in ["one", "two"] {
        plain.send_text(text);
        assert_eq!(plain.read_text(), text);
        for (key, client) in &mut members {
            assert_hears(client, text, *key);
        }
    }
}

#[test]
fn a_broadcast_is_encoded_once_for_all_that_share_a_key() {
    let extension = Xor::shared();
    let encoded = extension.encoded.clone();
    let server = room(extension);
    let mut members: Vec<_> = (0..10).map(|_| member(&server, 1)).collect();
    let mut other = member(&server, 2);
    members[0].send_text("once");
    for client in &mut members {
        assert_hears(client, "once", 1);
    }
    assert_hears(&mut other, "once", 2);
    assert_eq!(encoded.load(Ordering::Relaxed), 2, "encodings for two keys");
}

#[test]
fn without_a_share_key_every_member_encodes_for_itself() {
    let extension = Xor::own();
    let encoded = extension.encoded.clone();
    let server = room(extension);
    let mut early = member(&server, 1);
    early.send_text("first");
    assert_hears(&mut early, "first", 1);
    let mut late = member(&server, 1);
    for (number, text) in (0..).zip(["second", "third"]) {
        early.send_text(text);
        assert_hears(&mut early, text, 2 + number);
        assert_hears(&mut late, text, 1 + number);
    }
    assert_eq!(encoded.load(Ordering::Relaxed), 5);
}

#[test]
fn equal_share_keys_of_two_extensions_are_not_confused() {
    let server = start(|| {
        let settings = Settings::default()
            .extension(Xor::shared())
            .extension(Xor::not());
        App::new().ws_with("/", settings, Room)
    });
    let (mut xor, mut not) = (member(&server, 1), server.connect());
    not.upgrade("/", &["Sec-WebSocket-Extensions: x-not; key=1"]);
    for _ in 0..2 {
        xor.send_text("to both");
        assert_hears(&mut xor, "to both", 1);
        let wanted = Frame::new(0x1, hidden(b"to both", !1)).reserved(NOT_HIDDEN);
        assert_eq!(not.read_frame(), wanted);
    }
}

#[test]
fn a_broadcast_that_is_left_alone_goes_out_plain() {
    for extension in [Xor::shared(), Xor::own()] {
        let server = room(extension);
        let mut client = member(&server, 1);
        client.send_text("plain talk");
        assert_eq!(client.read_text(), "plain talk");
    }
}
