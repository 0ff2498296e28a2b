//! Compressed messages: few bytes on the wire, much work behind them.

use super::Kind;
use crate::flood::deflated;
use crate::flood::script::{Script, run_of};
use crate::frames::{BINARY, CONTINUATION, FIN, RSV1, TEXT, lay_frame};

const MIB: usize = 1 << 20;

pub(super) const KINDS: &[Kind] = &[
    Kind::new(
        "flood-inflate-text",
        "texts of 1 MiB in 1 KiB deflated, to /you-said",
        &[1, 4, 100, 900],
        |n| vec![(n, Script::deflated("/you-said", inflating_text()))],
    ),
    Kind::new(
        "flood-inflate-unread",
        "the same, answers not read",
        &[4, 100],
        |n| vec![(n, Script::deflated("/you-said", inflating_text()).unread())],
    ),
    Kind::new(
        "flood-bomb",
        "60 MiB of zeros in 60 KiB deflated, to /echo-raw",
        &[1, 8, 100],
        |n| vec![(n, Script::deflated("/echo-raw", bomb()))],
    ),
    Kind::new(
        "flood-too-big",
        "the same to /you-said, whose limit is 1 MiB: closed 1009, and again",
        &[4, 100],
        |n| vec![(n, Script::deflated("/you-said", bomb()).again())],
    ),
    Kind::new(
        "flood-final-blocks",
        "empty final blocks, 03 00, 1 MiB a message",
        &[1, 4, 100],
        |n| blocks(n, &deflated::final_blocks(MIB - 2)),
    ),
    Kind::new(
        "flood-stored-blocks",
        "empty stored blocks, 00 00 00 ff ff, 1 MiB a message",
        &[1, 4, 100],
        |n| blocks(n, &deflated::stored_blocks(MIB - 8)),
    ),
    Kind::new(
        "flood-tables",
        "blocks of Huffman tables that code nothing, 1 MiB a message",
        &[1, 4, 100],
        |n| blocks(n, &deflated::tables(MIB - 32)),
    ),
    Kind::new(
        "flood-deflated-empty",
        "compressed empty messages, one byte 00",
        &[1, 4, 100, 900],
        |n| {
            let frame = frame(RSV1 | FIN | TEXT, &[0x00]);
            vec![(n, Script::deflated("/echo-raw", run_of(&frame)))]
        },
    ),
    Kind::new(
        "flood-deflated-bytes",
        "compressed texts of 1 KiB in fragments of one byte",
        &[4, 100],
        |n| {
            let text: Vec<u8> = (0..1024_u32).map(|i| b'a' + (i * i % 23) as u8).collect();
            let message = fragments(RSV1 | TEXT, &deflated::message(&text), 1);
            vec![(n, Script::deflated("/echo-raw", run_of(&message)))]
        },
    ),
    Kind::new(
        "flood-deflated-open",
        "messages that inflate to 1 MiB and never end, one a connection, then pings",
        &[100, 900],
        |n| {
            let begun = frame(RSV1 | BINARY, &deflated::message(&vec![0; MIB - 1]));
            let pings = run_of(&frame(FIN | crate::frames::PING, b""));
            vec![(n, Script::deflated("/echo-raw", pings).once(begun))]
        },
    ),
    Kind::new(
        "flood-own-context",
        "texts of 64 KiB in 100 B, deflated, to a route with contexts of their own",
        &[1, 100],
        |n| {
            let text = deflated::message(&[b'a'; 64 << 10]);
            let frame = frame(RSV1 | FIN | TEXT, &text);
            vec![(n, Script::deflated("/own-echo", run_of(&frame)))]
        },
    )
    .own(),
];

fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(payload.len() + 14);
    lay_frame(&mut frame, first, payload);
    frame
}

/// A message in fragments of `length` bytes; `first` is the first byte of its first frame, without FIN.
pub(super) fn fragments(first: u8, payload: &[u8], length: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(payload.len() + 16);
    let pieces = payload.chunks(length);
    let last = pieces.len() - 1;
    for (index, piece) in pieces.enumerate() {
        let opcode = if index == 0 { first } else { CONTINUATION };
        let fin = if index == last { FIN } else { 0 };
        lay_frame(&mut bytes, fin | opcode, piece);
    }
    bytes
}

fn inflating_text() -> Vec<u8> {
    run_of(&frame(
        RSV1 | FIN | TEXT,
        &deflated::message(&vec![b'a'; MIB]),
    ))
}

fn bomb() -> Vec<u8> {
    frame(RSV1 | FIN | BINARY, &deflated::message(&vec![0; 60 * MIB]))
}

fn blocks(connections: usize, payload: &[u8]) -> Vec<(usize, Script)> {
    let frame = frame(RSV1 | FIN | TEXT, payload);
    vec![(connections, Script::deflated("/echo-raw", frame))]
}
