//! The authority of a URI (RFC 3986 §3.2) without user information, as it
//! stands in `Host`, in absolute-form targets and in `Origin`.

use core::net::Ipv6Addr;

/// A host and its port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Authority<'a> {
    /// A name, an IPv4 address, or an IPv6 address in brackets; never empty.
    pub(crate) host: &'a str,
    /// The port, if one is written behind the colon.
    pub(crate) port: Option<u16>,
}

impl<'a> Authority<'a> {
    /// Parses `host[:port]`; `None` if it is malformed or carries user information.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let (host, rest) = if text.starts_with('[') {
            let (host, rest) = text.split_at(text.find(']')? + 1);
            host[1..host.len() - 1].parse::<Ipv6Addr>().ok()?;
            (host, rest)
        } else {
            let (host, rest) = text.split_at(text.find(':').unwrap_or(text.len()));
            is_name(host).then_some((host, rest))?
        };
        let port = match rest.strip_prefix(':') {
            Some("") => None,
            // `parse` alone would take a plus sign.
            Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
                Some(port.parse().ok()?)
            }
            Some(_) => return None,
            None if rest.is_empty() => None,
            None => return None,
        };
        Some(Self { host, port })
    }

    /// The same host, whatever its case, and the same port, `default` standing for none.
    pub(crate) fn matches(&self, other: &Self, default: Option<u16>) -> bool {
        self.host.eq_ignore_ascii_case(other.host)
            && self.port.or(default) == other.port.or(default)
    }
}

/// A registered name (RFC 3986 §3.2.2) that is not empty; every IPv4 address is one.
fn is_name(host: &str) -> bool {
    let mut bytes = host.bytes();
    while let Some(byte) = bytes.next() {
        let good = match byte {
            b'%' => {
                let mut digit = || bytes.next().is_some_and(|digit| digit.is_ascii_hexdigit());
                digit() && digit()
            }
            b'-' | b'.' | b'_' | b'~' => true,
            b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'=' => true,
            _ => byte.is_ascii_alphanumeric(),
        };
        if !good {
            return false;
        }
    }
    !host.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_with_and_without_port_are_understood() {
        for (text, host, port) in [
            ("example.org", "example.org", None),
            ("example.org:", "example.org", None),
            ("example.org:8080", "example.org", Some(8080)),
            ("127.0.0.1:1", "127.0.0.1", Some(1)),
            ("[::1]", "[::1]", None),
            ("[2001:db8::1]:443", "[2001:db8::1]", Some(443)),
            ("a_b.example", "a_b.example", None),
            ("a%20b", "a%20b", None),
        ] {
            assert_eq!(
                Authority::parse(text),
                Some(Authority { host, port }),
                "{text}"
            );
        }
    }

    #[test]
    fn malformed_hosts_are_refused() {
        for text in [
            "",
            ":80",
            "a:b",
            "a:80:80",
            "a:65536",
            "a:+80",
            "a:-1",
            "a b",
            "a/b",
            "a@b",
            "u:p@b",
            "a?b",
            "a#b",
            "[::1",
            "[]",
            "[::1]80",
            "[::1]x:80",
            "[zz]",
            "::1",
            "a%2",
            "a%zz",
            "é",
            "\"a\"",
            "<a>",
            "a\\b",
        ] {
            assert_eq!(Authority::parse(text), None, "{text:?}");
        }
    }
}
