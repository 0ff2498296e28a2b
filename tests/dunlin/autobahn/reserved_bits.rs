//! Section 3: a reserved bit that no extension has claimed is a protocol error.

use super::*;

/// All seven patterns in the places of the first byte.
fn patterns() -> impl Iterator<Item = u8> {
    (1..8).map(|bits| bits << 4)
}

#[test]
fn reserved_bits_fail_the_first_frame_of_any_kind() {
    let server = server();
    let hello = Frame::text("Hello, world!");
    // 3.1, 3.5, 3.6 and 3.7 try one pattern each.
    for bits in patterns() {
        refused(&server, &[hello.clone().reserved(bits)], &[], 1002);
        let binary = Frame::binary([0x00, 0xFF, 0xFE, 0xFD, 0xFC, 0xFB, 0x00, 0xFF]);
        refused(&server, &[binary.reserved(bits)], &[], 1002);
        refused(&server, &[Frame::ping(b"Hello").reserved(bits)], &[], 1002);
        refused(&server, &[Frame::empty_close().reserved(bits)], &[], 1002);
    }
}

#[test]
fn what_came_before_is_answered_and_what_comes_behind_is_not() {
    let server = server();
    let hello = Frame::text("Hello, world!");
    // 3.2, 3.3, 3.4
    for bits in patterns() {
        let bad = hello.clone().reserved(bits);
        let frames = [hello.clone(), bad, Frame::ping(b"")];
        refused(&server, &frames, std::slice::from_ref(&hello), 1002);
    }
}

#[test]
fn a_reserved_bit_on_a_continuation_fails() {
    let server = server();
    for bits in patterns() {
        let last = Frame::continuation("b").reserved(bits);
        refused(&server, &[Frame::text("a").more(), last], &[], 1002);
    }
}

#[test]
fn a_reserved_bit_fails_with_the_byte_that_carries_it() {
    for bits in patterns() {
        let bytes = masked(&Frame::text("Hello").reserved(bits));
        assert_eq!(verdict(&bytes), Verdict::Failed(1, 1002), "{bits:#x}");
    }
}
