//! Rooms: what one says all of them get.

use super::Kind;
use crate::flood::script::{Script, run_of};
use crate::frames::{FIN, TEXT, lay_frame};

/// Publishers in a room where the others only listen.
const PUBLISHERS: usize = 4;

pub(super) const KINDS: &[Kind] = &[
    Kind::new(
        "flood-publish",
        "publishers in one room, everything read",
        &[200, 900],
        |n| vec![(n, publisher("/flow", 20))],
    ),
    Kind::new(
        "flood-publish-unread",
        "publishers in one room, nothing read: closed 1008, and again",
        &[200, 900],
        |n| vec![(n, publisher("/flow", 20).unread().again())],
    ),
    Kind::new(
        "flood-publish-64k",
        "texts of 64 KiB published to a room by 4, everything read",
        &[100, 900],
        |n| room("/flow", n, 64 << 10),
    ),
    Kind::new(
        "flood-publish-deflate",
        "texts of 512 B published by 4 to a room with deflate",
        &[1000],
        |n| {
            let members = Script::deflated("/flow", Vec::new()).cycles(0);
            let senders = Script::deflated("/flow", run_of(&text(512)));
            vec![(n, members), (PUBLISHERS, senders)]
        },
    ),
    Kind::new(
        "flood-room-contexts",
        "the same, each member with a deflate context of its own",
        &[1000, 10_000],
        |n| {
            let members = Script::deflated("/own-flow", Vec::new()).cycles(0);
            let senders = Script::deflated("/own-flow", run_of(&text(512)));
            vec![(n, members), (PUBLISHERS, senders)]
        },
    )
    .own(),
    Kind::new(
        "flood-room-stalled",
        "members of a room who do not read, and 4 who publish 1 KiB",
        &[1000],
        |n| {
            let mut groups = room("/flow", n, 1024);
            groups[0].1 = groups[0].1.clone().unread();
            groups
        },
    ),
    Kind::new(
        "flood-come-and-go",
        "joins and leaves of a room of 1000 as fast as possible",
        &[64],
        |n| {
            let members = Script::to("/flow", Vec::new()).cycles(0);
            let guests = Script::to("/flow", Vec::new()).cycles(0).once(text(20));
            vec![(1000, members), (n, guests.storm(2))]
        },
    ),
    Kind::new(
        "flood-remote",
        "another thread that publishes 64 KiB as fast as it can, everything read",
        &[50, 10_000],
        |n| {
            let members = Script::to("/remote", Vec::new()).cycles(0);
            let trigger = Script::to("/remote", Vec::new()).cycles(0).once(word("go"));
            vec![(n, members), (1, trigger)]
        },
    )
    .own(),
    Kind::new(
        "flood-remote-unread",
        "the same, nothing read",
        &[50],
        |n| {
            let members = Script::to("/remote", Vec::new()).cycles(0).unread();
            let trigger = Script::to("/remote", Vec::new()).cycles(0).once(word("go"));
            vec![(n, members), (1, trigger)]
        },
    )
    .own(),
];

fn word(text: &str) -> Vec<u8> {
    let mut frame = Vec::new();
    lay_frame(&mut frame, FIN | TEXT, text.as_bytes());
    frame
}

fn text(length: usize) -> Vec<u8> {
    let update = "{\"type\":\"update\",\"player\":1234,\"x\":640,\"y\":480},";
    let text = update.repeat(length / update.len() + 1);
    word(&text[..length])
}

fn publisher(path: &str, length: usize) -> Script {
    Script::to(path, run_of(&text(length)))
}

fn room(path: &str, members: usize, length: usize) -> Vec<(usize, Script)> {
    let listener = Script::to(path, Vec::new()).cycles(0);
    vec![(members, listener), (PUBLISHERS, publisher(path, length))]
}
