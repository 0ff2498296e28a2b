//! Messages in fragments, empty ones, stored ones, and frames in the wrong place.

use super::*;

/// The transforms whose receiving side differs.
fn kinds() -> [Box<dyn Transform>; 2] {
    [server(&Deflate::new(), ""), with_takeover()]
}

#[test]
fn a_message_cut_anywhere_is_the_same_message() {
    let plain = chat(300);
    let payload = encode(&mut *server(&Deflate::new().level(6), ""), &plain);
    for mut transform in kinds() {
        for cut in 0..=payload.len() {
            for second in [cut, (cut + payload.len()) / 2, payload.len()] {
                let mut out = Vec::new();
                frame(&mut *transform, true, false, &payload[..cut], &mut out).unwrap();
                frame(
                    &mut *transform,
                    false,
                    false,
                    &payload[cut..second],
                    &mut out,
                )
                .unwrap();
                frame(&mut *transform, false, true, &payload[second..], &mut out).unwrap();
                assert_eq!(out, plain, "cut at {cut} and {second}");
            }
        }
    }
}

#[test]
fn a_message_comes_byte_by_byte() {
    let plain = chat(2000);
    let payload = encode(&mut *server(&Deflate::new(), ""), &plain);
    for mut transform in kinds() {
        let mut out = Vec::new();
        for (at, byte) in payload.iter().enumerate() {
            let fin = at + 1 == payload.len();
            frame(&mut *transform, at == 0, fin, &[*byte], &mut out).unwrap();
        }
        assert_eq!(out, plain);
    }
}

#[test]
fn empty_messages_come_in_every_form_and_leave_the_window_alone() {
    for mut transform in kinds() {
        // No byte at all, the byte of RFC 7692 §7.2.3.6, a final block without and with it.
        let empty: [&[u8]; 4] = [&[], &[0x00], &[0x03, 0x00], &[0x03, 0x00, 0x00]];
        for payload in empty {
            assert_eq!(decode(&mut *transform, payload).unwrap(), b"");
        }
    }
    let mut transform = with_takeover();
    decode(&mut *transform, &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00]).unwrap();
    decode(&mut *transform, &[]).unwrap();
    decode(&mut *transform, &[0x00]).unwrap();
    let again = decode(&mut *transform, &[0xf2, 0x00, 0x11, 0x00, 0x00]);
    assert_eq!(again.unwrap(), b"Hello");
}

#[test]
fn an_empty_message_goes_out_plain() {
    let deflate = Deflate::new().min_size(0);
    for takeover in [false, true] {
        let mut transform = server(&deflate.clone().context_takeover(takeover), "");
        let mut out = Vec::new();
        assert_eq!(
            transform.encode(OpCode::Text, b"", &mut Work::unlimited(), &mut out),
            None
        );
        assert_eq!(out, b"");
    }
}

#[test]
fn data_behind_a_final_block_is_the_next_block() {
    let final_hello = [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    let mut payload = [final_hello, final_hello].concat();
    for mut transform in kinds() {
        // The byte that RFC 7692 §7.2.3.4 puts at the end may be missing.
        assert_eq!(decode(&mut *transform, &payload).unwrap(), b"HelloHello");
    }
    payload.extend(b"\x00\x05\x00\xfa\xffworld\x00");
    for mut transform in kinds() {
        for cut in 0..payload.len() {
            let mut out = Vec::new();
            frame(&mut *transform, true, false, &payload[..cut], &mut out).unwrap();
            frame(&mut *transform, false, true, &payload[cut..], &mut out).unwrap();
            assert_eq!(out, b"HelloHelloworld", "cut at {cut}");
        }
    }
}

#[test]
fn messages_around_the_size_of_a_step_come_whole() {
    let step = super::super::inflate::STEP;
    for len in [step - 1, step, step + 1, 2 * step, 3 * step + 7] {
        let plain = vec![b'x'; len];
        let payload = deflated(&plain);
        for mut transform in kinds() {
            for _ in 0..2 {
                assert_eq!(decode(&mut *transform, &payload).unwrap(), plain, "{len}");
            }
        }
    }
}

#[test]
fn plain_messages_pass_between_compressed_ones() {
    let mut transform = with_takeover();
    decode(&mut *transform, &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00]).unwrap();
    let mut out = Vec::new();
    for (opcode, fin, text) in [
        (OpCode::Text, false, "pla"),
        (OpCode::Continuation, true, "in"),
    ] {
        let info = FrameInfo {
            fin,
            reserved: Reserved::NONE,
            opcode,
        };
        transform
            .decode(info, text.as_bytes(), 3, &mut out)
            .unwrap();
    }
    assert_eq!(out, b"plain");
    let again = decode(&mut *transform, &[0xf2, 0x00, 0x11, 0x00, 0x00]);
    assert_eq!(again.unwrap(), b"Hello");
}

#[test]
fn only_the_first_frame_of_a_message_may_have_the_bit() {
    let reserved = |opcode, reserved| FrameInfo {
        fin: true,
        reserved,
        opcode,
    };
    for mut transform in kinds() {
        let mut out = Vec::new();
        frame(&mut *transform, true, false, &[0xf2], &mut out).unwrap();
        for info in [
            reserved(OpCode::Continuation, Reserved::RSV1),
            reserved(OpCode::Text, Reserved::RSV1),
            reserved(OpCode::Binary, Reserved::NONE),
            reserved(OpCode::Continuation, Reserved::RSV2),
            reserved(OpCode::Text, Reserved(0x60)),
        ] {
            let error = transform.decode(info, &[0x00], CAP, &mut out).unwrap_err();
            assert_eq!(error.code.get(), 1002, "{info:?}");
        }
    }
}

#[test]
fn only_frames_of_compressed_messages_are_wanted() {
    let transform = server(&Deflate::new(), "");
    assert_eq!(transform.reserved(), Reserved::RSV1);
    assert!(transform.wants(Reserved::RSV1));
    assert!(!transform.wants(Reserved::NONE));
}
