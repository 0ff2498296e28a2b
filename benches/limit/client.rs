//! Many connections to one server in one loop: the closed-loop client of the scenarios.
//!
//! It reads whatever is readable in a turn, as any server of the same shape does, and allocates nothing per
//! message. It must never give up silently: every wait ends in an error that says what did not come.

use std::io::{self, Error, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use dunlin_bench::process::Cpu;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use rustix::io::Errno;
use socket2::{Domain, Protocol, Socket, Type};

use crate::proc::Server;
use dunlin_bench::frames::{FrameCount, Payload};
use dunlin_bench::upgrade::{Upgrade, has_deflate, take_head};

/// Connections on their way at the same time.
const OPENING: usize = 64;
const RECEIVE_BUFFER: usize = 256 * 1024;
/// Longest time without any progress before a wait is given up.
const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// Who sends when: every sender starts with `window` frames and sends one more for each `per` it receives.
#[derive(Clone, Copy)]
pub(crate) struct Rule {
    /// The first so many members send.
    pub(crate) senders: usize,
    pub(crate) window: u64,
    pub(crate) per: u64,
    /// Receivers of one frame.
    pub(crate) fan_out: u64,
}

/// What one measurement found.
#[derive(Clone, Copy)]
pub(crate) struct Sample {
    pub(crate) messages: u64,
    pub(crate) cpu: Cpu,
}

impl Sample {
    /// Server CPU per received message, in nanoseconds.
    pub(crate) fn cost(&self) -> f64 {
        self.cpu.nanoseconds as f64 / self.messages.max(1) as f64
    }
}

struct Member {
    stream: TcpStream,
    /// The answer to the upgrade while it is incomplete.
    head: Vec<u8>,
    stage: Stage,
    frames: FrameCount,
    /// Frames received and not yet turned into a frame to send.
    credit: u64,
    /// Bytes to send, from `place` of the payload on.
    owed: usize,
    place: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum Stage {
    Connecting,
    Upgrading,
    Open,
}

/// The connections and their loop.
pub(crate) struct Crowd {
    poll: Poll,
    events: Events,
    members: Vec<Member>,
    buffer: Vec<u8>,
    payload: Payload,
    open: usize,
    greetings: u64,
    negotiated: bool,
    sending: Option<Rule>,
    /// Frames asked for by the rule, times its fan-out.
    expected: u64,
    received: u64,
    progress: Instant,
}

impl Crowd {
    pub(crate) fn new(payload: Payload) -> io::Result<Self> {
        Ok(Self {
            poll: Poll::new()?,
            events: Events::with_capacity(1024),
            members: Vec::new(),
            buffer: vec![0; RECEIVE_BUFFER],
            payload,
            open: 0,
            greetings: 0,
            negotiated: false,
            sending: None,
            expected: 0,
            received: 0,
            progress: Instant::now(),
        })
    }

    /// Adds connections until there are `total`, a few at a time, and waits for the greetings of all.
    /// Without an upgrade a connection is open once it is connected.
    pub(crate) fn grow(
        &mut self,
        address: SocketAddr,
        total: usize,
        upgrade: Option<Upgrade<'_>>,
    ) -> io::Result<()> {
        let request = upgrade.map(|upgrade| upgrade.request(address));
        let greetings =
            upgrade.map_or(0, |upgrade| upgrade.greetings) * (total - self.members.len()) as u64;
        self.expected += greetings;
        self.greetings += greetings;
        self.progress = Instant::now();
        while self.open < total || self.received < self.expected {
            while self.members.len() < total && self.members.len() - self.open < OPENING {
                self.connect(address)?;
            }
            self.turn(request.as_deref())?;
        }
        Ok(())
    }

    /// Whether the server agreed to the offered extension.
    pub(crate) fn negotiated(&self) -> bool {
        self.negotiated
    }

    /// Messages received so far, without greetings.
    pub(crate) fn received(&self) -> u64 {
        self.received - self.greetings
    }

    /// Runs the rule for `warm`, lets the server finish and fall asleep, then measures it over `span`.
    pub(crate) fn measure(
        &mut self,
        server: &Server,
        rule: Rule,
        warm: Duration,
        span: Duration,
    ) -> io::Result<Sample> {
        self.run(rule, warm)?;
        let (before, start) = (server.cpu()?, self.received);
        self.run(rule, span)?;
        Ok(Sample {
            messages: self.received - start,
            cpu: server.cpu()?.since(before),
        })
    }

    /// Runs the rule for `span` and waits for all that is still under way.
    fn run(&mut self, rule: Rule, span: Duration) -> io::Result<()> {
        let end = Instant::now() + span;
        self.run_until(rule, || Instant::now() >= end)?;
        std::thread::sleep(Duration::from_millis(5));
        Ok(())
    }

    /// Runs the rule until `done`, then sends nothing more and waits for every message that is due.
    pub(crate) fn run_until(
        &mut self,
        rule: Rule,
        mut done: impl FnMut() -> bool,
    ) -> io::Result<()> {
        self.sending = Some(rule);
        self.progress = Instant::now();
        for index in 0..rule.senders {
            self.members[index].credit = 0;
            self.owe(index, rule.window, rule);
            self.flush(index)?;
        }
        while !done() {
            self.turn(None)?;
        }
        self.sending = None;
        while self.received < self.expected
            || self.members[..rule.senders]
                .iter()
                .any(|member| member.owed > 0)
        {
            self.turn(None)?;
        }
        Ok(())
    }

    fn connect(&mut self, address: SocketAddr) -> io::Result<()> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
        socket.set_nonblocking(true)?;
        socket.set_tcp_nodelay(true)?;
        match socket.connect(&address.into()) {
            Err(error) if error.raw_os_error() != Some(Errno::INPROGRESS.raw_os_error()) => {
                return Err(error);
            }
            _ => {}
        }
        let mut stream = TcpStream::from_std(socket.into());
        let token = Token(self.members.len());
        self.poll.registry().register(
            &mut stream,
            token,
            Interest::READABLE | Interest::WRITABLE,
        )?;
        self.members.push(Member {
            stream,
            head: Vec::new(),
            stage: Stage::Connecting,
            frames: FrameCount::default(),
            credit: 0,
            owed: 0,
            place: 0,
        });
        Ok(())
    }

    /// One turn of the loop.
    fn turn(&mut self, request: Option<&[u8]>) -> io::Result<()> {
        match self
            .poll
            .poll(&mut self.events, Some(Duration::from_millis(100)))
        {
            Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
        if self.events.is_empty() {
            return self.check_patience();
        }
        self.progress = Instant::now();
        // The events leave their place for the time of the turn, so that the members can be reached.
        let events = std::mem::replace(&mut self.events, Events::with_capacity(0));
        for event in &events {
            let index = event.token().0;
            if event.is_writable() {
                self.writable(index, request)?;
            }
            if event.is_readable() || event.is_read_closed() {
                self.readable(index)?;
            }
        }
        self.events = events;
        Ok(())
    }

    fn check_patience(&self) -> io::Result<()> {
        if self.progress.elapsed() < LONGEST_WAIT {
            return Ok(());
        }
        Err(Error::other(format!(
            "nothing came for {LONGEST_WAIT:?}: {} of {} connections open, {} of {} messages received",
            self.open,
            self.members.len(),
            self.received,
            self.expected
        )))
    }

    fn writable(&mut self, index: usize, request: Option<&[u8]>) -> io::Result<()> {
        let member = &mut self.members[index];
        if member.stage != Stage::Connecting {
            return self.flush(index);
        }
        if let Some(error) = member.stream.take_error()? {
            return Err(error);
        }
        match request {
            // A fresh socket takes a request of a few hundred bytes whole.
            Some(request) => {
                member.stream.write_all(request)?;
                member.stage = Stage::Upgrading;
            }
            None => {
                member.stage = Stage::Open;
                self.open += 1;
            }
        }
        Ok(())
    }

    fn readable(&mut self, index: usize) -> io::Result<()> {
        loop {
            let member = &mut self.members[index];
            let read = match member.stream.read(&mut self.buffer) {
                Ok(0) => return Err(Error::other("the server ended a connection")),
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            };
            let mut frames = &self.buffer[..read];
            if member.stage == Stage::Upgrading {
                let Some(rest) = take_head(&mut member.head, frames)? else {
                    continue;
                };
                frames = rest;
                self.negotiated = has_deflate(&member.head);
                member.head = Vec::new();
                member.stage = Stage::Open;
                self.open += 1;
            }
            let messages = member.frames.feed(frames)?;
            self.received += messages;
            if let Some(rule) = self.sending.filter(|rule| index < rule.senders) {
                member.credit += messages;
                let frames = member.credit / rule.per;
                member.credit %= rule.per;
                self.owe(index, frames, rule);
                self.flush(index)?;
            }
            if read < self.buffer.len() {
                return Ok(());
            }
        }
    }

    fn owe(&mut self, index: usize, frames: u64, rule: Rule) {
        self.members[index].owed += frames as usize * self.payload.frame;
        self.expected += frames * rule.fan_out;
    }

    fn flush(&mut self, index: usize) -> io::Result<()> {
        let member = &mut self.members[index];
        while member.owed > 0 {
            match member
                .stream
                .write(self.payload.slice(member.place, member.owed))
            {
                Ok(written) => {
                    member.owed -= written;
                    member.place = self.payload.advance(member.place, written);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
