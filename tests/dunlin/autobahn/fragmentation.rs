//! Section 5: messages in fragments, control frames between them, and fragments out of order.

use super::*;

fn first(text: &str) -> Frame {
    Frame::text(text).more()
}

fn middle(text: &str) -> Frame {
    Frame::continuation(text).more()
}

fn last(text: &str) -> Frame {
    Frame::continuation(text)
}

#[test]
fn a_control_frame_in_fragments_fails() {
    let server = server();
    // 5.1, 5.2; a Close in fragments is no better.
    for control in [0x9, 0xA, 0x8] {
        let begin = Frame::new(control, *b"fragment1").more();
        refused(&server, &[begin, last("fragment2")], &[], 1002);
    }
}

#[test]
fn fragments_come_back_as_one_message() {
    let server = server();
    // 5.3 to 5.5
    let frames = [first("fragment1"), last("fragment2")];
    answered(&server, &frames, &[Frame::text("fragment1fragment2")]);
    let frames = [
        Frame::binary([0xFE]).more(),
        middle("a"),
        middle(""),
        last("b"),
    ];
    answered(&server, &frames, &[Frame::binary([0xFE, b'a', b'b'])]);
}

#[test]
fn a_ping_between_fragments_is_answered_before_their_message() {
    let server = server();
    // 5.6 to 5.8
    let ping = Frame::ping(b"ping payload");
    let frames = [first("fragment1"), ping, last("fragment2")];
    let answers = [
        Frame::pong(b"ping payload"),
        Frame::text("fragment1fragment2"),
    ];
    answered(&server, &frames, &answers);
}

#[test]
fn a_ping_between_fragments_is_answered_while_the_rest_is_missing() {
    let server = server();
    // 5.19, 5.20
    for pace in PACES {
        let mut client = server.open("/echo-raw");
        let frames = [first("fragment1"), middle("fragment2"), Frame::ping(b"1!")];
        send(&mut client, pace, &frames);
        expect(&mut client, &[Frame::pong(b"1!")]);
        let frames = [
            middle("fragment3"),
            middle("fragment4"),
            Frame::ping(b"2!"),
            last("fragment5"),
        ];
        send(&mut client, pace, &frames);
        let whole = Frame::text("fragment1fragment2fragment3fragment4fragment5");
        expect(&mut client, &[Frame::pong(b"2!"), whole]);
        client.leave();
    }
}

#[test]
fn a_continuation_of_nothing_fails() {
    let server = server();
    // 5.9 to 5.14: last or not, whatever follows.
    for stray in [last("non-continuation"), middle("non-continuation")] {
        refused(&server, &[stray, Frame::text("Hello")], &[], 1002);
    }
    // 5.16, 5.17
    for stray in [last("fragment1"), middle("fragment1")] {
        let frames = [stray, first("fragment2"), last("fragment3")];
        refused(&server, &[frames.clone(), frames].concat(), &[], 1002);
    }
}

#[test]
fn a_continuation_behind_a_whole_message_fails_and_the_message_is_answered() {
    let server = server();
    // 5.15
    let frames = [
        first("fragment1"),
        last("fragment2"),
        middle("fragment3"),
        Frame::text("fragment4"),
    ];
    let answers = [Frame::text("fragment1fragment2")];
    refused(&server, &frames, &answers, 1002);
}

#[test]
fn a_new_message_between_fragments_fails() {
    let server = server();
    // 5.18
    for second in [
        Frame::text("fragment2"),
        first("fragment2"),
        Frame::binary([1]),
    ] {
        refused(&server, &[first("fragment1"), second], &[], 1002);
    }
}
