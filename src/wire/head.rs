//! HTTP/1.1 request heads (RFC 9112), stricter than the parser underneath.
//!
//! Bytes come in as they arrived, cut anywhere; out comes a head that has one
//! meaning only, or a refusal. Never guesses: what two servers could read in
//! two ways is refused.
//!
//! When several refusals apply, this order decides:
//!
//! 1. while the head arrives, the first byte that nothing can mend: a byte that
//!    no method has (400) or a method over 32 bytes (501); the target over its
//!    limit (414); a bare CR or LF, NUL or another control byte (400); the end
//!    of a bad request line, in the order shape (400), version (505), bytes of
//!    the target (400), CONNECT (501), form of the target (400); the head over
//!    its limit (431);
//! 2. at the blank line: too many fields (431), a field that is none (400),
//!    Host (400), length of the body (400, then 501 for an unknown coding),
//!    expectation (417).

mod framing;
mod parts;
mod request_line;
pub(crate) mod scan;
#[cfg(test)]
mod tests;

pub use super::refusal::Refusal;
pub use parts::{BodyLength, HeadLimits, Method};

use super::fields::{self, Fields, FieldsError};
use super::response::Status;
use request_line::RequestLine;
use scan::WholeHead;

/// A parsed request head; everything borrows the bytes it was parsed from.
#[derive(Clone, Debug)]
pub struct RequestHead<'b> {
    /// The method.
    pub method: Method,
    /// The path, still percent-encoded, without query: starts with `/`, or is `*`.
    pub path: &'b str,
    /// What stands behind the first `?`.
    pub query: Option<&'b str>,
    /// HTTP/1.1 (true) or HTTP/1.0 (false).
    pub http11: bool,
    /// The one Host (of an absolute-form target its authority); `None` only in HTTP/1.0.
    pub host: Option<&'b str>,
    /// All fields in order; names as they came.
    pub fields: Vec<(&'b str, &'b [u8])>,
    /// How long the body is.
    pub body: BodyLength,
    /// The connection may be used again after the answer.
    pub keep_alive: bool,
    /// `Expect: 100-continue` stands in the head.
    pub expects_continue: bool,
}

impl<'b> RequestHead<'b> {
    /// The values of all fields of this name, in any case, in order.
    pub fn values<'f>(&'f self, name: &'f str) -> impl Iterator<Item = &'b [u8]> + 'f {
        fields::values(&self.fields, name)
    }

    /// Whether a list field, over all its lines, has this token in any case.
    pub fn has_token(&self, name: &str, token: &str) -> bool {
        fields::has_element(&self.fields, name, token)
    }
}

/// Parses a request head from the start of `buf` and returns it with its length
/// in bytes, or `None` while it is not complete.
///
/// `scanned` remembers how far `buf` was searched: 0 for a new request, then left
/// alone as long as `buf` only grows. However the bytes arrive, each is searched once.
///
/// # Errors
/// The refusal, in the order that the module's documentation gives.
pub fn parse_request<'b>(
    buf: &'b [u8],
    scanned: &mut usize,
    limits: &HeadLimits,
) -> Result<Option<(RequestHead<'b>, usize)>, Refusal> {
    let Some(WholeHead { end, line }) = scan::request_end(buf, scanned, limits)? else {
        return Ok(None);
    };
    let (line, line_end) = match line {
        Some(line) => line,
        // It came in an earlier piece.
        None => {
            let head = &buf[..end];
            let start = scan::request_start(head);
            let line = head[start..].iter().position(|byte| *byte == b'\r');
            let line_end = line.map_or(end, |line| start + line);
            (request_line::parse(&head[start..line_end])?, line_end)
        }
    };
    let lines = buf[..end].get(line_end + 2..).unwrap_or_default();
    let head = parse_complete(line, lines, limits)?;
    Ok(Some((head, end)))
}

/// Parses a head that is complete and has no bare CR or LF.
fn parse_complete<'b>(
    line: RequestLine<'b>,
    lines: &'b [u8],
    limits: &HeadLimits,
) -> Result<RequestHead<'b>, Refusal> {
    let fields = fields::split(lines, limits.max_fields).map_err(|error| match error {
        FieldsError::TooMany => Status::HEADER_FIELDS_TOO_LARGE,
        FieldsError::Malformed => Status::BAD_REQUEST,
    })?;
    let known: &Fields<'b> = &fields;
    let host = framing::host(known, line.http11)?;
    let body = framing::body_length(known, line.http11)?;
    let expects_continue = framing::expects_continue(known, line.http11)?;
    let keep_alive = framing::keep_alive(known, line.http11);
    Ok(RequestHead {
        method: line.method,
        path: line.path,
        query: line.query,
        http11: line.http11,
        host: line.authority.or(host),
        fields,
        body,
        keep_alive,
        expects_continue,
    })
}
