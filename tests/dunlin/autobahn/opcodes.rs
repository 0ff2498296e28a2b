//! Section 4: opcodes that RFC 6455 §5.2 reserves are protocol errors.

use super::*;

/// 3 to 7 are for data frames to come, 11 to 15 for control frames to come.
const RESERVED: [u8; 10] = [3, 4, 5, 6, 7, 11, 12, 13, 14, 15];

#[test]
fn a_reserved_opcode_fails_with_and_without_payload() {
    let server = server();
    // 4.1.1, 4.1.2, 4.2.1, 4.2.2
    for opcode in RESERVED {
        refused(&server, &[Frame::new(opcode, [])], &[], 1002);
        let payload = *b"reserved opcode payload";
        refused(&server, &[Frame::new(opcode, payload)], &[], 1002);
    }
}

#[test]
fn what_came_before_is_answered_and_what_comes_behind_is_not() {
    let server = server();
    let hello = Frame::text("Hello, world!");
    // 4.1.3 to 4.1.5, 4.2.3 to 4.2.5
    for opcode in RESERVED {
        let bad = Frame::new(opcode, *b"Hello, world!");
        let frames = [hello.clone(), bad, Frame::ping(b"")];
        refused(&server, &frames, std::slice::from_ref(&hello), 1002);
    }
}

#[test]
fn a_reserved_opcode_fails_between_fragments_too() {
    let server = server();
    for opcode in RESERVED {
        let frames = [
            Frame::text("a").more(),
            Frame::new(opcode, []),
            Frame::continuation("b"),
        ];
        refused(&server, &frames, &[], 1002);
    }
}

#[test]
fn an_opcode_is_judged_by_its_byte_alone() {
    for opcode in RESERVED {
        let bytes = masked(&Frame::new(opcode, *b"payload"));
        assert_eq!(verdict(&bytes), Verdict::Failed(1, 1002), "{opcode}");
    }
}
