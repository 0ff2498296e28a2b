//! What trusted proxies say of the peer behind them: `X-Forwarded-For`, and `Forwarded` (RFC 7239).
//!
//! Every proxy adds to the right what it has seen; what stands left of that the client itself may have
//! written. So the list is read from its right end, address by address, as long as an address is that of a
//! trusted proxy, and the first other one is the peer. What cannot be read stops the walk: nothing that
//! a client has written is ever mended, and nothing left of it is looked at.

use super::fields::{Fields, trim, values};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Who asks, by the word of trusted proxies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Asker {
    /// The address, with port 0 where none was told; `None`: nobody said one.
    pub(crate) address: Option<SocketAddr>,
    /// By `https`, or by `http`; `None`: nobody said.
    pub(crate) is_https: Option<bool>,
}

/// Reads `X-Forwarded-For` and `X-Forwarded-Proto`.
pub(crate) fn x_forwarded(fields: &Fields<'_>, is_trusted: impl Fn(IpAddr) -> bool) -> Asker {
    let lines: Vec<&[u8]> = values(fields, "x-forwarded-for").collect();
    let mut hops = from_the_right(&lines, false).map(|hop| node(trim(hop)));
    // The nearest proxy has written the last one.
    let lines: Vec<&[u8]> = values(fields, "x-forwarded-proto").collect();
    let scheme = from_the_right(&lines, false).next();
    Asker {
        address: walk(|| hops.next().flatten(), is_trusted),
        is_https: scheme.and_then(|scheme| is_https(trim(scheme))),
    }
}

/// Reads `Forwarded`: the scheme is that by which the peer that is found has asked.
pub(crate) fn forwarded(fields: &Fields<'_>, is_trusted: impl Fn(IpAddr) -> bool) -> Asker {
    let lines: Vec<&[u8]> = values(fields, "forwarded").collect();
    let mut hops = from_the_right(&lines, true).map(Hop::parse);
    let mut scheme = None;
    let address = walk(
        || {
            let hop = hops.next()??;
            let address = hop.address?;
            scheme = hop.is_https;
            Some(address)
        },
        is_trusted,
    );
    Asker {
        address,
        is_https: scheme,
    }
}

/// The first address that is not trusted, or the last one that can be read.
fn walk(
    mut next: impl FnMut() -> Option<SocketAddr>,
    is_trusted: impl Fn(IpAddr) -> bool,
) -> Option<SocketAddr> {
    let mut found = None;
    while let Some(address) = next() {
        found = Some(address);
        if !is_trusted(address.ip()) {
            break;
        }
    }
    found
}

/// The elements of a list over several lines, the last one first. With `has_quotes` a comma between quotes
/// parts nothing; a quote that is never closed belongs to what stands left of it.
fn from_the_right<'l>(lines: &'l [&[u8]], has_quotes: bool) -> impl Iterator<Item = &'l [u8]> {
    lines.iter().rev().flat_map(move |line| {
        let mut rest = Some(*line);
        std::iter::from_fn(move || {
            let line = rest?;
            let comma = last_comma(line, has_quotes);
            rest = comma.map(|comma| &line[..comma]);
            Some(comma.map_or(line, |comma| &line[comma + 1..]))
        })
    })
}

fn last_comma(line: &[u8], has_quotes: bool) -> Option<usize> {
    let mut is_quoted = false;
    for (at, byte) in line.iter().enumerate().rev() {
        match byte {
            b'"' if has_quotes && !is_escaped(&line[..at]) => is_quoted = !is_quoted,
            b',' if !is_quoted => return Some(at),
            _ => {}
        }
    }
    None
}

/// Whether the byte behind these stands behind a backslash that counts.
fn is_escaped(before: &[u8]) -> bool {
    let slashes = before.iter().rev().take_while(|byte| **byte == b'\\');
    slashes.count() % 2 == 1
}

/// What one proxy said in `Forwarded`.
struct Hop {
    /// `None`: it has none, or hides it (`unknown`, `_name`).
    address: Option<SocketAddr>,
    is_https: Option<bool>,
}

impl Hop {
    /// Reads `for=…;proto=…`; `None`: it breaks the syntax.
    fn parse(element: &[u8]) -> Option<Self> {
        let mut hop = Self {
            address: None,
            is_https: None,
        };
        let mut has_for = false;
        let mut rest = trim(element);
        while !rest.is_empty() {
            let equals = rest.iter().position(|byte| *byte == b'=')?;
            let (name, value) = (&rest[..equals], &rest[equals + 1..]);
            let (value, behind) = value_at(value)?;
            if name.eq_ignore_ascii_case(b"for") {
                if has_for {
                    return None;
                }
                has_for = true;
                hop.address = node(&value);
            } else if name.eq_ignore_ascii_case(b"proto") {
                hop.is_https = is_https(&value);
            }
            rest = match behind.split_first() {
                None => behind,
                Some((b';', rest)) => trim(rest),
                Some(_) => return None,
            };
        }
        Some(hop)
    }
}

/// A token or a quoted string at the start, without its quotes and backslashes, and what stands behind it.
fn value_at(bytes: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let Some((b'"', quoted)) = bytes.split_first() else {
        let end = bytes.iter().position(|byte| *byte == b';');
        let (value, rest) = bytes.split_at(end.unwrap_or(bytes.len()));
        return (!value.contains(&b'"')).then(|| (trim(value).to_vec(), rest));
    };
    let mut value = Vec::new();
    let mut left = quoted.iter();
    loop {
        match left.next()? {
            b'"' => return Some((value, trim(left.as_slice()))),
            b'\\' => value.push(*left.next()?),
            byte => value.push(*byte),
        }
    }
}

/// An address, an IPv6 one with or without brackets, with or without a port.
fn node(text: &[u8]) -> Option<SocketAddr> {
    let text = std::str::from_utf8(text).ok()?;
    let bare = |ip: IpAddr| SocketAddr::new(ip.to_canonical(), 0);
    if let Ok(ip) = text.parse::<IpAddr>() {
        return Some(bare(ip));
    }
    let (ip, rest) = match text.strip_prefix('[') {
        Some(text) => {
            let (ip, rest) = text.split_once(']')?;
            (IpAddr::V6(ip.parse::<Ipv6Addr>().ok()?), rest)
        }
        None => {
            let (ip, _) = text.split_once(':')?;
            (IpAddr::V4(ip.parse::<Ipv4Addr>().ok()?), &text[ip.len()..])
        }
    };
    let Some(port) = rest.strip_prefix(':') else {
        return rest.is_empty().then(|| bare(ip));
    };
    // RFC 7239 §6: a port may be hidden, too.
    let is_hidden = port.strip_prefix('_').is_some_and(|name| !name.is_empty());
    let is_number = port.bytes().all(|byte| byte.is_ascii_digit());
    let port = match (is_hidden, is_number) {
        (true, _) => 0,
        (_, true) => port.parse().ok()?,
        _ => return None,
    };
    Some(SocketAddr::new(ip.to_canonical(), port))
}

fn is_https(scheme: &[u8]) -> Option<bool> {
    let is = |names: [&str; 2]| {
        names
            .iter()
            .any(|name| scheme.eq_ignore_ascii_case(name.as_bytes()))
    };
    if is(["https", "wss"]) {
        Some(true)
    } else {
        is(["http", "ws"]).then_some(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Proxies are in 10.0.0.0/8 and fd00::/8.
    fn is_trusted(ip: IpAddr) -> bool {
        match ip {
            IpAddr::V4(ip) => ip.octets()[0] == 10,
            IpAddr::V6(ip) => ip.octets()[0] == 0xfd,
        }
    }

    fn shown(asker: Asker) -> (String, Option<bool>) {
        let address = asker.address.map(|address| address.to_string());
        (address.unwrap_or_default(), asker.is_https)
    }

    fn x(lines: &[&str]) -> String {
        let fields = lines
            .iter()
            .map(|line| ("X-Forwarded-For", line.as_bytes()));
        shown(x_forwarded(&fields.collect::<Vec<_>>(), is_trusted)).0
    }

    fn f(lines: &[&str]) -> (String, Option<bool>) {
        let fields = lines.iter().map(|line| ("forwarded", line.as_bytes()));
        shown(forwarded(&fields.collect::<Vec<_>>(), is_trusted))
    }

    #[test]
    fn the_right_most_address_that_is_not_trusted_is_the_peer_s() {
        for (lines, wanted) in [
            (&["192.0.2.1"][..], "192.0.2.1:0"),
            (&["192.0.2.1, 10.0.0.1"], "192.0.2.1:0"),
            (&["192.0.2.9, 192.0.2.1, 10.0.0.2,10.0.0.1"], "192.0.2.1:0"),
            (&["192.0.2.9", "192.0.2.1", "10.0.0.1"], "192.0.2.1:0"),
            (&["192.0.2.9, 192.0.2.1", "10.0.0.1"], "192.0.2.1:0"),
            (&["2001:db8::1"], "[2001:db8::1]:0"),
            (&["[2001:db8::1]"], "[2001:db8::1]:0"),
            (&["[2001:db8::1]:4711, fd00::1"], "[2001:db8::1]:4711"),
            (&["192.0.2.1:4711"], "192.0.2.1:4711"),
            (&["::ffff:192.0.2.1, ::ffff:10.0.0.1"], "192.0.2.1:0"),
            // All are trusted: the one farthest away.
            (&["10.0.0.3, 10.0.0.2"], "10.0.0.3:0"),
            (&[], ""),
            (&[""], ""),
        ] {
            assert_eq!(x(lines), wanted, "{lines:?}");
        }
    }

    #[test]
    fn what_a_client_writes_before_never_counts() {
        for written in [
            "127.0.0.1",
            "10.0.0.9",
            "garbage",
            "\"",
            "192.0.2.66,",
            ", ,",
        ] {
            let line = format!("{written}, 192.0.2.1");
            assert_eq!(x(&[&line]), "192.0.2.1:0", "{written}");
            assert_eq!(x(&[written, "192.0.2.1"]), "192.0.2.1:0", "{written}");
        }
        for written in [
            "for=127.0.0.1",
            "for=\"",
            "for=\"a, ",
            "\\\"",
            ";;",
            "for=\"\\\"",
            "x",
        ] {
            let line = format!("{written}, for=192.0.2.1");
            assert_eq!(f(&[&line]).0, "192.0.2.1:0", "{written}");
            let line = format!("{written}, for=\"[2001:db8::1]:5\";by=_a");
            assert_eq!(f(&[&line]).0, "[2001:db8::1]:5", "{written}");
            assert_eq!(f(&[written, "for=192.0.2.1"]).0, "192.0.2.1:0", "{written}");
        }
    }

    #[test]
    fn what_cannot_be_read_stops_the_walk_at_the_last_proxy_that_is_known() {
        for (lines, wanted) in [
            (&["192.0.2.1, unknown"][..], ""),
            (&["192.0.2.1, unknown, 10.0.0.1"], "10.0.0.1:0"),
            (&["192.0.2.1, , 10.0.0.1"], "10.0.0.1:0"),
            (&["192.0.2.1, 10.0.0.01, 10.0.0.1"], "10.0.0.1:0"),
            (&["192.0.2.1, 10.0.0.2:x, 10.0.0.1"], "10.0.0.1:0"),
            (&["192.0.2.1, [fd00::1, 10.0.0.1"], "10.0.0.1:0"),
            (&["192.0.2.1, [fd00::1]5, 10.0.0.1"], "10.0.0.1:0"),
            (&["192.0.2.1, 10.0.0.2:65536, 10.0.0.1"], "10.0.0.1:0"),
        ] {
            assert_eq!(x(lines), wanted, "{lines:?}");
        }
        for (line, wanted) in [
            ("for=192.0.2.1, for=unknown", ""),
            ("for=192.0.2.1, for=_hidden, for=10.0.0.1", "10.0.0.1:0"),
            ("for=192.0.2.1, proto=http, for=10.0.0.1", "10.0.0.1:0"),
            (
                "for=192.0.2.1, for=10.0.0.2;for=1.1.1.1, for=10.0.0.1",
                "10.0.0.1:0",
            ),
            (
                "for=192.0.2.1, for=\"10.0.0.2\"x, for=10.0.0.1",
                "10.0.0.1:0",
            ),
            ("for=192.0.2.1, for, for=10.0.0.1", "10.0.0.1:0"),
        ] {
            assert_eq!(f(&[line]).0, wanted, "{line}");
        }
    }

    #[test]
    fn forwarded_is_read_as_rfc_7239_writes_it() {
        for (lines, wanted, https) in [
            (
                &["for=192.0.2.60;proto=http;by=203.0.113.43"][..],
                "192.0.2.60:0",
                Some(false),
            ),
            (
                &["For=\"[2001:db8:cafe::17]:4711\""],
                "[2001:db8:cafe::17]:4711",
                None,
            ),
            (&["FOR=192.0.2.43;PROTO=HTTPS"], "192.0.2.43:0", Some(true)),
            (&["for=\"192.0.2.43:47011\""], "192.0.2.43:47011", None),
            (&["for=\"192.0.2.43:_port\""], "192.0.2.43:0", None),
            (&["for=\"\\1\\92.0.2.43\""], "192.0.2.43:0", None),
            (&["host=\"a,b;c\";for=192.0.2.43"], "192.0.2.43:0", None),
            (
                &["for=192.0.2.43 ; proto=https"],
                "192.0.2.43:0",
                Some(true),
            ),
            // The scheme is that of the peer, not that between two proxies.
            (
                &["for=192.0.2.43;proto=https, for=10.0.0.1;proto=http"],
                "192.0.2.43:0",
                Some(true),
            ),
            (
                &["for=192.0.2.43;proto=https", "for=10.0.0.1;proto=http"],
                "192.0.2.43:0",
                Some(true),
            ),
            (&[""], "", None),
        ] {
            assert_eq!(f(lines), (wanted.to_owned(), https), "{lines:?}");
        }
    }

    #[test]
    fn the_nearest_proxy_has_the_last_word_on_the_scheme() {
        for (lines, wanted) in [
            (&["https"][..], Some(true)),
            (&["HTTP"], Some(false)),
            (&["wss"], Some(true)),
            (&["https, http"], Some(false)),
            (&["http", " https "], Some(true)),
            (&["gopher"], None),
            (&[], None),
        ] {
            let fields = lines
                .iter()
                .map(|line| ("x-forwarded-proto", line.as_bytes()));
            let asker = x_forwarded(&fields.collect::<Vec<_>>(), is_trusted);
            assert_eq!(asker.is_https, wanted, "{lines:?}");
        }
    }

    #[test]
    fn other_fields_say_nothing() {
        let both: &Fields<'_> = &[
            ("Forwarded", b"for=192.0.2.1"),
            ("X-Forwarded-For", b"192.0.2.2"),
            ("X-Real-IP", b"192.0.2.3"),
        ];
        assert_eq!(shown(x_forwarded(both, is_trusted)).0, "192.0.2.2:0");
        assert_eq!(shown(forwarded(both, is_trusted)).0, "192.0.2.1:0");
    }
}
