//! The floods of the program of this benchmark (`own_app`), which has what `dunlin serve` does not.

use dunlin_bench::flood::deflate_stream::message;
use dunlin_bench::flood::{Kind, Script, run_of};
use dunlin_bench::frames::{FIN, RSV1, TEXT, lay_frame};

/// Publishers in a room where the others only listen.
const PUBLISHERS: usize = 4;

/// A kind, and the one of `dunlin serve` that it stands behind in the table.
pub(super) struct Own {
    pub(super) behind: &'static str,
    pub(super) kind: Kind,
}

pub(super) const KINDS: &[Own] = &[
    Own {
        behind: "flood-deflated-open",
        kind: Kind::new(
            "flood-own-context",
            "texts of 64 KiB in 100 B, deflated, to a route with contexts of their own",
            &[1, 100],
            |site, n| {
                let text = frame(RSV1 | FIN | TEXT, &message(&[b'a'; 64 << 10]));
                vec![(n, Script::deflated(site, "/own-echo", run_of(&text)))]
            },
        ),
    },
    Own {
        behind: "flood-publish-deflate",
        kind: Kind::new(
            "flood-room-contexts",
            "the same, each member with a deflate context of its own",
            &[1000, 10_000],
            |site, n| {
                let update = "{\"type\":\"update\",\"player\":1234,\"x\":640,\"y\":480},";
                let text = frame(FIN | TEXT, &update.repeat(11).as_bytes()[..512]);
                let members = Script::deflated(site, "/own-flow", Vec::new()).cycles(0);
                let senders = Script::deflated(site, "/own-flow", run_of(&text));
                vec![(n, members), (PUBLISHERS, senders)]
            },
        ),
    },
    Own {
        behind: "flood-come-and-go",
        kind: Kind::new(
            "flood-remote",
            "another thread that publishes 64 KiB as fast as it can, everything read",
            &[50, 10_000],
            |site, n| {
                let members = Script::to(site, "/remote", Vec::new()).cycles(0);
                vec![(n, members.clone()), (1, members.once(go()))]
            },
        ),
    },
    Own {
        behind: "flood-come-and-go",
        kind: Kind::new(
            "flood-remote-unread",
            "the same, nothing read",
            &[50],
            |site, n| {
                let members = Script::to(site, "/remote", Vec::new()).cycles(0);
                vec![(n, members.clone().unread()), (1, members.once(go()))]
            },
        ),
    },
];

fn go() -> Vec<u8> {
    frame(FIN | TEXT, b"go")
}

fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    lay_frame(&mut frame, first, payload);
    frame
}
