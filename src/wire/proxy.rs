//! The PROXY protocol, versions 1 and 2: what a proxy says, before all else, of the connection that it
//! passes on.
//!
//! Bytes come in as they arrive, cut anywhere, and each is looked at once; out comes who the peer is. No
//! more is ever kept than the longest header of version 1: what a header of version 2 adds behind its
//! addresses is counted and thrown away. The text of HAProxy, `doc/proxy-protocol.txt`, is the source of
//! the rules.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::fmt;

/// The longest header of version 1, its line end included.
pub const MOST_V1: usize = 107;
/// The most bytes that a header of version 2 may have behind its first 16: the longest addresses, and room
/// for what proxies add as a rule.
pub const MOST_V2: usize = 536;

/// How a header of version 2 begins.
const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
/// How one of version 1 does.
const WORD: &[u8] = b"PROXY ";
/// The part of a header of version 2 that all have.
const FIXED: usize = 16;
/// The shortest header of version 1 is `PROXY UNKNOWN` and its line end.
const LEAST_V1: usize = 15;
/// The shortest one with addresses is `PROXY TCP6 :: :: 0 0`, and its line end.
const LEAST_WITH_ADDRESSES: usize = 22;

/// Whom a connection comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proxied {
    /// From this address.
    Address(SocketAddr),
    /// From a Unix socket of the proxy's machine.
    Unix,
    /// From the proxy itself, or the proxy does not know.
    Unknown,
}

/// Why bytes are no header; the connection is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadHeader(&'static str);

impl fmt::Display for BadHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// A header as far as it has arrived.
#[derive(Clone, Debug)]
pub struct ProxyHeader {
    kept: [u8; MOST_V1],
    len: u8,
    /// Bytes of a header of version 2 that are still to come and are thrown away.
    left: u16,
    /// Whom a header of version 2 told of, when only bytes to throw away are missing.
    told: Option<Proxied>,
}

impl Default for ProxyHeader {
    fn default() -> Self {
        Self {
            kept: [0; MOST_V1],
            len: 0,
            left: 0,
            told: None,
        }
    }
}

impl ProxyHeader {
    /// How many bytes belong to the header for certain: whoever reads no more than that at a time reads
    /// nothing of what follows it. At least 1 until the header is complete.
    pub fn wants(&self) -> usize {
        let kept = self.kept();
        if self.told.is_some() {
            return usize::from(self.left);
        }
        if kept.len() < SIGNATURE.len() {
            return SIGNATURE.len() - kept.len();
        }
        if kept.starts_with(&SIGNATURE) {
            return self.wants_v2();
        }
        let least = if kept.starts_with(b"PROXY TCP") {
            LEAST_WITH_ADDRESSES
        } else {
            LEAST_V1
        };
        match (least.checked_sub(kept.len()), kept) {
            (Some(missing @ 1..), _) => missing,
            (_, [.., b'\r']) => 1,
            _ => 2,
        }
    }

    fn wants_v2(&self) -> usize {
        let kept = self.kept();
        match kept.get(FIXED - 2..FIXED) {
            None => FIXED - kept.len(),
            Some(_) => (FIXED + addresses(kept)).saturating_sub(kept.len()),
        }
    }

    fn kept(&self) -> &[u8] {
        &self.kept[..usize::from(self.len)]
    }

    fn keep(&mut self, byte: u8) {
        if let Some(place) = self.kept.get_mut(usize::from(self.len)) {
            *place = byte;
            self.len += 1;
        }
    }

    /// Takes the next bytes: how many of them belong to the header, and when it is complete, whom the
    /// connection comes from. All are taken while it is not.
    ///
    /// # Errors
    /// What is wrong with the header, at the first byte that cannot be mended.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(usize, Option<Proxied>), BadHeader> {
        let mut taken = 0;
        while taken < bytes.len() {
            if let Some(told) = self.told {
                let skipped = (bytes.len() - taken).min(usize::from(self.left));
                self.left -= skipped as u16;
                taken += skipped;
                if self.left == 0 {
                    return Ok((taken, Some(told)));
                }
                continue;
            }
            self.keep(bytes[taken]);
            taken += 1;
            if let Some(told) = self.look()? {
                return Ok((taken, Some(told)));
            }
        }
        Ok((taken, None))
    }

    /// Judges what is there with its newest byte; `Some`: it is complete.
    fn look(&mut self) -> Result<Option<Proxied>, BadHeader> {
        let kept = self.kept();
        let beginning = &kept[..kept.len().min(SIGNATURE.len())];
        if SIGNATURE.starts_with(beginning) {
            return self.look_v2();
        }
        let beginning = &kept[..kept.len().min(WORD.len())];
        if !WORD.starts_with(beginning) {
            return Err(BadHeader("it begins with no PROXY header"));
        }
        match kept {
            [line @ .., b'\r', b'\n'] => line_of_v1(line).map(Some),
            [.., b'\n'] => Err(BadHeader("its line ends without a carriage return")),
            _ if kept.len() >= MOST_V1 => Err(BadHeader("its line has more than 107 bytes")),
            _ => Ok(None),
        }
    }

    fn look_v2(&mut self) -> Result<Option<Proxied>, BadHeader> {
        let kept = self.kept();
        let Some(fixed) = kept.get(..FIXED) else {
            return Ok(None);
        };
        let (command, family) = (fixed[12], fixed[13]);
        let len = usize::from(u16::from_be_bytes([fixed[14], fixed[15]]));
        if command >> 4 != 2 {
            return Err(BadHeader("it is of an unknown version"));
        }
        if len > MOST_V2 {
            return Err(BadHeader("it has more than 536 bytes behind its first 16"));
        }
        let needed = addresses(kept);
        if needed > len {
            return Err(BadHeader("it is too short for its addresses"));
        }
        if kept.len() < FIXED + needed {
            return Ok(None);
        }
        let told = match (command & 0xf, family) {
            (0, _) => Proxied::Unknown,
            (1, family) => told_by_v2(family, &kept[FIXED..])?,
            _ => return Err(BadHeader("it has an unknown command")),
        };
        let left = len - needed;
        if left == 0 {
            return Ok(Some(told));
        }
        (self.left, self.told) = (left as u16, Some(told));
        Ok(None)
    }
}

/// How many bytes of addresses are to be read, by the fixed part. Those of a local connection mean nothing.
fn addresses(kept: &[u8]) -> usize {
    let is_local = kept.get(12).is_some_and(|command| command & 0xf == 0);
    match kept.get(13).map(|family| family >> 4) {
        Some(1) if !is_local => 12,
        Some(2) if !is_local => 36,
        _ => 0,
    }
}

fn told_by_v2(family: u8, addresses: &[u8]) -> Result<Proxied, BadHeader> {
    let is_known = matches!(family & 0xf, 1 | 2);
    match (family >> 4, addresses) {
        (0, _) => Ok(Proxied::Unknown),
        (1, [a, b, c, d, _, _, _, _, high, low, _, _]) if is_known => {
            let ip = IpAddr::from([*a, *b, *c, *d]);
            Ok(Proxied::Address(canonical(
                ip,
                u16::from_be_bytes([*high, *low]),
            )))
        }
        (2, addresses) if is_known && addresses.len() == 36 => {
            let mut ip = [0; 16];
            ip.copy_from_slice(&addresses[..16]);
            let port = u16::from_be_bytes([addresses[32], addresses[33]]);
            Ok(Proxied::Address(canonical(IpAddr::from(ip), port)))
        }
        (3, _) if is_known => Ok(Proxied::Unix),
        _ => Err(BadHeader("it has an unknown family of addresses")),
    }
}

/// An IPv4 address within IPv6 is that address.
fn canonical(ip: IpAddr, port: u16) -> SocketAddr {
    SocketAddr::new(ip.to_canonical(), port)
}

/// The line of version 1, without its end.
fn line_of_v1(line: &[u8]) -> Result<Proxied, BadHeader> {
    const WRONG: BadHeader =
        BadHeader("its line is not PROXY TCP4|TCP6 SOURCE DESTINATION PORT PORT, or PROXY UNKNOWN");
    let line = std::str::from_utf8(line).map_err(|_| WRONG)?;
    let mut words = line.split(' ').skip(1);
    let family = words.next().ok_or(WRONG)?;
    if family == "UNKNOWN" {
        // Whatever follows is to be ignored.
        return Ok(Proxied::Unknown);
    }
    let mut address = || {
        let word = words.next().ok_or(WRONG)?;
        match family {
            "TCP4" => word.parse::<Ipv4Addr>().map(IpAddr::V4),
            "TCP6" => word.parse::<Ipv6Addr>().map(IpAddr::V6),
            _ => return Err(WRONG),
        }
        .map_err(|_| WRONG)
    };
    let (source, _) = (address()?, address()?);
    let mut port = || {
        let word = words.next().ok_or(WRONG)?;
        let is_plain = word == "0" || !word.starts_with('0');
        let is_number = word.bytes().all(|byte| byte.is_ascii_digit());
        let port = word.parse::<u16>().map_err(|_| WRONG)?;
        (is_plain && is_number).then_some(port).ok_or(WRONG)
    };
    let (port, _) = (port()?, port()?);
    match words.next() {
        None => Ok(Proxied::Address(canonical(source, port))),
        Some(_) => Err(WRONG),
    }
}

#[cfg(test)]
mod tests;
