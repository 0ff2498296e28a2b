//! Rooms: what one says all of them get.

use super::super::super::frames::{FIN, TEXT, lay_frame};
use super::super::super::site::Site;
use super::super::kind::{Kind, Need};
use super::super::script::{Script, run_of};

/// Publishers in a room where the others only listen.
const PUBLISHERS: usize = 4;

pub(super) const KINDS: &[Kind] = &[
    in_flow(
        "flood-publish",
        "publishers in one room, everything read",
        &[200, 900],
        |site, n| vec![(n, publisher(site, "/flow", 20))],
    ),
    in_flow(
        "flood-publish-unread",
        "publishers in one room, nothing read: closed 1008, and again",
        &[200, 900],
        |site, n| vec![(n, publisher(site, "/flow", 20).unread().again())],
    ),
    in_flow(
        "flood-publish-64k",
        "texts of 64 KiB published to a room by 4, everything read",
        &[100, 900],
        |site, n| room(site, "/flow", n, 64 << 10),
    ),
    in_flow(
        "flood-publish-deflate",
        "texts of 512 B published by 4 to a room with deflate",
        &[1000],
        |site, n| {
            let members = Script::deflated(site, "/flow", Vec::new()).cycles(0);
            let senders = Script::deflated(site, "/flow", run_of(&text(512)));
            vec![(n, members), (PUBLISHERS, senders)]
        },
    ),
    in_flow(
        "flood-room-stalled",
        "members of a room who do not read, and 4 who publish 1 KiB",
        &[1000],
        |site, n| {
            let mut groups = room(site, "/flow", n, 1024);
            groups[0].1 = groups[0].1.clone().unread();
            groups
        },
    ),
    in_flow(
        "flood-come-and-go",
        "joins and leaves of a room of 1000 as fast as possible",
        &[64],
        |site, n| {
            let members = Script::to(site, "/flow", Vec::new()).cycles(0);
            let guests = Script::to(site, "/flow", Vec::new())
                .cycles(0)
                .once(text(20));
            vec![(1000, members), (n, guests.storm(2))]
        },
    ),
];

const fn in_flow(
    name: &'static str,
    about: &'static str,
    counts: &'static [usize],
    groups: fn(&Site, usize) -> Vec<(usize, Script)>,
) -> Kind {
    Kind::new(name, about, counts, groups).needs(Need::Flow)
}

fn text(length: usize) -> Vec<u8> {
    let update = "{\"type\":\"update\",\"player\":1234,\"x\":640,\"y\":480},";
    let text = update.repeat(length / update.len() + 1);
    let mut frame = Vec::new();
    lay_frame(&mut frame, FIN | TEXT, &text.as_bytes()[..length]);
    frame
}

fn publisher(site: &Site, path: &str, length: usize) -> Script {
    Script::to(site, path, run_of(&text(length)))
}

fn room(site: &Site, path: &str, members: usize, length: usize) -> Vec<(usize, Script)> {
    let listener = Script::to(site, path, Vec::new()).cycles(0);
    vec![
        (members, listener),
        (PUBLISHERS, publisher(site, path, length)),
    ]
}
