//! Uncompressed messages: very long ones, very short ones, and pieces of both.

use super::super::super::frames::{BINARY, CONTINUATION, FIN, TEXT, lay_frame};
use super::super::super::site::Site;
use super::super::kind::Kind;
use super::super::script::{Reading, Script, run_of};
use super::fragments::fragments;

const MIB: usize = 1 << 20;
/// What `/echo-raw` takes.
const LONGEST: usize = 64 * MIB;

pub(super) const KINDS: &[Kind] = &[
    Kind::new(
        "flood-fragments-64k",
        "texts of 64 MiB in fragments of 64 KiB",
        &[1, 4, 100],
        |site, n| vec![(n, long(site, 64 << 10))],
    ),
    Kind::new(
        "flood-fragments-1m",
        "texts of 64 MiB in fragments of 1 MiB",
        &[1, 4],
        |site, n| vec![(n, long(site, MIB))],
    ),
    Kind::new(
        "flood-one-frame",
        "texts of 64 MiB in one frame",
        &[1, 4, 100],
        |site, n| vec![(n, long(site, LONGEST))],
    ),
    Kind::new(
        "flood-fragments-128",
        "texts of 64 MiB in fragments of 128 B, three bytes a letter",
        &[1, 4],
        |site, n| {
            let text = "€".repeat(LONGEST / 3);
            vec![(n, Script::echo(site, fragments(TEXT, text.as_bytes(), 128)))]
        },
    ),
    Kind::new(
        "flood-slow-reader",
        "binaries of 64 MiB whose echoes are read at 1.6 MB a second",
        &[4, 50],
        |site, n| {
            let message = fragments(BINARY, &vec![b'b'; LONGEST], LONGEST);
            vec![(
                n,
                Script::echo(site, message).reading(Reading::Slowly(16 << 10)),
            )]
        },
    ),
    Kind::new(
        "flood-unfinished",
        "texts of which 48 MiB come and never the end",
        &[16, 64],
        |site, n| {
            let mut begun = fragments(TEXT, &vec![b'a'; LONGEST], LONGEST);
            begun.truncate(48 * MIB);
            vec![(n, Script::echo(site, Vec::new()).once(begun).cycles(0))]
        },
    ),
    Kind::new(
        "flood-1m-text",
        "texts of 1 MiB, echoed and read",
        &[1, 4, 100],
        |site, n| vec![(n, Script::echo(site, text_of(MIB)))],
    ),
    Kind::new(
        "flood-64k-text",
        "texts of 64 KiB, echoed and read",
        &[4, 100, 900],
        |site, n| vec![(n, Script::echo(site, run_of(&text_of(64 << 10))))],
    ),
    Kind::new(
        "flood-empty",
        "empty texts, echoed and read",
        &[1, 4, 300, 900],
        |site, n| vec![(n, Script::echo(site, run_of(&text_of(0))))],
    ),
    Kind::new(
        "flood-empty-unread",
        "empty texts, echoes not read",
        &[4, 300, 900],
        |site, n| vec![(n, Script::echo(site, run_of(&text_of(0))).unread())],
    ),
    Kind::new(
        "flood-cut-letters",
        "texts of 1 KiB, four bytes a letter, in fragments of one byte",
        &[4, 100, 900],
        |site, n| {
            let text = "🦆".repeat(256);
            let message = fragments(TEXT, text.as_bytes(), 1);
            vec![(n, Script::echo(site, run_of(&message)))]
        },
    ),
    Kind::new(
        "flood-segments",
        "texts of 20 B, one byte a segment",
        &[4, 100, 900],
        |site, n| vec![(n, Script::echo(site, text_of(20)).pieces(1))],
    ),
    Kind::new(
        "flood-empty-fragments",
        "fragments of nothing without an end: closed 1008, and again",
        &[4, 100],
        |site, n| {
            let mut first = Vec::new();
            lay_frame(&mut first, TEXT, b"");
            let mut next = Vec::new();
            lay_frame(&mut next, CONTINUATION, b"");
            vec![(n, Script::echo(site, run_of(&next)).once(first).again())]
        },
    ),
];

fn text_of(length: usize) -> Vec<u8> {
    let text: Vec<u8> = (b'a'..=b'z').cycle().take(length).collect();
    let mut frame = Vec::new();
    lay_frame(&mut frame, FIN | TEXT, &text);
    frame
}

/// Texts of the greatest length in fragments of `length` bytes.
fn long(site: &Site, length: usize) -> Script {
    let text: Vec<u8> = (b'a'..=b'z').cycle().take(LONGEST).collect();
    Script::echo(site, fragments(TEXT, &text, length))
}

/// Floods, does not read, and stops in the middle of a message.
pub(in super::super) fn storm(site: &Site, connections: usize) -> Vec<(usize, Script)> {
    let text = text_of(256 << 10);
    let half = text[..text.len() / 2].to_vec();
    let flooding = Script::echo(site, text);
    let stalled = flooding.clone().unread();
    let unfinished = Script::echo(site, Vec::new()).once(half).cycles(0);
    let third = connections / 3;
    vec![
        (third, flooding),
        (third, stalled),
        (connections - 2 * third, unfinished),
    ]
}
