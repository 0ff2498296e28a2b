//! Connections that the program asked for, made without waiting.

use super::sockets::Stream;
use super::turn::Loop;
use crate::app::SessionId;
use crate::wire::error::{Error, ErrorKind};
use core::net::SocketAddr;
use mio::net::TcpStream;
use std::io;

/// Connections begun in one turn.
const DIALS_A_TURN: usize = 64;

impl Loop {
    /// Begins the connections that the hub asks for.
    pub(super) fn dial(&mut self) {
        for _ in 0..DIALS_A_TURN {
            let Some((id, address)) = self.hub.next_dial() else {
                return;
            };
            if !self.hub.knows(id) {
                continue;
            }
            if let Err(error) = self.begin(id, address) {
                self.fail(id, error);
            }
        }
    }

    fn begin(&mut self, id: SessionId, address: SocketAddr) -> io::Result<()> {
        let stream = TcpStream::connect(address)?;
        self.sockets.put(id.index, Stream::Tcp(stream));
        if let Some(socket) = self.sockets.at(id.index) {
            socket.dialling = true;
            socket.stream.register(self.poll.registry(), id)?;
        }
        Ok(())
    }

    /// Something happened to a connection that is being made; `ends` when its peer is done already.
    pub(super) fn dialled(&mut self, id: SessionId, ends: bool) {
        let Some(socket) = self.sockets.at(id.index) else {
            return;
        };
        match socket.stream.connection() {
            Ok(true) => {
                socket.dialling = false;
                self.hub.connected(id);
                // What arrived together with the connection is told by no further edge.
                match ends {
                    true => self.list_ending(id),
                    false => self.list(id),
                }
            }
            Ok(false) => {}
            Err(error) => self.fail(id, error),
        }
    }

    fn fail(&mut self, id: SessionId, error: io::Error) {
        let error = Error::new(ErrorKind::Io, "the connection cannot be made").with_source(error);
        self.hub.dial_failed(id, error);
    }
}

impl Stream {
    /// Whether the connection is made; an error when it cannot be.
    fn connection(&self) -> io::Result<bool> {
        let Self::Tcp(stream) = self else {
            return Ok(true);
        };
        if let Some(error) = stream.take_error()? {
            return Err(error);
        }
        match stream.peer_addr() {
            Ok(_) => stream.set_nodelay(true).map(|()| true),
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(false),
            Err(error) => Err(error),
        }
    }
}
