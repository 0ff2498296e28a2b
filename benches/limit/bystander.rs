//! One client that sends a small message every 2 ms, whatever the server is doing to others.
//!
//! Latency counts from the moment a message was *meant* to leave, so that a server that stops for a second
//! is charged for every message it should have answered meanwhile. It must never wait for an answer before
//! the next message.

use std::io::{self, Error, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use crate::frames::{FrameCount, Payload};
use crate::upgrade::{Upgrade, take_head};

const INTERVAL: Duration = Duration::from_millis(2);
const MESSAGE: usize = 20;
/// How long the last answers are waited for; what is missing then counts as this late.
const PATIENCE: Duration = Duration::from_secs(10);

/// A bystander that is connected and about to send.
pub(crate) struct Bystander {
    stream: TcpStream,
}

/// What the bystander saw, in the order of sending.
pub(crate) struct Echoes {
    /// From the intended moment of sending to the answer, in nanoseconds.
    pub(crate) latency: Vec<u64>,
    /// From the intended to the real moment of sending: the part of the latency the client made itself.
    pub(crate) lag: Vec<u64>,
    /// Messages that were never answered.
    pub(crate) missing: usize,
}

/// Number of messages the bystander sends in `span`.
pub(crate) fn messages_in(span: Duration) -> usize {
    (span.as_nanos() / INTERVAL.as_nanos()) as usize
}

impl Bystander {
    pub(crate) fn connect(address: SocketAddr) -> io::Result<Self> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.write_all(&Upgrade::to("/echo-raw").request(address))?;
        let (mut head, mut buffer) = (Vec::new(), [0; 1024]);
        loop {
            let read = stream
                .read(&mut buffer)
                .map_err(|error| Error::other(format!("bystander's upgrade: {error}")))?;
            if read == 0 {
                return Err(Error::other("the server ended the bystander's connection"));
            }
            if take_head(&mut head, &buffer[..read])?.is_some() {
                return Ok(Self { stream });
            }
        }
    }

    /// Sends `count` messages, the first one at `start`, and returns when all are answered or given up.
    pub(crate) fn watch(self, start: Instant, count: usize) -> io::Result<Echoes> {
        let sending = self.stream.try_clone()?;
        thread::scope(|scope| {
            let sender = scope.spawn(move || send(sending, start, count));
            let latency = receive(self.stream, start, count);
            let lag = sender
                .join()
                .map_err(|_| Error::other("the bystander's sender panicked"))?;
            let (latency, missing) = latency?;
            Ok(Echoes {
                latency,
                lag: lag?,
                missing,
            })
        })
    }
}

fn intended(start: Instant, index: usize) -> Instant {
    start + INTERVAL * index as u32
}

fn send(mut stream: TcpStream, start: Instant, count: usize) -> io::Result<Vec<u64>> {
    let payload = Payload::constant(MESSAGE, 0);
    let mut lag = Vec::with_capacity(count);
    for index in 0..count {
        let due = intended(start, index);
        thread::sleep(due.saturating_duration_since(Instant::now()));
        lag.push(due.elapsed().as_nanos() as u64);
        stream.write_all(payload.slice(0, payload.frame))?;
    }
    Ok(lag)
}

fn receive(mut stream: TcpStream, start: Instant, count: usize) -> io::Result<(Vec<u64>, usize)> {
    let mut latency = Vec::with_capacity(count);
    let mut frames = FrameCount::default();
    let mut buffer = [0; 4096];
    let deadline = intended(start, count) + PATIENCE;
    while latency.len() < count && Instant::now() < deadline {
        match stream.read(&mut buffer) {
            Ok(0) => return Err(Error::other("the server ended the bystander's connection")),
            Ok(read) => {
                let now = Instant::now();
                for _ in 0..frames.feed(&buffer[..read])? {
                    let due = intended(start, latency.len());
                    latency.push(now.saturating_duration_since(due).as_nanos() as u64);
                }
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                break;
            }
            Err(error) => return Err(error),
        }
    }
    let missing = count - latency.len();
    let now = Instant::now();
    for index in latency.len()..count {
        latency.push(
            now.saturating_duration_since(intended(start, index))
                .as_nanos() as u64,
        );
    }
    Ok((latency, missing))
}
