//! A connection to a server: TCP, and TLS on it where the URL asks for that.

use super::Url;
use super::dial::dial;
#[cfg(feature = "tls")]
use crate::app::Trust;
#[cfg(feature = "tls")]
use crate::net::{client_config, explain, server_name};
use crate::wire::error::Result;
#[cfg(feature = "tls")]
use crate::wire::error::{Error, ErrorKind};
#[cfg(all(feature = "command", feature = "tls"))]
pub use rustls::ClientConnection;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;
#[cfg(feature = "tls")]
use std::time::Instant;

/// A connection to a server, of `ws://` or of `wss://`.
#[derive(Debug)]
pub struct Socket {
    tcp: TcpStream,
    #[cfg(feature = "tls")]
    tls: Option<Box<rustls::ClientConnection>>,
}

impl Socket {
    /// Connects, and agrees on TLS where the URL is `wss://`.
    ///
    /// # Errors
    /// `Config`, `Timeout`, or `Io`: no connection, or a server that is not believed.
    pub(crate) fn connect(
        url: &Url,
        connect_timeout: Duration,
        handshake_timeout: Duration,
        #[cfg(feature = "tls")] trust: &Trust,
    ) -> Result<Self> {
        let tcp = dial(url, connect_timeout)?;
        #[cfg(feature = "tls")]
        if url.is_secure() {
            return Self::agree(tcp, url, handshake_timeout, trust);
        }
        let _ = handshake_timeout;
        Ok(tcp.into())
    }

    #[cfg(feature = "tls")]
    fn agree(mut tcp: TcpStream, url: &Url, timeout: Duration, trust: &Trust) -> Result<Self> {
        let place = url.authority();
        let config = client_config(trust)?;
        let tls = rustls::ClientConnection::new(config, server_name(url.host())?);
        let mut tls = tls.map_err(|error| refused(&place, &explain(&error)))?;
        let deadline = Instant::now() + timeout;
        let late = || {
            let message = format!("TLS was not agreed on with {place} within {timeout:?}");
            Error::new(ErrorKind::Timeout, message)
        };
        while tls.is_handshaking() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(late());
            }
            let limited = tcp.set_read_timeout(Some(left));
            limited
                .and_then(|()| tcp.set_write_timeout(Some(left)))
                .map_err(|error| {
                    refused(&place, "the system sets no time limit").with_source(error)
                })?;
            match step(&mut tls, &mut tcp) {
                Ok(()) => {}
                Err(error) if is_late(&error) => return Err(late()),
                Err(error) => return Err(refused(&place, &why(&error))),
            }
        }
        Ok(Self {
            tcp,
            tls: Some(Box::new(tls)),
        })
    }

    /// The TCP connection, for its addresses and options: not for reading or writing where it is secured.
    pub fn tcp(&self) -> &TcpStream {
        &self.tcp
    }

    /// Whether it is secured by TLS.
    pub fn is_secure(&self) -> bool {
        #[cfg(feature = "tls")]
        return self.tls.is_some();
        #[cfg(not(feature = "tls"))]
        return false;
    }
}

/// A plain one.
impl From<TcpStream> for Socket {
    fn from(tcp: TcpStream) -> Self {
        Self {
            tcp,
            #[cfg(feature = "tls")]
            tls: None,
        }
    }
}

/// TLS as a client without a socket, for a program that reads and writes one as it likes.
///
/// # Errors
/// `Config`: nobody is to be believed, or the name is none.
#[cfg(all(feature = "command", feature = "tls"))]
pub fn secured(name: &str, trust: &Trust) -> Result<ClientConnection> {
    let tls = ClientConnection::new(client_config(trust)?, server_name(name)?);
    tls.map_err(|error| refused(name, &explain(&error)))
}

/// Sends what is to be sent, or takes one read's worth.
#[cfg(feature = "tls")]
fn step(tls: &mut rustls::ClientConnection, tcp: &mut TcpStream) -> io::Result<()> {
    if tls.wants_write() {
        return tls.write_tls(tcp).map(|_| ());
    }
    if tls.read_tls(tcp)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    tls.process_new_packets().map(|_| ()).map_err(|error| {
        // The alert that says why.
        let _ = tls.write_tls(tcp);
        io::Error::other(error)
    })
}

#[cfg(feature = "tls")]
fn refused(place: &str, why: &str) -> Error {
    Error::new(
        ErrorKind::Io,
        format!("cannot agree on TLS with {place}: {why}"),
    )
}

/// What an error of a stream says about TLS.
#[cfg(feature = "tls")]
fn why(error: &io::Error) -> String {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    match inner {
        Some(error) => explain(error),
        None if error.kind() == io::ErrorKind::UnexpectedEof => {
            "it ended the connection; does it speak TLS on this port?".to_owned()
        }
        None => error.to_string(),
    }
}

#[cfg(feature = "tls")]
fn is_late(error: &io::Error) -> bool {
    use io::ErrorKind::{TimedOut, WouldBlock};
    matches!(error.kind(), WouldBlock | TimedOut)
}

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        #[cfg(feature = "tls")]
        if let Some(tls) = &mut self.tls {
            return match rustls::Stream::new(&mut **tls, &mut self.tcp).read(buffer) {
                // An end without a word of TLS is an end: WebSocket says itself what was the last.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(0),
                read => read,
            };
        }
        self.tcp.read(buffer)
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        #[cfg(feature = "tls")]
        if let Some(tls) = &mut self.tls {
            return rustls::Stream::new(&mut **tls, &mut self.tcp).write(bytes);
        }
        self.tcp.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        #[cfg(feature = "tls")]
        if let Some(tls) = &mut self.tls {
            return rustls::Stream::new(&mut **tls, &mut self.tcp).flush();
        }
        self.tcp.flush()
    }
}

#[cfg(feature = "tls")]
impl Drop for Socket {
    fn drop(&mut self) {
        if let Some(tls) = &mut self.tls {
            tls.send_close_notify();
            // Nobody waits for somebody who does not read.
            if self.tcp.set_nonblocking(true).is_ok() {
                let _ = tls.write_tls(&mut self.tcp);
            }
        }
    }
}
