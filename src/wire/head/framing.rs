//! What the fields of a request say about its message: Host, length of the
//! body, expectation, and whether the connection lives on. Two readings of one
//! length are how requests get smuggled, so everything ambiguous is refused.

use super::super::authority::Authority;
use super::super::fields::{self, Fields, Repeated};
use super::super::refusal::Refusal;
use super::super::response::Status;
use super::parts::BodyLength;

impl From<Repeated> for Refusal {
    fn from(_: Repeated) -> Self {
        Status::BAD_REQUEST.into()
    }
}

/// The one valid Host (RFC 9112 §3.2); only HTTP/1.0 may go without.
pub(super) fn host<'b>(fields: &Fields<'b>, http11: bool) -> Result<Option<&'b str>, Refusal> {
    let Some(value) = fields::single(fields, "host")? else {
        return if http11 {
            Err(Status::BAD_REQUEST.into())
        } else {
            Ok(None)
        };
    };
    std::str::from_utf8(value)
        .ok()
        .filter(|host| Authority::parse(host).is_some())
        .map_or(Err(Status::BAD_REQUEST.into()), |host| Ok(Some(host)))
}

/// How the body is delimited (RFC 9112 §6).
pub(super) fn body_length(fields: &Fields<'_>, http11: bool) -> Result<BodyLength, Refusal> {
    let length = match fields::single(fields, "content-length")? {
        Some(value) => Some(content_length(value).ok_or(Status::BAD_REQUEST)?),
        None => None,
    };
    let coded = fields::values(fields, "transfer-encoding").next().is_some();
    match length {
        _ if coded && (!http11 || length.is_some()) => Err(Status::BAD_REQUEST.into()),
        _ if coded => check_codings(fields).map(|()| BodyLength::Chunked),
        None | Some(0) => Ok(BodyLength::None),
        Some(length) => Ok(BodyLength::Length(length)),
    }
}

/// Digits only: no sign, no list, no overflow, and no zero in front: others have read those as octal.
fn content_length(value: &[u8]) -> Option<u64> {
    if matches!(value, [] | [b'0', _, ..]) {
        return None;
    }
    value.iter().try_fold(0_u64, |sum, byte| {
        let digit = char::from(*byte).to_digit(10)?;
        sum.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

/// `chunked` alone is served (RFC 9112 §6.1): in a wrong place it is 400, behind others 501.
fn check_codings(fields: &Fields<'_>) -> Result<(), Refusal> {
    let mut chunked = false;
    let mut unknown = false;
    for coding in fields::values(fields, "transfer-encoding").flat_map(fields::elements) {
        let name = coding.split(|byte| *byte == b';').next().unwrap_or(coding);
        let name = fields::token(fields::trim(name)).ok_or(Status::BAD_REQUEST)?;
        let is_chunked = name.eq_ignore_ascii_case("chunked");
        if chunked || (is_chunked && name.len() != coding.len()) {
            return Err(Status::BAD_REQUEST.into());
        }
        chunked |= is_chunked;
        unknown |= !is_chunked;
    }
    if unknown {
        return Err(Status::NOT_IMPLEMENTED.into());
    }
    Ok(())
}

/// Whether the client waits for `100 Continue`, which HTTP/1.0 has not (RFC 9110 §10.1.1).
pub(super) fn expects_continue(fields: &Fields<'_>, http11: bool) -> Result<bool, Refusal> {
    let mut expected = false;
    for expectation in fields::values(fields, "expect").flat_map(fields::elements) {
        if !expectation.eq_ignore_ascii_case(b"100-continue") {
            return Err(Status::EXPECTATION_FAILED.into());
        }
        expected = http11;
    }
    Ok(expected)
}

/// Persistence (RFC 9112 §9.3): 1.1 unless `close`, 1.0 only with `keep-alive`.
pub(super) fn keep_alive(fields: &Fields<'_>, http11: bool) -> bool {
    !fields::has_element(fields, "connection", "close")
        && (http11 || fields::has_element(fields, "connection", "keep-alive"))
}
