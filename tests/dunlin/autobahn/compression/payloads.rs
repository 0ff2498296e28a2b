//! Five kinds of payload, like the files of the suite: JSON, HTML, prose, a picture, and what is
//! compressed already. Messages are cut out of them one behind the other, round and round.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// Longer than the largest window, so that a message can refer to nothing but itself.
const LENGTH: usize = 150_000;

/// A source of messages.
pub(super) enum Payload {
    Text(Vec<char>, usize),
    Binary(Vec<u8>, usize),
}

impl Payload {
    fn text(text: &str) -> Self {
        Self::Text(text.chars().collect(), 0)
    }

    /// Text or binary.
    pub(super) fn opcode(&self) -> u8 {
        match self {
            Self::Text(..) => 0x1,
            Self::Binary(..) => 0x2,
        }
    }

    /// The next message of this many characters or bytes.
    pub(super) fn next(&mut self, length: usize) -> Vec<u8> {
        match self {
            Self::Text(all, at) => turn(all, at, length)
                .iter()
                .collect::<String>()
                .into_bytes(),
            Self::Binary(all, at) => turn(all, at, length),
        }
    }
}

/// Takes from where the last one ended.
fn turn<T: Copy>(all: &[T], at: &mut usize, length: usize) -> Vec<T> {
    let taken = all.iter().cycle().skip(*at).take(length);
    *at = (*at + length) % all.len();
    taken.copied().collect()
}

/// One of each kind.
pub(super) fn all() -> [Payload; 5] {
    [json(), html(), prose(), picture(), noise()]
}

/// Records that look alike, with characters of one to four bytes. The keys come again after some
/// 4 KiB and stand nowhere between: a compressor that looks too far back refers to them.
pub(super) fn json() -> Payload {
    let record = |number: usize| {
        let key = (number as u64 % 40 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let other = number * 7919 % 1000;
        format!(
            r#"{{"id":{number},"sender":"user{other}","key":"{key:016x}","message":"안녕 {number} – 😀"}}"#
        )
    };
    Payload::text(&(0..LENGTH / 90).map(record).collect::<String>())
}

fn html() -> Payload {
    let row = |number: usize| {
        let (class, square) = (number % 7, number * number);
        format!("<tr class=\"row{class}\"><td>{number}</td><td><b>{square}</b></td></tr>\n")
    };
    Payload::text(&(0..LENGTH / 60).map(row).collect::<String>())
}

/// Words in no order, as bytes.
fn prose() -> Payload {
    let words = [
        "der", "Geist", "die", "Welt", "und", "ewig", "nicht", "Kraft",
    ];
    let mut rng = StdRng::seed_from_u64(1);
    let mut text = String::new();
    while text.len() < LENGTH {
        text += words[rng.random_range(0..words.len())];
        text += [" ", ", ", ".\n"][rng.random_range(0..3)];
    }
    Payload::Binary(text.into_bytes(), 0)
}

/// Neighbouring bytes are alike, and never quite the same.
fn picture() -> Payload {
    let mut rng = StdRng::seed_from_u64(2);
    let mut shade = 128_u8;
    let pixel = |_| {
        shade = shade.wrapping_add(rng.random_range(0..5)).wrapping_sub(2);
        shade
    };
    Payload::Binary((0..LENGTH).map(pixel).collect(), 0)
}

/// Nothing to compress.
fn noise() -> Payload {
    let mut rng = StdRng::seed_from_u64(3);
    Payload::Binary((0..LENGTH).map(|_| rng.random()).collect(), 0)
}
