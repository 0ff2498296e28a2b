//! Storms of connections: each is there for a moment only.

use std::rc::Rc;

use super::Kind;
use crate::flood::script::{HOST, Script};
use crate::upgrade::Upgrade;

pub(super) const KINDS: &[Kind] = &[
    Kind::new(
        "flood-upgrades",
        "connect, upgrade, leave, again, as fast as possible",
        &[4, 100, 900],
        |n| vec![(n, brief().storm(0))],
    ),
    Kind::new(
        "flood-upgrades-reset",
        "the same, each left with a reset",
        &[100, 900],
        |n| vec![(n, brief().storm_of_resets(0))],
    ),
    Kind::new(
        "flood-upgrades-100",
        "upgrades with 90 more header fields of 100 B",
        &[4, 100],
        |n| {
            let fields: String = (0..90)
                .map(|i| format!("X-Field-{i}: {}\r\n", "v".repeat(90)))
                .collect();
            vec![(n, with_fields(&fields).storm(0))]
        },
    ),
    Kind::new(
        "flood-upgrades-offers",
        "upgrades that offer deflate in 500 ways, none of them right",
        &[4, 100],
        |n| {
            let offer = "permessage-deflate; server_max_window_bits=7, ";
            let offers = offer.repeat(15_000 / offer.len());
            let fields = format!("Sec-WebSocket-Extensions: {}x\r\n", offers);
            vec![(n, with_fields(&fields).storm(0))]
        },
    ),
    Kind::new(
        "flood-connects",
        "connect and leave with a reset, nothing said",
        &[100],
        |n| vec![(n, Script::http(Vec::new()).cycles(0).storm_of_resets(0))],
    ),
    Kind::new(
        "flood-refused",
        "upgrades to a path that is not there, refused each time",
        &[4, 100],
        |n| vec![(n, Script::to("/none", Vec::new()).cycles(0).storm(u64::MAX))],
    ),
];

fn brief() -> Script {
    Script::to("/echo-raw", Vec::new()).cycles(0)
}

/// An upgrade with more header fields.
fn with_fields(fields: &str) -> Script {
    let mut request = Upgrade::to("/echo-raw").request(HOST);
    request.truncate(request.len() - 2);
    request.extend_from_slice(fields.as_bytes());
    request.extend_from_slice(b"\r\n");
    let mut script = brief();
    script.request = Some(Rc::new(request));
    script
}
