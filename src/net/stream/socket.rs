//! One connected socket: bytes in, bytes out, and what came of it.

use super::tcp;
use crate::hub::Lost;
use crate::net::retries;
use crate::turn::Read;
use crate::turn::errno::{Hindrance, of_transfer};
use mio::event::Source;
use mio::net::{TcpStream, UnixStream};
use mio::{Interest, Registry, Token};
use std::io::{self, IoSlice, Read as _, Write as _};
use std::net::Shutdown;

/// A connected socket.
#[derive(Debug)]
pub(crate) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
    /// Its bytes are those of TLS.
    #[cfg(feature = "tls")]
    Secured(TcpStream),
}

macro_rules! each {
    ($stream:expr, $socket:ident => $call:expr) => {
        match $stream {
            Stream::Tcp($socket) => $call,
            Stream::Unix($socket) => $call,
            #[cfg(feature = "tls")]
            Stream::Secured($socket) => $call,
        }
    };
}

impl Stream {
    /// Once, for both directions, edge-triggered: never again for this socket.
    pub(in crate::net) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        let interest = Interest::READABLE | Interest::WRITABLE;
        each!(self, socket => socket.register(registry, token, interest))
    }

    /// A short read has drained a plain socket; only the end of file must be read for itself.
    pub(in crate::net) fn read(&mut self, buffer: &mut [u8]) -> Result<Read, Lost> {
        loop {
            let (n, drained, ended) = match each!(self, socket => socket.read(buffer)) {
                Ok(0) => (0, true, true),
                Ok(n) => (n, n < buffer.len(), false),
                Err(error) => match of_transfer(&error) {
                    Hindrance::Blocked => (0, true, false),
                    Hindrance::Interrupted => continue,
                    Hindrance::Short => {
                        retries::met_shortage();
                        (0, true, false)
                    }
                    Hindrance::Lost => return Err(Lost),
                },
            };
            return Ok(Read {
                n,
                drained,
                ended,
                ..Read::default()
            });
        }
    }

    /// Hands over what the kernel takes.
    pub(in crate::net) fn send(&mut self, bytes: &[u8]) -> Result<usize, Lost> {
        sent(|| each!(self, socket => socket.write(bytes)))
    }

    /// The same for two pieces that lie apart.
    pub(in crate::net) fn send_both(&mut self, first: &[u8], second: &[u8]) -> Result<usize, Lost> {
        let parts = [IoSlice::new(first), IoSlice::new(second)];
        sent(|| each!(self, socket => socket.write_vectored(&parts)))
    }

    pub(in crate::net) fn shutdown_write(&mut self) {
        // A socket that is gone already has nothing to end.
        let _ = each!(self, socket => socket.shutdown(Shutdown::Write));
    }

    /// Whether the connection is made; an error when it cannot be.
    pub(in crate::net) fn is_connected(&mut self) -> io::Result<bool> {
        match self {
            Self::Tcp(stream) => tcp::is_connected(stream),
            #[cfg(feature = "tls")]
            Self::Secured(stream) => tcp::is_connected(stream),
            Self::Unix(_) => Ok(true),
        }
    }
}

/// A write's answer as the hub wants it: nothing taken is no error.
fn sent(mut write: impl FnMut() -> io::Result<usize>) -> Result<usize, Lost> {
    loop {
        match write() {
            Ok(sent) => return Ok(sent),
            Err(error) => match of_transfer(&error) {
                Hindrance::Blocked => return Ok(0),
                Hindrance::Interrupted => {}
                Hindrance::Short => {
                    retries::met_shortage();
                    return Ok(0);
                }
                Hindrance::Lost => return Err(Lost),
            },
        }
    }
}
