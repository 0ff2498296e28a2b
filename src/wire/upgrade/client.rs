//! The client's side of the opening handshake (RFC 6455 §4.1): its request,
//! and a strict reading of the answer.

#[cfg(test)]
mod tests;

use super::super::authority::Authority;
use super::super::error::{Error, ErrorKind, Result};
use super::super::extension::Offer;
use super::super::fields::{self, FieldsError, is_token};
use super::super::head::HeadLimits;
use super::super::head::scan::{LineEnd, line_end};
use super::super::response::write_field;
use super::{accept_key, parse_offers};
use base64::engine::{Engine, general_purpose::STANDARD};

/// The base64 of 16 random bytes: a `Sec-WebSocket-Key`.
pub fn new_key(random: [u8; 16]) -> String {
    STANDARD.encode(random)
}

/// What a client asks for.
#[derive(Clone, Copy, Debug)]
pub struct UpgradeCall<'c> {
    /// The server's host, with its port where that is not the default one.
    pub host: &'c str,
    /// Path and query; begins with `/`.
    pub target: &'c str,
    /// A fresh key of [`new_key`].
    pub key: &'c str,
    /// Subprotocols, the favourite first.
    pub protocols: &'c [&'c str],
    /// Extensions, the favourite first.
    pub extensions: &'c [Offer],
    /// Further fields, such as `Origin`, `Cookie` or `Authorization`.
    pub fields: &'c [(&'c str, &'c str)],
}

/// Fields that the handshake writes itself, or that would give the request a body.
const RESERVED_FIELDS: [&str; 9] = [
    "host",
    "upgrade",
    "connection",
    "sec-websocket-key",
    "sec-websocket-version",
    "sec-websocket-protocol",
    "sec-websocket-extensions",
    "content-length",
    "transfer-encoding",
];

/// Appends the request of an upgrade.
///
/// # Errors
/// [`ErrorKind::Config`] for a value that would break its line or the handshake;
/// nothing is appended then.
pub fn write_request(out: &mut Vec<u8>, call: &UpgradeCall<'_>) -> Result<()> {
    check_call(call)?;
    out.extend_from_slice(b"GET ");
    out.extend_from_slice(call.target.as_bytes());
    out.extend_from_slice(b" HTTP/1.1\r\n");
    write_field(out, "Host", call.host);
    write_field(out, "Upgrade", "websocket");
    write_field(out, "Connection", "Upgrade");
    write_field(out, "Sec-WebSocket-Key", call.key);
    write_field(out, "Sec-WebSocket-Version", "13");
    if !call.protocols.is_empty() {
        write_field(out, "Sec-WebSocket-Protocol", &call.protocols.join(", "));
    }
    if !call.extensions.is_empty() {
        let offers: Vec<_> = call.extensions.iter().map(Offer::to_string).collect();
        write_field(out, "Sec-WebSocket-Extensions", &offers.join(", "));
    }
    for (name, value) in call.fields {
        write_field(out, name, value);
    }
    out.extend_from_slice(b"\r\n");
    Ok(())
}

fn check_call(call: &UpgradeCall<'_>) -> Result<()> {
    let bad = |what: &str, given: &str, wanted: &str| {
        let message = format!("{what} of the upgrade is {given:?}, wanted: {wanted}");
        Err(Error::new(ErrorKind::Config, message))
    };
    if Authority::parse(call.host).is_none() {
        return bad(
            "host",
            call.host,
            "a name or address, and a port behind a colon",
        );
    }
    let visible = |byte: u8| byte.is_ascii_graphic() && byte != b'#';
    if !call.target.starts_with('/') || !call.target.bytes().all(visible) {
        return bad(
            "target",
            call.target,
            "`/` and visible ASCII, the rest percent-encoded",
        );
    }
    if super::key_text(call.key.as_bytes()).is_none() {
        return bad("key", call.key, "16 bytes in base64");
    }
    if let Some(name) = call.protocols.iter().find(|name| !is_token(name)) {
        return bad("subprotocol", name, "a token (RFC 9110 §5.6.2)");
    }
    let good_offer = |offer: &&Offer| {
        is_token(&offer.name)
            && offer.params.iter().all(|(name, value)| {
                is_token(name) && value.as_ref().is_none_or(|value| is_token(value))
            })
    };
    if let Some(offer) = call.extensions.iter().find(|offer| !good_offer(offer)) {
        return bad("extension", &offer.to_string(), "tokens (RFC 6455 §9.1)");
    }
    for (name, value) in call.fields {
        if !is_token(name) {
            return bad("field name", name, "a token (RFC 9110 §5.6.2)");
        }
        if RESERVED_FIELDS
            .iter()
            .any(|known| known.eq_ignore_ascii_case(name))
        {
            return bad(
                "field name",
                name,
                "one that the handshake does not set itself",
            );
        }
        if !fields::is_value(value.as_bytes()) {
            return bad(
                &format!("field `{name}`"),
                value,
                "a value without control characters",
            );
        }
    }
    Ok(())
}

/// A parsed response head; everything borrows the bytes it was parsed from.
#[derive(Clone, Debug)]
pub struct ResponseHead<'b> {
    /// The status code, 100 to 999.
    pub status: u16,
    /// The reason phrase: visible ASCII, perhaps empty.
    pub reason: &'b str,
    /// HTTP/1.1 (true) or HTTP/1.0 (false).
    pub http11: bool,
    /// All fields in order; names as they came.
    pub fields: Vec<(&'b str, &'b [u8])>,
}

impl ResponseHead<'_> {
    /// A response that another one follows (RFC 9110 §15.2): 1xx but not 101. Skip its bytes.
    pub fn is_interim(&self) -> bool {
        (100..200).contains(&self.status) && self.status != 101
    }
}

fn protocol_error(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Protocol, message)
}

/// Parses a response head from the start of `buf` and returns it with its length in
/// bytes, or `None` while it is not complete. `scanned` and `limits` are those of
/// [`parse_request`](super::super::head::parse_request); `max_target` has no meaning here.
///
/// # Errors
/// [`ErrorKind::Protocol`] for what is no HTTP/1 response, [`ErrorKind::Limit`] for too long a head.
pub fn parse_response<'b>(
    buf: &'b [u8],
    scanned: &mut usize,
    limits: &HeadLimits,
) -> Result<Option<(ResponseHead<'b>, usize)>> {
    const START: &[u8] = b"HTTP/1.";
    let known = buf.len().min(START.len());
    if buf[..known] != START[..known] {
        return Err(protocol_error(
            "the server does not answer in HTTP/1.1; is the port the right one?",
        ));
    }
    let window = &buf[..buf.len().min(limits.max_head)];
    let mut from = (*scanned).min(window.len());
    let end = loop {
        match line_end(window, from) {
            LineEnd::Malformed => {
                return Err(protocol_error(
                    "a control character in the head of the server's response",
                ));
            }
            LineEnd::NotBefore(at) => {
                *scanned = at;
                break None;
            }
            LineEnd::At(at) if window[..at].ends_with(b"\r\n") => {
                *scanned = at;
                break Some(at + 2);
            }
            LineEnd::At(at) => from = at + 2,
        }
    };
    match end {
        Some(end) => parse_complete(&buf[..end], limits).map(|head| Some((head, end))),
        None if buf.len() > limits.max_head => Err(Error::new(
            ErrorKind::Limit,
            format!(
                "the head of the server's response is longer than {} bytes",
                limits.max_head
            ),
        )),
        None => Ok(None),
    }
}

fn parse_complete<'b>(head: &'b [u8], limits: &HeadLimits) -> Result<ResponseHead<'b>> {
    let line_end = head.iter().position(|byte| *byte == b'\r');
    let (line, lines) = head.split_at(line_end.unwrap_or(head.len()));
    let (http11, status, reason) = parse_status_line(line)
        .ok_or_else(|| protocol_error("the server's response has no valid status line"))?;
    let lines = lines.get(2..).unwrap_or_default();
    let fields = fields::split(lines, limits.max_fields).map_err(|error| match error {
        FieldsError::TooMany => Error::new(
            ErrorKind::Limit,
            format!(
                "the server's response has more than {} fields",
                limits.max_fields
            ),
        ),
        FieldsError::Malformed => {
            protocol_error("the server's response has a malformed header field")
        }
    })?;
    Ok(ResponseHead {
        status,
        reason,
        http11,
        fields,
    })
}

/// Version, status and reason phrase (RFC 9112 §4).
fn parse_status_line(line: &[u8]) -> Option<(bool, u16, &str)> {
    let rest = line.strip_prefix(b"HTTP/1.")?;
    let [
        minor @ b'0'..=b'9',
        b' ',
        a @ b'1'..=b'9',
        b @ b'0'..=b'9',
        c @ b'0'..=b'9',
        rest @ ..,
    ] = rest
    else {
        return None;
    };
    let digit = |byte: &u8| u16::from(byte - b'0');
    let reason = match rest {
        [] => "",
        [b' ', reason @ ..] => {
            let ascii = |byte: &u8| byte.is_ascii_graphic() || *byte == b' ';
            let text = reason.iter().all(ascii).then_some(reason);
            text.and_then(|text| std::str::from_utf8(text).ok())
                .unwrap_or("")
        }
        _ => return None,
    };
    Some((
        *minor != b'0',
        digit(a) * 100 + digit(b) * 10 + digit(c),
        reason,
    ))
}

/// What the server agreed to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accepted {
    /// The subprotocol, one of those offered.
    pub protocol: Option<String>,
    /// The extensions, each offered and at most once, in the server's order. Whether
    /// their parameters are right is for the extension to say.
    pub extensions: Vec<Offer>,
}

/// Checks the answer to an upgrade (RFC 6455 §4.1).
///
/// # Errors
/// [`ErrorKind::Refused`], with the status, for another answer than 101; [`ErrorKind::Protocol`]
/// for a wrong Upgrade, Connection or Accept, and for a protocol or extension that was not offered.
pub fn check_response(
    head: &ResponseHead<'_>,
    key: &str,
    offered_protocols: &[&str],
    offered_extensions: &[Offer],
) -> Result<Accepted> {
    if head.status != 101 {
        let answer = format!("{} {}", head.status, head.reason);
        let message = format!("the server refused the upgrade: {}", answer.trim_end());
        return Err(Error::new(ErrorKind::Refused, message).with_status(head.status));
    }
    if !head.http11 {
        return Err(protocol_error(
            "the server switched protocols in HTTP/1.0, wanted: HTTP/1.1",
        ));
    }
    for (name, wanted) in [("Upgrade", "websocket"), ("Connection", "Upgrade")] {
        if !fields::has_element(&head.fields, name, wanted) {
            let message = format!("the server's 101 has no `{name}: {wanted}`");
            return Err(protocol_error(message));
        }
    }
    match fields::single(&head.fields, "sec-websocket-accept") {
        Ok(Some(accept)) if accept == accept_key(key) => {}
        Ok(Some(_)) => {
            return Err(protocol_error(
                "the server's Sec-WebSocket-Accept does not fit the key",
            ));
        }
        Ok(None) => {
            return Err(protocol_error(
                "the server's 101 has no Sec-WebSocket-Accept",
            ));
        }
        Err(_) => {
            return Err(protocol_error(
                "the server's 101 has several Sec-WebSocket-Accept",
            ));
        }
    }
    Ok(Accepted {
        protocol: agreed_protocol(head, offered_protocols)?,
        extensions: agreed_extensions(head, offered_extensions)?,
    })
}

fn agreed_protocol(head: &ResponseHead<'_>, offered: &[&str]) -> Result<Option<String>> {
    let value = fields::single(&head.fields, "sec-websocket-protocol")
        .map_err(|_| protocol_error("the server chose more than one subprotocol"))?;
    let Some(value) = value else {
        return Ok(None);
    };
    match offered.iter().find(|name| name.as_bytes() == value) {
        Some(name) => Ok(Some((*name).to_owned())),
        None => Err(protocol_error(format!(
            "the server chose the subprotocol {:?}, offered: {}",
            String::from_utf8_lossy(value),
            if offered.is_empty() {
                "none".to_owned()
            } else {
                offered.join(", ")
            },
        ))),
    }
}

fn agreed_extensions(head: &ResponseHead<'_>, offered: &[Offer]) -> Result<Vec<Offer>> {
    let lines = fields::values(&head.fields, "sec-websocket-extensions");
    let extensions = parse_offers(lines)
        .ok_or_else(|| protocol_error("the server's Sec-WebSocket-Extensions is malformed"))?;
    for (index, extension) in extensions.iter().enumerate() {
        let same = |other: &Offer| other.name == extension.name;
        if !offered.iter().any(same) {
            let message = format!(
                "the server uses the extension {}, which was not offered",
                extension.name
            );
            return Err(protocol_error(message));
        }
        if extensions[..index].iter().any(same) {
            let message = format!("the server names the extension {} twice", extension.name);
            return Err(protocol_error(message));
        }
    }
    Ok(extensions)
}
