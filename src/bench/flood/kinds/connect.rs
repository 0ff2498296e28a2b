//! Storms of connections: each is there for a moment only.

use super::super::super::site::Site;
use super::super::kind::{Kind, Need};
use super::super::script::Script;

pub(super) const KINDS: &[Kind] = &[
    Kind::new(
        "flood-upgrades",
        "connect, upgrade, leave, again, as fast as possible",
        &[4, 100, 900],
        |site, n| vec![(n, brief(site).storm(0))],
    ),
    Kind::new(
        "flood-upgrades-reset",
        "the same, each left with a reset",
        &[100, 900],
        |site, n| vec![(n, brief(site).storm_of_resets(0))],
    ),
    Kind::new(
        "flood-upgrades-100",
        "upgrades with 90 more header fields of 100 B",
        &[4, 100],
        |site, n| {
            let fields: String = (0..90)
                .map(|i| format!("X-Field-{i}: {}\r\n", "v".repeat(90)))
                .collect();
            vec![(n, with_fields(site, &fields).storm(0))]
        },
    ),
    Kind::new(
        "flood-upgrades-offers",
        "upgrades that offer deflate in 500 ways, none of them right",
        &[4, 100],
        |site, n| {
            let offer = "permessage-deflate; server_max_window_bits=7, ";
            let offers = offer.repeat(15_000 / offer.len());
            let fields = format!("Sec-WebSocket-Extensions: {}x\r\n", offers);
            vec![(n, with_fields(site, &fields).storm(0))]
        },
    ),
    Kind::new(
        "flood-connects",
        "connect and leave with a reset, nothing said",
        &[100],
        |_, n| vec![(n, Script::http(Vec::new()).cycles(0).storm_of_resets(0))],
    ),
    Kind::new(
        "flood-refused",
        "upgrades to a path that is not there, refused each time",
        &[4, 100],
        |site, n| {
            vec![(
                n,
                Script::to(site, "/none", Vec::new())
                    .cycles(0)
                    .storm(u64::MAX),
            )]
        },
    )
    .needs(Need::Refusal),
];

fn brief(site: &Site) -> Script {
    Script::echo(site, Vec::new()).cycles(0)
}

/// An upgrade with more header fields.
fn with_fields(site: &Site, fields: &str) -> Script {
    Script::with_fields(site, &site.echo, fields, Vec::new()).cycles(0)
}
