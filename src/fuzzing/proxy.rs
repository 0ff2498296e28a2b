//! PROXY headers.

use super::bytes::{Bytes, Cuts};
use crate::wire::proxy::{BadHeader, MOST_V1, MOST_V2, Proxied, ProxyHeader};
use core::net::{IpAddr, SocketAddr};

/// Cuts, then the bytes of a connection.
///
/// # Panics
/// When what is told hangs on the cuts, when a header is longer than it may be, when it wants a byte that is
/// not its own, or when an address that was told does not come back after it was written anew.
pub fn proxy(data: &[u8]) {
    let mut bytes = Bytes::new(data);
    let cuts = bytes.cuts();
    let stream = bytes.rest();
    let whole = read(stream, &Cuts::whole());
    assert_eq!(whole, read(stream, &cuts), "cut at {cuts:?}");
    assert_eq!(whole, read(stream, &Cuts::single()));
    if let Ok((taken, Some(told))) = whole {
        assert!(taken <= MOST_V1.max(16 + MOST_V2));
        as_it_is_wanted(&stream[..taken], told);
        if let Proxied::Address(address) = told {
            written_anew(address);
        }
    }
}

fn read(stream: &[u8], cuts: &Cuts) -> Result<(usize, Option<Proxied>), BadHeader> {
    let mut header = ProxyHeader::default();
    let mut all = 0;
    for piece in cuts.pieces(stream) {
        let (taken, told) = header.feed(piece)?;
        all += taken;
        if told.is_some() {
            return Ok((all, told));
        }
        assert_eq!(taken, piece.len(), "left something of an open header");
        assert!(header.wants() > 0, "it is not complete and wants nothing");
    }
    Ok((all, None))
}

/// Whoever reads what is wanted reads the header and nothing behind it.
fn as_it_is_wanted(bytes: &[u8], wanted: Proxied) {
    let mut header = ProxyHeader::default();
    let mut at = 0;
    while at < bytes.len() {
        let end = at + header.wants();
        assert!(end <= bytes.len(), "it wants what is not its own");
        let fed = header.feed(&bytes[at..end]);
        let told = (end == bytes.len()).then_some(wanted);
        assert_eq!(fed, Ok((end - at, told)));
        at = end;
    }
}

fn written_anew(address: SocketAddr) {
    let (ip, port) = (address.ip(), address.port());
    assert_eq!(ip, ip.to_canonical());
    let line = match ip {
        IpAddr::V4(ip) => format!("PROXY TCP4 {ip} 0.0.0.0 {port} 0\r\n"),
        IpAddr::V6(ip) => format!("PROXY TCP6 {ip} :: {port} 0\r\n"),
    };
    let told = Some(Proxied::Address(address));
    assert_eq!(
        ProxyHeader::default().feed(line.as_bytes()),
        Ok((line.len(), told))
    );
}
