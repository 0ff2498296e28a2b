//! The opening handshake of RFC 6455 §4, both sides: what makes a request an
//! upgrade, what must be right about it, and the 101.
//!
//! Nothing here decides about paths, origins or limits: a route does that with
//! what [`check_upgrade`] found. Never answers with a protocol or extension that was
//! not offered, as long as its caller does not.

mod client;
mod handshake;
mod offers;
mod origin;
#[cfg(test)]
mod tests;

pub use client::{
    Accepted, ResponseHead, UpgradeCall, check_response, new_key, parse_response, write_request,
};
pub use handshake::{Agreed, ClientHandshake, Wish};
pub use offers::parse_offers;
pub use origin::{origin_is_same, origin_matches, pattern_problem};

use super::extension::Offer;
use super::fields;
use super::head::{BodyLength, Method, Refusal, RequestHead};
use super::response::{Status, write_field};
use base64::engine::{Engine, general_purpose::STANDARD};
use sha1::{Digest, Sha1};

/// What stands behind every key before it is hashed (RFC 6455 §1.3).
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// What a valid upgrade asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpgradeRequest<'b> {
    /// The key, 24 characters.
    pub key: &'b str,
    /// The subprotocols, the client's favourite first.
    pub protocols: Vec<&'b str>,
    /// The extensions, in order; those with parameters that nobody knows are still here.
    pub extensions: Vec<Offer>,
    /// Where the page came from, as browsers tell it.
    pub origin: Option<&'b str>,
}

/// Whether the request asks for a WebSocket: `websocket` among its Upgrade tokens and
/// `upgrade` among its Connection tokens. Without the second it is a plain request.
pub fn wants_upgrade(head: &RequestHead<'_>) -> bool {
    head.has_token("upgrade", "websocket") && head.has_token("connection", "upgrade")
}

/// Checks a request that [`wants_upgrade`] (RFC 6455 §4.2.1).
///
/// # Errors
/// In this order: 405 for another method than GET, 426 in HTTP/1.0, 400 with a
/// body, 400 for a version that is missing or stands twice, 426 for another than 13, 400 for a
/// key that is missing, stands twice or is not 16 bytes, and 400 for a list of
/// protocols or extensions, or an Origin, that breaks its syntax.
pub fn check_upgrade<'b>(head: &RequestHead<'b>) -> Result<UpgradeRequest<'b>, Refusal> {
    const BAD_REQUEST: Refusal = Refusal::new(Status::BAD_REQUEST);
    if head.method != Method::Get {
        return Err(Refusal::GET_ONLY);
    }
    if !head.http11 {
        return Err(Refusal::UPGRADE_REQUIRED);
    }
    if head.body != BodyLength::None {
        return Err(BAD_REQUEST);
    }
    match fields::single(&head.fields, "sec-websocket-version")? {
        None => return Err(BAD_REQUEST),
        Some(b"13") => {}
        Some(_) => return Err(Refusal::WRONG_VERSION),
    }
    let key = fields::single(&head.fields, "sec-websocket-key")?
        .and_then(key_text)
        .ok_or(BAD_REQUEST)?;
    let protocols = head
        .values("sec-websocket-protocol")
        .flat_map(fields::elements)
        .filter(|element| !element.is_empty())
        .map(|element| fields::token(element).ok_or(BAD_REQUEST))
        .collect::<Result<_, _>>()?;
    let extensions = parse_offers(head.values("sec-websocket-extensions")).ok_or(BAD_REQUEST)?;
    Ok(UpgradeRequest {
        key,
        protocols,
        extensions,
        origin: single_origin(head)?,
    })
}

/// The Origin of a request.
///
/// # Errors
/// 400 when it stands twice or breaks its syntax.
pub fn single_origin<'b>(head: &RequestHead<'b>) -> Result<Option<&'b str>, Refusal> {
    match fields::single(&head.fields, "origin")? {
        Some(origin) if !origin.iter().all(u8::is_ascii_graphic) => {
            Err(Refusal::new(Status::BAD_REQUEST))
        }
        origin => Ok(origin.and_then(|origin| std::str::from_utf8(origin).ok())),
    }
}

/// What is wrong with the key of an upgrade, for the log; the answer is 400 and the same for each.
pub fn key_fault(head: &RequestHead<'_>) -> Option<&'static str> {
    match fields::single(&head.fields, "sec-websocket-key") {
        Err(_) => Some("Sec-WebSocket-Key stands twice, wanted: once"),
        Ok(None) => Some("Sec-WebSocket-Key is missing, wanted: the base64 of 16 bytes"),
        Ok(Some(key)) if key_text(key).is_none() => {
            Some("Sec-WebSocket-Key is not 16 bytes, wanted: 24 characters of base64")
        }
        Ok(Some(_)) => None,
    }
}

/// The key as text, if it is the base64 of 16 bytes. The four bits that carry nothing may
/// be anything, as in other servers.
fn key_text(value: &[u8]) -> Option<&str> {
    let digits = value.strip_suffix(b"==")?;
    let good = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    if digits.len() != 22 || !digits.iter().all(good) {
        return None;
    }
    std::str::from_utf8(value).ok()
}

/// The `Sec-WebSocket-Accept` of a key (RFC 6455 §4.2.2): 28 characters of base64.
pub fn accept_key(key: &str) -> [u8; 28] {
    let hash = Sha1::new()
        .chain_update(key.as_bytes())
        .chain_update(GUID)
        .finalize();
    let mut accept = [b'='; 28];
    let written = STANDARD.encode_slice(hash.as_slice(), &mut accept);
    debug_assert_eq!(written.ok(), Some(28), "20 bytes are 28 characters");
    accept
}

/// Appends the 101 with at most one protocol and one extension, which must have been offered, and
/// with further fields.
pub fn write_switching_protocols(
    out: &mut Vec<u8>,
    accept: &[u8; 28],
    protocol: Option<&str>,
    extension: Option<&Offer>,
    fields: &[(String, String)],
) {
    out.extend_from_slice(
        b"HTTP/1.1 101 Switching Protocols\r\n\
          Upgrade: websocket\r\n\
          Connection: Upgrade\r\n\
          Sec-WebSocket-Accept: ",
    );
    out.extend_from_slice(accept);
    out.extend_from_slice(b"\r\n");
    if let Some(protocol) = protocol {
        write_field(out, "Sec-WebSocket-Protocol", protocol);
    }
    if let Some(extension) = extension {
        write_field(out, "Sec-WebSocket-Extensions", &extension.to_string());
    }
    for (name, value) in fields {
        write_field(out, name, value);
    }
    out.extend_from_slice(b"\r\n");
}
