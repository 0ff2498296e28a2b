//! The receive lanes without sockets or a hub, and memory: bytes checked, copied and touched, frames fed.

use crate::bytes::{frame, letters, mixed};
use crate::clock::Clock;
use crate::row::Row;
use dunlin::wire::outbox::Outbox;
use dunlin::wire::receive::{Input, Lanes, ReceiveRules, Receiver, Role};
use dunlin::wire::work::{Work, price};
use std::cell::Cell;
use std::hint::black_box;

/// What the loop reads at a time.
const BUFFER: usize = 64 << 10;
/// Frames at a time.
const MANY: usize = 64;
/// More than what the allocator keeps for itself, however often it was asked.
const FRESH: usize = 40 << 20;
const PAGE: usize = 4 << 10;
const LONG: usize = 8 << 20;

const RULES: ReceiveRules = ReceiveRules {
    role: Role::Server,
    max_frame: 64 << 20,
    max_message: 64 << 20,
    raw: false,
    closing: false,
};

/// One connection.
#[derive(Default)]
struct Ear {
    lanes: Lanes,
    receiver: Receiver,
}

impl Ear {
    /// Hears all that is in `bytes`, in reads of at most `read`; the units that it cost.
    fn hear(&mut self, bytes: &mut [u8], read: usize) -> f64 {
        let mut work = Work::unlimited();
        for part in bytes.chunks_mut(read) {
            let mut input = Input::new(part);
            loop {
                let next = self
                    .lanes
                    .next(&mut self.receiver, None, &RULES, &mut input, &mut work);
                match next.expect("a good stream") {
                    Some(event) => black_box(event),
                    None => break,
                };
            }
        }
        self.lanes.free_some(&mut work);
        (Work::unlimited().left() - work.left()) as f64
    }
}

/// A stream of `count` of something; the row tells what one of them costs.
fn heard(clock: Clock, item: &str, input: &str, stream: &[u8], read: usize, count: usize) -> Row {
    let mut ear = Ear::default();
    let units = Cell::new(0.0);
    let mut buffer = stream.to_vec();
    let ns = clock.per_call(|| units.set(ear.hear(&mut buffer, read)));
    let count = count as f64;
    Row::whole(item, input, units.get() / count, ns / count)
}

pub(crate) fn rows(clock: Clock) -> Vec<Row> {
    let mut rows = received(clock);
    rows.extend(frames(clock));
    rows.extend(copied(clock));
    rows.push(fresh(clock));
    rows
}

fn received(clock: Clock) -> Vec<Row> {
    let len = BUFFER - 16;
    let mut rows = Vec::new();
    for (input, first, payload) in [
        ("binary of 64 KiB, a byte", 0x82, letters(len)),
        ("ASCII of 64 KiB, a byte", 0x81, letters(len)),
        ("mixed text of 64 KiB, a byte", 0x81, mixed(len)),
    ] {
        let stream = frame(first, &payload);
        let row = heard(clock, "BYTES_RECEIVED", input, &stream, BUFFER, len);
        rows.push(Row {
            fills: false,
            ..row
        });
    }
    let item = "BYTES_RECEIVED + BYTES_FRESH";
    let text = frame(0x81, &mixed(LONG));
    rows.push(heard(clock, item, "mixed texts of 8 MiB", &text, BUFFER, 1));
    let parts = mixed(LONG);
    let count = LONG.div_ceil(BUFFER);
    let parts = parts.chunks(BUFFER).enumerate().map(|(at, part)| {
        let first = if at == 0 { 0x01 } else { 0x00 };
        let fin = if at + 1 == count { 0x80 } else { 0 };
        frame(fin | first, part)
    });
    let parts = parts.collect::<Vec<_>>().concat();
    let item = "FED + BYTES_RECEIVED + BYTES_FRESH";
    let input = "mixed texts of 8 MiB in fragments of 64 KiB";
    rows.push(heard(clock, item, input, &parts, BUFFER, 1));
    rows
}

/// A message in so many fragments.
fn fragments(count: usize, payload: &[u8]) -> Vec<u8> {
    let mut stream = frame(0x01, payload);
    for at in 1..count {
        stream.extend(frame(if at + 1 == count { 0x80 } else { 0x00 }, payload));
    }
    stream
}

fn frames(clock: Clock) -> Vec<Row> {
    let pong = frame(0x8a, b"hello").repeat(MANY);
    let ping = frame(0x89, b"hello").repeat(MANY);
    let long_ping = frame(0x89, &letters(125)).repeat(MANY);
    let half = frame(0x81, &letters(20));
    let row = |item, input, stream: &[u8]| heard(clock, item, input, stream, BUFFER, MANY);
    vec![
        row("FRAME", "pongs of 5 B, no handler", &pong),
        row("FRAME + FED", "pings of 5 B, no handler", &ping),
        row("FRAME + FED", "pings of 125 B, no handler", &long_ping),
        row("FRAME + FED", "empty fragments", &fragments(MANY, b"")),
        row(
            "FRAME + FED",
            "fragments of 8 B",
            &fragments(MANY, b"fragment"),
        ),
        row(
            "FRAME + FED",
            "fragments of 125 B",
            &fragments(MANY, &letters(125)),
        ),
        // A read more, which is paid for by itself.
        Row {
            fills: false,
            ..heard(
                clock,
                "FRAME + BYTES_COPIED",
                "texts of 20 B in two reads",
                &half,
                13,
                1,
            )
        },
    ]
}

fn copied(clock: Clock) -> [Row; 2] {
    let a_byte = 1.0 / price::BYTES_COPIED as f64;
    let bytes = letters(BUFFER);
    let mut copy = Vec::with_capacity(BUFFER);
    let plain = clock.per_call(|| {
        copy.clear();
        copy.extend_from_slice(black_box(&bytes));
        black_box(&mut copy);
    });
    let queued = clock.per_call(|| {
        let mut outbox = Outbox::default();
        for part in black_box(&bytes).chunks(1000) {
            outbox.push(part);
        }
        black_box(&mut outbox);
    });
    let row = |input, ns| Row::new("BYTES_COPIED", input, a_byte, ns / BUFFER as f64);
    [
        row("64 KiB to a buffer, a byte", plain),
        row("64 KiB to an outbox by 1000 B, a byte", queued),
    ]
}

/// Memory that the kernel gives and takes again; each of the two is paid for.
fn fresh(clock: Clock) -> Row {
    let ns = clock.per_call(|| {
        let mut bytes: Vec<u8> = Vec::new();
        bytes.reserve_exact(FRESH);
        bytes.resize(FRESH, 0);
        for at in (0..FRESH).step_by(PAGE) {
            bytes[at] = 1;
        }
        black_box(&mut bytes);
    });
    let units = 2.0 / price::BYTES_FRESH as f64;
    let input = "40 MiB touched and freed, a byte";
    Row::new("BYTES_FRESH × 2", input, units, ns / FRESH as f64)
}
