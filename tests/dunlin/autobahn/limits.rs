//! Sections 9 and 10: big messages, many fragments, small chops, many messages; the suite's shapes, smaller.

use super::*;

const TEXT: &str = "BAsd7&jh23";
const BINARY: [u8; 5] = [0x00, 0xFE, 0x23, 0xFA, 0xF0];

/// A text and a binary message of this length.
fn messages(length: usize) -> [Frame; 2] {
    let text = TEXT.repeat(length / TEXT.len() + 1);
    let binary = BINARY.repeat(length / BINARY.len() + 1);
    [
        Frame::text(&text[..length]),
        Frame::binary(&binary[..length]),
    ]
}

/// The same message in fragments of this size.
fn in_fragments(message: &Frame, size: usize) -> Vec<Frame> {
    let mut frames: Vec<Frame> = message
        .payload
        .chunks(size)
        .map(|piece| Frame::continuation(piece).more())
        .collect();
    frames[0].opcode = message.opcode;
    frames.last_mut().expect("not empty").fin = true;
    frames
}

#[track_caller]
fn comes_back(client: &mut WireClient, message: &Frame, shape: &str) {
    assert!(client.read_frame() == *message, "{shape}: {message:?}");
}

#[test]
fn big_messages_come_back() {
    let server = server();
    let mut client = server.open("/echo-raw");
    // 9.1, 9.2; the suite goes up to 16 MiB.
    for length in [64 << 10, 256 << 10, 1 << 20] {
        for message in messages(length) {
            client.write(masked(&message));
            comes_back(&mut client, &message, "one frame");
        }
    }
    client.leave();
}

#[test]
fn messages_in_many_fragments_come_back() {
    let server = server();
    let mut client = server.open("/echo-raw");
    // 9.3, 9.4; the suite has 4 MiB. 4096 fragments are far above the number that is free of charge,
    // and 64 bytes in each of them pay for it.
    let length = 256 << 10;
    for size in [64, 256, 1 << 10, 4 << 10, 16 << 10, 64 << 10, length] {
        for message in messages(length) {
            client.write(stream(&in_fragments(&message, size)));
            comes_back(&mut client, &message, &format!("fragments of {size}"));
        }
    }
    client.leave();
}

#[test]
fn messages_in_small_chops_come_back() {
    let server = server();
    let mut client = server.open("/echo-raw");
    // 9.5, 9.6; the suite has 1 MiB, here it is 256 chops.
    for size in [64, 128, 256, 512, 1024, 2048] {
        for message in messages(size << 8) {
            chopped(&mut client, &masked(&message), size);
            comes_back(&mut client, &message, &format!("chops of {size}"));
        }
    }
    client.leave();
}

#[test]
fn many_messages_come_back_one_by_one() {
    let server = server();
    let mut client = server.open("/echo-raw");
    // 9.7, 9.8; the suite has 1000 of each.
    for length in [0, 16, 64, 256, 1024, 4096] {
        for message in messages(length) {
            for _ in 0..100 {
                client.write(masked(&message));
                comes_back(&mut client, &message, "round trip");
            }
        }
    }
    client.leave();
}

#[test]
fn many_messages_of_one_write_come_back_in_order() {
    let server = server();
    let mut client = server.open("/echo-raw");
    let all: Vec<Frame> = (0..1000)
        .map(|number| Frame::text(&number.to_string()))
        .collect();
    send(&mut client, Pace::AtOnce, &all);
    expect(&mut client, &all);
    client.leave();
}

#[test]
fn fragments_of_an_odd_size_come_back() {
    let server = server();
    let mut client = server.open("/echo-raw");
    // 10.1.1
    let message = Frame::text(&"*".repeat(65536));
    let frames = in_fragments(&message, 1300);
    assert_eq!(frames.len(), 65536 / 1300 + 1);
    for pace in [Pace::AtOnce, Pace::ByFrame] {
        send(&mut client, pace, &frames);
        comes_back(&mut client, &message, "fragments of 1300");
    }
    client.leave();
}
