//! The request that asks for a route.

use crate::wire::head::{Method, RequestHead};
use core::net::{IpAddr, SocketAddr};
use std::borrow::Cow;
use std::fmt;

/// Where a connection comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Peer {
    /// A TCP address.
    Tcp(SocketAddr),
    /// A Unix socket, which has no address.
    Unix,
}

impl Peer {
    /// The IP address, if there is one.
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::Tcp(address) => Some(address.ip()),
            Self::Unix => None,
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix => f.write_str("unix"),
        }
    }
}

/// A request, borrowed from the bytes it came in.
pub struct Request<'r> {
    pub(crate) head: &'r RequestHead<'r>,
    pub(crate) params: &'r [(&'r str, Cow<'r, str>)],
    pub(crate) body: &'r [u8],
    pub(crate) peer: Peer,
}

impl<'r> Request<'r> {
    /// The method.
    pub fn method(&self) -> Method {
        self.head.method
    }

    /// The path as it came, percent-encoded, without query.
    pub fn path(&self) -> &'r str {
        self.head.path
    }

    /// A parameter of the route's path, percent-decoded: `id` of `/room/{id}`, `path` of `/static/{path...}`.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| &**value)
    }

    /// The query as it came, without `?`.
    pub fn query_string(&self) -> &'r str {
        self.head.query.unwrap_or("")
    }

    /// The first value of this name in the query, decoded (`+` is a space).
    pub fn query(&self, name: &str) -> Option<Cow<'r, str>> {
        form_value(self.query_string(), name)
    }

    /// The first field of this name, in any case, if it is UTF-8.
    pub fn header(&self, name: &str) -> Option<&'r str> {
        self.headers(name).next()
    }

    /// All fields of this name, in order, that are UTF-8.
    pub fn headers(&self, name: &str) -> impl Iterator<Item = &'r str> {
        self.head
            .fields
            .iter()
            .filter(move |(known, _)| known.eq_ignore_ascii_case(name))
            .filter_map(|(_, value)| std::str::from_utf8(value).ok())
    }

    /// The value of a cookie (RFC 6265 §5.4), as it came.
    pub fn cookie(&self, name: &str) -> Option<&'r str> {
        self.headers("cookie")
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value)
    }

    /// The Host, without which HTTP/1.1 requests are refused.
    pub fn host(&self) -> Option<&'r str> {
        self.head.host
    }

    /// The body of a plain HTTP request; empty for an upgrade.
    pub fn body(&self) -> &'r [u8] {
        self.body
    }

    /// The address of the peer.
    pub fn peer(&self) -> Peer {
        self.peer
    }
}

/// The first value of `name` in `a=1&b=2`, decoded.
fn form_value<'r>(form: &'r str, name: &str) -> Option<Cow<'r, str>> {
    form.split('&')
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .find(|(known, _)| percent_decode(known, true) == name)
        .map(|(_, value)| percent_decode(value, true))
}

/// Decodes `%XX` (and `+` in forms); bytes that are not UTF-8 become U+FFFD, a
/// broken escape stays as it is.
pub(crate) fn percent_decode(text: &str, plus_is_space: bool) -> Cow<'_, str> {
    let has_escape = text.contains('%') || (plus_is_space && text.contains('+'));
    if !has_escape {
        return Cow::Borrowed(text);
    }
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escape = bytes.get(at + 1..at + 3).and_then(hex_byte);
        match (bytes[at], escape) {
            (b'%', Some(byte)) => {
                decoded.push(byte);
                at += 2;
            }
            (b'+', _) if plus_is_space => decoded.push(b' '),
            (byte, _) => decoded.push(byte),
        }
        at += 1;
    }
    Cow::Owned(String::from_utf8_lossy(&decoded).into_owned())
}

fn hex_byte(digits: &[u8]) -> Option<u8> {
    let high = char::from(digits[0]).to_digit(16)?;
    let low = char::from(digits[1]).to_digit(16)?;
    Some((high * 16 + low) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_decoded_and_broken_ones_kept() {
        assert_eq!(percent_decode("a%20b%2Fc", false), "a b/c");
        assert_eq!(percent_decode("a+b", true), "a b");
        assert_eq!(percent_decode("a+b", false), "a+b");
        assert_eq!(percent_decode("100%", false), "100%");
        assert_eq!(percent_decode("%zz%4", false), "%zz%4");
        assert_eq!(percent_decode("%EB%8B%98", false), "님");
        assert_eq!(percent_decode("%FF", false), "\u{FFFD}");
    }

    #[test]
    fn the_first_query_value_of_a_name_counts() {
        assert_eq!(form_value("a=1&b=x+y&a=2", "a").as_deref(), Some("1"));
        assert_eq!(form_value("a=1&b=x+y&a=2", "b").as_deref(), Some("x y"));
        assert_eq!(form_value("a", "a").as_deref(), Some(""));
        assert_eq!(form_value("", "a"), None);
    }
}
