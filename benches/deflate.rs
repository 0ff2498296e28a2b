//! What permessage-deflate costs per message: `cargo bench --bench deflate [-- --record]`.
//!
//! Nanoseconds to compress and to inflate one message and the size it
//! came out at, for chat-like JSON of 64 and 512 bytes and 16 KiB of prose, by
//! level and with and without context takeover. One warm connection, one thread;
//! the best of five rounds, so that a busy machine matters less. A message that
//! does not shrink goes out plain: its row shows the cost of finding out. The
//! compressor meets the same message again and again, so with takeover its time
//! is that of one long repeat; `bytes` is the first message of a connection.

mod record;

use dunlin::Deflate;
use dunlin::wire::extension::{Extension, FrameInfo, Offer, Transform};
use dunlin::wire::work::Work;
use dunlin::{OpCode, Reserved};
use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Duration, Instant};

const ROUNDS: u32 = 5;
const ROUND: Duration = Duration::from_millis(60);
const CAP: usize = 1 << 20;

fn main() -> ExitCode {
    record::main("deflate", run)
}

fn run() -> String {
    let mut rows = Vec::new();
    for (name, text) in [
        ("JSON 64 B", json(64)),
        ("JSON 512 B", json(512)),
        ("prose 16 KiB", prose(16 * 1024)),
    ] {
        for (level, takeover) in [(1, false), (2, false), (6, false), (1, true), (6, true)] {
            rows.push(row(name, &text, level, takeover));
        }
    }
    let head = [
        "message", "level", "takeover", "deflate", "inflate", "bytes",
    ];
    let table = record::table(head, &rows);
    format!(
        "The best of {ROUNDS} rounds of {ROUND:?}.\n\n{table}\n{}\n",
        hostile()
    )
}

fn row(name: &str, text: &[u8], level: u8, takeover: bool) -> [String; 6] {
    let deflate = Deflate::new().level(level).context_takeover(takeover);
    let mut sender = connection(&deflate);
    let mut payload = Vec::new();
    let deflate_ns = best(|| {
        payload.clear();
        black_box(sender.encode(OpCode::Text, text, &mut Work::unlimited(), &mut payload));
    });
    // With takeover the first message of a connection refers to nothing, so it
    // can be inflated over and over.
    payload.clear();
    let shrunk =
        connection(&deflate).encode(OpCode::Text, text, &mut Work::unlimited(), &mut payload);
    let (inflate, bytes) = match shrunk {
        None => ("–".to_owned(), "plain".to_owned()),
        Some(_) => {
            let mut receiver = connection(&deflate);
            let mut out = Vec::new();
            let inflate_ns = best(|| {
                out.clear();
                decode(&mut *receiver, &payload, &mut out);
            });
            assert_eq!(out, text);
            (record::nanoseconds(inflate_ns), payload.len().to_string())
        }
    };
    let kept = if takeover { "on" } else { "off" };
    [
        name.to_owned(),
        level.to_string(),
        kept.to_owned(),
        record::nanoseconds(deflate_ns),
        inflate,
        bytes,
    ]
}

/// The longest that one frame of a megabyte can take: blocks that end at once.
fn hostile() -> String {
    let payload = [0x03, 0x00].repeat(CAP / 2);
    let mut receiver = connection(&Deflate::new());
    let mut out = Vec::new();
    let ns = best(|| decode(&mut *receiver, &payload, &mut out));
    format!(
        "1 MiB of empty final blocks inflates in {:.1} ms.",
        ns / 1e6
    )
}

fn connection(deflate: &Deflate) -> Box<dyn Transform> {
    let offer = Offer {
        name: deflate.name().to_owned(),
        params: Vec::new(),
    };
    deflate.accept(&offer).expect("a bare offer").transform
}

fn decode(transform: &mut dyn Transform, payload: &[u8], out: &mut Vec<u8>) {
    let info = FrameInfo {
        fin: true,
        reserved: Reserved::RSV1,
        opcode: OpCode::Text,
    };
    transform
        .decode(info, black_box(payload), CAP, out)
        .expect("our own message");
}

/// Nanoseconds per call in the best round.
fn best(mut call: impl FnMut()) -> f64 {
    let mut least = f64::INFINITY;
    for _ in 0..ROUNDS {
        let mut calls = 0u32;
        let start = Instant::now();
        while start.elapsed() < ROUND {
            for _ in 0..8 {
                call();
            }
            calls += 8;
        }
        least = least.min(start.elapsed().as_nanos() as f64 / f64::from(calls));
    }
    least
}

fn json(len: usize) -> Vec<u8> {
    let mut text = String::new();
    for number in 0..len {
        let user = number * 7919 % 97;
        text += &format!(
            r#"{{"type":"TALK","sender":"user{user}","message":"hello {}"}}"#,
            number * 31
        );
        if text.len() >= len {
            break;
        }
    }
    text.truncate(len);
    text.into_bytes()
}

fn prose(len: usize) -> Vec<u8> {
    let words = "the loop reads a frame and the room hears it before the clock has moved \
                 so that nobody waits for somebody else while a slow reader costs only itself";
    let words: Vec<_> = words.split(' ').collect();
    let mut text = String::new();
    let mut state = 1u32;
    while text.len() < len {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        text += words[(state >> 16) as usize % words.len()];
        text.push(' ');
    }
    text.truncate(len);
    text.into_bytes()
}
