//! Listening sockets: TCP with NODELAY for all who come, and Unix.

use super::address::Address;
use super::sockets::Stream;
use crate::app::Peer;
use crate::wire::error::{Error, ErrorKind, Result};
use mio::event::Source;
use mio::net::{TcpListener, UnixListener};
use mio::{Interest, Registry, Token};
use socket2::{Domain, SockAddr, Socket, Type};
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

/// Connections that the kernel keeps until they are accepted (the system may cap it).
const BACKLOG: i32 = 4096;

/// A socket that accepts.
#[derive(Debug)]
pub(crate) struct Listener {
    socket: Kind,
    address: Address,
}

#[derive(Debug)]
enum Kind {
    Tcp(TcpListener),
    Unix {
        socket: UnixListener,
        _file: OwnPath,
    },
}

/// The file of a Unix socket; removed when the listener goes.
#[derive(Debug)]
struct OwnPath(PathBuf);

impl Drop for OwnPath {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

impl Listener {
    /// Listens on an address.
    pub(crate) fn bind(address: &Address) -> Result<Self> {
        let bound = match address {
            Address::Tcp(socket_address) => bind_tcp(SockAddr::from(*socket_address)),
            Address::Unix(path) => bind_unix(path),
        };
        bound.map_err(|error| {
            let hint = match error.kind() {
                io::ErrorKind::AddrInUse => {
                    "; another program has it: stop that one or choose another port"
                }
                io::ErrorKind::PermissionDenied => {
                    "; ports below 1024 and foreign directories need a right that this user lacks"
                }
                io::ErrorKind::AddrNotAvailable => "; this machine does not have that address",
                _ => "",
            };
            Error::new(ErrorKind::Io, format!("cannot listen on {address}{hint}"))
                .with_source(error)
        })
    }

    /// Where it listens, with the port that the system chose.
    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    /// The same as the hub is told it.
    pub(super) fn local(&self) -> Peer {
        match &self.address {
            Address::Tcp(address) => Peer::Tcp(*address),
            Address::Unix(_) => Peer::Unix,
        }
    }

    pub(super) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        match &mut self.socket {
            Kind::Tcp(socket) => socket.register(registry, token, Interest::READABLE),
            Kind::Unix { socket, .. } => socket.register(registry, token, Interest::READABLE),
        }
    }

    /// The next connection.
    pub(super) fn accept(&self) -> io::Result<(Stream, Peer)> {
        match &self.socket {
            Kind::Tcp(socket) => {
                let (stream, peer) = socket.accept()?;
                Ok((Stream::Tcp(stream), Peer::Tcp(peer)))
            }
            Kind::Unix { socket, .. } => Ok((Stream::Unix(socket.accept()?.0), Peer::Unix)),
        }
    }
}

fn bind_tcp(address: SockAddr) -> io::Result<Listener> {
    let socket = Socket::new(address.domain(), Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    // Accepted sockets inherit it: one call in place of one per connection.
    socket.set_tcp_nodelay(true)?;
    socket.bind(&address)?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    let socket: std::net::TcpListener = socket.into();
    let address = Address::Tcp(socket.local_addr()?);
    let socket = Kind::Tcp(TcpListener::from_std(socket));
    Ok(Listener { socket, address })
}

fn bind_unix(path: &Path) -> io::Result<Listener> {
    // A socket that nobody listens on any more is the rest of a killed process. Any other file
    // is somebody's: connecting to it is refused all the same.
    if std::fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket())
        && UnixStream::connect(path).is_err_and(|e| e.kind() == io::ErrorKind::ConnectionRefused)
    {
        std::fs::remove_file(path)?;
    }
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.bind(&SockAddr::unix(path)?)?;
    let own = OwnPath(path.to_owned());
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    let socket = UnixListener::from_std(socket.into());
    Ok(Listener {
        socket: Kind::Unix { socket, _file: own },
        address: Address::Unix(path.to_owned()),
    })
}
