//! Floor 0: bytes to meaning and back.
//!
//! Heads, upgrades, frames, the three receive lanes, extensions and the
//! outbox. Nothing here knows a socket, a clock or a handler: bytes come in as
//! slices and leave as slices, so every file can be tested and fuzzed alone.

pub mod close;
#[cfg(feature = "deflate")]
pub mod deflate;
pub mod error;
pub mod extension;
pub mod frame;
pub mod head;
pub mod message;
pub mod response;
