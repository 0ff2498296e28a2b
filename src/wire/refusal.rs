//! The refusals that a connection's bytes alone decide: a status and the fixed
//! fields that belong to it. Nothing of the request is ever echoed.

use super::status::Status;

/// A request that is answered without a route; the connection closes after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The status of the answer.
    pub status: Status,
    /// Fields beside the ones that every answer has.
    pub fields: &'static [(&'static str, &'static str)],
}

impl Refusal {
    /// 405 for an upgrade by another method than GET (RFC 6455 §4.1).
    pub const GET_ONLY: Self = Self::new(Status::METHOD_NOT_ALLOWED);
    /// 426 for a plain request on a WebSocket path, or an upgrade in HTTP/1.0.
    pub const UPGRADE_REQUIRED: Self = Self::new(Status::UPGRADE_REQUIRED);
    /// 426 for a `Sec-WebSocket-Version` other than 13 (RFC 6455 §4.4).
    pub const WRONG_VERSION: Self = Self {
        status: Status::UPGRADE_REQUIRED,
        fields: &[("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13")],
    };

    /// A refusal with the fields that its status asks for: `Allow: GET` with 405,
    /// `Upgrade: websocket` with 426, `Retry-After` (seconds) with 429 and 503.
    pub const fn new(status: Status) -> Self {
        let fields: &'static [(&'static str, &'static str)] = match status {
            Status::METHOD_NOT_ALLOWED => &[("Allow", "GET")],
            Status::UPGRADE_REQUIRED => &[("Upgrade", "websocket")],
            Status::TOO_MANY_REQUESTS => &[("Retry-After", "1")],
            Status::SERVICE_UNAVAILABLE => &[("Retry-After", "5")],
            _ => &[],
        };
        Self { status, fields }
    }
}

impl From<Status> for Refusal {
    fn from(status: Status) -> Self {
        Self::new(status)
    }
}
