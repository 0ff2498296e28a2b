//! The connected sockets, at the keys that the hub gave them.
//!
//! A stream moves bytes and says what came of it; it never waits, and never decides. Those that are
//! secured have a connection of TLS between the socket and the hub; the others pay nothing for it.

#[cfg(feature = "tls")]
mod connection;
#[cfg(feature = "tls")]
mod secured;
mod socket;
mod tcp;

#[cfg(feature = "tls")]
use super::tls::Tls;
use crate::app::Ends;
use crate::hub::Lost;
use crate::turn::{HandshakeStep, Read};
use mio::net::UnixStream;
use mio::{Registry, Token};
#[cfg(feature = "tls")]
use secured::Secured;
pub(crate) use socket::Stream;
use std::io;

/// A connection that came in.
pub(crate) struct Incoming {
    pub(super) stream: Stream,
    #[cfg(feature = "tls")]
    pub(super) tls: Option<Tls>,
}

/// All sockets; a key is free when it has none.
#[derive(Debug, Default)]
pub(super) struct Sockets {
    streams: Vec<Option<Stream>>,
    #[cfg(feature = "tls")]
    secured: Secured,
}

/// What there is of TLS between a socket and the hub, if there is any.
macro_rules! secured {
    ($sockets:expr, $key:expr, $connection:ident, $stream:ident => $call:expr) => {
        #[cfg(feature = "tls")]
        if let Some($stream @ Stream::Secured(_)) = $sockets
            .streams
            .get_mut($key as usize)
            .and_then(Option::as_mut)
        {
            let $connection = &mut $sockets.secured;
            return $call;
        }
    };
}

impl Sockets {
    /// A connection came in.
    pub(super) fn put(&mut self, key: u32, incoming: Incoming) {
        #[cfg(feature = "tls")]
        if let Some(tls) = incoming.tls {
            self.secured.accept(key, tls);
        }
        self.place(key, incoming.stream);
    }

    /// Begins a connection to another machine.
    pub(super) fn dial(&mut self, key: u32, ends: &Ends) -> io::Result<()> {
        if let Some(path) = &ends.file {
            self.place(key, Stream::Unix(UnixStream::connect(path)?));
            return Ok(());
        }
        let stream = tcp::begin(ends)?;
        #[cfg(feature = "tls")]
        if let Some(identity) = &ends.identity {
            self.secured.dial(key, identity).map_err(io::Error::other)?;
            self.place(key, Stream::Secured(stream));
            return Ok(());
        }
        self.place(key, Stream::Tcp(stream));
        Ok(())
    }

    fn place(&mut self, key: u32, stream: Stream) {
        let key = key as usize;
        if key >= self.streams.len() {
            self.streams.resize_with(key + 1, || None);
        }
        self.streams[key] = Some(stream);
    }

    /// The socket itself, below TLS.
    pub(super) fn at(&mut self, key: u32) -> Option<&mut Stream> {
        self.streams.get_mut(key as usize)?.as_mut()
    }

    pub(super) fn register(&mut self, key: u32, registry: &Registry) -> io::Result<()> {
        match self.at(key) {
            Some(stream) => stream.register(registry, Token(key as usize)),
            None => Ok(()),
        }
    }

    pub(super) fn is_connected(&mut self, key: u32) -> io::Result<bool> {
        self.at(key).map_or(Ok(false), Stream::is_connected)
    }

    pub(super) fn read(&mut self, key: u32, buffer: &mut [u8]) -> Result<Read, Lost> {
        secured!(self, key, secured, stream => secured.read(key, stream, buffer));
        self.at(key).ok_or(Lost)?.read(buffer)
    }

    pub(super) fn send(&mut self, key: u32, bytes: &[u8]) -> Result<usize, Lost> {
        secured!(self, key, secured, stream => secured.send(key, stream, [bytes, &[]]));
        self.at(key).ok_or(Lost)?.send(bytes)
    }

    pub(super) fn send_both(
        &mut self,
        key: u32,
        first: &[u8],
        second: &[u8],
    ) -> Result<usize, Lost> {
        secured!(self, key, secured, stream => secured.send(key, stream, [first, second]));
        self.at(key).ok_or(Lost)?.send_both(first, second)
    }

    pub(super) fn shutdown_write(&mut self, key: u32) {
        secured!(self, key, secured, stream => secured.shutdown_write(key, stream));
        if let Some(stream) = self.at(key) {
            stream.shutdown_write();
        }
    }

    pub(super) fn handshake(&mut self, key: u32) -> HandshakeStep {
        secured!(self, key, secured, stream => secured.handshake(key, stream));
        let _ = key;
        HandshakeStep {
            work: 0,
            is_done: true,
            is_lost: false,
        }
    }

    /// Whether a handshake of TLS is over, or there is none.
    pub(super) fn is_secured(&mut self, key: u32) -> bool {
        secured!(self, key, secured, _stream => secured.is_agreed(key));
        let _ = key;
        true
    }

    pub(super) fn why_lost(&mut self, key: u32) -> Option<String> {
        secured!(self, key, secured, _stream => secured.why_lost(key));
        let _ = key;
        None
    }

    pub(super) fn wants_flush(&mut self, key: u32) -> bool {
        secured!(self, key, secured, _stream => secured.wants_flush(key));
        let _ = key;
        false
    }

    pub(super) fn is_all_sent(&mut self, key: u32) -> bool {
        secured!(self, key, secured, _stream => secured.is_all_sent(key));
        let _ = key;
        true
    }

    pub(super) fn flush(&mut self, key: u32) -> Result<usize, Lost> {
        secured!(self, key, secured, stream => secured.flush(key, stream));
        let _ = key;
        Ok(0)
    }

    /// What TLS keeps for all connections, bytes of memory.
    pub(super) fn held(&self) -> usize {
        #[cfg(feature = "tls")]
        return self.secured.held();
        #[cfg(not(feature = "tls"))]
        0
    }

    /// For whom it keeps the most.
    pub(super) fn most_held(&self) -> Option<(u32, usize)> {
        #[cfg(feature = "tls")]
        return self.secured.most_held();
        #[cfg(not(feature = "tls"))]
        None
    }

    /// Frees what TLS keeps of a connection that is given up.
    pub(super) fn discard(&mut self, key: u32) {
        #[cfg(feature = "tls")]
        self.secured.close(key);
        let _ = key;
    }

    /// Lets a socket go. Closing the descriptor takes it out of the poll, too.
    pub(super) fn close(&mut self, key: u32) {
        self.discard(key);
        if let Some(stream) = self.streams.get_mut(key as usize) {
            *stream = None;
        }
    }
}
