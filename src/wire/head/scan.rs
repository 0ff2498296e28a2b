//! Finding the end of a head while it arrives, in one pass however it is cut,
//! and refusing early what no further byte can mend.
//!
//! Every decision here hangs on a byte position and never on where the input
//! was cut, so a head gets the same answer whole and byte by byte.

use super::super::fields::{is_control, is_token_byte};
use super::super::refusal::Refusal;
use super::super::response::Status;
use super::parts::HeadLimits;
use super::request_line::{self, RequestLine};

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
        let Some(offset) = control(rest) else {
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

/// Where the first control byte stands. Eight bytes are looked at together: a head has one in
/// thirty bytes.
fn control(bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::MAX / 255;
    const HIGH: u64 = ONES << 7;
    let (words, _) = bytes.as_chunks::<8>();
    let mut at = 0;
    for word in words {
        let word = u64::from_le_bytes(*word);
        let del = word ^ (ONES * 0x7f);
        // The lowest bit set is right; above it a borrow may have set more.
        let below_space = word.wrapping_sub(ONES * 0x20) & !word;
        let is_del = del.wrapping_sub(ONES) & !del;
        let found = (below_space | is_del) & HIGH;
        if found != 0 {
            return Some(at + (found.trailing_zeros() / 8) as usize);
        }
        at += 8;
    }
    let tail = bytes[at..].iter().position(|byte| is_control(*byte));
    tail.map(|offset| at + offset)
}

/// Where the request line begins: behind one CRLF that may stand in front of it (RFC 9112 §2.2).
pub(super) fn request_start(buf: &[u8]) -> usize {
    if buf.starts_with(b"\r\n") { 2 } else { 0 }
}

/// A head that is complete.
#[derive(Clone, Copy, Debug)]
pub(super) struct WholeHead<'b> {
    /// Its length, blank line included.
    pub(super) end: usize,
    /// Its request line and where that ends, if it came in the bytes that were searched now.
    pub(super) line: Option<(RequestLine<'b>, usize)>,
}

/// Searches the end of the head; `None` as long as it is not complete.
pub(super) fn request_end<'b>(
    buf: &'b [u8],
    scanned: &mut usize,
    limits: &HeadLimits,
) -> Result<Option<WholeHead<'b>>, Refusal> {
    // What lies behind the limit is never looked at, so that the limit wins
    // over whatever stands there.
    let window = &buf[..buf.len().min(limits.max_head)];
    let start = request_start(window);
    if window != b"\r" {
        check_start(&window[start..], scanned.saturating_sub(start), limits)?;
        let mut from = (*scanned).clamp(start, window.len());
        let mut line = None;
        // Whether this line is the first is asked once: looking back costs its length, however
        // many pieces the head comes in.
        let mut may_be_first = true;
        loop {
            match line_end(window, from) {
                LineEnd::Malformed => return Err(Status::BAD_REQUEST.into()),
                LineEnd::NotBefore(at) => {
                    *scanned = at;
                    break;
                }
                LineEnd::At(at) if window[..at].ends_with(b"\r\n") => {
                    *scanned = at;
                    let end = at + 2;
                    return Ok(Some(WholeHead { end, line }));
                }
                LineEnd::At(at) => {
                    let before = &window[start..at];
                    if may_be_first && !before.iter().rev().any(|byte| *byte == b'\n') {
                        line = Some((request_line::parse(before)?, at));
                    }
                    may_be_first = false;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_control_byte_is_found_wherever_it_stands() {
        for len in 0..40 {
            for at in 0..len {
                for byte in 0..=255 {
                    // What follows must not hide it, nor be taken for it.
                    for (around, behind) in [(b' ', b'~'), (0x80, 0), (0xff, 0x7f), (b'~', 0x1f)] {
                        let mut bytes = vec![around; len];
                        bytes[at..].fill(behind);
                        bytes[at] = byte;
                        let expected = bytes.iter().position(|byte| is_control(*byte));
                        assert_eq!(control(&bytes), expected, "{bytes:02x?}");
                    }
                }
            }
        }
    }
}
