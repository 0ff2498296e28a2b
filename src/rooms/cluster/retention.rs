//! How much of a room an engine keeps, and for how long.

use crate::config::RoomLimits;

/// For how long the key of a message is known, milliseconds.
#[cfg(any(test, feature = "internals"))]
pub(super) const KNOWN_FOR: u64 = 5 * 60 * 1000;

/// For how long it is known that a room was deleted, milliseconds.
#[cfg(any(test, feature = "internals"))]
pub(super) const DELETED_FOR: u64 = 60 * 60 * 1000;

/// Messages that one script forgets at most.
#[cfg(any(test, feature = "internals"))]
pub(super) const FORGOTTEN: usize = 64;

/// Epochs before its own that a room knows.
#[cfg(any(test, feature = "internals"))]
pub(super) const EARLIER: usize = 16;

/// What counts for a message besides its sender and its text, bytes.
#[cfg(any(test, feature = "internals"))]
pub(super) const OVERHEAD: usize = 64;

/// The bounds that a script goes by: those of the node that asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Retention {
    /// Messages that a history keeps.
    pub(super) messages: usize,
    /// Bytes that it keeps. The newest message stays whatever its size, unless this is 0.
    pub(super) bytes: usize,
    /// How long it keeps a message, milliseconds.
    pub(super) age: u64,
    /// Milliseconds after which a room goes that nobody is in and nobody has spoken in; `None`: never.
    pub(super) empty: Option<u64>,
}

impl From<&RoomLimits> for Retention {
    fn from(limits: &RoomLimits) -> Self {
        let hours = |hours: usize| hours as u64 * 3_600_000;
        Self {
            messages: limits.history_messages,
            bytes: limits.history_bytes,
            age: u64::try_from(limits.history_time.as_millis()).unwrap_or(u64::MAX),
            empty: limits.empty_room_hours.map(hours),
        }
    }
}
