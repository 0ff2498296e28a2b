//! The flooding client: one thread, one poll loop, any number of connections, whatever their scripts say.
//!
//! It writes and reads in large pieces and goes round among the connections that can go on, so that the server
//! is saturated and not the client. It stops by itself once its bytes are spent, and must never wait for an answer.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use rustix::io::Errno;
use socket2::{Domain, Protocol, SockRef, Socket, Type};

use super::super::site::Site;
use super::super::stream::Stream;
use super::connection::{Connection, Progress, Stage};
use super::script::{Life, Reading, Script};
use super::tally::Tally;

/// Connections on their way at the same time while the flood is being prepared.
const OPENING: usize = 128;
/// Connections that are served between two looks at the poll.
const ROUND: usize = 64;
const TICK: Duration = Duration::from_millis(10);
/// A connection that could not be made is tried again after so long.
const RETRY: Duration = Duration::from_millis(50);

/// Connections by group, and their loop.
pub(super) struct Engine {
    site: Site,
    scripts: Vec<Script>,
    poll: Poll,
    events: Events,
    connections: Vec<Connection>,
    /// Connections that can go on.
    active: VecDeque<usize>,
    buffer: Vec<u8>,
    tally: Tally,
    /// Bytes that may still be sent and read.
    allowance: u64,
    /// When the flood began.
    begin: Option<Instant>,
    /// Connections that are gone for good.
    gone: usize,
    tick: Instant,
}

impl Engine {
    pub(super) fn new(site: &Site, groups: &[(usize, Script)], allowance: u64) -> io::Result<Self> {
        let members = groups.iter().enumerate();
        let connections = members
            .flat_map(|(group, (count, _))| (0..*count).map(move |_| Connection::new(group)));
        Ok(Self {
            site: site.clone(),
            scripts: groups.iter().map(|(_, script)| script.clone()).collect(),
            poll: Poll::new()?,
            events: Events::with_capacity(1024),
            connections: connections.collect(),
            active: VecDeque::new(),
            buffer: vec![0; 256 << 10],
            tally: Tally::default(),
            allowance,
            begin: None,
            gone: 0,
            tick: Instant::now(),
        })
    }

    /// Opens every connection that is to be there from the beginning; gives up at `deadline`, and when it is
    /// `stopped`.
    pub(super) fn fill(
        &mut self,
        deadline: Instant,
        stopped: &impl Fn() -> bool,
    ) -> io::Result<()> {
        let stays = |life| !matches!(life, Life::Storm { .. });
        let waiting: Vec<usize> = (0..self.connections.len())
            .filter(|&index| stays(self.scripts[self.connections[index].group].life))
            .collect();
        let mut next = 0;
        let settled = |engine: &Self| engine.tally.filled + engine.gone;
        while settled(self) < waiting.len() && Instant::now() < deadline && !stopped() {
            while next < waiting.len() && next - settled(self).min(next) < OPENING {
                self.connect(waiting[next]);
                next += 1;
            }
            self.turn()?;
        }
        Ok(())
    }

    /// Floods until it is `stopped`, or until the bytes are spent, and accounts for all connections.
    pub(super) fn run(mut self, stopped: &impl Fn() -> bool) -> io::Result<Tally> {
        let begin = Instant::now();
        self.begin = Some(begin);
        (self.tally.sent, self.tally.read, self.tally.answers) = (0, 0, 0);
        for index in 0..self.connections.len() {
            self.connections[index].begin(begin);
            match self.connections[index].stage {
                Stage::Idle => self.connect(index),
                Stage::Open => self.enqueue(index),
                _ => {}
            }
        }
        while !stopped() && !self.tally.spent {
            self.turn()?;
        }
        self.finish(begin);
        Ok(self.tally)
    }

    fn turn(&mut self) -> io::Result<()> {
        let wait = if self.active.is_empty() {
            TICK
        } else {
            Duration::ZERO
        };
        match self.poll.poll(&mut self.events, Some(wait)) {
            Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
        let events = std::mem::replace(&mut self.events, Events::with_capacity(0));
        for event in &events {
            let index = event.token().0;
            let connection = &mut self.connections[index];
            connection.writable |= event.is_writable();
            connection.readable |= event.is_readable() || event.is_read_closed();
            connection.hung_up |= event.is_read_closed() || event.is_error();
            self.enqueue(index);
        }
        self.events = events;
        if self.tick.elapsed() >= TICK {
            self.tick = Instant::now();
            self.on_tick();
        }
        for _ in 0..ROUND {
            let Some(index) = self.active.pop_front() else {
                break;
            };
            self.connections[index].queued = false;
            self.serve(index);
            if self.tally.sent + self.tally.read >= self.allowance {
                self.tally.spent = true;
                break;
            }
        }
        Ok(())
    }

    /// Wakes the slow readers, and tries again to make the connections that could not be made.
    fn on_tick(&mut self) {
        for index in 0..self.connections.len() {
            let connection = &mut self.connections[index];
            if connection.stage == Stage::Idle
                && connection.retry.is_some_and(|due| due <= self.tick)
            {
                self.connect(index);
            } else if let Reading::Slowly(bytes) = self.scripts[connection.group].reading {
                connection.ration = bytes;
                self.enqueue(index);
            }
        }
    }

    fn enqueue(&mut self, index: usize) {
        let connection = &mut self.connections[index];
        if !connection.queued && connection.stream.is_some() {
            connection.queued = true;
            self.active.push_back(index);
        }
    }

    /// One read and one write of a connection, which comes again if it could go on.
    fn serve(&mut self, index: usize) {
        let connection = &mut self.connections[index];
        let script = &self.scripts[connection.group];
        if connection.stream.is_none() {
            return;
        }
        let (sent, read) = (self.tally.sent, self.tally.read);
        let was_open = connection.stage == Stage::Open;
        let progress = connection.progress(
            script,
            self.begin.is_some(),
            &mut self.buffer,
            &mut self.tally,
        );
        if !was_open && connection.stage == Stage::Open && self.begin.is_none() {
            self.tally.filled += 1;
        }
        if (sent, read) != (self.tally.sent, self.tally.read) {
            connection.moved = self.tick;
        }
        match progress {
            Progress::Waits => {}
            Progress::GoesOn => self.enqueue(index),
            Progress::Finished => self.drop_connection(index, None),
            Progress::Ended(how) => self.drop_connection(index, Some(how)),
        }
    }

    /// Ends a connection, and makes a new one where the script wants it.
    fn drop_connection(&mut self, index: usize, how: Option<String>) {
        let connection = &mut self.connections[index];
        let life = self.scripts[connection.group].life;
        if let Some(mut stream) = connection.stream.take() {
            if matches!(life, Life::Storm { reset: true, .. }) {
                // Without it the connection is only ended in another way.
                let _ = SockRef::from(&*stream.socket()).set_linger(Some(Duration::ZERO));
            }
            drop(stream);
        }
        match how {
            Some(how) => self.tally.ended(how),
            None => self.tally.ended("left".to_owned()),
        }
        let gone = self.begin.is_none() || life == Life::Stay;
        connection.stage = if gone { Stage::Gone } else { Stage::Idle };
        if gone {
            self.gone += 1;
            if self.gone == self.connections.len() {
                self.tally.over_after = self.begin.map(|begin| begin.elapsed());
            }
        } else {
            self.tally.reopened += 1;
            self.connect(index);
        }
    }

    fn connect(&mut self, index: usize) {
        match self.open(index) {
            Ok(stream) => self.connections[index].opened(stream, &self.scripts, self.tick),
            Err(error) => {
                self.tally
                    .ended(format!("not connected ({})", error.kind()));
                self.connections[index].retry = Some(self.tick + RETRY);
            }
        }
    }

    fn open(&self, index: usize) -> io::Result<Stream<TcpStream>> {
        let socket = Socket::new(
            Domain::for_address(self.site.address),
            Type::STREAM,
            Some(Protocol::TCP),
        )?;
        socket.set_nonblocking(true)?;
        socket.set_tcp_nodelay(true)?;
        match socket.connect(&self.site.address.into()) {
            Err(error) if error.raw_os_error() != Some(Errno::INPROGRESS.raw_os_error()) => {
                return Err(error);
            }
            _ => {}
        }
        let mut stream = TcpStream::from_std(socket.into());
        let interest = Interest::READABLE | Interest::WRITABLE;
        let registry = self.poll.registry();
        registry.register(&mut stream, Token(index), interest)?;
        Stream::on(stream, &self.site)
    }

    /// Tells which connections were left without an answer, and why.
    fn finish(&mut self, begin: Instant) {
        let half = begin.elapsed() / 2;
        for connection in &self.connections {
            let script = &self.scripts[connection.group];
            if connection.stream.is_none() {
                continue;
            }
            if script.reading != Reading::Nothing {
                let (least, most) = self.tally.least.unwrap_or((u64::MAX, 0));
                let answers = connection.answered;
                self.tally.least = Some((least.min(answers), most.max(answers)));
            }
            // One that has said all and is owed nothing has nothing to wait for.
            let is_silent = connection.is_done(script);
            if !is_silent && connection.moved < begin + half {
                match script.reading {
                    Reading::Nothing if connection.stage == Stage::Open => self.tally.held += 1,
                    _ => self.tally.starved += 1,
                }
            }
        }
    }
}
