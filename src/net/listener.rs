//! Listening sockets: TCP with NODELAY for all who come, and Unix; made here or given by the caller.

use super::address::Address;
use super::socket_file::{self, FileAccess, SocketFile};
use super::stream::{Incoming, Stream};
#[cfg(feature = "tls")]
use super::tls::Tls;
use crate::app::Peer;
use crate::wire::error::{Error, ErrorKind, Result};
use mio::event::Source;
use mio::net::{TcpListener, TcpStream, UnixListener};
use mio::{Interest, Registry, Token};
use socket2::{SockAddr, Socket, Type};
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

/// Connections that the kernel keeps until they are accepted (the system may cap it).
const BACKLOG: i32 = 4096;

/// A socket that accepts.
#[derive(Debug)]
pub(crate) struct Listener {
    socket: Kind,
    address: Address,
    /// It is for those who operate the server, who come without a proxy.
    is_admin: bool,
    /// Whoever comes has to speak TLS.
    #[cfg(feature = "tls")]
    tls: Option<Tls>,
}

#[derive(Debug)]
enum Kind {
    Tcp(TcpListener),
    Unix {
        socket: UnixListener,
        /// Only what was made here is removed here.
        file: Option<SocketFile>,
    },
}

impl Listener {
    /// Listens on an address: of TCP beside other processes if they share its port, too. `access` is for the file
    /// of a Unix socket.
    pub(crate) fn bind(address: &Address, access: FileAccess, shares_port: bool) -> Result<Self> {
        let bound = match address {
            Address::Tcp(socket_address) => bind_tcp(SockAddr::from(*socket_address), shares_port),
            Address::Unix(path) => socket_file::bind(path, BACKLOG, access)
                .and_then(|(socket, file)| Self::unix(socket, path.clone(), Some(file))),
        };
        bound.map_err(|error| {
            let hint = match (error.kind(), address) {
                (io::ErrorKind::AddrInUse, Address::Tcp(_)) => {
                    "; another program has it: stop that one or choose another port ([::] has all \
                     addresses of IPv4, too)"
                }
                (io::ErrorKind::AddrInUse, Address::Unix(path)) => in_the_way(path),
                (io::ErrorKind::NotFound, _) => "; its folder is not there: make it",
                (io::ErrorKind::NotADirectory, _) => "; it would be in what is no folder",
                (io::ErrorKind::InvalidInput, _) => "; wanted: a path of at most 107 bytes",
                (io::ErrorKind::PermissionDenied, _) => {
                    "; ports below 1024, foreign directories and foreign owners need a right that \
                     this user lacks"
                }
                (io::ErrorKind::AddrNotAvailable, _) => "; this machine does not have that address",
                _ => "",
            };
            Error::new(ErrorKind::Io, format!("cannot listen on {address}{hint}"))
                .with_source(error)
        })
    }

    /// Takes over a socket that listens already, TCP or Unix.
    pub(crate) fn adopt(socket: OwnedFd) -> Result<Self> {
        let wrong = |what: &str| {
            let message = format!(
                "cannot accept from the given descriptor: {what}; wanted: a listening socket, TCP or Unix"
            );
            Error::new(ErrorKind::Config, message)
        };
        let socket = Socket::from(socket);
        let kind = socket
            .r#type()
            .map_err(|error| wrong("it is no socket").with_source(error))?;
        if kind != Type::STREAM {
            return Err(wrong("it is a socket of another type than a stream"));
        }
        if !is_listening(&socket).map_err(|error| wrong("it is no socket").with_source(error))? {
            return Err(wrong("it does not listen"));
        }
        let local = socket
            .local_addr()
            .map_err(|error| wrong("it has no address").with_source(error))?;
        let adopted = match (local.as_socket(), local.is_unix()) {
            (Some(_), _) => Self::tcp(socket),
            (None, true) => Self::unix(socket, shown_path(&local), None),
            (None, false) => return Err(wrong("it is a socket of another kind")),
        };
        adopted.map_err(|error| wrong("the system refuses to set it up").with_source(error))
    }

    fn tcp(socket: Socket) -> io::Result<Self> {
        // Accepted sockets inherit it: one call in place of one per connection.
        socket.set_tcp_nodelay(true)?;
        socket.set_nonblocking(true)?;
        let socket: std::net::TcpListener = socket.into();
        let address = Address::Tcp(socket.local_addr()?);
        let socket = Kind::Tcp(TcpListener::from_std(socket));
        Ok(Self {
            socket,
            address,
            is_admin: false,
            #[cfg(feature = "tls")]
            tls: None,
        })
    }

    fn unix(socket: Socket, path: PathBuf, file: Option<SocketFile>) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        let socket = UnixListener::from_std(socket.into());
        Ok(Self {
            socket: Kind::Unix { socket, file },
            address: Address::Unix(path),
            is_admin: false,
            #[cfg(feature = "tls")]
            tls: None,
        })
    }

    /// Takes nobody who does not speak TLS, from now on.
    ///
    /// # Errors
    /// `Config`: it is a Unix socket.
    #[cfg(feature = "tls")]
    pub(crate) fn secure(&mut self, tls: Tls) -> Result<()> {
        if let Address::Unix(_) = self.address {
            let message = format!(
                "{} cannot speak TLS: whoever may open it is on this machine; listen on it without",
                self.address
            );
            return Err(Error::new(ErrorKind::Config, message));
        }
        self.tls = Some(tls);
        Ok(())
    }

    /// Whether those who come speak TLS.
    pub(crate) fn is_secure(&self) -> bool {
        #[cfg(feature = "tls")]
        return self.tls.is_some();
        #[cfg(not(feature = "tls"))]
        return false;
    }

    /// It is for those who operate the server from now on.
    pub(crate) fn open_to_operators(&mut self) {
        self.is_admin = true;
    }

    /// Whether it is for those who operate the server.
    pub(super) fn is_admin(&self) -> bool {
        self.is_admin
    }

    /// Changes the rights of the file, if this made one.
    pub(crate) fn set_access(&self, access: FileAccess) -> Result<()> {
        let Kind::Unix {
            file: Some(file), ..
        } = &self.socket
        else {
            return Ok(());
        };
        file.set_access(access).map_err(|error| {
            let message = format!("cannot change mode or owner of {}", self.address);
            Error::new(ErrorKind::Io, message).with_source(error)
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
    pub(super) fn accept(&self) -> io::Result<(Incoming, Peer)> {
        let (stream, peer) = match &self.socket {
            Kind::Tcp(socket) => {
                let (stream, peer) = socket.accept()?;
                // At [::] a peer of IPv4 comes as ::ffff:192.0.2.7; it is the same peer.
                let peer = SocketAddr::new(peer.ip().to_canonical(), peer.port());
                (self.tcp_stream(stream), Peer::Tcp(peer))
            }
            Kind::Unix { socket, .. } => (Stream::Unix(socket.accept()?.0), Peer::Unix),
        };
        let incoming = Incoming {
            stream,
            #[cfg(feature = "tls")]
            tls: self.tls.clone(),
        };
        Ok((incoming, peer))
    }

    fn tcp_stream(&self, stream: TcpStream) -> Stream {
        #[cfg(feature = "tls")]
        if self.tls.is_some() {
            return Stream::Secured(stream);
        }
        Stream::Tcp(stream)
    }
}

/// What has the path of a Unix socket, and how to mend it.
fn in_the_way(path: &Path) -> &'static str {
    let is_socket = fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket());
    // A name of the abstract namespace has no file.
    if is_socket || path.as_os_str().as_encoded_bytes().starts_with(b"@") {
        "; another program has it: stop that one or choose another path"
    } else {
        "; a file that is no socket has that path: remove it or choose another path"
    }
}

fn bind_tcp(address: SockAddr, shares_port: bool) -> io::Result<Listener> {
    let socket = Socket::new(address.domain(), Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    if shares_port {
        share_port(&socket)?;
    }
    socket.bind(&address)?;
    socket.listen(BACKLOG)?;
    Listener::tcp(socket)
}

/// `SO_REUSEPORT`.
#[cfg(not(any(target_os = "solaris", target_os = "illumos")))]
fn share_port(socket: &Socket) -> io::Result<()> {
    socket.set_reuse_port(true)
}

#[cfg(any(target_os = "solaris", target_os = "illumos"))]
fn share_port(_: &Socket) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Whether a socket listens. Where the system cannot say, the first accept will tell.
fn is_listening(socket: &Socket) -> io::Result<bool> {
    #[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
    return socket.is_listener();
    #[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
    return socket.local_addr().map(|_| true);
}

/// The path of a Unix socket; `@NAME` for one of the abstract namespace.
fn shown_path(address: &SockAddr) -> PathBuf {
    let in_abstract = || {
        let name = address.as_abstract_namespace()?;
        Some(PathBuf::from(format!("@{}", name.escape_ascii())))
    };
    let path = address.as_pathname().map(PathBuf::from);
    path.or_else(in_abstract).unwrap_or_default()
}
