//! Bombs, broken data and mutations: nothing panics, nothing passes the cap.

use super::super::inflate::STEP;
use super::*;
use crate::wire::extension::DecodeError;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// A message of one frame against a cap; what came out, whatever the result.
fn capped(
    transform: &mut dyn Transform,
    payload: &[u8],
    cap: usize,
) -> (Result<(), DecodeError>, Vec<u8>) {
    let info = FrameInfo {
        fin: true,
        reserved: Reserved::RSV1,
        opcode: OpCode::Binary,
    };
    let mut out = Vec::new();
    (transform.decode(info, payload, cap, &mut out), out)
}

/// A deflate stream of this many zeros, 258 to a match, without the tail.
fn zeros(len: usize) -> Vec<u8> {
    deflated(&vec![0; len])
}

#[test]
fn a_bomb_stops_at_the_cap() {
    // 16 MiB of zeros repeat as blocks of a stream: 256 MiB in 260 KB.
    let mut bomb = Vec::new();
    for _ in 0..16 {
        bomb.extend(zeros(16 << 20));
        bomb.extend([0x00, 0x00, 0xff, 0xff]);
    }
    bomb.push(0x00);
    assert!(bomb.len() < CAP);
    for mut transform in [server(&Deflate::new(), ""), with_takeover()] {
        let (result, out) = capped(&mut *transform, &bomb, CAP);
        assert_eq!(result.unwrap_err().code.get(), 1009);
        assert!(out.len() <= CAP);
        assert!(out.capacity() <= CAP + STEP, "{}", out.capacity());
    }
}

#[test]
fn a_bomb_in_fragments_stops_at_the_cap() {
    let bomb = zeros(8 << 20);
    let mut transform = server(&Deflate::new(), "");
    let mut out = Vec::new();
    let mut pieces = bomb.chunks(100).enumerate();
    let error = pieces
        .find_map(|(at, piece)| frame(&mut *transform, at == 0, false, piece, &mut out).err());
    assert_eq!(error.unwrap().code.get(), 1009);
    assert!(out.len() <= CAP);
}

#[test]
fn a_message_may_be_as_long_as_the_cap_and_no_longer() {
    for len in [20, 100, STEP, STEP + 1, 3 * STEP] {
        let payload = zeros(len);
        for mut transform in [server(&Deflate::new(), ""), with_takeover()] {
            let (result, out) = capped(&mut *transform, &payload, len);
            assert_eq!((result, out.len()), (Ok(()), len));
            let (result, _) = capped(&mut *transform, &payload, len - 1);
            assert_eq!(result.unwrap_err().code.get(), 1009);
        }
    }
}

#[test]
fn a_plain_fragment_obeys_the_cap_too() {
    let info = FrameInfo {
        fin: true,
        reserved: Reserved::NONE,
        opcode: OpCode::Text,
    };
    let mut transform = server(&Deflate::new(), "");
    let error = transform.decode(info, b"four", 3, &mut Vec::new());
    assert_eq!(error.unwrap_err().code.get(), 1009);
}

#[test]
fn blocks_that_make_no_output_end_at_a_budget() {
    let empty_blocks = [0x00, 0x00, 0x00, 0xff, 0xff].repeat(1000);
    for mut transform in [server(&Deflate::new(), ""), with_takeover()] {
        let (result, _) = capped(&mut *transform, &empty_blocks, 100);
        assert_eq!(result.unwrap_err().code.get(), 1009);
        let mut out = Vec::new();
        let error = (0..1000)
            .find_map(|at| frame(&mut *transform, at == 0, false, &empty_blocks, &mut out).err());
        assert_eq!(error.unwrap().code.get(), 1009);
    }
}

#[test]
fn broken_data_is_1007() {
    let broken: [&[u8]; 8] = [
        // Block type 3.
        &[0xff],
        &[0x06],
        // Stored lengths that do not match.
        b"\x00\x05\x00\xfa\xfeHello\x00",
        // A distance before the first byte.
        &[0xf2, 0x00, 0x11, 0x00, 0x00],
        // Cut in the middle of a block, and of a stored one.
        &[0xf2, 0x48, 0xcd],
        b"\x00\x05\x00\xfa\xffHel",
        // Garbage behind the end, and behind a final block.
        &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0xff],
        &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0xff],
    ];
    let mut transform = server(&Deflate::new(), "");
    for payload in broken {
        let error = decode(&mut *transform, payload).unwrap_err();
        assert_eq!(error.code.get(), 1007, "{payload:02x?}");
        let error = {
            let mut out = Vec::new();
            frame(&mut *transform, true, false, &payload[..1], &mut out)
                .and_then(|()| frame(&mut *transform, false, true, &payload[1..], &mut out))
        };
        assert_eq!(error.unwrap_err().code.get(), 1007, "{payload:02x?} in two");
    }
    // What one connection sent does not stay in the shared decompressor.
    let hello = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    assert_eq!(decode(&mut *transform, &hello).unwrap(), b"Hello");
}

#[test]
fn a_message_cut_short_is_1007_without_takeover() {
    let payload = encode(&mut *server(&Deflate::new().level(6), ""), &chat(600));
    let mut transform = server(&Deflate::new(), "");
    for len in 1..payload.len() {
        let error = decode(&mut *transform, &payload[..len]).unwrap_err();
        assert_eq!(error.code.get(), 1007, "{len} of {}", payload.len());
    }
}

#[test]
fn mutations_neither_panic_nor_pass_the_cap() {
    let seed = 20;
    let mut random = StdRng::seed_from_u64(seed);
    let originals: Vec<Vec<u8>> = [1, 2, 6, 9]
        .iter()
        .map(|&level| encode(&mut *server(&Deflate::new().level(level), ""), &chat(700)))
        .chain([zeros(100_000), b"\x00\x05\x00\xfa\xffHello\x00".to_vec()])
        .collect();
    let deflate = Deflate::new();
    let takeover = Deflate::new().context_takeover(true);
    for round in 0..4000 {
        let mut payload = originals[round % originals.len()].clone();
        for _ in 0..random.random_range(1..4) {
            let at = random.random_range(0..payload.len());
            match random.random_range(0..3) {
                0 => payload[at] ^= 1 << random.random_range(0..8),
                1 => payload[at] = random.random(),
                _ => payload.truncate(at.max(1)),
            }
        }
        let cap = random.random_range(0..2000);
        let cut = random.random_range(0..=payload.len());
        let of = [&deflate, &takeover][round % 2];
        let mut transform = server(of, "");
        let mut out = Vec::new();
        for (at, piece) in [&payload[..cut], &payload[cut..]].into_iter().enumerate() {
            let info = FrameInfo {
                fin: at == 1,
                reserved: [Reserved::RSV1, Reserved::NONE][at],
                opcode: [OpCode::Binary, OpCode::Continuation][at],
            };
            let room = cap - out.len();
            let result = transform.decode(info, piece, room, &mut out);
            assert!(out.len() <= cap, "seed {seed}, round {round}");
            if let Err(error) = result {
                let code = error.code.get();
                assert!(
                    matches!(code, 1007 | 1009),
                    "seed {seed}, round {round}: {code}"
                );
                break;
            }
        }
        drop(transform);
        assert_eq!(
            of.engine.lock().unwrap().lent(),
            0,
            "seed {seed}, round {round}"
        );
    }
}
