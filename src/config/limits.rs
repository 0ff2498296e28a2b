//! The limits of a whole server, beside the settings of its routes.

mod rows;

use super::bounds::out_of_bounds;
use super::forwarded_by::ForwardedBy;
use super::networks::Networks;
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
    /// Connections of one IP address at the same time, 1 to 2³⁰; past it 429. Of IPv6 a whole /64 is one
    /// address: that is what one customer has. Addresses among `trusted_proxies` have no such limit.
    /// Default `None`: off.
    pub max_per_address: Option<usize>,
    /// New connections of one IP address in a second, 1 to 10 000; past it 429. An address is what it is
    /// for `max_per_address`. The rates of 8192 addresses are remembered, those that come nearest to their
    /// limit longest. Default `None`: off.
    pub connection_rate: Option<usize>,
    /// Requests of one IP address in a second, upgrades included, 1 to 10 000; past it 429. Default
    /// `None`: off.
    pub request_rate: Option<usize>,
    /// How many connections, and how many requests, of an address may come at once before its rate counts,
    /// 1 to 10 000. Default 50.
    pub rate_burst: usize,
    /// Whose connections begin with a PROXY header, version 1 or 2, that says who the peer is. It is
    /// required from these and not read from others. Default: nobody's.
    pub proxy_protocol: Networks,
    /// Proxies that say by a field of each request who the peer is, and by which scheme it asked: the
    /// right-most address of `forwarded_by` that is not among these. From others such fields mean nothing.
    /// Default: none.
    pub trusted_proxies: Networks,
    /// By which field they do. Default: `X-Forwarded-For`.
    pub forwarded_by: ForwardedBy,
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
    /// Tickets of answers that come [later](crate::Answer::later), 1 to 2²⁰; the next request that would wait
    /// is answered 503. Default 1024.
    pub max_tickets: usize,
    /// How long a peer waits for an answer that comes later when the handler says nothing else, 1 ms to
    /// 30 min; past it 503. Default 10 s.
    pub answer_timeout: Duration,
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
            connection_rate: None,
            request_rate: None,
            rate_burst: 50,
            proxy_protocol: Networks::default(),
            trusted_proxies: Networks::default(),
            forwarded_by: ForwardedBy::XForwardedFor,
            max_buffered: None,
            head: HeadLimits::default(),
            max_body: 64 << 10,
            head_timeout: Duration::from_secs(10),
            keep_alive: Duration::from_secs(60),
            max_tickets: 1024,
            answer_timeout: Duration::from_secs(10),
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
        rate_burst: usize,
        proxy_protocol: Networks,
        trusted_proxies: Networks,
        forwarded_by: ForwardedBy,
        head: HeadLimits,
        max_body: usize,
        head_timeout: Duration,
        keep_alive: Duration,
        max_tickets: usize,
        answer_timeout: Duration,
        drain: Duration,
    }

    optional_setters! {
        max_connections: usize,
        max_per_address: usize,
        connection_rate: usize,
        request_rate: usize,
        max_buffered: usize,
        hosts: Vec<String>,
    }

    /// Checks every field against its bounds.
    ///
    /// # Errors
    /// `Config`: the first field that is out of bounds, with its value and what was wanted.
    pub fn check(&self) -> Result<()> {
        for row in Self::rows() {
            row.check("limit", self)?;
        }
        self.proxy_protocol.check_as("proxy_protocol")?;
        self.trusted_proxies.check_as("trusted_proxies")?;
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
            let is_odd = |byte: u8| !byte.is_ascii_graphic() || b"/?#@,".contains(&byte);
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
mod tests;
