//! What receiving gives: events, and the failure that ends a connection.

use crate::wire::close::CloseCode;
use crate::wire::extension::DecodeError;
use crate::wire::frame::{OpCode, Reserved};
use crate::wire::message::Message;
use crate::wire::utf8::InvalidUtf8;

/// Something whole that a connection received, borrowed from where it lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// A data message.
    Message(Message<'a>),
    /// A ping (RFC 6455 §5.5.2).
    Ping {
        /// What it carried, at most 125 bytes.
        payload: &'a [u8],
        /// The whole Pong frame to answer with; empty when our Close is already sent.
        pong: &'a [u8],
    },
    /// A pong with its payload, at most 125 bytes.
    Pong(&'a [u8]),
    /// The peer's Close: a code that [may stand in a frame](CloseCode::is_sendable) and a
    /// reason of at most 123 bytes, or nothing.
    Close(Option<(CloseCode, &'a str)>),
    /// Any frame, with [`ReceiveRules::raw`](super::ReceiveRules::raw) only.
    Frame(RawFrame<'a>),
}

/// One frame as it came, its mask taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawFrame<'a> {
    /// The last fragment of its message.
    pub fin: bool,
    /// The reserved bits.
    pub reserved: Reserved,
    /// What the frame carries.
    pub opcode: OpCode,
    /// The payload: not decoded, and not checked to be UTF-8.
    pub payload: &'a [u8],
}

/// Why a connection cannot go on: the code and reason of our Close.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    /// 1002, 1007, 1008 or 1009.
    pub code: CloseCode,
    /// A short text for the Close frame and the log.
    pub reason: &'static str,
}

impl Failure {
    /// The peer broke RFC 6455: 1002.
    pub(super) const fn protocol(reason: &'static str) -> Self {
        Self {
            code: CloseCode::PROTOCOL_ERROR,
            reason,
        }
    }

    pub(super) const NOT_UTF8: Self = Self {
        code: CloseCode::INVALID_DATA,
        reason: "text is not UTF-8",
    };
    pub(super) const TOO_BIG: Self = Self {
        code: CloseCode::TOO_BIG,
        reason: "message too big",
    };
    pub(super) const FRAGMENTS: Self = Self {
        code: CloseCode::POLICY,
        reason: "too many fragments",
    };
    pub(super) const BAD_CLOSE: Self = Self::protocol("bad close payload");
    pub(super) const BAD_CLOSE_CODE: Self = Self::protocol("bad close code");
}

impl From<InvalidUtf8> for Failure {
    fn from(_: InvalidUtf8) -> Self {
        Self::NOT_UTF8
    }
}

impl From<DecodeError> for Failure {
    fn from(error: DecodeError) -> Self {
        Self {
            code: error.code,
            reason: error.reason,
        }
    }
}
