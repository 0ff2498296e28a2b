//! One connection of a bystander: opened, its echo proved, and then texts with numbers, there and back.

use super::super::frames::{FIN, PONG, TEXT, closed_with, lay_frame};
use super::super::site::Site;
use super::super::stream::Stream;
use super::super::upgrade::{Upgrade, has_deflate, take_head};
use super::inbox::{Came, Inbox};
use std::io::{self, Error, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How long a connection and its upgrade may take, and how long the first echo.
const OPEN_LIMIT: Duration = Duration::from_secs(10);
const ECHO_LIMIT: Duration = Duration::from_secs(5);
/// One attempt to connect: a full queue of the listener drops it without a word.
const ATTEMPT: Duration = Duration::from_secs(1);
/// A reader looks this often whether the watch is over.
const LOOK: Duration = Duration::from_millis(50);

/// An open connection.
pub(super) struct Connection {
    stream: Stream<TcpStream>,
    inbox: Inbox,
    name: &'static str,
    has_deflate: bool,
}

/// What sends on the same connection, from another thread.
pub(super) struct Sending {
    stream: Stream<TcpStream>,
    name: &'static str,
    frame: Vec<u8>,
}

impl Connection {
    /// Opens a connection whose first text has come back; `name` (11 bytes) is what its texts begin with.
    /// Whatever else the server says first, such as a greeting, is passed over.
    ///
    /// An error of the kind `InvalidData` says that the path is no echo.
    pub(super) fn open(
        site: &Site,
        name: &'static str,
        interrupted: &AtomicBool,
    ) -> io::Result<Self> {
        let upgrade = Upgrade::to(&site.echo);
        let (mut connection, mut came) = Self::upgraded(site, upgrade, name, interrupted)?;
        connection.sending()?.send(0)?;
        let deadline = Instant::now() + ECHO_LIMIT;
        let mut other = None;
        loop {
            for came in came {
                match came {
                    Came::Message(text) if connection.number(&text) == Some(0) => {
                        return Ok(connection);
                    }
                    Came::Message(text) => {
                        other.get_or_insert(text);
                    }
                    Came::Ping(payload) => connection.pong(&payload)?,
                    Came::Close(payload) => {
                        return Err(Error::new(ErrorKind::InvalidData, closed_with(&payload)));
                    }
                }
            }
            if Instant::now() > deadline {
                return Err(no_echo(other.as_deref()));
            }
            give_up(deadline, interrupted, "no echo")?;
            came = connection.read().map_err(|error| {
                let problem = format!("it ended the connection after a text: {error}");
                Error::new(ErrorKind::InvalidData, problem)
            })?;
        }
    }

    /// A connection that was upgraded, and what came right behind the answer.
    pub(super) fn upgraded(
        site: &Site,
        upgrade: Upgrade<'_>,
        name: &'static str,
        interrupted: &AtomicBool,
    ) -> io::Result<(Self, Vec<Came>)> {
        let deadline = Instant::now() + OPEN_LIMIT;
        let mut stream = connect(site, deadline, interrupted)?;
        let upgrade = Upgrade {
            fields: &site.fields,
            ..upgrade
        };
        stream.write_all(&upgrade.request(&site.host))?;
        let (mut head, mut buffer) = (Vec::new(), [0; 1024]);
        let mut inbox = Inbox::default();
        let came = loop {
            let read = read(&mut stream, &mut buffer).map_err(said("a bystander's upgrade"))?;
            let Some(read) = read else {
                give_up(deadline, interrupted, "no answer to a bystander's upgrade")?;
                continue;
            };
            let rest = take_head(&mut head, &buffer[..read])
                .map_err(|error| Error::new(ErrorKind::InvalidData, error))?;
            if let Some(rest) = rest {
                break inbox.feed(rest);
            }
        };
        let connection = Self {
            stream,
            inbox,
            name,
            has_deflate: has_deflate(&head),
        };
        Ok((connection, came))
    }

    /// Whether the server agreed to permessage-deflate.
    pub(super) fn has_deflate(&self) -> bool {
        self.has_deflate
    }

    /// Whether a message that is `wanted` comes within `limit`.
    pub(super) fn hears(
        &mut self,
        limit: Duration,
        wanted: impl Fn(&[u8]) -> bool,
    ) -> io::Result<bool> {
        let deadline = Instant::now() + limit;
        while Instant::now() < deadline {
            for came in self.read()? {
                match came {
                    Came::Message(text) if wanted(&text) => return Ok(true),
                    Came::Close(payload) => return Err(Error::other(closed_with(&payload))),
                    _ => {}
                }
            }
        }
        Ok(false)
    }

    /// The numbers of those of its own texts that came back; none after 50 ms without any. Pings are answered.
    pub(super) fn answers(&mut self) -> io::Result<Vec<u64>> {
        let mut numbers = Vec::new();
        for came in self.read()? {
            match came {
                Came::Message(text) => numbers.extend(self.number(&text)),
                Came::Ping(payload) => self.pong(&payload)?,
                Came::Close(payload) => return Err(Error::other(closed_with(&payload))),
            }
        }
        Ok(numbers)
    }

    /// What sends on this connection.
    pub(super) fn sending(&self) -> io::Result<Sending> {
        Ok(Sending {
            stream: self.stream.try_clone()?,
            name: self.name,
            frame: Vec::new(),
        })
    }

    fn read(&mut self) -> io::Result<Vec<Came>> {
        let mut buffer = [0; 4096];
        let read = read(&mut self.stream, &mut buffer)?;
        Ok(read.map_or(Vec::new(), |read| self.inbox.feed(&buffer[..read])))
    }

    fn pong(&mut self, payload: &[u8]) -> io::Result<()> {
        let mut frame = Vec::new();
        lay_frame(&mut frame, FIN | PONG, payload);
        self.stream.write_all(&frame)
    }

    fn number(&self, text: &[u8]) -> Option<u64> {
        let number = text.strip_prefix(self.name.as_bytes())?;
        std::str::from_utf8(number).ok()?.parse().ok()
    }
}

impl Sending {
    /// Sends the text of 20 bytes with this number.
    pub(super) fn send(&mut self, number: u64) -> io::Result<()> {
        self.frame.clear();
        let text = format!("{}{number:09}", self.name);
        lay_frame(&mut self.frame, FIN | TEXT, text.as_bytes());
        self.stream.write_all(&self.frame)
    }
}

fn connect(
    site: &Site,
    deadline: Instant,
    interrupted: &AtomicBool,
) -> io::Result<Stream<TcpStream>> {
    let mut stream = loop {
        match Stream::connect(site, ATTEMPT) {
            Err(error) if error.kind() == ErrorKind::TimedOut => {
                give_up(deadline, interrupted, "no answer to a call")?;
            }
            connected => break connected?,
        }
    };
    let socket = stream.socket();
    socket.set_nodelay(true)?;
    socket.set_read_timeout(Some(LOOK))?;
    socket.set_write_timeout(Some(OPEN_LIMIT))?;
    Ok(stream)
}

/// Bytes that were read, nothing after a while without any; an end is an error.
fn read(stream: &mut impl Read, buffer: &mut [u8]) -> io::Result<Option<usize>> {
    match stream.read(buffer) {
        Ok(0) => Err(Error::other("the server ended a bystander's connection")),
        Ok(read) => Ok(Some(read)),
        Err(error) if is_pause(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Nothing came for a while, or a signal did.
pub(super) fn is_pause(error: &Error) -> bool {
    let kinds = [
        ErrorKind::WouldBlock,
        ErrorKind::TimedOut,
        ErrorKind::Interrupted,
    ];
    kinds.contains(&error.kind())
}

fn give_up(deadline: Instant, interrupted: &AtomicBool, what: &str) -> io::Result<()> {
    if interrupted.load(Ordering::Relaxed) {
        return Err(Error::new(ErrorKind::Interrupted, "interrupted"));
    }
    if Instant::now() > deadline {
        return Err(Error::new(ErrorKind::TimedOut, what));
    }
    Ok(())
}

fn said(what: &'static str) -> impl Fn(Error) -> Error {
    move |error| Error::new(error.kind(), format!("{what}: {error}"))
}

fn no_echo(other: Option<&[u8]>) -> Error {
    let problem = match other {
        None => format!("it answered nothing to a text in {ECHO_LIMIT:?}"),
        Some(other) => {
            let text = String::from_utf8_lossy(&other[..other.len().min(40)]).into_owned();
            format!("it answered {text:?} to another text")
        }
    };
    Error::new(ErrorKind::InvalidData, problem)
}
