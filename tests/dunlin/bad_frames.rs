//! Frames that break a rule: each is told with its code before the connection ends, and nobody
//! else notices.

use crate::running::{Running, assert_echo, start};
use crate::wire_client::Frame;
use dunlin::{App, Settings};

/// Bytes of a message and of a frame that the server of these tests takes.
const MAX_MESSAGE: usize = 64 << 10;

fn server() -> Running {
    start(|| {
        let settings = Settings::default().max_message_size(MAX_MESSAGE);
        App::new().ws_with(
            "/echo",
            settings,
            |session: &mut dunlin::Session<'_>, message: dunlin::Message<'_>| {
                let _ = session.send(message);
            },
        )
    })
}

/// What a client may write: whole frames, masked with a key of our own, or any other bytes.
fn masked(frames: &[Frame]) -> Vec<u8> {
    let frames = frames.iter().map(|frame| frame.clone().mask([7, 1, 99, 3]));
    frames.flat_map(|frame| frame.bytes()).collect()
}

/// A header alone, in the widest form.
fn header(frame: Frame, len: u64) -> Vec<u8> {
    frame.mask([0; 4]).header(len, 8)
}

/// Sees each of these answered with a Close of this code, whole and byte by byte, and a
/// bystander served before, meanwhile and afterwards.
#[track_caller]
fn assert_told(code: u16, cases: &[(&str, Vec<u8>)]) {
    let server = server();
    let mut bystander = server.open("/echo");
    for (what, bytes) in cases {
        for step in [bytes.len(), 1] {
            let mut client = server.open("/echo");
            assert_echo(&mut client);
            assert_echo(&mut bystander);
            for piece in bytes.chunks(step) {
                client.write(piece);
            }
            assert_echo(&mut bystander);
            let (told, reason) = client.read_close();
            let start = bytes[..bytes.len().min(20)].escape_ascii();
            assert_eq!(told, code, "{what} \"{start}\": {reason:?}");
            client.write(masked(&[Frame::close(code, "")]));
            assert_eq!(
                client.read_to_clean_end(),
                b"",
                "behind the Close of {what}"
            );
            assert_echo(&mut bystander);
        }
    }
}

#[test]
fn an_unmasked_frame_is_1002_after_two_bytes() {
    assert_told(
        1002,
        &[
            ("text", Frame::text("hello").bytes()),
            (
                "its first two bytes",
                Frame::text("hello").bytes()[..2].to_vec(),
            ),
            ("ping", Frame::ping(b"").bytes()),
            ("close", Frame::close(1000, "").bytes()),
            ("long", Frame::binary([]).header(1 << 40, 8)[..2].to_vec()),
        ],
    );
}

#[test]
fn reserved_bits_that_nobody_agreed_on_are_1002() {
    let bits = [0x40, 0x20, 0x10, 0x70];
    for frame in [
        Frame::text("hello"),
        Frame::binary([]),
        Frame::ping(b"hello"),
        Frame::close(1000, ""),
    ] {
        let cases = bits.map(|bits| ("bits", masked(&[frame.clone().reserved(bits)])));
        assert_told(1002, &cases);
    }
    let rest = Frame::continuation("lo").reserved(0x40);
    let on_continuation = masked(&[Frame::text("hel").more(), rest]);
    assert_told(1002, &[("on a continuation", on_continuation)]);
}

#[test]
fn opcodes_that_mean_nothing_are_1002() {
    let cases: Vec<_> = [3, 4, 5, 6, 7, 0xB, 0xC, 0xD, 0xE, 0xF]
        .map(|opcode| ("opcode", masked(&[Frame::new(opcode, "hello")])))
        .into();
    assert_told(1002, &cases);
}

#[test]
fn a_length_with_its_top_bit_set_is_1002() {
    let cases = [1 << 63, u64::MAX].map(|len| ("length", header(Frame::binary([]), len)));
    assert_told(1002, &cases);
}

#[test]
fn a_length_past_the_limit_is_1009_by_the_header_alone() {
    let past = MAX_MESSAGE as u64 + 1;
    let cases = [past, 1 << 32, (1 << 32) + 5, (1 << 63) - 1]
        .map(|len| ("length", header(Frame::text(""), len)));
    assert_told(1009, &cases);
}

#[test]
fn a_message_may_be_as_long_as_the_limit_and_no_byte_longer() {
    let full = vec![b'a'; MAX_MESSAGE];
    let server = server();
    let mut client = server.open("/echo");
    let (first, second) = full.split_at(1000);
    client.write(masked(&[Frame::binary(full.clone())]));
    assert!(client.read_frame() == Frame::binary(full.clone()));
    client.write(masked(&[
        Frame::binary(first).more(),
        Frame::ping(b"between"),
        Frame::continuation(second).more(),
        Frame::continuation([]),
    ]));
    assert_eq!(client.read_frame(), Frame::pong(b"between"));
    assert!(client.read_frame() == Frame::binary(full.clone()));
    let begun = Frame::binary(full.clone()).more();
    let over = [
        (
            "in one frame",
            masked(&[Frame::binary([&full[..], b"a"].concat())]),
        ),
        ("in two", masked(&[begun.clone(), Frame::continuation("a")])),
        (
            "in many",
            masked(&[
                begun,
                Frame::continuation([]).more(),
                Frame::continuation("a").more(),
            ]),
        ),
    ];
    for (what, bytes) in over {
        let mut client = server.open("/echo");
        client.write(bytes);
        assert_eq!(client.read_close().0, 1009, "{what}");
        client.expect_end();
    }
}

#[test]
fn text_that_is_not_utf_8_is_1007_also_when_it_is_cut_over_frames() {
    let text = |payload: &[u8]| Frame::new(0x1, payload);
    let fragments = |parts: &[&[u8]]| {
        let (last, first) = parts.split_last().expect("a part");
        let mut frames: Vec<Frame> = first
            .iter()
            .enumerate()
            .map(|(at, part)| Frame::new(u8::from(at == 0), *part).more())
            .collect();
        frames.push(Frame::continuation(*last));
        masked(&frames)
    };
    let half = Frame::new(0x1, [b'a'; 200]).mask([0; 4]);
    let unfinished = [half.header(200, 2), b"abc\xff".to_vec()].concat();
    assert_told(
        1007,
        &[
            ("a byte that never is", masked(&[text(b"\xff")])),
            ("cut short", masked(&[text(b"\xe2\x82")])),
            ("overlong", masked(&[text(b"\xc0\x80")])),
            ("a surrogate", masked(&[text(b"\xed\xa0\x80")])),
            ("beyond the last", masked(&[text(b"\xf4\x90\x80\x80")])),
            ("wrong second byte", fragments(&[b"\xe2", b"\x28\xa1"])),
            ("wrong third byte", fragments(&[b"\xe2\x82", b"\x28"])),
            (
                "with an empty frame between",
                fragments(&[b"\xe2", b"", b"a"]),
            ),
            ("cut short over two frames", fragments(&[b"\xe2", b"\x82"])),
            (
                "in a message that is not complete",
                masked(&[text(b"a\xff").more()]),
            ),
            ("in a frame that is not complete", unfinished),
        ],
    );
}

#[test]
fn utf_8_that_is_cut_anywhere_is_put_together() {
    let server = server();
    let mut client = server.open("/echo");
    let text = "세계 \u{1f600}";
    for at in 0..=text.len() {
        let (first, second) = text.as_bytes().split_at(at);
        client.write(masked(&[
            Frame::new(0x1, first).more(),
            Frame::continuation(second),
        ]));
        assert_eq!(client.read_text(), text);
    }
}

#[test]
fn too_many_fragments_are_1008() {
    let server = server();
    let mut bystander = server.open("/echo");
    let empty = masked(&[Frame::continuation([]).more()]).repeat(70_000);
    let bytes = |payload: &[u8]| masked(&[Frame::continuation(payload).more()]).repeat(30_000);
    for flood in [empty, bytes(b"a")] {
        let mut client = server.open("/echo");
        client.write(masked(&[Frame::text("").more()]));
        client.write(&flood);
        assert_echo(&mut bystander);
        assert_eq!(client.read_close().0, 1008);
        client.expect_end();
        assert_echo(&mut bystander);
    }
    // As many as Autobahn's smallest fragments need are fine.
    let mut client = server.open("/echo");
    client.write(masked(&[Frame::binary([1; 64]).more()]));
    client.write(masked(&[Frame::continuation([1; 64]).more()]).repeat(1022));
    client.write(masked(&[Frame::continuation([1; 64])]));
    assert!(client.read_frame() == Frame::binary(vec![1; MAX_MESSAGE]));
}

#[test]
fn a_close_that_is_none_is_1002_or_1007() {
    let close = |payload: &[u8]| masked(&[Frame::new(0x8, payload)]);
    assert_told(1002, &[("of one byte", close(&[3]))]);
    let codes = [
        0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535,
    ];
    let cases = codes.map(|code| ("code", masked(&[Frame::close(code, "")])));
    assert_told(1002, &cases);
    let reason = [&1000_u16.to_be_bytes()[..], b"\xff"].concat();
    assert_told(1007, &[("a reason that is not UTF-8", close(&reason))]);
}

#[test]
fn a_close_is_answered_with_its_own_code_and_an_empty_one_with_an_empty_one() {
    let server = server();
    let codes = [
        1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000,
        4999,
    ];
    for (close, code) in codes
        .map(|code| (Frame::close(code, "because"), code))
        .into_iter()
        .chain([(Frame::empty_close(), 1005)])
        .chain([(Frame::close(1000, &"a".repeat(123)), 1000)])
    {
        let mut client = server.open("/echo");
        client.send(close);
        assert_eq!(client.read_close().0, code);
        assert_eq!(client.read_to_clean_end(), b"");
    }
}

#[test]
fn fragments_out_of_order_are_1002() {
    let begun = Frame::text("hel").more();
    assert_told(
        1002,
        &[
            ("nothing to continue", masked(&[Frame::continuation("lo")])),
            (
                "nothing more to continue",
                masked(&[Frame::continuation("lo").more()]),
            ),
            (
                "a text inside a text",
                masked(&[begun.clone(), Frame::text("lo")]),
            ),
            (
                "a binary inside a text",
                masked(&[begun, Frame::binary([]).more()]),
            ),
        ],
    );
}

#[test]
fn control_frames_that_are_long_or_fragmented_are_1002() {
    let long = [0; 126];
    assert_told(
        1002,
        &[
            ("half a ping", masked(&[Frame::ping(b"").more()])),
            ("half a pong", masked(&[Frame::pong(b"").more()])),
            ("half a close", masked(&[Frame::close(1000, "").more()])),
            ("a long ping", masked(&[Frame::ping(&long)])),
            ("a long pong", masked(&[Frame::pong(&long)])),
            (
                "a long close",
                masked(&[Frame::close(1000, &"a".repeat(124))]),
            ),
            ("a huge ping", header(Frame::ping(b""), 1 << 62)),
            (
                "a ping that says so in two bytes",
                Frame::ping(&long).mask([0; 4]).header(126, 2),
            ),
        ],
    );
}

#[test]
fn messages_in_front_of_a_bad_frame_are_answered_first() {
    let server = server();
    let mut client = server.open("/echo");
    client.write(masked(&[
        Frame::text("one"),
        Frame::ping(b"two"),
        Frame::text("three"),
        Frame::new(0xF, ""),
        Frame::text("never"),
    ]));
    assert_eq!(client.read_text(), "one");
    assert_eq!(client.read_frame(), Frame::pong(b"two"));
    assert_eq!(client.read_text(), "three");
    assert_eq!(client.read_close().0, 1002);
    client.expect_end();
}

#[test]
fn a_client_that_goes_on_behind_its_bad_frame_still_reads_the_close() {
    let server = server();
    let mut client = server.open("/echo");
    client.write(masked(&[Frame::new(0x3, "")]));
    client.write(masked(&[Frame::binary(vec![0; MAX_MESSAGE])]).repeat(32));
    assert_eq!(client.read_close().0, 1002);
    assert_eq!(client.read_to_clean_end(), b"");
}
