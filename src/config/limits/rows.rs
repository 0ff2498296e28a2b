//! One row for every limit of a server.

use super::Limits;
use crate::config::forwarded_by::ForwardedBy;
use crate::config::networks::{Networks, SHAPE};
use crate::config::row::{Kind, Row, Value};
use std::time::Duration;

const MOST: usize = 1 << 30;
const MILLISECOND: Duration = Duration::from_millis(1);

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

const MAX_PER_ADDRESS: Row<Limits> = Row {
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

const CONNECTION_RATE: Row<Limits> = Row {
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

const REQUEST_RATE: Row<Limits> = Row {
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

const RATE_BURST: Row<Limits> = Row {
    name: "rate_burst",
    key: "rate_burst",
    kind: Kind::Number {
        unit: "connections or requests",
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

const PROXY_PROTOCOL: Row<Limits> = Row {
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

const TRUSTED_PROXY: Row<Limits> = Row {
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

const FORWARDED_BY: Row<Limits> = Row {
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

/// Every limit, in the order in which they are checked.
static ROWS: &[Row<Limits>] = &[
    Row {
        name: "max_connections",
        key: "max_connections",
        kind: Kind::Number {
            unit: "connections",
            least: 1,
            most: |_| MOST,
        },
        none: Some("auto"),
        reloads: true,
        about: "Connections at the same time; past it 503 (auto: the open-file limit less 64)",
        get: |all| all.max_connections.map_or(Value::None, Value::Number),
        set: |all, value| match value {
            Value::None => all.max_connections = None,
            Value::Number(number) => all.max_connections = Some(number),
            _ => {}
        },
    },
    MAX_PER_ADDRESS,
    CONNECTION_RATE,
    REQUEST_RATE,
    RATE_BURST,
    PROXY_PROTOCOL,
    TRUSTED_PROXY,
    FORWARDED_BY,
    Row {
        name: "max_buffered",
        key: "max_buffered",
        kind: Kind::Number {
            unit: "bytes",
            least: 1,
            most: |_| usize::MAX,
        },
        none: Some("auto"),
        reloads: true,
        about: "Bytes that wait, of all connections together (auto: a quarter of memory)",
        get: |all| all.max_buffered.map_or(Value::None, Value::Number),
        set: |all, value| match value {
            Value::None => all.max_buffered = None,
            Value::Number(number) => all.max_buffered = Some(number),
            _ => {}
        },
    },
    Row {
        name: "head.max_head",
        key: "max_head",
        kind: Kind::Number {
            unit: "bytes",
            least: 64,
            most: |_| 1 << 20,
        },
        none: None,
        reloads: true,
        about: "A request head; past it 431",
        get: |all| Value::Number(all.head.max_head),
        set: |all, value| {
            if let Value::Number(number) = value {
                all.head.max_head = number;
            }
        },
    },
    Row {
        name: "head.max_target",
        key: "max_target",
        kind: Kind::Number {
            unit: "bytes",
            least: 1,
            most: |all| all.head.max_head,
        },
        none: None,
        reloads: true,
        about: "The target of a request; past it 414",
        get: |all| Value::Number(all.head.max_target),
        set: |all, value| {
            if let Value::Number(number) = value {
                all.head.max_target = number;
            }
        },
    },
    Row {
        name: "head.max_fields",
        key: "max_fields",
        kind: Kind::Number {
            unit: "fields",
            least: 1,
            most: |_| 10_000,
        },
        none: None,
        reloads: true,
        about: "Fields of a request head; past it 431",
        get: |all| Value::Number(all.head.max_fields),
        set: |all, value| {
            if let Value::Number(number) = value {
                all.head.max_fields = number;
            }
        },
    },
    Row {
        name: "max_body",
        key: "max_body",
        kind: Kind::Number {
            unit: "bytes",
            least: 0,
            most: |_| MOST,
        },
        none: None,
        reloads: true,
        about: "The body of a plain request; past it 413",
        get: |all| Value::Number(all.max_body),
        set: |all, value| {
            if let Value::Number(number) = value {
                all.max_body = number;
            }
        },
    },
    Row {
        name: "head_timeout",
        key: "head_timeout",
        kind: Kind::Time {
            shortest: MILLISECOND,
        },
        none: None,
        reloads: true,
        about: "Time for a head, and then for a body; past it 408",
        get: |all| Value::Time(all.head_timeout),
        set: |all, value| {
            if let Value::Time(time) = value {
                all.head_timeout = time;
            }
        },
    },
    Row {
        name: "keep_alive",
        key: "keep_alive",
        kind: Kind::Time {
            shortest: MILLISECOND,
        },
        none: None,
        reloads: true,
        about: "Rest between two requests; then the connection closes",
        get: |all| Value::Time(all.keep_alive),
        set: |all, value| {
            if let Value::Time(time) = value {
                all.keep_alive = time;
            }
        },
    },
    Row {
        name: "max_tickets",
        key: "max_tickets",
        kind: Kind::Number {
            unit: "tickets",
            least: 1,
            most: |_| 1 << 20,
        },
        none: None,
        reloads: true,
        about: "Requests whose answer comes later; past it 503",
        get: |all| Value::Number(all.max_tickets),
        set: |all, value| {
            if let Value::Number(number) = value {
                all.max_tickets = number;
            }
        },
    },
    Row {
        name: "answer_timeout",
        key: "answer_timeout",
        kind: Kind::Time {
            shortest: MILLISECOND,
        },
        none: None,
        reloads: true,
        about: "Time for an answer that comes later; past it 503",
        get: |all| Value::Time(all.answer_timeout),
        set: |all, value| {
            if let Value::Time(time) = value {
                all.answer_timeout = time;
            }
        },
    },
    Row {
        name: "drain",
        key: "drain",
        kind: Kind::Time {
            shortest: MILLISECOND,
        },
        none: None,
        reloads: false,
        about: "Time for a shutdown; then what is left is cut",
        get: |all| Value::Time(all.drain),
        set: |all, value| {
            if let Value::Time(time) = value {
                all.drain = time;
            }
        },
    },
    Row {
        name: "hosts",
        key: "host",
        kind: Kind::List("host names without port, or * for every host"),
        none: None,
        reloads: true,
        about: "Host names that are served; any other is answered 421",
        get: |all| Value::List(all.hosts.clone().unwrap_or_else(|| vec!["*".to_owned()])),
        set: |all, value| {
            if let Value::List(list) = value {
                let is_any = list.iter().any(|host| host == "*");
                all.hosts = (!is_any).then_some(list);
            }
        },
    },
];

impl Limits {
    /// Every limit as a row, in the order in which they are checked.
    pub fn rows() -> &'static [Row<Self>] {
        ROWS
    }
}
