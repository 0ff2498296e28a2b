//! The connected sockets, at the keys that the hub gave them.

use crate::app::SessionId;
use crate::hub::{Lost, Transport};
use mio::event::Source;
use mio::net::{TcpStream, UnixStream};
use mio::{Interest, Registry, Token};
use std::io::{self, IoSlice, Read, Write};
use std::net::Shutdown;

/// A connected socket.
#[derive(Debug)]
pub(super) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

macro_rules! each {
    ($stream:expr, $socket:ident => $call:expr) => {
        match $stream {
            Stream::Tcp($socket) => $call,
            Stream::Unix($socket) => $call,
        }
    };
}

impl Stream {
    /// Once, for both directions, edge-triggered: never again for this socket.
    pub(super) fn register(&mut self, registry: &Registry, id: SessionId) -> io::Result<()> {
        let interest = Interest::READABLE | Interest::WRITABLE;
        each!(self, socket => socket.register(registry, token(id), interest))
    }

    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        each!(self, socket => socket.read(buffer))
    }
}

/// The token of a session: its generation above its key.
pub(super) fn token(id: SessionId) -> Token {
    Token((id.generation as usize) << 32 | id.index as usize)
}

/// The session of a token.
pub(super) fn session(token: Token) -> SessionId {
    SessionId {
        index: token.0 as u32,
        generation: (token.0 >> 32) as u32,
    }
}

/// A socket and what the driver remembers of it.
#[derive(Debug)]
pub(super) struct Socket {
    pub(super) stream: Stream,
    /// It waits in a list of those to read.
    pub(super) listed: bool,
    /// The peer has ended its direction: it is read until the end of file shows.
    pub(super) ends: bool,
    /// The connection is being made.
    pub(super) dialling: bool,
}

/// All sockets; a key is free when it holds none.
#[derive(Debug, Default)]
pub(super) struct Sockets(Vec<Option<Socket>>);

impl Sockets {
    pub(super) fn put(&mut self, key: u32, stream: Stream) {
        let key = key as usize;
        if key >= self.0.len() {
            self.0.resize_with(key + 1, || None);
        }
        self.0[key] = Some(Socket {
            stream,
            listed: false,
            ends: false,
            dialling: false,
        });
    }

    pub(super) fn at(&mut self, key: u32) -> Option<&mut Socket> {
        self.0.get_mut(key as usize)?.as_mut()
    }
}

/// A write's answer as the hub wants it: nothing taken is no error.
fn taken(result: io::Result<usize>) -> Result<Option<usize>, Lost> {
    match result {
        Ok(sent) => Ok(Some(sent)),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Some(0)),
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(None),
        Err(_) => Err(Lost),
    }
}

impl Transport for Sockets {
    fn send(&mut self, key: u32, bytes: &[u8]) -> Result<usize, Lost> {
        let socket = self.at(key).ok_or(Lost)?;
        loop {
            let result = each!(&mut socket.stream, socket => socket.write(bytes));
            if let Some(sent) = taken(result)? {
                return Ok(sent);
            }
        }
    }

    fn send_both(&mut self, key: u32, first: &[u8], second: &[u8]) -> Result<usize, Lost> {
        let socket = self.at(key).ok_or(Lost)?;
        let parts = [IoSlice::new(first), IoSlice::new(second)];
        loop {
            let result = each!(&mut socket.stream, socket => socket.write_vectored(&parts));
            if let Some(sent) = taken(result)? {
                return Ok(sent);
            }
        }
    }

    fn shutdown_write(&mut self, key: u32) {
        if let Some(socket) = self.at(key) {
            // A socket that is gone already has nothing to end.
            let _ = each!(&mut socket.stream, socket => socket.shutdown(Shutdown::Write));
        }
    }

    fn close(&mut self, key: u32) {
        // Closing the descriptor takes it out of the poll, too.
        if let Some(socket) = self.0.get_mut(key as usize) {
            *socket = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_tells_the_session() {
        let id = SessionId {
            index: 7,
            generation: u32::MAX,
        };
        assert_eq!(session(token(id)), id);
    }
}
