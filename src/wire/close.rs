//! Close codes and reasons (RFC 6455 §7.4): what ends a session, and who ended it.

use std::fmt;

/// A status code of a Close frame (RFC 6455 §7.4, IANA's registry).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CloseCode(u16);

impl CloseCode {
    /// 1000: the purpose of the connection is fulfilled.
    pub const NORMAL: Self = Self(1000);
    /// 1001: the server stops, or the browser leaves the page.
    pub const GOING_AWAY: Self = Self(1001);
    /// 1002: the peer broke the protocol.
    pub const PROTOCOL_ERROR: Self = Self(1002);
    /// 1003: a type of data that is not accepted here.
    pub const UNSUPPORTED: Self = Self(1003);
    /// 1005: the peer's Close carried no code. Never on the wire: to close with it is to send no code.
    pub const NO_STATUS: Self = Self(1005);
    /// 1006: the connection was lost without a Close. Never on the wire.
    pub const ABNORMAL: Self = Self(1006);
    /// 1007: data that does not fit its type, such as bad UTF-8.
    pub const INVALID_DATA: Self = Self(1007);
    /// 1008: a rule of this server was broken.
    pub const POLICY: Self = Self(1008);
    /// 1009: the message is too big.
    pub const TOO_BIG: Self = Self(1009);
    /// 1010: the client wanted an extension that the server did not give.
    pub const EXTENSION: Self = Self(1010);
    /// 1011: the server met an unexpected condition.
    pub const INTERNAL_ERROR: Self = Self(1011);
    /// 1012: the server restarts.
    pub const RESTART: Self = Self(1012);
    /// 1013: try again later.
    pub const TRY_AGAIN: Self = Self(1013);

    /// Any number as a code; [`CloseCode::is_sendable`] tells whether it may stand in a frame.
    pub const fn new(code: u16) -> Self {
        Self(code)
    }

    /// The number itself.
    pub const fn get(self) -> u16 {
        self.0
    }

    /// Whether the code may stand in a Close frame, from either side:
    /// 1000–1003, 1007–1014 and 3000–4999.
    pub const fn is_sendable(self) -> bool {
        matches!(self.0, 1000..=1003 | 1007..=1014 | 3000..=4999)
    }
}

impl From<u16> for CloseCode {
    fn from(code: u16) -> Self {
        Self(code)
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CloseCode({})", self.0)
    }
}

/// Who ended a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClosedBy {
    /// A handler of this program, or a limit or error that this side found.
    Us,
    /// The peer sent the first Close.
    Peer,
    /// Nobody: the connection was lost (code 1006).
    Lost,
}

/// Why a session ended: the argument of the close event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloseReason {
    /// The code of the Close frame; 1005 for an empty one, 1006 for a lost connection.
    pub code: CloseCode,
    /// The text of the Close frame, at most 123 bytes; empty when there was none.
    pub reason: String,
    /// Who ended it.
    pub by: ClosedBy,
}

impl CloseReason {
    /// A reason with this code and text.
    pub fn new(code: CloseCode, reason: impl Into<String>, by: ClosedBy) -> Self {
        Self {
            code,
            reason: reason.into(),
            by,
        }
    }

    /// The connection went without a Close: 1006.
    pub fn lost() -> Self {
        Self::new(CloseCode::ABNORMAL, "", ClosedBy::Lost)
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.reason.is_empty() {
            write!(f, "{}", self.code)
        } else {
            write!(f, "{} {}", self.code, self.reason)
        }
    }
}

/// The longest reason that fits a Close frame: 125 bytes less the code (RFC 6455 §5.5).
pub const MAX_REASON: usize = 123;

/// Cuts a reason at 123 bytes, on a character border.
pub fn cut_reason(reason: &str) -> &str {
    &reason[..reason.floor_char_boundary(MAX_REASON)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_cut_on_a_character_border() {
        assert_eq!(cut_reason("short"), "short");
        assert_eq!(cut_reason(&"a".repeat(123)).len(), 123);
        assert_eq!(cut_reason(&"a".repeat(124)).len(), 123);
        // 41 characters of three bytes fill 123 bytes; one more byte in front moves the border.
        assert_eq!(cut_reason(&"님".repeat(50)).len(), 123);
        assert_eq!(cut_reason(&format!("a{}", "님".repeat(50))).len(), 121);
    }

    #[test]
    fn only_registered_and_private_codes_may_be_sent() {
        for code in [1000, 1003, 1007, 1014, 3000, 4999] {
            assert!(CloseCode::new(code).is_sendable(), "{code}");
        }
        for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535] {
            assert!(!CloseCode::new(code).is_sendable(), "{code}");
        }
    }
}
