//! Section 7: the closing handshake, and every code and payload that a Close may carry.

use super::*;

/// The codes that a Close may carry: RFC 6455 §7.4 and IANA's registry, then libraries' and private ones.
fn may_be_sent(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

/// A Close of any payload.
fn close(payload: &[u8]) -> Frame {
    Frame::new(0x8, payload)
}

/// Frames that end with the peer's Close: these answers come, then the same code, then the end.
#[track_caller]
fn closed(server: &Running, frames: &[Frame], answers: &[Frame]) {
    for pace in [Pace::AtOnce, Pace::ByFrame] {
        let mut client = server.open("/echo-raw");
        send(&mut client, pace, frames);
        expect(&mut client, answers);
        expect_failure(&mut client, 1000);
    }
}

#[test]
fn a_message_before_the_close_is_answered() {
    let server = server();
    // 7.1.1
    let hello = Frame::text("Hello World!");
    let frames = [hello.clone(), Frame::close(1000, "")];
    closed(&server, &frames, &[hello]);
}

#[test]
fn whatever_comes_behind_a_close_is_passed_over() {
    let server = server();
    // 7.1.2 to 7.1.4
    for behind in [
        Frame::empty_close(),
        Frame::close(1002, ""),
        Frame::ping(b""),
        Frame::text("Hello World!"),
    ] {
        closed(&server, &[Frame::close(1000, ""), behind], &[]);
    }
}

#[test]
fn a_close_between_fragments_ends_the_message_too() {
    let server = server();
    // 7.1.5
    let frames = [
        Frame::text("fragment1").more(),
        Frame::close(1000, ""),
        Frame::continuation("fragment2"),
    ];
    closed(&server, &frames, &[]);
}

#[test]
fn a_big_message_before_the_close_comes_back_whole() {
    let server = server();
    // 7.1.6 leaves it open; here nothing that was received in time is lost.
    let big = Frame::text(&"BAsd7&jh23".repeat(26 << 10));
    let small = Frame::text("Hello World!");
    let frames = [
        big.clone(),
        small.clone(),
        Frame::close(1000, ""),
        Frame::ping(b""),
    ];
    closed(&server, &frames, &[big, small]);
}

#[test]
fn a_close_without_payload_is_answered_without_one() {
    let server = server();
    // 7.3.1
    for pace in PACES {
        let mut client = server.open("/echo-raw");
        send(&mut client, pace, &[close(b"")]);
        expect(&mut client, &[close(b"")]);
        client.expect_end();
    }
}

#[test]
fn a_close_with_half_a_code_fails() {
    let server = server();
    // 7.3.2
    refused(&server, &[close(b"a")], &[], 1002);
}

#[test]
fn a_reason_may_have_123_bytes() {
    let server = server();
    // 7.3.3 to 7.3.5
    for reason in ["", "Hello World!", &"*".repeat(123)] {
        closed(&server, &[Frame::close(1000, reason)], &[]);
    }
    // 7.3.6
    let too_long = Frame::close(1000, &"*".repeat(124));
    refused(&server, &[too_long], &[], 1002);
}

#[test]
fn a_reason_that_is_not_utf8_fails() {
    let server = server();
    // 7.5.1 takes 1002 as well; RFC 6455 §8.1 makes bad text 1007 wherever it stands.
    let reason = [&1000_u16.to_be_bytes(), utf8::WORD, b"\xed\xa0\x80edited"].concat();
    refused(&server, &[close(&reason)], &[], 1007);
}

#[test]
fn good_codes_are_answered_with_themselves() {
    let server = server();
    // 7.7 has all but 1012 to 1014, which the registry has got since.
    let registered = [1000, 1001, 1002, 1003]
        .into_iter()
        .chain(1007..=1014)
        .chain([3000, 3999, 4000, 4999]);
    for code in registered {
        let mut client = server.open("/echo-raw");
        client.send(Frame::close(code, ""));
        expect_failure(&mut client, code);
    }
}

#[test]
fn bad_codes_fail() {
    let server = server();
    // 7.9, then 7.13, which the suite leaves open.
    let bad = [
        0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999, 5000, 65535,
    ];
    for code in bad {
        refused(&server, &[Frame::close(code, "")], &[], 1002);
    }
}

#[test]
fn every_code_there_is_gets_the_verdict_of_the_registry() {
    for code in 0..=u16::MAX {
        let bytes = masked(&Frame::close(code, ""));
        let expected = if may_be_sent(code) {
            Verdict::Taken(1)
        } else {
            Verdict::Failed(bytes.len(), 1002)
        };
        assert_eq!(verdict(&bytes), expected, "{code}");
    }
}
