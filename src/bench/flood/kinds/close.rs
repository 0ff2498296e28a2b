//! Connections that end by the book or against it, and come again.

use super::super::super::frames::{CLOSE, FIN, RSV1, TEXT, lay_frame};
use super::super::super::site::Site;
use super::super::kind::{Kind, Need};
use super::super::script::{Script, run_of};

pub(super) const KINDS: &[Kind] = &[
    Kind::new(
        "flood-close",
        "upgrade, close handshake, again",
        &[4, 100],
        |site, n| vec![(n, faulty(site, FIN | CLOSE, &[0x03, 0xe8]))],
    ),
    Kind::new(
        "flood-bad-frame",
        "upgrade, a frame with a reserved bit: closed 1002, again",
        &[4, 100],
        |site, n| vec![(n, faulty(site, FIN | RSV1 | TEXT, b"x"))],
    ),
    Kind::new(
        "flood-bad-text",
        "texts of 1 MiB whose last byte is wrong: closed 1007, again",
        &[4, 100],
        |site, n| {
            let mut text = vec![b'a'; 1 << 20];
            *text.last_mut().expect("it is not empty") = 0xff;
            vec![(n, faulty(site, FIN | TEXT, &text))]
        },
    ),
    Kind::new(
        "flood-bad-deflate",
        "1 MiB that inflates and then does not: closed 1007, again",
        &[4, 100],
        |site, n| {
            let mut payload = super::super::deflated::tables(1 << 19);
            payload.extend_from_slice(&[0x00, 0x00, 0xff, 0xff, 0x07]);
            let mut frame = Vec::new();
            lay_frame(&mut frame, FIN | RSV1 | TEXT, &payload);
            let script = Script::deflated(site, &site.echo, Vec::new()).cycles(0);
            vec![(n, script.once(frame).storm(u64::MAX))]
        },
    )
    .needs(Need::Deflate),
    Kind::new(
        "flood-behind-close",
        "a Close, and then texts without end",
        &[4, 100],
        |site, n| {
            let mut close = Vec::new();
            lay_frame(&mut close, FIN | CLOSE, &[0x03, 0xe8]);
            let mut text = Vec::new();
            lay_frame(&mut text, FIN | TEXT, b"");
            let script = Script::echo(site, run_of(&text));
            vec![(n, script.once(close).again())]
        },
    ),
];

/// Sends one frame that ends the connection and waits until the server does it.
fn faulty(site: &Site, first: u8, payload: &[u8]) -> Script {
    let mut frame = Vec::new();
    lay_frame(&mut frame, first, payload);
    let script = Script::echo(site, Vec::new()).cycles(0);
    script.once(frame).storm(u64::MAX)
}
