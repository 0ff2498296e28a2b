//! A TCP connection to the host of a URL, with one time limit for all its addresses.

use super::Url;
use crate::wire::error::{Error, ErrorKind, Result};
use std::io;
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

/// Connects to the first address of the URL's host that answers. Small writes go out at once.
///
/// # Errors
/// `Config` for `wss://` in a build without TLS, `Timeout`, or `Io` with what the system said of the last address.
pub(super) fn dial(url: &Url, timeout: Duration) -> Result<TcpStream> {
    url.check_supported()?;
    let place = url.authority();
    let io = |error: io::Error| {
        let message = format!("cannot connect to {place}");
        Error::new(ErrorKind::Io, message).with_source(error)
    };
    let late = || {
        let message = format!("cannot connect to {place} within {timeout:?}");
        Error::new(ErrorKind::Timeout, message)
    };
    let deadline = Instant::now() + timeout;
    let mut failed = None;
    for address in (url.host(), url.port()).to_socket_addrs().map_err(io)? {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(late());
        }
        match TcpStream::connect_timeout(&address, left) {
            Ok(stream) => {
                stream.set_nodelay(true).map_err(io)?;
                return Ok(stream);
            }
            Err(error) => failed = Some(error),
        }
    }
    match failed {
        Some(error) if error.kind() == io::ErrorKind::TimedOut => Err(late()),
        Some(error) => Err(io(error)),
        None => Err(io(io::Error::other("the name has no address"))),
    }
}
