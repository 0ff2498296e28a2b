//! The limits by address, and who says which address a peer has.

use super::{Limits, MOST};
use crate::config::networks::{Networks, SHAPE};
use crate::config::row::{Kind, Row, Value};

/// Which field of a request tells where it comes from, where a trusted proxy sends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForwardedBy {
    /// `X-Forwarded-For`, and `X-Forwarded-Proto` for the scheme: the default.
    XForwardedFor,
    /// `Forwarded` (RFC 7239): its `for=` and `proto=`.
    Forwarded,
}

impl ForwardedBy {
    const WORDS: &'static [&'static str] = &["x-forwarded-for", "forwarded"];

    fn word(self) -> &'static str {
        match self {
            Self::XForwardedFor => Self::WORDS[0],
            Self::Forwarded => Self::WORDS[1],
        }
    }
}

fn shown(networks: &Networks) -> Value {
    match networks.texts() {
        [] => Value::None,
        texts => Value::List(texts.to_vec()),
    }
}

fn read(value: Value) -> Option<Networks> {
    match value {
        Value::None => Some(Networks::default()),
        Value::List(texts) => Some(Networks::written(texts)),
        _ => None,
    }
}

fn rate(value: Value) -> Option<Option<usize>> {
    match value {
        Value::None => Some(None),
        Value::Number(number) => Some(Some(number)),
        _ => None,
    }
}

pub(super) const MAX_PER_ADDRESS: Row<Limits> = Row {
    name: "max_per_address",
    key: "max_per_address",
    kind: Kind::Number {
        unit: "connections",
        least: 1,
        most: |_| MOST,
    },
    none: Some("off"),
    reloads: false,
    about: "Connections of one IP address (of IPv6: one /64) at the same time; past it 429",
    get: |all| all.max_per_address.map_or(Value::None, Value::Number),
    set: |all, value| {
        if let Some(number) = rate(value) {
            all.max_per_address = number;
        }
    },
};

pub(super) const CONNECTION_RATE: Row<Limits> = Row {
    name: "connection_rate",
    key: "connection_rate",
    kind: Kind::Number {
        unit: "connections",
        least: 1,
        most: |_| 10_000,
    },
    none: Some("off"),
    reloads: true,
    about: "New connections of one IP address (of IPv6: one /64) in a second; past it 429",
    get: |all| all.connection_rate.map_or(Value::None, Value::Number),
    set: |all, value| {
        if let Some(number) = rate(value) {
            all.connection_rate = number;
        }
    },
};

pub(super) const REQUEST_RATE: Row<Limits> = Row {
    name: "request_rate",
    key: "request_rate",
    kind: Kind::Number {
        unit: "requests",
        least: 1,
        most: |_| 10_000,
    },
    none: Some("off"),
    reloads: true,
    about: "Requests of one IP address (of IPv6: one /64) in a second, upgrades too; past it 429",
    get: |all| all.request_rate.map_or(Value::None, Value::Number),
    set: |all, value| {
        if let Some(number) = rate(value) {
            all.request_rate = number;
        }
    },
};

pub(super) const RATE_BURST: Row<Limits> = Row {
    name: "rate_burst",
    key: "rate_burst",
    kind: Kind::Number {
        unit: "at once",
        least: 1,
        most: |_| 10_000,
    },
    none: None,
    reloads: true,
    about: "Connections, and requests, of an address that may come at once before its rate counts",
    get: |all| Value::Number(all.rate_burst),
    set: |all, value| {
        if let Value::Number(number) = value {
            all.rate_burst = number;
        }
    },
};

pub(super) const PROXY_PROTOCOL: Row<Limits> = Row {
    name: "proxy_protocol",
    key: "proxy_protocol",
    kind: Kind::List(SHAPE),
    none: Some("none"),
    reloads: false,
    about: "Whose connections begin with a PROXY header (v1 or v2) that says who the peer is",
    get: |all| shown(&all.proxy_protocol),
    set: |all, value| {
        if let Some(networks) = read(value) {
            all.proxy_protocol = networks;
        }
    },
};

pub(super) const TRUSTED_PROXY: Row<Limits> = Row {
    name: "trusted_proxies",
    key: "trusted_proxy",
    kind: Kind::List(SHAPE),
    none: Some("none"),
    reloads: true,
    about: "Proxies whose requests say in a field who the peer is; they have no limit of their own",
    get: |all| shown(&all.trusted_proxies),
    set: |all, value| {
        if let Some(networks) = read(value) {
            all.trusted_proxies = networks;
        }
    },
};

pub(super) const FORWARDED_BY: Row<Limits> = Row {
    name: "forwarded_by",
    key: "forwarded_by",
    kind: Kind::Choice(ForwardedBy::WORDS),
    none: None,
    reloads: true,
    about: "The field by which trusted proxies say who the peer is; no other is looked at",
    get: |all| Value::Word(all.forwarded_by.word()),
    set: |all, value| {
        all.forwarded_by = match value {
            Value::Word("forwarded") => ForwardedBy::Forwarded,
            Value::Word("x-forwarded-for") => ForwardedBy::XForwardedFor,
            _ => all.forwarded_by,
        };
    },
};
