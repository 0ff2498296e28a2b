//! Real requests with a few bytes changed: no panic, and never an outcome that
//! depends on where the input was cut.

use super::*;
use crate::wire::upgrade;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

#[test]
fn no_mutated_request_panics_or_depends_on_its_cuts() {
    let seeds = [
        get("Content-Length: 12\r\nConnection: close\r\nExpect: 100-continue\r\n"),
        get("Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: http://a\r\n\
             Sec-WebSocket-Protocol: chat, v2\r\n\
             Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=\"15\", x\r\n"),
        "\r\nPOST http://b.org:80/x?y HTTP/1.1\r\nHost: [::1]:80\r\nTransfer-Encoding: chunked\r\n\r\n".into(),
        format!("GET /{} HTTP/1.0\r\n\r\n", "a".repeat(100)),
    ];
    let spice: &[u8] = b"\r\n\0 \t:,;\"=/*%[]#\x7f\xc3a1";
    let mut random = StdRng::seed_from_u64(11);
    for run in 0..4000 {
        let mut input = seeds[run % seeds.len()].clone().into_bytes();
        for _ in 0..random.random_range(0..5) {
            let at = random.random_range(0..input.len());
            match random.random_range(0..5) {
                0 => input[at] = random.random(),
                1 => input[at] = spice[random.random_range(0..spice.len())],
                2 => input.insert(at, spice[random.random_range(0..spice.len())]),
                3 => input.truncate(at.max(1)),
                _ => drop(input.splice(at..at, b"\r\n".iter().copied())),
            }
        }
        let limits = HeadLimits {
            max_target: random.random_range(0..120),
            max_head: random.random_range(0..500),
            max_fields: random.random_range(0..12),
        };
        if let Ok(Some((head, length))) = parse(&input, &limits) {
            assert!(length <= input.len() && length <= limits.max_head);
            let _ = (upgrade::wants_upgrade(&head), upgrade::check_upgrade(&head));
        }
        let mut scanned = random.random_range(0..600);
        let _ = parse_request(&input, &mut scanned, &LIMITS);
    }
}
