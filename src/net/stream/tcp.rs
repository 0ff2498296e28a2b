//! TCP connections that this side makes.

use crate::app::Ends;
use mio::net::TcpStream;
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::SocketAddr;

/// Begins a connection to another machine.
pub(super) fn begin(ends: &Ends) -> io::Result<TcpStream> {
    let Some(source) = ends.from else {
        return TcpStream::connect(ends.to);
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
        _ => Ok(TcpStream::from_std(socket.into())),
    }
}

/// Whether the connection is made; an error when it cannot be.
pub(super) fn is_connected(stream: &TcpStream) -> io::Result<bool> {
    if let Some(error) = stream.take_error()? {
        return Err(error);
    }
    match stream.peer_addr() {
        Ok(_) => stream.set_nodelay(true).map(|()| true),
        Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether a connect goes on by itself.
fn is_under_way(error: &io::Error) -> bool {
    // The standard library has no stable kind for it.
    error.raw_os_error() == Some(libc::EINPROGRESS)
}
