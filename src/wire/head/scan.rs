//! Finding the end of a head while it arrives, in one pass however it is cut,
//! and refusing early what no further byte can mend.
//!
//! Every decision here hangs on a byte position and never on where the input
//! was cut, so a head gets the same answer whole and byte by byte.

use super::super::fields::{is_control, is_token_byte};
use super::super::refusal::Refusal;
use super::super::response::Status;
use super::HeadLimits;
use super::request_line;

/// The longest method that is looked at; a longer one is not implemented (RFC 9112 §3).
const MAX_METHOD: usize = 32;

/// What [`line_end`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LineEnd {
    /// CRLF stands here.
    At(usize),
    /// Not yet; the next search begins here.
    NotBefore(usize),
    /// A control byte that no line of a head may have: bare CR, bare LF, NUL, …
    Malformed,
}

/// Searches the next CRLF from `from` on.
pub(crate) fn line_end(bytes: &[u8], mut from: usize) -> LineEnd {
    while let Some(rest) = bytes.get(from..) {
        let Some(offset) = rest.iter().position(|byte| is_control(*byte)) else {
            break;
        };
        match rest[offset..] {
            [b'\t', ..] => from += offset + 1,
            [b'\r', b'\n', ..] => return LineEnd::At(from + offset),
            [b'\r'] => return LineEnd::NotBefore(from + offset),
            _ => return LineEnd::Malformed,
        }
    }
    LineEnd::NotBefore(bytes.len())
}

/// Where the request line begins: behind one CRLF that may stand in front of it (RFC 9112 §2.2).
pub(super) fn request_start(buf: &[u8]) -> usize {
    if buf.starts_with(b"\r\n") { 2 } else { 0 }
}

/// The length of the head, blank line included; `None` as long as it is not complete.
pub(super) fn request_end(
    buf: &[u8],
    scanned: &mut usize,
    limits: &HeadLimits,
) -> Result<Option<usize>, Refusal> {
    // What lies behind the limit is never looked at, so that the limit wins
    // over whatever stands there.
    let window = &buf[..buf.len().min(limits.max_head)];
    let start = request_start(window);
    if window != b"\r" {
        check_start(&window[start..], scanned.saturating_sub(start), limits)?;
        let mut from = (*scanned).clamp(start, window.len());
        loop {
            match line_end(window, from) {
                LineEnd::Malformed => return Err(Status::BAD_REQUEST.into()),
                LineEnd::NotBefore(at) => {
                    *scanned = at;
                    break;
                }
                LineEnd::At(at) if window[..at].ends_with(b"\r\n") => {
                    *scanned = at;
                    return Ok(Some(at + 2));
                }
                LineEnd::At(at) => {
                    let line = &window[start..at];
                    // Looking back costs the length of one line, so all lines cost one pass.
                    if !line.iter().rev().any(|byte| *byte == b'\n') {
                        request_line::parse(line)?;
                    }
                    from = at + 2;
                }
            }
        }
    }
    if buf.len() > limits.max_head {
        return Err(Status::HEADER_FIELDS_TOO_LARGE.into());
    }
    Ok(None)
}

/// Checks the method and the length of the target before their line is complete.
fn check_start(line: &[u8], scanned: usize, limits: &HeadLimits) -> Result<(), Refusal> {
    let method = &line[..line.len().min(MAX_METHOD + 1)];
    let target = match method.iter().position(|byte| !is_token_byte(*byte)) {
        Some(at) if at > 0 && method[at] == b' ' => at + 1,
        Some(_) => return Err(Status::BAD_REQUEST.into()),
        None if method.len() > MAX_METHOD => return Err(Status::NOT_IMPLEMENTED.into()),
        None => return Ok(()),
    };
    let limit = target.saturating_add(limits.max_target);
    if scanned <= limit && line.len() > limit {
        let ends = |byte: &u8| *byte == b' ' || is_control(*byte);
        if !line[target..=limit].iter().any(ends) {
            return Err(Status::URI_TOO_LONG.into());
        }
    }
    Ok(())
}
