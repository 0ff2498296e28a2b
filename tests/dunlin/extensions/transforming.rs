//! Messages through an agreed transformation, both ways.

use super::toy::{HIDDEN, Xor, hidden};
use crate::running::{Running, start};
use crate::wire_client::{Frame, WireClient};
use dunlin::{App, Settings};

const KEY: u8 = 42;

fn echo() -> Running {
    start(|| {
        let settings = Settings::default()
            .extension(Xor::shared())
            .max_message_size(1000);
        App::new().on_message_with("/", settings, |session, message| {
            let _ = session.send(message);
        })
    })
}

/// A session that agreed on the toy.
fn open(server: &Running) -> WireClient {
    let mut client = server.connect();
    let offer = format!("Sec-WebSocket-Extensions: x-xor; key={KEY}");
    let head = client.upgrade("/", &[&offer]);
    assert_eq!(
        head.field("sec-websocket-extensions"),
        Some("x-xor; key=42")
    );
    client
}

fn hide(text: &str) -> Vec<u8> {
    hidden(text.as_bytes(), KEY)
}

#[test]
fn messages_are_transformed_both_ways() {
    let server = echo();
    let mut client = open(&server);
    client.send(Frame::new(0x1, hide("안녕")).reserved(HIDDEN));
    let answer = Frame::new(0x1, hide("안녕")).reserved(HIDDEN);
    assert_eq!(client.read_frame(), answer);
    client.send(Frame::binary(hide("bytes")).reserved(HIDDEN));
    let answer = Frame::binary(hide("bytes")).reserved(HIDDEN);
    assert_eq!(client.read_frame(), answer);
}

#[test]
fn a_message_without_the_bit_is_taken_as_it_is() {
    let server = echo();
    let mut client = open(&server);
    client.send_text("shown");
    let answer = Frame::new(0x1, hide("shown")).reserved(HIDDEN);
    assert_eq!(client.read_frame(), answer);
}

#[test]
fn a_message_that_the_transformation_leaves_alone_goes_out_plain() {
    let server = echo();
    let mut client = open(&server);
    client.send(Frame::new(0x1, hide("plain talk")).reserved(HIDDEN));
    assert_eq!(client.read_text(), "plain talk");
}

#[test]
fn fragments_are_decoded_one_by_one_with_control_frames_between() {
    let server = echo();
    let mut client = open(&server);
    let text = hide("in three 조각");
    client.send(Frame::new(0x1, &text[..4]).reserved(HIDDEN).more());
    // The cut lies inside a character.
    client.send(Frame::continuation(&text[4..10]).more());
    client.send(Frame::ping(b"between"));
    client.send(Frame::continuation(&text[10..]));
    assert_eq!(client.read_frame(), Frame::pong(b"between"));
    let answer = Frame::new(0x1, text).reserved(HIDDEN);
    assert_eq!(client.read_frame(), answer);
}

#[test]
fn a_frame_in_pieces_is_decoded_when_it_is_whole() {
    let server = echo();
    let mut client = open(&server);
    let frame = Frame::new(0x1, hide("slowly")).reserved(HIDDEN);
    for byte in frame.clone().mask([9, 8, 7, 6]).bytes() {
        client.write([byte]);
    }
    assert_eq!(client.read_frame(), frame);
}

#[test]
fn text_must_be_utf_8_behind_the_transformation_only() {
    let server = echo();
    let mut client = open(&server);
    client.send(Frame::new(0x1, [0xff ^ KEY]).reserved(HIDDEN));
    assert_eq!(client.read_close().0, 1007);
}

#[test]
fn a_transformation_that_fails_closes_with_its_code_and_reason() {
    let server = echo();
    let mut client = open(&server);
    client.send(Frame::binary(*b"undecodable").reserved(HIDDEN));
    client.expect_close(1007, "x-xor: bad data");
}

#[test]
fn the_message_limit_holds_over_all_fragments() {
    let server = echo();
    let mut client = open(&server);
    client.send(Frame::binary([1; 600]).reserved(HIDDEN).more());
    client.send(Frame::continuation([1; 600]));
    assert_eq!(client.read_close().0, 1009);
}

#[test]
fn the_bit_without_negotiation_is_a_protocol_error() {
    let server = echo();
    let mut client = server.open("/");
    client.send(Frame::text("hidden?").reserved(HIDDEN));
    assert_eq!(client.read_close().0, 1002);
}

#[test]
fn bits_of_others_and_bits_in_the_wrong_place_are_protocol_errors() {
    let server = echo();
    let wrong = [
        vec![Frame::text("deflated?").reserved(0x40)],
        vec![Frame::text("both?").reserved(0x40 | HIDDEN)],
        vec![Frame::text("third?").reserved(0x10)],
        vec![Frame::ping(b"").reserved(HIDDEN)],
        vec![
            Frame::text("first").more(),
            Frame::continuation(*b"second").reserved(HIDDEN),
        ],
    ];
    for frames in wrong {
        let mut client = open(&server);
        let seen = format!("{frames:?}");
        frames.into_iter().for_each(|frame| client.send(frame));
        assert_eq!(client.read_close().0, 1002, "{seen}");
    }
}
