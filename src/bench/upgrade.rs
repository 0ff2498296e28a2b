//! The upgrade request of the client, and the little it wants to know about the answer.
//!
//! The key is fixed and the accept value is not checked: that is the business of the tests, not of a benchmark.

use std::fmt::Display;
use std::io::{self, Error};

/// The upgrade a crowd asks for.
#[derive(Clone, Copy)]
pub struct Upgrade<'a> {
    /// Path and query.
    pub path: &'a str,
    /// Value of `Sec-WebSocket-Extensions`.
    pub offer: Option<&'a str>,
    /// Further fields, each with its line end.
    pub fields: &'a str,
    /// Messages the server sends unasked to each newcomer.
    pub greetings: u64,
}

impl Upgrade<'_> {
    /// A plain upgrade, nothing offered.
    pub const fn to(path: &str) -> Upgrade<'_> {
        Upgrade {
            path,
            offer: None,
            fields: "",
            greetings: 0,
        }
    }

    /// The request, to the last empty line.
    pub fn request(&self, host: impl Display) -> Vec<u8> {
        let extensions = self.offer.map_or(String::new(), |offer| {
            format!("Sec-WebSocket-Extensions: {offer}\r\n")
        });
        format!(
            "GET {} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{extensions}{}\r\n",
            self.path, self.fields
        )
        .into_bytes()
    }
}

/// Longest head of an answer, bytes.
const LONGEST_HEAD: usize = 64 << 10;

/// Collects the answer to the upgrade in `head`; the bytes behind it once it is whole.
///
/// # Errors
/// Anything but 101, and a head of more than 64 KiB.
pub fn take_head<'a>(head: &mut Vec<u8>, bytes: &'a [u8]) -> io::Result<Option<&'a [u8]>> {
    let before = head.len();
    head.extend_from_slice(bytes);
    // The end may have been cut by the end of the read before.
    let start = before.saturating_sub(3);
    let end = head[start..]
        .windows(4)
        .position(|window| window == b"\r\n\r\n");
    let Some(end) = end.map(|end| start + end) else {
        if head.len() > LONGEST_HEAD {
            return Err(Error::other("the head of the answer is longer than 64 KiB"));
        }
        return Ok(None);
    };
    head.truncate(end + 4);
    if !head.starts_with(b"HTTP/1.1 101 ") {
        let line = String::from_utf8_lossy(head)
            .lines()
            .next()
            .unwrap_or_default()
            .to_owned();
        return Err(Error::other(format!(
            "the server refused the upgrade: {line}"
        )));
    }
    Ok(Some(&bytes[end + 4 - before..]))
}

/// Whether the answer agrees to permessage-deflate.
pub fn has_deflate(head: &[u8]) -> bool {
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    head.lines().any(|line| {
        line.starts_with("sec-websocket-extensions:") && line.contains("permessage-deflate")
    })
}
