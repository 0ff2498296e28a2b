//! Both roles talk to each other, over every window, with and without takeover.

use super::*;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// A client and a server that agreed.
fn pair(deflate: &Deflate) -> [Box<dyn Transform>; 2] {
    let agreement = deflate.accept(&deflate.offers()[0]).unwrap();
    let client = deflate.confirm(&agreement.response).unwrap();
    [client, agreement.transform]
}

/// Words, repeats and noise, in any proportion.
fn message(random: &mut StdRng) -> Vec<u8> {
    let len = match random.random_range(0..10) {
        0 => random.random_range(0..20_000),
        _ => random.random_range(0..1500),
    };
    let mut text = Vec::with_capacity(len);
    while text.len() < len {
        match random.random_range(0..5) {
            0 => text.push(random.random()),
            1 if !text.is_empty() => {
                let from = random.random_range(0..text.len());
                let to = text.len().min(from + random.random_range(0..400));
                text.extend_from_within(from..to);
            }
            2 => text.extend("안녕하세요 ".bytes()),
            _ => text.extend(format!("word{} ", random.random_range(0..50)).bytes()),
        }
    }
    text.truncate(len);
    text
}

/// Sends a message, in one frame or in several; what arrived.
fn send(
    from: &mut dyn Transform,
    to: &mut dyn Transform,
    text: &[u8],
    random: &mut StdRng,
) -> Vec<u8> {
    let mut payload = Vec::new();
    let reserved = from
        .encode(OpCode::Text, text, &mut Work::unlimited(), &mut payload)
        .unwrap_or(Reserved::NONE);
    if !to.wants(reserved) {
        return text.to_vec();
    }
    let mut out = Vec::new();
    let piece = match random.random_range(0..3) {
        0 => random.random_range(1..=payload.len()),
        _ => payload.len(),
    };
    let last = payload.chunks(piece).len() - 1;
    for (at, bytes) in payload.chunks(piece).enumerate() {
        frame(to, at == 0, at == last, bytes, &mut out).unwrap();
    }
    out
}

fn round_trips(level: u8, messages: u32) {
    for takeover in [false, true] {
        for bits in 9..=15 {
            let deflate = Deflate::new()
                .level(level)
                .min_size(0)
                .context_takeover(takeover)
                .server_max_window_bits(bits)
                .client_max_window_bits(24 - bits);
            let seed = u64::from(bits);
            let mut random = StdRng::seed_from_u64(seed);
            let [mut client, mut server] = pair(&deflate);
            for number in 0..messages {
                let text = message(&mut random);
                let context = format!("bits {bits}, takeover {takeover}, message {number}");
                let got = send(&mut *client, &mut *server, &text, &mut random);
                assert!(got == text, "to the server: {context}");
                let got = send(&mut *server, &mut *client, &text, &mut random);
                assert!(got == text, "to the client: {context}");
            }
        }
    }
}

#[test]
fn level_1_over_every_window() {
    round_trips(1, 60);
}

#[test]
fn level_6_over_every_window() {
    round_trips(6, 30);
}

#[test]
fn level_9_over_every_window() {
    round_trips(9, 10);
}

#[test]
fn a_window_of_256_bytes_is_served_both_ways() {
    let deflate = Deflate::new().context_takeover(true);
    let agreement = deflate
        .accept(&element(&format!(
            "{NAME}; server_max_window_bits=8; client_max_window_bits=8"
        )))
        .unwrap();
    let mut client = deflate.confirm(&agreement.response).unwrap();
    let mut server = agreement.transform;
    let mut random = StdRng::seed_from_u64(8);
    for _ in 0..20 {
        let text = message(&mut random);
        assert!(send(&mut *server, &mut *client, &text, &mut random) == text);
        assert!(send(&mut *client, &mut *server, &text, &mut random) == text);
    }
}
