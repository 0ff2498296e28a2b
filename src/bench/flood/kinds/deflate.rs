//! Compressed messages: few bytes on the wire, much work behind them.

use super::super::super::frames::{BINARY, FIN, RSV1, TEXT, lay_frame};
use super::super::super::site::Site;
use super::super::deflate_stream;
use super::super::deflated;
use super::super::kind::{Kind, Need};
use super::super::script::{Script, run_of};
use super::fragments::fragments;

const MIB: usize = 1 << 20;

pub(super) const KINDS: &[Kind] = &[
    deflated_kind(
        "flood-inflate-text",
        "texts of 1 MiB in 1 KiB deflated, to /you-said",
        &[1, 4, 100, 900],
        |site, n| vec![(n, Script::deflated(site, &site.said, inflating_text()))],
    ),
    deflated_kind(
        "flood-inflate-unread",
        "the same, answers not read",
        &[4, 100],
        |site, n| {
            vec![(
                n,
                Script::deflated(site, &site.said, inflating_text()).unread(),
            )]
        },
    ),
    deflated_kind(
        "flood-bomb",
        "60 MiB of zeros in 60 KiB deflated, to /echo-raw",
        &[1, 8, 100],
        |site, n| vec![(n, Script::deflated(site, &site.echo, bomb()))],
    ),
    deflated_kind(
        "flood-too-big",
        "the same to /you-said, whose limit is 1 MiB: closed 1009, and again",
        &[4, 100],
        |site, n| vec![(n, Script::deflated(site, &site.said, bomb()).again())],
    )
    .needs(Need::Said),
    deflated_kind(
        "flood-final-blocks",
        "empty final blocks, 03 00, 1 MiB a message",
        &[1, 4, 100],
        |site, n| blocks(site, n, &deflated::final_blocks(MIB - 2)),
    ),
    deflated_kind(
        "flood-stored-blocks",
        "empty stored blocks, 00 00 00 ff ff, 1 MiB a message",
        &[1, 4, 100],
        |site, n| blocks(site, n, &deflated::stored_blocks(MIB - 8)),
    ),
    deflated_kind(
        "flood-tables",
        "blocks of Huffman tables that code nothing, 1 MiB a message",
        &[1, 4, 100],
        |site, n| blocks(site, n, &deflated::tables(MIB - 32)),
    ),
    deflated_kind(
        "flood-deflated-empty",
        "compressed empty messages, one byte 00",
        &[1, 4, 100, 900],
        |site, n| {
            let frame = frame(RSV1 | FIN | TEXT, &[0x00]);
            vec![(n, Script::deflated(site, &site.echo, run_of(&frame)))]
        },
    ),
    deflated_kind(
        "flood-deflated-bytes",
        "compressed texts of 1 KiB in fragments of one byte",
        &[4, 100],
        |site, n| {
            let text: Vec<u8> = (0..1024_u32).map(|i| b'a' + (i * i % 23) as u8).collect();
            let message = fragments(RSV1 | TEXT, &deflate_stream::message(&text), 1);
            vec![(n, Script::deflated(site, &site.echo, run_of(&message)))]
        },
    ),
    deflated_kind(
        "flood-deflated-open",
        "messages that inflate to 1 MiB and never end, one a connection, then pings",
        &[100, 900],
        |site, n| {
            let begun = frame(RSV1 | BINARY, &deflate_stream::message(&vec![0; MIB - 1]));
            let pings = run_of(&frame(FIN | super::super::super::frames::PING, b""));
            vec![(n, Script::deflated(site, &site.echo, pings).once(begun))]
        },
    ),
];

const fn deflated_kind(
    name: &'static str,
    about: &'static str,
    counts: &'static [usize],
    groups: fn(&Site, usize) -> Vec<(usize, Script)>,
) -> Kind {
    Kind::new(name, about, counts, groups).needs(Need::Deflate)
}

fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(payload.len() + 14);
    lay_frame(&mut frame, first, payload);
    frame
}

fn inflating_text() -> Vec<u8> {
    run_of(&frame(
        RSV1 | FIN | TEXT,
        &deflate_stream::message(&vec![b'a'; MIB]),
    ))
}

fn bomb() -> Vec<u8> {
    frame(
        RSV1 | FIN | BINARY,
        &deflate_stream::message(&vec![0; 60 * MIB]),
    )
}

fn blocks(site: &Site, connections: usize, payload: &[u8]) -> Vec<(usize, Script)> {
    let frame = frame(RSV1 | FIN | TEXT, payload);
    vec![(connections, Script::deflated(site, &site.echo, frame))]
}
