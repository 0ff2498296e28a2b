//! Control frames: pings that are answered, pongs that nobody asked for.

use super::Kind;
use crate::flood::script::{Script, run_of};
use crate::frames::{FIN, PING, PONG, TEXT, lay_frame};

pub(super) const KINDS: &[Kind] = &[
    Kind::new(
        "flood-ping",
        "empty pings, pongs read",
        &[4, 100, 900],
        |n| vec![(n, control(PING, b""))],
    ),
    Kind::new(
        "flood-ping-unread",
        "empty pings, pongs not read",
        &[4, 100, 900],
        |n| vec![(n, control(PING, b"").unread())],
    ),
    Kind::new(
        "flood-ping-125",
        "pings of 125 B, pongs read",
        &[4, 100, 900],
        |n| vec![(n, control(PING, &[b'p'; 125]))],
    ),
    Kind::new(
        "flood-ping-125-unread",
        "pings of 125 B, pongs not read",
        &[4, 100],
        |n| vec![(n, control(PING, &[b'p'; 125]).unread())],
    ),
    Kind::new(
        "flood-pong",
        "pongs that no ping asked for",
        &[4, 900],
        |n| vec![(n, control(PONG, b""))],
    ),
    Kind::new(
        "flood-ping-between",
        "a text that does not end, with pings in between",
        &[4, 100],
        |n| {
            let mut begun = Vec::new();
            lay_frame(&mut begun, TEXT, b"a");
            vec![(n, control(PING, b"between").once(begun))]
        },
    ),
];

fn control(opcode: u8, payload: &[u8]) -> Script {
    let mut frame = Vec::new();
    lay_frame(&mut frame, FIN | opcode, payload);
    Script::to("/echo-raw", run_of(&frame))
}
