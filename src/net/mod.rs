//! Layer 4: the world of production, mio sockets in one poll.
//!
//! It implements [`Io`](crate::turn::Io) and nothing else: it moves bytes between sockets and the
//! turn, tells what the poll saw and what time it is, and decides nothing about either.

mod address;
mod intake;
mod io;
mod listener;
mod retries;
mod socket_file;
mod stream;
#[cfg(feature = "tls")]
mod tls;
mod waker;

pub use address::Address;
pub(crate) use io::NetIo;
pub(crate) use listener::Listener;
pub(crate) use socket_file::FileAccess;
#[cfg(feature = "tls")]
pub use tls::Tls;
#[cfg(feature = "tls")]
pub(crate) use tls::{client_config, explain, server_name};
pub(crate) use waker::LoopWaker;
