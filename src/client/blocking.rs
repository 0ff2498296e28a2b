//! [`Client`]: the handshake and the connection on a stream, one call at a time.
//!
//! Every wait has an end: a deadline is taken once, and each read gets what is left of it.

use super::{Connection, Established, Handshake, Incoming, Options, Socket, Url};
use crate::wire::close::{CloseCode, CloseReason};
use crate::wire::error::{Error, ErrorKind, Result};
use crate::wire::extension::Offer;
use crate::wire::message::AsMessage;
use rand::TryRng;
use rand::rngs::SysRng;
use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

/// A buffer of sent bytes that grew past this is given back.
const KEEP: usize = 1 << 20;
/// How long the server may take to end the connection behind both Closes (RFC 6455 §7.1.1)
/// before this side does.
const LINGER: Duration = Duration::from_secs(1);

const LOST: &str = "the connection was lost without a Close (1006)";

/// A blocking WebSocket client.
///
/// Pings are answered inside [`receive`](Client::receive), so a client that only sends must
/// receive now and then, before the server's limit for a pong ends the session. Dropping a client cuts the
/// connection: call [`close`](Client::close) to leave in order. It belongs to one thread.
#[derive(Debug)]
pub struct Client<S = Socket> {
    stream: S,
    /// Gives the next read of the stream a time limit.
    limit: fn(&S, Option<Duration>) -> io::Result<()>,
    connection: Connection,
    out: Vec<u8>,
    /// A write has failed: what the server said before can still be read.
    broken: bool,
    read_timeout: Duration,
    close_timeout: Duration,
    protocol: Option<String>,
    extensions: Vec<Offer>,
}

impl Client {
    /// Connects to `ws://host:port/path` or `wss://host:port/path` with the default [`Options`].
    ///
    /// # Errors
    /// `Config` for a bad URL; `Io` without a connection; `Refused` with the
    /// status when the server does not upgrade; `Protocol` when its answer is wrong; `Timeout`.
    pub fn connect(url: &str) -> Result<Self> {
        Options::new().connect(url)
    }

    /// Options to set before connecting.
    pub fn options() -> Options {
        Options::new()
    }
}

impl Options {
    /// Connects to `ws://host:port/path` or `wss://host:port/path` and opens a WebSocket.
    ///
    /// # Errors
    /// Those of [`Client::connect`], and `Config` for an option that cannot be used.
    pub fn connect(&self, url: &str) -> Result<Client> {
        let url = Url::parse(url)?;
        self.check()?;
        let stream = self.socket(&url)?;
        let write_timeout = Some(self.write_timeout).filter(|limit| !limit.is_zero());
        let limited = stream.tcp().set_write_timeout(write_timeout);
        limited.map_err(|error| failed("limit the time of a write", error))?;
        let limit = |socket: &Socket, limit| socket.tcp().set_read_timeout(limit);
        self.open(stream, limit, &url)
    }

    /// Connects to the host of a URL, with TLS where it is `wss://`, and says nothing there yet: for a
    /// request of plain HTTP beside a session.
    ///
    /// # Errors
    /// Those of [`Client::connect`] but for the upgrade.
    pub fn socket(&self, url: &Url) -> Result<Socket> {
        Socket::connect(
            url,
            self.connect_timeout,
            self.handshake_timeout,
            #[cfg(feature = "tls")]
            &self.trust,
        )
    }

    /// Opens a WebSocket over a stream that is there. The URL names host and path only; time
    /// limits hold between reads, for a read itself cannot be limited here. A read that ends
    /// with `WouldBlock` or `TimedOut` counts as a time limit that passed.
    ///
    /// # Errors
    /// Those of [`Options::connect`], but for the connecting.
    pub fn connect_with<S: Read + Write>(&self, stream: S, url: &str) -> Result<Client<S>> {
        self.open(stream, |_, _| Ok(()), &Url::parse(url)?)
    }

    fn open<S: Read + Write>(
        &self,
        mut stream: S,
        limit: fn(&S, Option<Duration>) -> io::Result<()>,
        url: &Url,
    ) -> Result<Client<S>> {
        let mut out = Vec::new();
        let mut handshake = Handshake::new(url, self, random()?, &mut out)?;
        let deadline = Deadline::after(self.handshake_timeout);
        let sent = stream.write_all(&out).and_then(|()| stream.flush());
        sent.map_err(|error| failed("send the upgrade", error))?;
        out.clear();
        let mut buffer = [0; 4096];
        let established = loop {
            let wait = "the answer to the upgrade";
            let n = read(&mut stream, limit, &mut buffer, &deadline, wait)?;
            if n == 0 {
                let message = "the server ended the connection before it answered the upgrade";
                return Err(Error::new(ErrorKind::Closed, message));
            }
            if let Some(established) = handshake.receive(&buffer[..n])? {
                break established;
            }
        };
        let Established {
            protocol,
            extensions,
            transform,
            rest,
        } = established;
        Ok(Client {
            stream,
            limit,
            connection: Connection::new(self, transform, rest, random()?),
            out,
            broken: false,
            read_timeout: self.read_timeout,
            close_timeout: self.close_timeout,
            protocol,
            extensions,
        })
    }
}

impl<S: Read + Write> Client<S> {
    /// The subprotocol that the server chose.
    pub fn protocol(&self) -> Option<&str> {
        self.protocol.as_deref()
    }

    /// The extensions that the server agreed to, with their parameters.
    pub fn extensions(&self) -> &[Offer] {
        &self.extensions
    }

    /// The stream below, for its addresses and options.
    pub fn stream(&self) -> &S {
        &self.stream
    }

    /// Sends a text or binary message, and returns when the stream has taken it.
    ///
    /// # Errors
    /// `Closed` behind a Close, `Timeout` when the server does not read, `Io`. After the last
    /// two nothing more can be sent; [`receive`](Client::receive) may still tell why.
    pub fn send(&mut self, message: impl AsMessage) -> Result<()> {
        self.check_whole()?;
        self.connection.send(message.as_message(), &mut self.out)?;
        self.flush()
    }

    /// Sends a ping of at most 125 bytes; [`receive`](Client::receive) gives its pong.
    ///
    /// # Errors
    /// Those of [`send`](Client::send), and `Config` for a longer payload.
    pub fn ping(&mut self, payload: impl AsRef<[u8]>) -> Result<()> {
        self.check_whole()?;
        self.connection.ping(payload.as_ref(), &mut self.out)?;
        self.flush()
    }

    /// The next thing that the server says: a message, a ping (which is answered), a pong or
    /// its Close (which is answered, and nothing follows).
    ///
    /// # Errors
    /// `Timeout` after [`Options::read_timeout`], and the next call goes on where this one
    /// stopped; `Protocol` or `Limit` when the server broke a rule; `Closed` behind the Close,
    /// or when the connection ended without one; `Io`.
    pub fn receive(&mut self) -> Result<Incoming> {
        let deadline = Deadline::after(self.read_timeout);
        self.receive_before(&deadline, "a message")
    }

    /// The next text, binary message or Close; pings and pongs are passed over.
    ///
    /// # Errors
    /// Those of [`receive`](Client::receive); the time limit is for the whole call.
    pub fn receive_message(&mut self) -> Result<Incoming> {
        let deadline = Deadline::after(self.read_timeout);
        loop {
            let incoming = self.receive_before(&deadline, "a message")?;
            if !incoming.is_heartbeat() {
                return Ok(incoming);
            }
            deadline.left("a message")?;
        }
    }

    /// Sends our Close and returns; [`receive`](Client::receive) still gives what the server
    /// says up to its own Close. The reason is cut at 123 bytes.
    ///
    /// # Errors
    /// Those of [`send`](Client::send), and `Config` for a code that may not stand in a frame.
    pub fn send_close(&mut self, code: impl Into<CloseCode>, reason: &str) -> Result<()> {
        self.check_whole()?;
        self.connection.close(code.into(), reason, &mut self.out)?;
        self.flush()
    }

    /// The whole closing handshake: sends our Close, unless it is sent, and waits for the
    /// server's, which is returned. Messages that arrive in between are dropped. Behind an end
    /// that was there already nothing is sent and its reason is returned. The connection itself ends
    /// when this value is dropped.
    ///
    /// # Errors
    /// `Timeout` after [`Options::close_timeout`]; `Closed` when the connection ends without a
    /// Close; `Config` for a code that may not stand in a frame; `Protocol`, `Limit`, `Io`.
    pub fn close(&mut self, code: impl Into<CloseCode>, reason: &str) -> Result<CloseReason> {
        if let Some(reason) = self.connection.ended() {
            return Ok(reason.clone());
        }
        if !self.connection.is_closing() {
            self.connection.close(code.into(), reason, &mut self.out)?;
            // The server may have closed first: then its reason can still be read.
            let _ = self.flush();
        }
        let deadline = Deadline::after(self.close_timeout);
        let wait = "the server's Close";
        loop {
            match self.receive_before(&deadline, wait) {
                Ok(Incoming::Close(reason)) => {
                    self.await_end();
                    return Ok(reason);
                }
                Ok(_) => {
                    let left = deadline.left(wait);
                    left.inspect_err(|_| self.connection.lost())?;
                }
                Err(error) => {
                    self.connection.lost();
                    return Err(error);
                }
            }
        }
    }

    /// Lets the server end the TCP connection first, as it should; how it does so is its affair.
    fn await_end(&mut self) {
        let deadline = Deadline::after(LINGER.min(self.close_timeout));
        let mut buffer = [0; 1024];
        while read(&mut self.stream, self.limit, &mut buffer, &deadline, "").is_ok_and(|n| n > 0) {}
    }

    fn receive_before(&mut self, deadline: &Deadline, wait: &str) -> Result<Incoming> {
        loop {
            let next = self.connection.next(&mut self.out);
            if !self.out.is_empty() {
                // An answer that cannot be sent takes nothing from what was received.
                let _ = self.flush();
            }
            if let Some(incoming) = next? {
                return Ok(incoming);
            }
            let target = self.connection.target();
            match read(&mut self.stream, self.limit, target, deadline, wait) {
                Ok(0) => {
                    self.connection.lost();
                    return Err(Error::new(ErrorKind::Closed, LOST));
                }
                Ok(n) => self.connection.filled(n),
                Err(error) => {
                    if error.kind() != ErrorKind::Timeout {
                        self.connection.lost();
                    }
                    return Err(error);
                }
            }
        }
    }

    fn check_whole(&self) -> Result<()> {
        if self.broken && self.connection.ended().is_none() {
            let message = "nothing more can be sent: an earlier send has failed";
            return Err(Error::new(ErrorKind::Closed, message));
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        let sent = if self.broken {
            Ok(())
        } else {
            self.stream
                .write_all(&self.out)
                .and_then(|()| self.stream.flush())
        };
        self.out.clear();
        self.out.shrink_to(KEEP);
        sent.map_err(|error| {
            self.broken = true;
            if is_late(&error) {
                let message = "the server does not read what is sent to it";
                Error::new(ErrorKind::Timeout, message)
            } else {
                failed("send", error)
            }
        })
    }
}

/// Reads once, in what is left of the time.
fn read<S: Read>(
    stream: &mut S,
    limit: fn(&S, Option<Duration>) -> io::Result<()>,
    buffer: &mut [u8],
    deadline: &Deadline,
    wait: &str,
) -> Result<usize> {
    loop {
        let left = deadline.left(wait)?;
        limit(stream, left).map_err(|error| failed("limit the time of a read", error))?;
        match stream.read(buffer) {
            Ok(n) => return Ok(n),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if is_late(&error) => return Err(deadline.passed(wait)),
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {
                return Err(Error::new(ErrorKind::Closed, LOST).with_source(error));
            }
            Err(error) => return Err(failed("read", error)),
        }
    }
}

fn is_late(error: &io::Error) -> bool {
    use io::ErrorKind::{TimedOut, WouldBlock};
    matches!(error.kind(), WouldBlock | TimedOut)
}

fn failed(what: &str, error: io::Error) -> Error {
    Error::new(ErrorKind::Io, format!("cannot {what}")).with_source(error)
}

/// Random bytes of the system.
fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    match SysRng.try_fill_bytes(&mut bytes) {
        Ok(()) => Ok(bytes),
        Err(error) => {
            let message = "the system gives no random bytes";
            Err(Error::new(ErrorKind::Io, message).with_source(error))
        }
    }
}

/// The end of a wait, if it has one.
struct Deadline {
    limit: Duration,
    at: Option<Instant>,
}

impl Deadline {
    /// So long from now; zero: never.
    fn after(limit: Duration) -> Self {
        let at = (!limit.is_zero()).then(|| Instant::now() + limit);
        Self { limit, at }
    }

    /// What is left; `None` without an end.
    fn left(&self, wait: &str) -> Result<Option<Duration>> {
        let Some(at) = self.at else {
            return Ok(None);
        };
        let left = at.saturating_duration_since(Instant::now());
        if left.is_zero() {
            Err(self.passed(wait))
        } else {
            Ok(Some(left))
        }
    }

    fn passed(&self, wait: &str) -> Error {
        let message = format!("{wait} did not come within {:?}", self.limit);
        Error::new(ErrorKind::Timeout, message)
    }
}
