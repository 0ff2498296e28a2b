//! Control frames: pings that are answered, pongs that nobody asked for.

use super::super::super::frames::{FIN, PING, PONG, TEXT, lay_frame};
use super::super::super::site::Site;
use super::super::kind::Kind;
use super::super::script::{Script, run_of};

pub(super) const KINDS: &[Kind] = &[
    Kind::new(
        "flood-ping",
        "empty pings, pongs read",
        &[4, 100, 900],
        |site, n| vec![(n, control(site, PING, b""))],
    ),
    Kind::new(
        "flood-ping-unread",
        "empty pings, pongs not read",
        &[4, 100, 900],
        |site, n| vec![(n, control(site, PING, b"").unread())],
    ),
    Kind::new(
        "flood-ping-125",
        "pings of 125 B, pongs read",
        &[4, 100, 900],
        |site, n| vec![(n, control(site, PING, &[b'p'; 125]))],
    ),
    Kind::new(
        "flood-ping-125-unread",
        "pings of 125 B, pongs not read",
        &[4, 100],
        |site, n| vec![(n, control(site, PING, &[b'p'; 125]).unread())],
    ),
    Kind::new(
        "flood-pong",
        "pongs that no ping asked for",
        &[4, 900],
        |site, n| vec![(n, control(site, PONG, b""))],
    ),
    Kind::new(
        "flood-ping-between",
        "a text that does not end, with pings in between",
        &[4, 100],
        |site, n| {
            let mut begun = Vec::new();
            lay_frame(&mut begun, TEXT, b"a");
            vec![(n, control(site, PING, b"between").once(begun))]
        },
    ),
];

fn control(site: &Site, opcode: u8, payload: &[u8]) -> Script {
    let mut frame = Vec::new();
    lay_frame(&mut frame, FIN | opcode, payload);
    Script::echo(site, run_of(&frame))
}
