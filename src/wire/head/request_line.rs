//! The request line (RFC 9112 §3): method, target in its forms, version.

use super::super::authority::Authority;
use super::super::refusal::Refusal;
use super::super::response::Status;
use super::parts::Method;

/// A request line, taken apart.
#[derive(Clone, Copy, Debug)]
pub(super) struct RequestLine<'b> {
    pub(super) method: Method,
    pub(super) path: &'b str,
    pub(super) query: Option<&'b str>,
    /// The authority of an absolute-form target.
    pub(super) authority: Option<&'b str>,
    pub(super) http11: bool,
}

/// Takes a request line apart, its CRLF not included.
pub(super) fn parse(line: &[u8]) -> Result<RequestLine<'_>, Refusal> {
    let mut parts = line.split(|byte| *byte == b' ');
    let (Some(method), Some(target), Some(version), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        // HTTP/0.9 has two parts.
        return Err(Status::BAD_REQUEST.into());
    };
    let http11 = is_http11(version)?;
    let visible = |byte: &u8| byte.is_ascii_graphic() && *byte != b'#';
    if target.is_empty() || !target.iter().all(visible) {
        return Err(Status::BAD_REQUEST.into());
    }
    let target = std::str::from_utf8(target).map_err(|_| Status::BAD_REQUEST)?;
    let method = match method {
        b"GET" => Method::Get,
        b"HEAD" => Method::Head,
        b"POST" => Method::Post,
        b"PUT" => Method::Put,
        b"PATCH" => Method::Patch,
        b"DELETE" => Method::Delete,
        b"OPTIONS" => Method::Options,
        // The only method with an authority as its target.
        b"CONNECT" => return Err(Status::NOT_IMPLEMENTED.into()),
        _ => Method::Other,
    };
    let (authority, path, query) = split_target(method, target).ok_or(Status::BAD_REQUEST)?;
    Ok(RequestLine {
        method,
        path,
        query,
        authority,
        http11,
    })
}

/// HTTP/1.0 is told from 1.1; a higher minor version is served as 1.1 (RFC 9110 §2.5).
fn is_http11(version: &[u8]) -> Result<bool, Refusal> {
    match version {
        b"HTTP/1.0" => Ok(false),
        [b'H', b'T', b'T', b'P', b'/', b'1', b'.', b'1'..=b'9'] => Ok(true),
        [b'H', b'T', b'T', b'P', b'/', b'0'..=b'9', b'.', b'0'..=b'9'] => {
            Err(Status::VERSION_NOT_SUPPORTED.into())
        }
        _ => Err(Status::BAD_REQUEST.into()),
    }
}

type Target<'b> = (Option<&'b str>, &'b str, Option<&'b str>);

/// The authority, path and query of a target: origin-form, absolute-form, or `*`.
fn split_target(method: Method, target: &str) -> Option<Target<'_>> {
    let query = |rest| match str::split_once(rest, '?') {
        Some((path, query)) => (path, Some(query)),
        None => (rest, None),
    };
    if target.starts_with('/') {
        let (path, query) = query(target);
        return Some((None, path, query));
    }
    if target == "*" {
        return (method == Method::Options).then_some((None, "*", None));
    }
    let (scheme, rest) = target.split_once("://")?;
    let known = ["http", "https", "ws", "wss"];
    if !known.iter().any(|name| name.eq_ignore_ascii_case(scheme)) {
        return None;
    }
    let (authority, rest) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    Authority::parse(authority)?;
    let (path, query) = match query(rest) {
        // RFC 9112 §3.2.4: an OPTIONS of a bare authority asks for the server as a whole.
        ("", None) if method == Method::Options => ("*", None),
        ("", query) => ("/", query),
        (path, query) => (path, query),
    };
    Some((Some(authority), path, query))
}
