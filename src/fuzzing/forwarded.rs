//! What proxies say of peers.

use super::bytes::Bytes;
use crate::wire::forwarded;
use core::net::{IpAddr, Ipv4Addr, SocketAddr};

/// What a client has written, a line each up to a line feed.
///
/// # Panics
/// When anything that a client writes hides what the proxy behind it adds, in the same line or in one of
/// its own.
pub fn forwarded(data: &[u8]) {
    let mut bytes = Bytes::new(data);
    let ip = Ipv4Addr::new(192, 0, 2, bytes.byte());
    let is_trusted = |ip: IpAddr| ip == IpAddr::from([10, 0, 0, 1]);
    let wanted = Some(SocketAddr::new(ip.into(), 0));
    let mut lines: Vec<&[u8]> = bytes.rest().split(|byte| *byte == b'\n').collect();
    let last = lines.pop().unwrap_or_default();
    for (added, read) in [
        (format!("{ip}, 10.0.0.1"), "x-forwarded-for"),
        (format!("for={ip};proto=https, for=10.0.0.1"), "forwarded"),
        (format!("for=\"{ip}\"; proto=\"https\""), "forwarded"),
    ] {
        let joined = [last, b", ", added.as_bytes()].concat();
        for tail in [vec![&joined[..]], vec![last, added.as_bytes()]] {
            let lines = lines.iter().copied().chain(tail);
            let fields: Vec<_> = lines.map(|line| (read, line)).collect();
            let asker = match read {
                "forwarded" => forwarded::forwarded(&fields, is_trusted),
                _ => forwarded::x_forwarded(&fields, is_trusted),
            };
            assert_eq!(asker.address, wanted, "{fields:?}");
            assert_eq!(asker.is_https, (read == "forwarded").then_some(true));
        }
    }
}
