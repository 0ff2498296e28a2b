//! Layer 0: bytes to meaning and back.
//!
//! Heads, upgrades, frames, the three receive lanes, extensions and the
//! outbox. Nothing here knows a socket, a clock or a handler: bytes come in as
//! slices and leave as slices, so every file can be tested and fuzzed alone.

pub(crate) mod authority;
pub mod body;
pub mod close;
#[cfg(feature = "json")]
pub mod codec;
pub(crate) mod date;
#[cfg(feature = "deflate")]
pub mod deflate;
pub mod error;
pub mod event;
pub mod extension;
pub(crate) mod fields;
pub(crate) mod forwarded;
pub mod frame;
pub mod head;
pub mod mask;
pub mod message;
pub mod outbox;
#[cfg(feature = "tls")]
pub(crate) mod pem;
pub mod proxy;
pub(crate) mod rate;
pub mod receive;
pub mod refusal;
pub mod response;
pub mod status;
pub mod strict;
#[cfg(feature = "tokens")]
pub mod token;
pub mod upgrade;
pub mod utf8;
pub mod work;
