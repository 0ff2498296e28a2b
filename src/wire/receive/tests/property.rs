//! Random streams, good and bad, cut anywhere: the lanes must agree with
//! themselves and with tungstenite.

use super::super::differential::compare;
use super::*;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// Says which seed it was when a test fails.
struct Seed(u64);

impl Drop for Seed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("failed with seed {}", self.0);
        }
    }
}

/// A stream of frames under construction.
struct Stream {
    rng: StdRng,
    client: bool,
    bytes: Vec<u8>,
}

impl Stream {
    fn frame(&mut self, first: u8, payload: &[u8]) {
        let key = (!self.client).then(|| self.rng.random());
        let start = self.bytes.len();
        let (none, binary) = (Reserved::NONE, OpCode::Binary);
        write_header(&mut self.bytes, true, none, binary, payload.len(), key);
        self.bytes[start] = first;
        let start = self.bytes.len();
        self.bytes.extend_from_slice(payload);
        apply_mask(&mut self.bytes[start..], key.unwrap_or_default(), 0);
    }

    fn chance(&mut self, percent: u32) -> bool {
        self.rng.random_ratio(percent, 100)
    }

    /// Text mostly right; sizes around the borders of the length field and the limits.
    fn payload(&mut self, text: bool) -> Vec<u8> {
        let len = match self.rng.random_range(0..40) {
            0 => self.rng.random_range(60_000..70_000),
            1..4 => self.rng.random_range(900..9000),
            4..10 => self.rng.random_range(120..310),
            _ => self.rng.random_range(0..40),
        };
        let mut payload: Vec<u8> = if text {
            let characters = ["a", "é", "웹", "😀", "plain text "];
            let mut text = String::new();
            while text.len() < len {
                text.push_str(characters[self.rng.random_range(0..5)]);
            }
            text.into_bytes()
        } else {
            (0..len).map(|_| self.rng.random()).collect()
        };
        if !payload.is_empty() && self.chance(4) {
            let at = self.rng.random_range(0..payload.len());
            payload[at] = self.rng.random();
        }
        payload
    }

    /// A message in one or more fragments, with control frames in between.
    fn message(&mut self) {
        let text = self.chance(70);
        let payload = self.payload(text);
        let mut opcode = if text { 1 } else { 2 };
        let mut rest = &payload[..];
        while self.chance(35) {
            let (part, tail) = rest.split_at(self.rng.random_range(0..=rest.len()));
            self.frame(opcode, part);
            (opcode, rest) = (0, tail);
            if self.chance(20) {
                self.control();
            }
        }
        self.frame(0x80 | opcode, rest);
    }

    fn control(&mut self) {
        let len = self.rng.random_range(0..=125);
        let payload: Vec<u8> = (0..len).map(|_| self.rng.random()).collect();
        let first = if self.chance(50) { 0x89 } else { 0x8A };
        self.frame(first, &payload);
    }

    fn close(&mut self) {
        let code: u16 = match self.rng.random_range(0..4) {
            0 => self.rng.random_range(995..1020),
            1 => self.rng.random_range(2990..5010),
            2 => 1014,
            _ => 1000,
        };
        let mut payload = code.to_be_bytes().to_vec();
        payload.extend(["", "bye", "잘 가", "\u{7f}"][self.rng.random_range(0..4)].bytes());
        if self.chance(20) {
            payload.push(0xE2);
        }
        if self.chance(20) {
            payload.truncate(self.rng.random_range(0..3));
        }
        self.frame(0x88, &payload);
    }

    /// A header of any kind, with any length field, right or wrong.
    fn wild_header(&mut self) {
        let first = self.rng.random();
        self.bytes.push(first);
        let second: u8 = self.rng.random();
        let second = if self.chance(60) {
            second | 0x7E
        } else {
            second
        };
        self.bytes.push(second ^ if self.client { 0x80 } else { 0 });
        for _ in 0..self.rng.random_range(0..13) {
            let small = self.chance(70);
            let byte = if small { 0 } else { self.rng.random() };
            self.bytes.push(byte);
        }
    }
}

/// What a fuzzer would hand over: rules, cuts, and a stream.
fn random_case(seed: u64) -> Vec<u8> {
    let mut rng = StdRng::seed_from_u64(seed);
    let cuts: u8 = rng.random_range(0..16);
    let mut flags: u8 = rng.random_range(0..32);
    if rng.random_ratio(1, 2) {
        // Mostly the large limits, so that streams get far.
        flags &= 0b0_0111;
    }
    let mut bytes = vec![flags, cuts];
    bytes.extend((0..cuts).map(|_| rng.random::<u8>()));
    let mut stream = Stream {
        client: flags & 1 != 0,
        rng,
        bytes,
    };
    let start = stream.bytes.len();
    for _ in 0..stream.rng.random_range(1..12) {
        match stream.rng.random_range(0..100) {
            0..70 => stream.message(),
            70..85 => stream.control(),
            85..90 => stream.close(),
            90..95 => stream.wild_header(),
            _ => {
                let payload = stream.payload(true);
                let first = stream.rng.random();
                stream.frame(first, &payload);
            }
        }
    }
    if stream.chance(30) {
        let end = stream.rng.random_range(start..=stream.bytes.len());
        stream.bytes.truncate(end);
    }
    if stream.chance(15) && stream.bytes.len() > start {
        let at = stream.rng.random_range(start..stream.bytes.len());
        stream.bytes[at] = stream.rng.random();
    }
    stream.bytes
}

#[test]
fn streams_cut_anywhere_give_what_tungstenite_gives() {
    for seed in 0..3000 {
        let _seed = Seed(seed);
        compare(&random_case(seed));
    }
}

#[test]
fn noise_gives_what_tungstenite_gives() {
    for seed in 0..3000 {
        let _seed = Seed(seed);
        let mut rng = StdRng::seed_from_u64(seed);
        let len = rng.random_range(0..80);
        let data: Vec<u8> = (0..len).map(|_| rng.random()).collect();
        compare(&data);
    }
}

#[test]
fn random_streams_reach_every_kind_of_end() {
    let mut ends = std::collections::BTreeMap::<Option<u16>, u32>::new();
    for seed in 0..1000 {
        let case = random_case(seed);
        let stream = &case[2 + usize::from(case[1] & 0x0F)..];
        if case[0] & 1 == 0 {
            let setup = Setup {
                rules: ReceiveRules {
                    max_message: 8192,
                    ..RULES
                },
                direct: false,
                cuts: Vec::new(),
                meters: Vec::new(),
            };
            let heard = hear(&mut Lanes::new(), &setup, None, stream);
            let end = heard.failure.map(|failure| failure.code.get());
            *ends.entry(end).or_default() += 1;
        }
    }
    for end in [None, Some(1002), Some(1007), Some(1009)] {
        assert!(ends.get(&end) > Some(&20), "{end:?}: {ends:?}");
    }
}
