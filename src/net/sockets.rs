//! The connected sockets, at the keys that the hub gave them.
//!
//! A stream moves bytes and says what came of it; it never waits, and never decides.

use crate::app::Ends;
use crate::hub::Lost;
use crate::turn::Read;
use mio::event::Source;
use mio::net::{TcpStream, UnixStream};
use mio::{Interest, Registry, Token};
use socket2::{Domain, Protocol, Socket, Type};
use std::io::{self, IoSlice, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr};

/// A connected socket.
#[derive(Debug)]
pub(crate) enum Stream {
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
    /// Begins a connection to another machine.
    pub(super) fn begin(ends: Ends) -> io::Result<Self> {
        let Some(source) = ends.from else {
            return TcpStream::connect(ends.to).map(Self::Tcp);
        };
        let socket = Socket::new(
            Domain::for_address(ends.to),
            Type::STREAM,
            Some(Protocol::TCP),
        )?;
        socket.set_nonblocking(true)?;
        #[cfg(all(feature = "late-port", target_os = "linux"))]
        {
            use nix::sys::socket::{setsockopt, sockopt::IpBindAddressNoPort};
            // Without it the port is taken for every destination, which only matters to many.
            let _ = setsockopt(&socket, IpBindAddressNoPort, &true);
        }
        socket.bind(&SocketAddr::new(source, 0).into())?;
        match socket.connect(&ends.to.into()) {
            Err(error) if !is_under_way(&error) => Err(error),
            _ => Ok(Self::Tcp(TcpStream::from_std(socket.into()))),
        }
    }

    /// Once, for both directions, edge-triggered: never again for this socket.
    pub(super) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        let interest = Interest::READABLE | Interest::WRITABLE;
        each!(self, socket => socket.register(registry, token, interest))
    }

    /// A short read has drained a plain socket; only the end of file must be read for itself.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Result<Read, Lost> {
        loop {
            let (n, drained, ended) = match each!(self, socket => socket.read(buffer)) {
                Ok(0) => (0, true, true),
                Ok(n) => (n, n < buffer.len(), false),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => (0, true, false),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => return Err(Lost),
            };
            return Ok(Read { n, drained, ended });
        }
    }

    /// Hands over what the kernel takes.
    pub(super) fn send(&mut self, bytes: &[u8]) -> Result<usize, Lost> {
        sent(|| each!(self, socket => socket.write(bytes)))
    }

    /// The same for two pieces that lie apart.
    pub(super) fn send_both(&mut self, first: &[u8], second: &[u8]) -> Result<usize, Lost> {
        let parts = [IoSlice::new(first), IoSlice::new(second)];
        sent(|| each!(self, socket => socket.write_vectored(&parts)))
    }

    pub(super) fn shutdown_write(&mut self) {
        // A socket that is gone already has nothing to end.
        let _ = each!(self, socket => socket.shutdown(Shutdown::Write));
    }

    /// Whether the connection is made; an error when it cannot be.
    pub(super) fn is_connected(&mut self) -> io::Result<bool> {
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

/// Whether a connect goes on by itself.
fn is_under_way(error: &io::Error) -> bool {
    // The standard library has no stable kind for it.
    error.raw_os_error() == Some(libc::EINPROGRESS)
}

/// A write's answer as the hub wants it: nothing taken is no error.
fn sent(mut write: impl FnMut() -> io::Result<usize>) -> Result<usize, Lost> {
    loop {
        match write() {
            Ok(sent) => return Ok(sent),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(0),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return Err(Lost),
        }
    }
}

/// All sockets; a key is free when it has none.
#[derive(Debug, Default)]
pub(super) struct Sockets(Vec<Option<Stream>>);

impl Sockets {
    pub(super) fn put(&mut self, key: u32, stream: Stream) {
        let key = key as usize;
        if key >= self.0.len() {
            self.0.resize_with(key + 1, || None);
        }
        self.0[key] = Some(stream);
    }

    pub(super) fn at(&mut self, key: u32) -> Option<&mut Stream> {
        self.0.get_mut(key as usize)?.as_mut()
    }

    /// Lets a socket go. Closing the descriptor takes it out of the poll, too.
    pub(super) fn close(&mut self, key: u32) {
        if let Some(stream) = self.0.get_mut(key as usize) {
            *stream = None;
        }
    }
}
