//! Two quiet clients that want their echoes, whatever the server is doing to others.
//!
//! One makes **round trips**: it sends, waits for the answer, pauses for a millisecond and sends again, one
//! message in flight. The other is a **stream**: it sends every 2 ms whatever is outstanding. Both measure from
//! the moment of the actual send. Neither adds delays up: a client that waits for each answer and counts from the
//! intended time reports seconds where a round trip takes milliseconds.

use std::io::{self, Error, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use crate::frames::{FrameCount, Payload};
use crate::report::percentile_ms;
use crate::rights::step_ahead;
use crate::upgrade::{Upgrade, take_head};

/// Between two messages of the stream.
const INTERVAL: Duration = Duration::from_millis(2);
/// Between an answer and the next round trip.
const PAUSE: Duration = Duration::from_millis(1);
const MESSAGE: usize = 20;
/// How long an upgrade may take.
const UPGRADE_LIMIT: Duration = Duration::from_secs(10);
/// How long the last answers are waited for once the watch is over; what is missing then counts as this late.
const GRACE: Duration = Duration::from_secs(5);
/// A reader looks this often whether the watch is over.
const LOOK: Duration = Duration::from_millis(50);

/// Two connections, one for the round trips and one for the stream.
pub(crate) struct Bystanders {
    round_trips: TcpStream,
    stream: TcpStream,
}

/// What became of one message.
#[derive(Clone, Copy)]
pub(crate) struct Trip {
    pub(crate) sent: Instant,
    /// From the send to the answer, nanoseconds.
    pub(crate) took: u64,
}

/// What the two saw.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) round_trips: Vec<Trip>,
    pub(crate) stream: Vec<Trip>,
    /// How much later than planned the stream sent: what the client was late by itself, nanoseconds.
    pub(crate) lag: Vec<u64>,
    /// Messages of both that were never answered; they are among the trips, as late as the watch was long.
    pub(crate) unanswered: usize,
}

impl Seen {
    /// Milliseconds below which `part` (0 to 1) of the round trips lie.
    pub(crate) fn round_trip(&self, part: f64) -> f64 {
        percentile_ms(&times(&self.round_trips), part)
    }

    /// The same for the stream.
    pub(crate) fn stream(&self, part: f64) -> f64 {
        percentile_ms(&times(&self.stream), part)
    }

    /// The same for the client's own lag.
    pub(crate) fn lag(&self, part: f64) -> f64 {
        percentile_ms(&self.lag, part)
    }

    /// Parts what was sent before `moment` from the rest; the lag stays with the rest.
    pub(crate) fn split(mut self, moment: Instant) -> (Self, Self) {
        let early = |trips: &mut Vec<Trip>| {
            let place = trips.partition_point(|trip| trip.sent < moment);
            let late = trips.split_off(place);
            std::mem::replace(trips, late)
        };
        let before = Self {
            round_trips: early(&mut self.round_trips),
            stream: early(&mut self.stream),
            ..Self::default()
        };
        (before, self)
    }
}

fn times(trips: &[Trip]) -> Vec<u64> {
    trips.iter().map(|trip| trip.took).collect()
}

impl Bystanders {
    /// Two connections to `/echo-raw`.
    pub(crate) fn connect(address: SocketAddr) -> io::Result<Self> {
        Ok(Self {
            round_trips: open(address)?,
            stream: open(address)?,
        })
    }

    /// Watches for `span`, or until `over` says so, and returns when all is answered or given up.
    pub(crate) fn watch(&mut self, span: Duration, over: &AtomicBool) -> io::Result<Seen> {
        let end = Instant::now() + span;
        let (round_trips, stream) = (&mut self.round_trips, &mut self.stream);
        let mut sending = stream.try_clone()?;
        let (sent, outstanding) = mpsc::channel();
        thread::scope(|scope| {
            let trips = scope.spawn(move || make_round_trips(round_trips, end, over));
            let sender = scope.spawn(move || send(&mut sending, &sent, end, over));
            let receiver = scope.spawn(move || receive(stream, &outstanding, end));
            let panicked = |_| Error::other("a bystander panicked");
            let (round_trips, missing) = trips.join().map_err(panicked)??;
            let lag = sender.join().map_err(panicked)??;
            let (stream, unanswered) = receiver.join().map_err(panicked)??;
            Ok(Seen {
                round_trips,
                stream,
                lag,
                unanswered: missing + unanswered,
            })
        })
    }
}

fn open(address: SocketAddr) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(UPGRADE_LIMIT))?;
    stream.set_write_timeout(Some(UPGRADE_LIMIT))?;
    stream.write_all(&Upgrade::to("/echo-raw").request(address))?;
    let (mut head, mut buffer) = (Vec::new(), [0; 1024]);
    loop {
        let read = stream
            .read(&mut buffer)
            .map_err(|error| Error::other(format!("a bystander's upgrade: {error}")))?;
        if read == 0 {
            return Err(ended());
        }
        if take_head(&mut head, &buffer[..read])?.is_some() {
            stream.set_read_timeout(Some(LOOK))?;
            return Ok(stream);
        }
    }
}

fn ended() -> Error {
    Error::other("the server ended a bystander's connection")
}

/// The trips, and how many of them were never answered (one at most).
fn make_round_trips(
    stream: &mut TcpStream,
    end: Instant,
    over: &AtomicBool,
) -> io::Result<(Vec<Trip>, usize)> {
    step_ahead();
    let payload = Payload::constant(MESSAGE, 0);
    let mut trips = Vec::new();
    let mut frames = FrameCount::default();
    while Instant::now() < end && !over.load(Ordering::Relaxed) {
        let sent = Instant::now();
        stream.write_all(payload.slice(0, payload.frame))?;
        let mut messages = 0;
        while messages == 0 && Instant::now() < end + GRACE {
            messages = read_messages(stream, &mut frames)?;
        }
        trips.push(trip(sent));
        if messages == 0 {
            return Ok((trips, 1));
        }
        thread::sleep(PAUSE);
    }
    Ok((trips, 0))
}

/// Sends until the end and returns by how much each message left later than planned. A delay moves all that
/// follows: nothing is sent in a burst to catch up.
fn send(
    stream: &mut TcpStream,
    sent: &Sender<Instant>,
    end: Instant,
    over: &AtomicBool,
) -> io::Result<Vec<u64>> {
    step_ahead();
    let payload = Payload::constant(MESSAGE, 0);
    let mut lag = Vec::new();
    let mut due = Instant::now();
    while due < end && !over.load(Ordering::Relaxed) {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        let now = Instant::now();
        lag.push(now.saturating_duration_since(due).as_nanos() as u64);
        // The receiver is gone only after an error of its own, which is told there.
        let _ = sent.send(now);
        stream.write_all(payload.slice(0, payload.frame))?;
        due = (due + INTERVAL).max(now);
    }
    Ok(lag)
}

/// The trips, and how many were never answered. It is over when the sender is gone and nothing is outstanding.
fn receive(
    stream: &mut TcpStream,
    outstanding: &Receiver<Instant>,
    end: Instant,
) -> io::Result<(Vec<Trip>, usize)> {
    step_ahead();
    let mut trips = Vec::new();
    let mut frames = FrameCount::default();
    while let Ok(sent) = outstanding.recv() {
        let mut waiting = Some(sent);
        while let Some(first) = waiting {
            if Instant::now() > end + GRACE {
                let missing: Vec<Trip> = std::iter::once(first)
                    .chain(outstanding.iter())
                    .map(trip)
                    .collect();
                let unanswered = missing.len();
                trips.extend(missing);
                return Ok((trips, unanswered));
            }
            for _ in 0..read_messages(stream, &mut frames)? {
                let sent = waiting.take().or_else(|| outstanding.try_recv().ok());
                trips.push(trip(sent.ok_or_else(|| {
                    Error::other("a bystander got more answers than it asked for")
                })?));
            }
        }
    }
    Ok((trips, 0))
}

fn trip(sent: Instant) -> Trip {
    let took = sent.elapsed().as_nanos() as u64;
    Trip { sent, took }
}

/// Messages of one read; none after a while without any.
fn read_messages(stream: &mut TcpStream, frames: &mut FrameCount) -> io::Result<u64> {
    let mut buffer = [0; 4096];
    match stream.read(&mut buffer) {
        Ok(0) => Err(ended()),
        Ok(read) => frames.feed(&buffer[..read]),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Ok(0),
        Err(error) => Err(error),
    }
}
