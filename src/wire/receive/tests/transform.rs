//! Extensions between the frames and the state machine.

use super::*;
use crate::wire::close::CloseCode;
use crate::wire::extension::{DecodeError, FrameInfo, Transform};

/// An extension for tests: RSV1 on the first frame says that every payload byte
/// stands for `times` such bytes; a byte of 0 does not decode.
#[derive(Debug)]
struct Repeat {
    times: usize,
    /// What the frames before said, as far as they were decoded.
    infos: Vec<FrameInfo>,
}

impl Repeat {
    fn new(times: usize) -> Self {
        Self {
            times,
            infos: Vec::new(),
        }
    }
}

impl Transform for Repeat {
    fn reserved(&self) -> Reserved {
        Reserved::RSV1
    }

    fn wants(&self, first_reserved: Reserved) -> bool {
        first_reserved.intersects(Reserved::RSV1)
    }

    fn decode(
        &mut self,
        info: FrameInfo,
        payload: &[u8],
        cap: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), DecodeError> {
        self.infos.push(info);
        if payload.contains(&0) {
            return Err(DecodeError {
                code: CloseCode::INVALID_DATA,
                reason: "bad data",
            });
        }
        if payload.len() * self.times > cap {
            return Err(DecodeError {
                code: CloseCode::TOO_BIG,
                reason: "message too big",
            });
        }
        for byte in payload {
            out.extend(std::iter::repeat_n(*byte, self.times));
        }
        Ok(())
    }

    fn encode(&mut self, _: OpCode, _: &[u8], _: &mut Work, _: &mut Vec<u8>) -> Option<Reserved> {
        None
    }

    fn share_key(&self) -> Option<u32> {
        None
    }
}

/// Feeds `stream` in all ways with this extension agreed on; all must agree.
fn listen_with(times: usize, rules: ReceiveRules, stream: &[u8]) -> Heard {
    let mut lanes = Lanes::new();
    let ways = [vec![1], vec![5, 1, 40], vec![]].map(|cuts| {
        let setup = Setup {
            rules,
            direct: !cuts.is_empty(),
            cuts,
            meters: Vec::new(),
        };
        hear(&mut lanes, &setup, Some(&mut Repeat::new(times)), stream)
    });
    let [first, second, whole] = ways;
    assert_eq!(first, whole);
    assert_eq!(second, whole);
    whole
}

#[test]
fn a_marked_frame_is_decoded_and_a_plain_one_is_not() {
    let stream = [frame(0xC1, b"ab"), frame(0x81, b"ab"), frame(0xC2, b"")];
    let heard = listen_with(2, RULES, &stream.concat());
    let empty = SeenEvent::Binary(vec![]);
    assert_eq!(heard.seen, [text("aabb"), text("ab"), empty]);
}

#[test]
fn the_fragments_of_a_marked_message_are_all_decoded() {
    let stream = [
        frame(0x41, b"ab"),
        frame(0x00, b"c"),
        frame(0x8A, b"d"),
        frame(0x80, b""),
        frame(0x01, b"x"),
        frame(0x80, b"y"),
    ];
    let heard = listen_with(2, RULES, &stream.concat());
    let pong = SeenEvent::Pong(b"d".to_vec());
    assert_eq!(heard.seen, [pong, text("aabbcc"), text("xy")]);
}

#[test]
fn decoding_sees_the_header_as_it_came() {
    let mut repeat = Repeat::new(1);
    let setup = Setup {
        rules: RULES,
        direct: false,
        cuts: vec![3],
        meters: Vec::new(),
    };
    let stream = [frame(0x42, b"a"), frame(0x80, b"b")].concat();
    hear(&mut Lanes::new(), &setup, Some(&mut repeat), &stream);
    let first = FrameInfo {
        fin: false,
        reserved: Reserved::RSV1,
        opcode: OpCode::Binary,
    };
    let last = FrameInfo {
        fin: true,
        reserved: Reserved::NONE,
        opcode: OpCode::Continuation,
    };
    assert_eq!(repeat.infos, [first, last]);
}

#[test]
fn decoded_text_is_checked() {
    let wrong = listen_with(2, RULES, &frame(0xC1, "é".as_bytes()));
    assert_eq!(wrong.failure.unwrap().code, CloseCode::INVALID_DATA);
    let wrong = listen_with(2, RULES, &frame(0x41, "é".as_bytes()));
    assert_eq!(wrong.failure.unwrap().code, CloseCode::INVALID_DATA);
    let right = listen_with(1, RULES, &frame(0xC1, "é".as_bytes()));
    assert_eq!(right.seen, [text("é")]);
    let cut = [frame(0x41, b"\xc3"), frame(0x80, b"\xa9")].concat();
    assert_eq!(listen_with(1, RULES, &cut).seen, [text("é")]);
}

#[test]
fn a_decoding_error_is_the_failure() {
    let heard = listen_with(2, RULES, &frame(0xC1, b"a\0"));
    assert_eq!(heard.failure.unwrap().reason, "bad data");
}

#[test]
fn the_message_limit_holds_for_what_was_decoded() {
    let rules = ReceiveRules {
        max_message: 8,
        ..RULES
    };
    assert_eq!(listen_with(4, rules, &frame(0xC2, b"ab")).failure, None);
    let big = listen_with(4, rules, &frame(0xC2, b"abc"));
    assert_eq!(big.failure.unwrap().code, CloseCode::TOO_BIG);
    let fragments = [frame(0x42, b"a"), frame(0x00, b"b"), frame(0x80, b"c")].concat();
    let big = listen_with(4, rules, &fragments);
    assert_eq!(big.failure.unwrap().code, CloseCode::TOO_BIG);
}

#[test]
fn an_encoded_frame_may_be_longer_than_the_message_it_stands_for() {
    let rules = ReceiveRules {
        max_message: 8,
        ..RULES
    };
    let stream = [
        frame(0xC2, &[1; 100]),
        frame(0x42, &[1; 100]),
        frame(0x80, &[1; 100]),
    ];
    let heard = listen_with(0, rules, &stream.concat());
    assert_eq!(
        heard.seen,
        [SeenEvent::Binary(vec![]), SeenEvent::Binary(vec![])]
    );
}

#[test]
fn a_big_decoded_message_leaves_no_memory_behind() {
    let mut lanes = Lanes::new();
    let rules = ReceiveRules {
        max_message: 8 << 20,
        ..RULES
    };
    let setup = Setup {
        rules,
        direct: false,
        cuts: Vec::new(),
        meters: Vec::new(),
    };
    let stream = frame(0xC2, &[1; 1000]);
    let heard = hear(&mut lanes, &setup, Some(&mut Repeat::new(2000)), &stream);
    assert_eq!(heard.seen, [SeenEvent::Binary(vec![1; 2_000_000])]);
    assert_eq!(lanes.decoded.capacity(), 0);
}

#[test]
fn only_agreed_bits_on_first_frames_are_allowed() {
    let fails = |stream: &[u8]| {
        let heard = listen_with(1, RULES, stream);
        assert_eq!(heard.failure.map(|failure| failure.code.get()), Some(1002));
    };
    fails(&[0xA1]);
    fails(&[0xC9]);
    fails(&[0xC0]);
    fails(&[frame(0x41, b"a"), vec![0xC0]].concat());
    fails(&[frame(0x01, b"a"), vec![0xC0]].concat());
}

#[test]
fn raw_connections_get_marked_frames_undecoded() {
    let rules = ReceiveRules { raw: true, ..RULES };
    let heard = listen_with(2, rules, &frame(0xC1, b"ab"));
    assert_eq!(heard.seen, [SeenEvent::Frame(OpCode::Text, b"ab".to_vec())]);
}
