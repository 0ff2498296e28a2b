//! Layer 4: the world of production, mio sockets in one poll.
//!
//! It implements [`Io`](crate::turn::Io) and nothing else: it moves bytes between sockets and the
//! turn, tells what the poll saw and what time it is, and decides nothing about either.

mod address;
mod intake;
mod io;
mod listener;
mod socket_file;
mod sockets;
mod waker;

pub use address::Address;
pub(crate) use io::NetIo;
pub(crate) use listener::Listener;
pub(crate) use socket_file::FileAccess;
pub(crate) use waker::LoopWaker;
