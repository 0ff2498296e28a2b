//! Layer 5: a small blocking client, for scripts and tests.
//!
//! ```no_run
//! # fn main() -> dunlin::Result<()> {
//! let mut client = dunlin::Client::connect("ws://127.0.0.1:8080/echo-raw")?;
//! client.send("hello")?;
//! println!("{:?}", client.receive_message()?);
//! client.close(1000, "done")?;
//! # Ok(())
//! # }
//! ```
//!
//! What stands behind it is free of sockets and clocks, for any driver to use:
//!
//! | file | subject |
//! |---|---|
//! | `url` | `ws://host:port/path?query` |
//! | `options` | what to ask for, and every limit |
//! | `handshake` | the request out, the answer in |
//! | `connection` | the open connection: messages to frames and back |
//! | `calls` | a URL as a [`Call`](crate::Call) of the event loop |
//! | `dial` | a TCP connection, with a time limit |
//! | `socket` | that connection, with TLS where the URL asks for it |
//! | `blocking` | [`Client`]: the above on a stream |
//!
//! A client never sends a frame without a mask of its own (RFC 6455 §5.3), never
//! takes what it did not offer, and never waits without a limit unless told to.

mod blocking;
mod calls;
mod connection;
mod dial;
mod handshake;
mod incoming;
mod options;
mod socket;
#[cfg(test)]
mod tests;
mod url;

pub use blocking::Client;
pub use calls::call;
#[cfg(feature = "tls")]
pub use calls::call_trusting;
pub use connection::Connection;
pub use handshake::{Established, Handshake};
pub use incoming::Incoming;
pub use options::Options;
pub use socket::Socket;
#[cfg(all(feature = "command", feature = "tls"))]
#[doc(hidden)]
pub use socket::{ClientConnection, secured};
pub use url::Url;

#[cfg(feature = "tls")]
pub use crate::app::Trust;
