//! The kinds of floods, by what they make dear. Each file is one corner of the protocol.

mod close;
mod connect;
mod control;
mod deflate;
mod fragments;
mod http;
mod room;
mod rooms;
mod text;

use super::kind::Kind;
pub(super) use text::storm;

/// Every kind, in the order of the table.
pub fn all() -> impl Iterator<Item = &'static Kind> {
    [
        deflate::KINDS,
        text::KINDS,
        control::KINDS,
        room::KINDS,
        rooms::KINDS,
        http::KINDS,
        connect::KINDS,
        close::KINDS,
    ]
    .into_iter()
    .flatten()
}

/// The kind of this name; `flood-` may be left out.
pub fn named(name: &str) -> Option<&'static Kind> {
    let short = |kind: &Kind| kind.name.strip_prefix("flood-") == Some(name);
    all().find(|kind| kind.name == name || short(kind))
}
