//! permessage-deflate: what peers may send to be inflated, and what may have to be deflated.

use crate::bytes::{chance, json, runs};
use crate::clock::Clock;
use crate::row::Row;
use dunlin::Deflate;
use dunlin::wire::extension::{Extension, FrameInfo, FramePart, Offer, Transform};
use dunlin::wire::work::{Work, price};
use dunlin::{OpCode, Reserved};
use dunlin_bench::flood::deflate_stream::{Bits, message};
use std::cell::{Cell, RefCell};
use std::hint::black_box;

const CAP: usize = 4 << 20;
/// Bytes of empty blocks.
const BLOCKS: usize = 16 << 10;
/// Contexts at a time.
const CONTEXTS: usize = 64;
/// The longest that is deflated at a time.
const LONGEST: usize = 16 << 10;

pub(crate) fn rows(clock: Clock) -> Vec<Row> {
    let mut rows = inflate(clock);
    // Levels times texts: many.
    rows.extend(deflate(Clock {
        round: clock.round / 4,
        ..clock
    }));
    rows
}

fn connection(level: u8, takeover: bool) -> Box<dyn Transform> {
    let deflate = Deflate::new().level(level).min_size(0);
    let deflate = deflate.context_takeover(takeover);
    let offer = Offer {
        name: deflate.name().to_owned(),
        params: Vec::new(),
    };
    deflate.accept(&offer).expect("a bare offer").transform
}

/// Units, bytes out and nanoseconds of a message that is inflated.
fn inflated(clock: Clock, payload: &[u8]) -> (f64, usize, f64) {
    let mut receiver = connection(1, false);
    let (units, made) = (Cell::new(0.0), Cell::new(0));
    let mut out = Vec::new();
    let ns = clock.per_call(|| {
        let mut work = Work::unlimited();
        let (mut at, mut first) = (0, true);
        made.set(0);
        loop {
            let part = FramePart {
                info: FrameInfo {
                    fin: true,
                    reserved: Reserved::RSV1,
                    opcode: OpCode::Binary,
                },
                first,
                last: true,
                payload: &black_box(payload)[at..],
            };
            // As the lanes do: what was made goes on at once.
            out.clear();
            let progress = receiver.decode_part(part, CAP, &mut work, &mut out);
            let progress = progress.expect("a good stream");
            made.set(made.get() + black_box(&out).len());
            (at, first) = (at + progress.taken, false);
            if progress.done && at == payload.len() {
                break;
            }
        }
        units.set((Work::unlimited().left() - work.left()) as f64);
    });
    (units.get(), made.get(), ns)
}

fn inflate(clock: Clock) -> Vec<Row> {
    let (units, _, empty) = inflated(clock, &[0x00]);
    let mut rows = vec![Row::whole(
        "RESET + INFLATE_IN",
        "empty compressed messages",
        units,
        empty,
    )];
    let item = "INFLATE_IN";
    let a_byte = f64::from(price::INFLATE_IN);
    for (input, block, bits) in [
        (
            "empty blocks of the largest tables, a byte",
            dynamic_block(),
            DYNAMIC_BITS,
        ),
        ("empty blocks of fixed codes, a byte", vec![0x02, 0x00], 10),
        (
            "empty stored blocks, a byte",
            vec![0x00, 0x00, 0x00, 0xff, 0xff],
            40,
        ),
    ] {
        let blocks = repeat_bits(&block, bits, BLOCKS);
        let (units, _, ns) = inflated(clock, &blocks);
        let len = blocks.len() as f64;
        rows.push(Row::new(item, input, a_byte, (ns - empty) / len));
        let input = input.trim_end_matches(", a byte");
        rows.push(Row::whole("RESET + INFLATE_IN", input, units, ns));
    }
    let a_made = 1.0 / price::BYTES_INFLATED as f64;
    for period in [1, 3, 7, 13, 257, 30_000] {
        let text = chance(period, 26).repeat((1 << 20) / period);
        let (units, made, ns) = inflated(clock, &message(&text));
        let name = format!("1 MiB that repeats {period} B");
        let input = format!("{name}, a byte");
        rows.push(Row::new(
            "BYTES_INFLATED",
            &input,
            a_made,
            (ns - empty) / made as f64,
        ));
        rows.push(Row::whole(
            "RESET + INFLATE_IN + BYTES_INFLATED",
            &name,
            units,
            ns,
        ));
    }
    let item = "RESET + INFLATE_IN + BYTES_INFLATED";
    for (input, text) in [
        ("JSON of 64 B, deflated", json(64)),
        ("JSON of 4 KiB, deflated", json(4 << 10)),
        (
            "64 KiB of two letters by chance, deflated",
            chance(64 << 10, 2),
        ),
        (
            "64 KiB of 64 letters by chance, deflated",
            chance(64 << 10, 64),
        ),
        ("64 KiB of runs, deflated", runs(64 << 10, 5)),
    ] {
        let (units, _, ns) = inflated(clock, &message(&text));
        rows.push(Row::whole(item, input, units, ns));
    }
    for (input, block) in [
        ("`03 00`", &[0x03, 0x00][..]),
        ("`4b 04 00`, which is an `a`", &[0x4b, 0x04, 0x00]),
    ] {
        let count = BLOCKS / block.len();
        let (units, _, ns) = inflated(clock, &block.repeat(count));
        let count = count as f64;
        let price = f64::from(price::FINAL_BLOCK);
        let (item, ns) = ("FINAL_BLOCK", (ns - empty) / count);
        rows.push(Row::new(
            item,
            &format!("{input}, with its bytes"),
            price,
            ns,
        ));
        let item = format!("FINAL_BLOCK + INFLATE_IN × {}", block.len());
        rows.push(Row::whole(&item, input, units / count, ns));
    }
    rows
}

/// Bits of [`dynamic_block`].
const DYNAMIC_BITS: usize = 3 + 5 + 5 + 4 + 12 * 3 + 3 + 38 * 3 + 3 + 10 * 3 + 6 + 3 + 5 * 3 + 9;

/// An empty block that describes as many codes as there may be, in as few bits: 226 literals of 8
/// bits and 60 of 9, two distances of 4 and 28 of 5, each but the first of its kind as a repeat.
fn dynamic_block() -> Vec<u8> {
    let mut bits = Bits::default();
    bits.put(0, 1); // not the last
    bits.put(2, 2);
    bits.put(29, 5);
    bits.put(29, 5);
    bits.put(8, 4);
    // The lengths of the codes for lengths, in the order of RFC 1951 §3.2.7: 16, 17, 18, 0, 8, 7, 9, …
    for len in [1, 0, 0, 0, 3, 0, 3, 0, 0, 3, 0, 3] {
        bits.put(len, 3);
    }
    // A repeat is the code `0`; 4, 5, 8 and 9 are `100` to `111`, the first bit first.
    for (code, more) in [(0b011, 225), (0b111, 59), (0b001, 1), (0b101, 27)] {
        bits.put(code, 3);
        let mut left = more;
        while left > 0 {
            if left < 3 {
                bits.put(code, 3);
                left -= 1;
                continue;
            }
            // None is left over that would be too few for a repeat.
            let now = if left > 6 && left < 9 {
                left - 3
            } else {
                left.min(6)
            };
            bits.put(0, 1);
            bits.put(now - 3, 2);
            left -= now;
        }
    }
    // The end of the block, 256, is the 31st of the codes of 9 bits, which begin at 226 × 2.
    let code: u32 = 226 * 2 + 30;
    bits.put(code.reverse_bits() >> 23, 9);
    assert_eq!(bits.len, DYNAMIC_BITS);
    bits.bytes
}

/// As many of a block as fit into `bytes`, and the beginning of the empty stored block that ends a message.
fn repeat_bits(block: &[u8], count: usize, bytes: usize) -> Vec<u8> {
    let mut bits = Bits::default();
    while bits.len + count + 3 <= bytes * 8 {
        for at in 0..count {
            bits.put(u32::from(block[at / 8] >> (at % 8) & 1), 1);
        }
    }
    bits.put(0, 3);
    bits.bytes
}

/// A kind of text, by its length.
type Text = fn(usize) -> Vec<u8>;

/// What peers may have deflated: an echo, or a room.
const TEXTS: [(&str, Text); 6] = [
    ("JSON", json),
    ("zeros", |len| vec![0; len]),
    ("two letters by chance", |len| chance(len, 2)),
    ("three letters by chance", |len| chance(len, 3)),
    ("bytes by chance", |len| chance(len, 256)),
    ("runs of 40", |len| runs(len, 40)),
];

/// Contexts of connections of their own, made when first needed, in memory that the kernel has yet to give.
fn context(clock: Clock) -> Row {
    let text = json(64);
    let encode = |senders: &mut [Box<dyn Transform>]| {
        let mut out = Vec::new();
        for sender in senders {
            out.clear();
            black_box(sender.encode(OpCode::Text, &text, &mut Work::unlimited(), &mut out));
        }
    };
    let mut one = [connection(6, true)];
    let next = clock.per_call(|| encode(&mut one));
    let senders = RefCell::new(Vec::new());
    let first = clock.per_batch(
        || {
            senders.borrow_mut().clear();
            *senders.borrow_mut() = (0..CONTEXTS).map(|_| connection(6, true)).collect();
        },
        |()| encode(&mut senders.borrow_mut()),
    );
    let units = f64::from(price::DEFLATE_CONTEXT);
    let input = "level 6, 64 of them";
    Row::new(
        "DEFLATE_CONTEXT",
        input,
        units,
        first / CONTEXTS as f64 - next,
    )
}

fn deflate(clock: Clock) -> Vec<Row> {
    let mut rows = vec![context(clock)];
    for level in 1..=9 {
        let a_byte = price::DEFLATE[usize::from(level)];
        let most = (price::DEFLATE_MOST / a_byte) as usize;
        let long = most.min(LONGEST);
        let short = 64;
        let encode = |text: &[u8], takeover| {
            let mut sender = connection(level, takeover);
            let mut out = Vec::new();
            clock.per_call(|| {
                out.clear();
                let mut work = Work::unlimited();
                let text = black_box(text);
                black_box(sender.encode(OpCode::Binary, text, &mut work, &mut out));
            })
        };
        let item = format!("DEFLATE[{level}]");
        let mut add = |kind: &str, own: &str, ns: f64| {
            let input = format!("{kind}{own}, a byte of {long}");
            rows.push(Row::new(&item, &input, f64::from(a_byte), ns));
        };
        let mut worst = ("", "", 0.0);
        let mut reset = 0.0;
        for (kind, text) in TEXTS {
            let text = text(long);
            let few = encode(&text[..short], false);
            let a_byte = (encode(&text, false) - few) / (long - short) as f64;
            let own = encode(&text, true) / long as f64;
            if kind == "JSON" {
                reset = few - a_byte * short as f64;
                add(kind, "", a_byte);
                continue;
            }
            for (own, ns) in [("", a_byte), (", own context", own)] {
                if ns > worst.2 {
                    worst = (kind, own, ns);
                }
            }
        }
        let (kind, own, ns) = worst;
        add(&format!("the worst, {kind}"), own, ns);
        if level > 1 && level % 2 == 0 {
            let units = f64::from(price::DEFLATE_RESET);
            let input = format!("level {level}, JSON of 64 B less its bytes");
            rows.push(Row::new("DEFLATE_RESET", &input, units, reset));
        }
    }
    rows
}
