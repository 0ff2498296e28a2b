//! Section 2: pings are answered with their payload, pongs are not answered at all.

use super::*;

#[test]
fn a_ping_is_answered_with_its_own_payload() {
    let server = server();
    // 2.1 to 2.4, and 2.6 for the pace.
    let not_utf8 = [0x00, 0xFF, 0xFE, 0xFD, 0xFC, 0xFB, 0x00, 0xFF];
    for payload in [&b""[..], b"Hello, world!", &not_utf8, &[0xFE; 125]] {
        answered(&server, &[Frame::ping(payload)], &[Frame::pong(payload)]);
    }
}

#[test]
fn a_ping_of_126_bytes_is_a_protocol_error() {
    let server = server();
    // 2.5; the other control frames have the same bound (RFC 6455 §5.5).
    for opcode in [0x8, 0x9, 0xA] {
        refused(&server, &[Frame::new(opcode, [0xFE; 126])], &[], 1002);
    }
}

#[test]
fn a_control_frame_over_125_bytes_is_refused_by_its_length_alone() {
    for length in [126, 127, 65535] {
        let header = Frame::ping(b"").mask(MASK).header(length, 2);
        assert_eq!(verdict(&header), Verdict::Failed(4, 1002), "{length}");
    }
}

#[test]
fn a_pong_that_nobody_asked_for_is_passed_over() {
    let server = server();
    // 2.7 and 2.8
    for payload in [&b""[..], b"unsolicited pong payload"] {
        answered(&server, &[Frame::pong(payload)], &[]);
    }
}

#[test]
fn a_ping_behind_a_pong_is_answered() {
    let server = server();
    // 2.9
    let frames = [Frame::pong(b"unsolicited"), Frame::ping(b"ping payload")];
    answered(&server, &frames, &[Frame::pong(b"ping payload")]);
}

#[test]
fn ten_pings_get_ten_pongs_in_their_order() {
    let server = server();
    // 2.10 and 2.11: RFC 6455 §5.5.3 would allow the last one alone, to a peer that does not read.
    let payloads: Vec<_> = (0..10).map(|number| format!("payload-{number}")).collect();
    let frames = |kind: fn(&[u8]) -> Frame| -> Vec<Frame> {
        payloads.iter().map(|text| kind(text.as_bytes())).collect()
    };
    answered(&server, &frames(Frame::ping), &frames(Frame::pong));
}
