//! HTTP/1.1 status codes, and writing responses and refusals (RFC 9110, RFC 9112).
//!
//! What is written never repeats a byte of the request, and no value can end
//! its line: control bytes become spaces.

use super::fields;
use super::refusal::Refusal;
pub use super::status::Status;
use std::borrow::Cow;

pub use super::date::http_date;

#[cfg(test)]
mod tests;

/// The `Content-Type` of refusals.
pub const PLAIN_TEXT: &str = "text/plain; charset=utf-8";

/// What the request decides about its response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The connection is used again: `Connection: keep-alive` in place of `close`.
    pub keep_alive: bool,
    /// The answer to a HEAD: all fields, no body (RFC 9110 §9.3.2).
    pub head_only: bool,
}

/// A response as it is written.
#[derive(Clone, Copy, Debug)]
pub struct ResponseParts<'a> {
    /// The status.
    pub status: Status,
    /// The `Content-Type`.
    pub content_type: &'a str,
    /// Fields beside the ones that the server writes itself ([`is_servers_field`]).
    pub fields: &'a [(Cow<'static, str>, String)],
    /// The body.
    pub body: &'a [u8],
}

/// Whether only the server writes this field: what frames the body and ends the connection is its
/// own decision, and so is the date.
pub fn is_servers_field(name: &str) -> bool {
    const OWN: [&str; 4] = ["connection", "content-length", "date", "transfer-encoding"];
    OWN.iter().any(|own| name.eq_ignore_ascii_case(own))
}

/// Appends a response with `Date`, `Content-Type`, `Content-Length`, `Connection`
/// and then the fields of its own. 204 and 304 carry neither
/// body nor type nor length (RFC 9110 §8.6 and §15.4.5), 205 an empty body (§15.3.6). `date` is an
/// IMF-fixdate, as [`http_date`] makes it.
pub fn write_response(
    out: &mut Vec<u8>,
    parts: &ResponseParts<'_>,
    date: &str,
    delivery: Delivery,
) {
    write_response_head(out, parts, date, delivery);
    if parts.status.has_body() && !delivery.head_only {
        out.extend_from_slice(parts.body);
    }
}

/// The same without the body.
pub fn write_response_head(
    out: &mut Vec<u8>,
    parts: &ResponseParts<'_>,
    date: &str,
    delivery: Delivery,
) {
    let bodiless = matches!(parts.status, Status::NO_CONTENT | Status::NOT_MODIFIED);
    let is_empty = !parts.status.has_body();
    let length = if is_empty { 0 } else { parts.body.len() };
    write_status_line(out, parts.status);
    write_field(out, "Date", date);
    if !bodiless {
        write_field(out, "Content-Type", parts.content_type);
        write_field(out, "Content-Length", &length.to_string());
    }
    write_connection(out, delivery.keep_alive);
    write_fields(out, parts.fields);
    out.extend_from_slice(b"\r\n");
}

/// How the end of a body that comes in pieces shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyFraming {
    /// By its length, which was told.
    Length(u64),
    /// By its last chunk (RFC 9112 §7.1).
    Chunked,
    /// By the end of the connection, for HTTP/1.0.
    UntilEnd,
}

/// Appends the head of a response whose body comes in pieces. The status must allow a body.
pub fn write_stream_head(
    out: &mut Vec<u8>,
    parts: &ResponseParts<'_>,
    date: &str,
    keep_alive: bool,
    framing: BodyFraming,
) {
    write_status_line(out, parts.status);
    write_field(out, "Date", date);
    write_field(out, "Content-Type", parts.content_type);
    match framing {
        BodyFraming::Length(length) => write_field(out, "Content-Length", &length.to_string()),
        BodyFraming::Chunked => write_field(out, "Transfer-Encoding", "chunked"),
        BodyFraming::UntilEnd => {}
    }
    write_connection(out, keep_alive);
    write_fields(out, parts.fields);
    out.extend_from_slice(b"\r\n");
}

/// Appends one piece of such a body, which must not be empty.
pub fn write_chunk(out: &mut Vec<u8>, piece: &[u8], framing: BodyFraming) {
    debug_assert!(!piece.is_empty(), "an empty chunk is the last one");
    let (before, after) = chunk_ends(piece.len(), framing);
    out.extend_from_slice(before.as_bytes());
    out.extend_from_slice(piece);
    out.extend_from_slice(after.as_bytes());
}

/// What stands before and behind a piece of so many bytes.
pub fn chunk_ends(len: usize, framing: BodyFraming) -> (String, &'static str) {
    match framing {
        BodyFraming::Chunked => (format!("{len:x}\r\n"), "\r\n"),
        BodyFraming::Length(_) | BodyFraming::UntilEnd => (String::new(), ""),
    }
}

fn write_connection(out: &mut Vec<u8>, keep_alive: bool) {
    let connection = if keep_alive { "keep-alive" } else { "close" };
    write_field(out, "Connection", connection);
}

fn write_fields(out: &mut Vec<u8>, fields: &[(Cow<'static, str>, String)]) {
    for (name, value) in fields {
        write_field(out, name, value);
    }
}

/// Appends a refusal: its fixed text `<code> <phrase>`, `Connection: close`, and its fields.
/// `head_only` leaves the text out, for a refused HEAD.
pub fn write_refusal(out: &mut Vec<u8>, refusal: &Refusal, date: &str, head_only: bool) {
    let status = refusal.status;
    let body = format!("{} {}\n", status.code(), status.phrase());
    write_status_line(out, status);
    write_field(out, "Date", date);
    write_field(out, "Content-Type", PLAIN_TEXT);
    write_field(out, "Content-Length", &body.len().to_string());
    write_field(out, "Connection", "close");
    for (name, value) in refusal.fields {
        write_field(out, name, value);
    }
    out.extend_from_slice(b"\r\n");
    if !head_only {
        out.extend_from_slice(body.as_bytes());
    }
}

/// Appends `HTTP/1.1 <code> <phrase>` and its line end.
pub(crate) fn write_status_line(out: &mut Vec<u8>, status: Status) {
    out.extend_from_slice(b"HTTP/1.1 ");
    let code = status.code();
    out.extend([code / 100, code / 10 % 10, code % 10].map(|digit| b'0' + digit as u8));
    out.push(b' ');
    out.extend_from_slice(status.phrase().as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// Appends one field line; control bytes of the value become spaces.
pub(crate) fn write_field(out: &mut Vec<u8>, name: &str, value: &str) {
    debug_assert!(
        fields::token(name.as_bytes()).is_some(),
        "field name {name:?}"
    );
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    let start = out.len();
    out.extend_from_slice(value.as_bytes());
    for byte in &mut out[start..] {
        if fields::is_control(*byte) && *byte != b'\t' {
            *byte = b' ';
        }
    }
    out.extend_from_slice(b"\r\n");
}
