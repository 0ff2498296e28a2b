//! What goes out compressed, what plain, and the encoder of level 1.

use super::super::quick::Quick;
use super::*;
use crate::wire::work::price;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

fn plain(transform: &mut dyn Transform, opcode: OpCode, payload: &[u8]) -> bool {
    let mut out = b"kept".to_vec();
    let reserved = transform.encode(opcode, payload, &mut Work::unlimited(), &mut out);
    assert_eq!(reserved.is_none(), out == b"kept");
    reserved.is_none()
}

/// The longest message that is compressed at this level.
fn longest(level: u8) -> usize {
    let per_byte = price::DEFLATE[usize::from(level)];
    price::DEFLATE_MOST
        .checked_div(per_byte)
        .map_or(usize::MAX, |bytes| bytes as usize)
}

#[test]
fn a_message_too_long_for_one_step_goes_out_plain() {
    for takeover in [false, true] {
        for level in 1..=9 {
            let deflate = Deflate::new().level(level).context_takeover(takeover);
            let mut transform = server(&deflate, "");
            let text = chat(longest(level) + 1);
            assert!(plain(&mut *transform, OpCode::Text, &text), "level {level}");
            let text = &text[..longest(level)];
            assert!(!plain(&mut *transform, OpCode::Text, text), "level {level}");
        }
    }
}

#[test]
fn what_compressing_costs_is_charged_and_what_goes_out_plain_is_not() {
    for (level, reset) in [(1, 0), (6, price::DEFLATE_RESET)] {
        let mut transform = server(&Deflate::new().level(level), "");
        let mut work = Work::new(1 << 20);
        for (text, cost) in [
            (
                chat(1000),
                1000 * price::DEFLATE[usize::from(level)] + reset,
            ),
            (chat(10), 0),
            (chat(longest(level) + 1), 0),
        ] {
            let before = work.left();
            transform.encode(OpCode::Text, &text, &mut work, &mut Vec::new());
            assert_eq!(before - work.left(), i64::from(cost), "level {level}");
        }
    }
}

#[test]
fn messages_below_the_minimum_size_go_out_plain() {
    let mut transform = server(&Deflate::new().min_size(100), "");
    assert!(plain(&mut *transform, OpCode::Text, &[b'x'; 99]));
    assert!(!plain(&mut *transform, OpCode::Text, &[b'x'; 100]));
}

#[test]
fn the_predicate_is_asked_with_opcode_and_payload() {
    let text_only = |opcode, payload: &[u8]| opcode == OpCode::Text && payload[0] != b'-';
    let mut transform = server(&Deflate::new().compress_if(text_only), "");
    assert!(!plain(&mut *transform, OpCode::Text, &[b'x'; 100]));
    assert!(plain(&mut *transform, OpCode::Text, &[b'-'; 100]));
    assert!(plain(&mut *transform, OpCode::Binary, &[b'x'; 100]));
}

#[test]
fn what_does_not_shrink_goes_out_plain_at_every_level() {
    let mut random = StdRng::seed_from_u64(1);
    for level in 0..=9 {
        let mut transform = server(&Deflate::new().level(level), "");
        for len in [64, 1000, 50_000] {
            let noise: Vec<u8> = (0..len).map(|_| random.random()).collect();
            assert!(
                plain(&mut *transform, OpCode::Binary, &noise),
                "level {level}"
            );
        }
    }
}

#[test]
fn with_takeover_what_does_not_shrink_goes_out_all_the_same() {
    let mut random = StdRng::seed_from_u64(1);
    let noise: Vec<u8> = (0..70_000).map(|_| random.random()).collect();
    for level in 0..=9 {
        let noise = &noise[..longest(level).min(noise.len())];
        let mut sender = server(&Deflate::new().level(level).context_takeover(true), "");
        let mut receiver = with_takeover();
        for _ in 0..2 {
            let payload = encode(&mut *sender, noise);
            assert_eq!(
                decode(&mut *receiver, &payload).unwrap(),
                noise,
                "level {level}"
            );
        }
    }
}

#[test]
fn output_is_appended() {
    for takeover in [false, true] {
        for level in [1, 6] {
            let deflate = Deflate::new().level(level).context_takeover(takeover);
            let mut out = b"kept".to_vec();
            server(&deflate, "").encode(OpCode::Text, &chat(500), &mut Work::unlimited(), &mut out);
            let alone = encode(&mut *server(&deflate, ""), &chat(500));
            assert_eq!(out, [b"kept", &alone[..]].concat());
        }
    }
}

#[test]
fn a_window_is_looked_through_to_its_end_and_not_beyond() {
    let mut random = StdRng::seed_from_u64(2);
    let noise: Vec<u8> = (0..100).map(|_| random.random()).collect();
    for bits in 8..=15 {
        // The same noise again, a window's length behind, and one byte further.
        let [found, missed] = [0, 1].map(|over| {
            let mut text = noise.clone();
            text.resize((1 << bits) + over, b' ');
            text.extend(&noise);
            let mut out = Vec::new();
            assert!(Quick::new().encode(&text, bits, &mut out));
            out.len()
        });
        assert!(found + 90 < missed, "2^{bits}: {found}, {missed}");
    }
}

#[test]
fn every_length_and_distance_code_of_the_quick_encoder_is_right() {
    let mut quick = Quick::new();
    let mut receiver = server(&Deflate::new(), "");
    for len in 4..=600 {
        let text = [b"<", &vec![b'a'; len][..], b"some tail"].concat();
        let mut out = Vec::new();
        if quick.encode(&text, 15, &mut out) {
            assert_eq!(decode(&mut *receiver, &out).unwrap(), text, "length {len}");
        }
    }
    let mut random = StdRng::seed_from_u64(3);
    let noise: Vec<u8> = (0..40_000).map(|_| random.random_range(0..100)).collect();
    for power in 3..=15 {
        for distance in [
            (1 << power) - 1,
            1 << power,
            (1 << power) + 1,
            3 << (power - 2),
        ] {
            let mut text = noise[..distance].to_vec();
            text.extend_from_within(..distance.min(2000));
            text.extend([b' '; 60]);
            let mut out = Vec::new();
            if quick.encode(&text, 15, &mut out) {
                assert_eq!(decode(&mut *receiver, &out).unwrap(), text, "{distance}");
            } else {
                assert!(distance > 10_000, "{distance}");
            }
        }
    }
}
