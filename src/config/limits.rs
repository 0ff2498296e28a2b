//! The limits of a whole server, beside the settings of its routes.

use super::bounds::{self, out_of_bounds};
use crate::wire::error::Result;
use crate::wire::head::HeadLimits;
use std::time::Duration;

/// Limits that hold for all connections together, and for those that have no route yet.
///
/// Starting a server or a simulation checks them ([`Limits::check`]).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// Connections at the same time, 1 to 2³⁰; past it 503. Default `None`: a [`Server`](crate::Server)
    /// takes the open-file limit less 64 (and lowers any number to that), a simulation has no limit.
    pub max_connections: Option<usize>,
    /// Connections of one IP address at the same time, 1 to 2³⁰; past it 429. Default `None`: off.
    pub max_per_address: Option<usize>,
    /// Bytes that wait for slow peers or for the rest of messages, of all connections together, at
    /// least 1. Past it nothing is read, new connections get 503 and the largest backlog is closed
    /// with 1008. Default `None`: a [`Server`](crate::Server) takes a quarter of the memory that the
    /// process may use (of the machine or of its control group, whichever is less), a simulation
    /// has no limit.
    pub max_buffered: Option<usize>,
    /// Size limits of a request head: 64 bytes to 1 MiB, a target of 1 byte to the whole head, 1 to
    /// 10 000 fields. Default 16 KiB, 8000 bytes, 100.
    pub head: HeadLimits,
    /// Bytes of a plain request's body, 0 to 1 GiB; past it 413. Default 64 KiB.
    pub max_body: usize,
    /// Time for a head, and then for a body, to be complete, 1 ms to 30 min; past it 408. Default 10 s.
    pub head_timeout: Duration,
    /// How long a connection may rest between two requests, 1 ms to 30 min. Default 60 s.
    pub keep_alive: Duration,
    /// How long shutdown may take until what is left is cut, 1 ms to 30 min. Default 10 s.
    pub drain: Duration,
    /// Host names that are served, without port; any other is answered 421. Default `None`: all.
    pub hosts: Option<Vec<String>>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_connections: None,
            max_per_address: None,
            max_buffered: None,
            head: HeadLimits::default(),
            max_body: 64 << 10,
            head_timeout: Duration::from_secs(10),
            keep_alive: Duration::from_secs(60),
            drain: Duration::from_secs(10),
            hosts: None,
        }
    }
}

macro_rules! setters {
    ($($name:ident: $type:ty),* $(,)?) => {$(
        #[doc = concat!("Sets [`Limits::", stringify!($name), "`].")]
        pub fn $name(mut self, value: $type) -> Self {
            self.$name = value;
            self
        }
    )*};
}

macro_rules! optional_setters {
    ($($name:ident: $type:ty),* $(,)?) => {$(
        #[doc = concat!("Sets [`Limits::", stringify!($name), "`]; takes a value, an `Option` of one, or `None`.")]
        pub fn $name(mut self, value: impl Into<Option<$type>>) -> Self {
            self.$name = value.into();
            self
        }
    )*};
}

impl Limits {
    setters! {
        head: HeadLimits,
        max_body: usize,
        head_timeout: Duration,
        keep_alive: Duration,
        drain: Duration,
    }

    optional_setters! {
        max_connections: usize,
        max_per_address: usize,
        max_buffered: usize,
        hosts: Vec<String>,
    }

    /// Checks every field against its bounds.
    ///
    /// # Errors
    /// `Config`: the first field that is out of bounds, with its value and what was wanted.
    pub fn check(&self) -> Result<()> {
        const MOST: usize = 1 << 30;
        let numbers = [
            ("max_connections", self.max_connections, MOST, "connections"),
            ("max_per_address", self.max_per_address, MOST, "connections"),
            ("max_buffered", self.max_buffered, usize::MAX, "bytes"),
            ("head.max_head", Some(self.head.max_head), 1 << 20, "bytes"),
            (
                "head.max_target",
                Some(self.head.max_target),
                self.head.max_head,
                "bytes",
            ),
            (
                "head.max_fields",
                Some(self.head.max_fields),
                10_000,
                "fields",
            ),
        ];
        for (name, value, most, unit) in numbers {
            let least = if name == "head.max_head" { 64 } else { 1 };
            // `None` is a choice of its own: derived, or off.
            if let Some(value) = value {
                bounds::check_number("limit", name, value, least..=most, unit)?;
            }
        }
        bounds::check_number("limit", "max_body", self.max_body, 0..=MOST, "bytes")?;
        let times = [
            ("head_timeout", self.head_timeout),
            ("keep_alive", self.keep_alive),
            ("drain", self.drain),
        ];
        for (name, value) in times {
            bounds::check_time("limit", name, value, Duration::from_millis(1))?;
        }
        self.check_hosts()
    }

    fn check_hosts(&self) -> Result<()> {
        let Some(hosts) = &self.hosts else {
            return Ok(());
        };
        if hosts.is_empty() {
            let wanted = "at least one host name, or None to serve every host";
            return Err(out_of_bounds("limit", "hosts", "empty", wanted));
        }
        let is_name = |host: &&String| {
            let has_port = match host.strip_prefix('[') {
                Some(rest) => !rest.ends_with(']'),
                None => host.contains(':'),
            };
            let is_odd = |byte: u8| !byte.is_ascii_graphic() || b"/?#@".contains(&byte);
            !host.is_empty() && !has_port && !host.bytes().any(is_odd)
        };
        match hosts.iter().find(|host| !is_name(host)) {
            None => Ok(()),
            Some(host) => {
                let wanted = "host names without scheme or port, such as example.org or [::1]";
                Err(out_of_bounds(
                    "limit",
                    "hosts",
                    format_args!("{host:?}"),
                    wanted,
                ))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> Limits {
        Limits::default()
    }

    fn head(change: impl FnOnce(&mut HeadLimits)) -> Limits {
        let mut head = HeadLimits::default();
        change(&mut head);
        limits().head(head)
    }

    /// A change that is refused, with the names, values and limits that the error tells.
    #[track_caller]
    fn refused(limits: Limits, parts: [&str; 3]) {
        let error = limits.check().expect_err(parts[0]);
        assert_eq!(error.kind(), crate::wire::error::ErrorKind::Config);
        let text = error.to_string();
        for part in parts {
            assert!(text.contains(part), "{part:?} is missing in {text:?}");
        }
    }

    #[test]
    fn the_defaults_and_the_ends_of_every_range_are_taken() {
        let (least, most) = (Duration::from_millis(1), Duration::from_secs(30 * 60));
        for limits in [
            limits(),
            limits().max_connections(1).max_per_address(1),
            limits().max_connections(1 << 30).max_per_address(1 << 30),
            limits().max_buffered(1),
            limits().max_buffered(usize::MAX),
            limits().max_body(0),
            limits().max_body(1 << 30),
            limits().head_timeout(least).keep_alive(least).drain(least),
            limits().head_timeout(most).keep_alive(most).drain(most),
            limits().hosts(vec!["example.org".to_owned(), "[::1]".to_owned()]),
            head(|head| (head.max_head, head.max_target) = (64, 64)),
            head(|head| (head.max_head, head.max_fields) = (1 << 20, 10_000)),
        ] {
            limits.check().expect("within bounds");
        }
    }

    #[test]
    fn a_number_out_of_bounds_names_field_value_and_limit() {
        let most = "1 to 1073741824 connections";
        refused(
            limits().max_connections(0),
            ["`max_connections`", "is 0", most],
        );
        refused(
            limits().max_connections((1 << 30) + 1),
            ["`max_connections`", "is 1073741825", most],
        );
        refused(
            limits().max_per_address(0),
            ["`max_per_address`", "is 0", most],
        );
        refused(
            limits().max_per_address((1 << 30) + 1),
            ["`max_per_address`", "is 1073741825", most],
        );
        refused(
            limits().max_buffered(0),
            ["`max_buffered`", "is 0", "1 to "],
        );
        refused(
            limits().max_body((1 << 30) + 1),
            ["`max_body`", "is 1073741825", "0 to 1073741824 bytes"],
        );
        refused(
            head(|head| head.max_head = 63),
            ["`head.max_head`", "is 63", "64 to 1048576 bytes"],
        );
        refused(
            head(|head| head.max_head = (1 << 20) + 1),
            ["`head.max_head`", "is 1048577", "64 to 1048576 bytes"],
        );
        refused(
            head(|head| head.max_target = head.max_head + 1),
            ["`head.max_target`", "is 16385", "1 to 16384 bytes"],
        );
        refused(
            head(|head| head.max_fields = 0),
            ["`head.max_fields`", "is 0", "1 to 10000 fields"],
        );
        refused(
            head(|head| head.max_fields = 10_001),
            ["`head.max_fields`", "is 10001", "1 to 10000 fields"],
        );
    }

    #[test]
    fn no_time_is_zero_or_endless() {
        type Change = fn(Limits, Duration) -> Limits;
        let changes: [(&str, Change); 3] = [
            ("`head_timeout`", |limits, time| limits.head_timeout(time)),
            ("`keep_alive`", |limits, time| limits.keep_alive(time)),
            ("`drain`", |limits, time| limits.drain(time)),
        ];
        for (name, change) in changes {
            let wanted = "wanted: 1ms to 30 min";
            refused(change(limits(), Duration::ZERO), [name, "is 0ns", wanted]);
            let ages = format!("is {:?}", Duration::MAX);
            refused(change(limits(), Duration::MAX), [name, &ages, wanted]);
            let long = Duration::from_millis(1_800_001);
            refused(change(limits(), long), [name, "is 1800.001s", wanted]);
        }
    }

    #[test]
    fn hosts_are_names_without_scheme_and_port() {
        refused(
            limits().hosts(Vec::new()),
            ["`hosts`", "is empty", "at least one"],
        );
        for host in ["", "a:80", "http://a", "a b", "[::1]:80", "a/b", "me@a"] {
            let shown = format!("{host:?}");
            let hosts = vec!["example.org".to_owned(), host.to_owned()];
            refused(limits().hosts(hosts), ["`hosts`", &shown, "without scheme"]);
        }
    }

    #[test]
    fn setters_take_a_value_or_none() {
        let limits = limits().max_connections(10).max_per_address(2);
        assert_eq!(limits.max_connections, Some(10));
        let limits = limits.max_per_address(None).max_buffered(Some(1000));
        assert_eq!(limits.max_per_address, None);
        assert_eq!(limits.max_buffered, Some(1000));
    }
}
