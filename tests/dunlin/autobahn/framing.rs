//! Section 1: one message in one frame, at every border of the length field.

use super::*;

/// The suite's lengths: both sides of the borders between 7, 16 and 64 bits of length (RFC 6455 §5.2).
const LENGTHS: [usize; 7] = [0, 125, 126, 127, 128, 65535, 65536];

#[test]
fn text_of_every_length_comes_back() {
    let server = server();
    let mut client = server.open("/echo-raw");
    for length in LENGTHS {
        let frame = Frame::text(&"*".repeat(length));
        client.send(frame.clone());
        assert!(client.read_frame() == frame, "1.1: {length} bytes");
    }
    client.leave();
}

#[test]
fn binary_of_every_length_comes_back() {
    let server = server();
    let mut client = server.open("/echo-raw");
    for length in LENGTHS {
        let frame = Frame::binary(vec![0xFE; length]);
        client.send(frame.clone());
        assert!(client.read_frame() == frame, "1.2: {length} bytes");
    }
    client.leave();
}

#[test]
fn a_message_in_odd_chops_comes_back() {
    let server = server();
    let mut client = server.open("/echo-raw");
    for frame in [
        Frame::text(&"*".repeat(65536)),
        Frame::binary(vec![0xFE; 65536]),
    ] {
        chopped(&mut client, &masked(&frame), 997);
        assert!(client.read_frame() == frame, "1.1.8 and 1.2.8");
    }
    client.leave();
}
