//! The loop: one turn after another until the hub has stopped.

use super::accept::Accepting;
use super::listener::Listener;
use super::read::BUFFER;
use super::sockets::{Sockets, session};
use super::waker::LoopWaker;
use crate::app::SessionId;
use crate::app::remote::{Inbox, SharedStats};
use crate::hub::{Hub, Now};
use mio::event::Event;
use mio::{Events, Poll, Token, Waker};
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// Events taken in one turn.
const EVENTS_A_TURN: usize = 1024;
/// Bytes read in one turn, over all connections, before the rest waits in the ready list.
const BYTES_A_TURN: usize = 1 << 20;
/// Connections of the ready list, and of those that end, read in one turn.
const READS_A_TURN: usize = 32;
/// Commands of other threads taken in one turn.
const COMMANDS_A_TURN: usize = 256;

/// The key of tokens that are no sessions: the waker, then the listeners.
const NO_KEY: usize = u32::MAX as usize;
const WAKER: Token = Token(NO_KEY);

/// The poll loop.
pub(crate) struct Loop {
    pub(super) poll: Poll,
    pub(super) hub: Hub,
    pub(super) sockets: Sockets,
    pub(super) listeners: Vec<Listener>,
    pub(super) accepting: Accepting,
    pub(super) buffer: Box<[u8]>,
    pub(super) now: Now,
    pub(super) bytes_read: usize,
    /// Connections with more to read.
    ready: VecDeque<SessionId>,
    /// Connections whose peer has ended; they wait behind those that live.
    ending: VecDeque<SessionId>,
    inbox: Inbox,
    stats: Arc<SharedStats>,
    start: Instant,
    /// When the wall clock was read last, in milliseconds since the start.
    unix_read: Option<u64>,
}

impl Loop {
    /// A loop over these listeners.
    pub(crate) fn new(
        hub: Hub,
        mut listeners: Vec<Listener>,
        waker: &LoopWaker,
        inbox: Inbox,
        stats: Arc<SharedStats>,
    ) -> io::Result<Self> {
        let poll = Poll::new()?;
        waker.set(Waker::new(poll.registry(), WAKER)?);
        for (index, listener) in listeners.iter_mut().enumerate() {
            listener.register(poll.registry(), Token((index + 1) << 32 | NO_KEY))?;
        }
        Ok(Self {
            poll,
            hub,
            sockets: Sockets::default(),
            listeners,
            accepting: Accepting::default(),
            buffer: vec![0; BUFFER].into(),
            now: Now::default(),
            bytes_read: 0,
            ready: VecDeque::new(),
            ending: VecDeque::new(),
            inbox,
            stats,
            start: Instant::now(),
            unix_read: None,
        })
    }

    /// Turns until the hub has stopped.
    pub(crate) fn run(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(EVENTS_A_TURN);
        let mut has_more = true;
        loop {
            match self.poll.poll(&mut events, self.poll_timeout(has_more)) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
            has_more = self.turn(&events);
            if self.hub.is_stopping() {
                self.listeners.clear();
                self.accepting = Accepting::default();
                if self.hub.is_empty() {
                    return Ok(());
                }
            }
        }
    }

    /// How long to wait for events.
    fn poll_timeout(&self, has_more: bool) -> Option<Duration> {
        if has_more {
            return Some(Duration::ZERO);
        }
        let now = self.elapsed();
        let accept = self.accepting.next(now);
        let next = match (self.hub.next_deadline(), accept) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        next.map(|at| Duration::from_millis(at.saturating_sub(now)))
    }

    /// One turn; `true` when something is left to do right away.
    fn turn(&mut self, events: &Events) -> bool {
        self.read_clock();
        self.bytes_read = 0;
        for event in events {
            self.take(event);
        }
        self.accept();
        self.read_listed();
        let has_commands = self.take_commands();
        self.dial();
        let has_work = self.hub.work(&mut self.sockets);
        while let Some(id) = self.hub.next_resumed(&mut self.sockets) {
            self.list(id);
        }
        self.stats.store(&self.hub.stats());
        let accepts = self
            .accepting
            .next(self.now.ms)
            .is_some_and(|at| at <= self.now.ms);
        has_work
            || has_commands
            || self.hub.has_dials()
            || accepts
            || !self.ready.is_empty()
            || !self.ending.is_empty()
    }

    /// Takes commands of other threads, at most a slice of them; `true` when more wait. Their
    /// wake-up is spent: without this answer the rest would sleep with the loop.
    fn take_commands(&mut self) -> bool {
        for _ in 0..COMMANDS_A_TURN {
            let Some(command) = self.inbox.take() else {
                break;
            };
            self.hub.command(&mut self.sockets, command);
        }
        for _ in 0..self.inbox.shutdowns(false) {
            self.hub.shut_down();
        }
        !self.inbox.is_empty()
    }

    fn elapsed(&self) -> u64 {
        self.start.elapsed().as_millis() as u64
    }

    fn read_clock(&mut self) {
        self.now.ms = self.elapsed().max(self.now.ms);
        if self.unix_read.is_none_or(|read| self.now.ms >= read + 500) {
            let unix = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
            self.now.unix = unix.map_or(0, |unix| unix.as_secs());
            self.unix_read = Some(self.now.ms);
        }
        self.hub.advance(self.now);
    }

    fn take(&mut self, event: &Event) {
        let token = event.token();
        if token.0 & NO_KEY == NO_KEY {
            // The waker's commands are taken in every turn anyway.
            if let Some(listener) = (token.0 >> 32).checked_sub(1) {
                self.accepting.add(listener);
            }
            return;
        }
        let id = session(token);
        if !self.hub.knows(id) {
            return;
        }
        if self
            .sockets
            .at(id.index)
            .is_some_and(|socket| socket.dialling)
        {
            return self.dialled(id, event.is_read_closed());
        }
        if event.is_error() {
            return self.hub.lost(id);
        }
        if event.is_writable() {
            self.hub.writable(id);
        }
        if event.is_read_closed() {
            self.list_ending(id);
        } else if event.is_readable() {
            match self.bytes_read < BYTES_A_TURN {
                true => self.read(id),
                false => self.list(id),
            }
        }
    }

    /// Puts a connection on the ready list, once.
    pub(super) fn list(&mut self, id: SessionId) {
        let Some(socket) = self.sockets.at(id.index) else {
            return;
        };
        if socket.ends {
            return self.list_ending(id);
        }
        if !std::mem::replace(&mut socket.listed, true) {
            self.ready.push_back(id);
        }
    }

    /// Its peer has ended: what is left to read can wait behind those that live.
    pub(super) fn list_ending(&mut self, id: SessionId) {
        let Some(socket) = self.sockets.at(id.index) else {
            return;
        };
        socket.ends = true;
        if !std::mem::replace(&mut socket.listed, true) {
            self.ending.push_back(id);
        }
    }

    /// Reads a slice of the ready list, then of those that end.
    fn read_listed(&mut self) {
        for _ in 0..self.ready.len().min(READS_A_TURN) {
            if self.bytes_read >= 2 * BYTES_A_TURN {
                break;
            }
            if let Some(id) = self.ready.pop_front() {
                self.read_unlisted(id);
            }
        }
        for _ in 0..self.ending.len().min(READS_A_TURN) {
            if let Some(id) = self.ending.pop_front() {
                self.read_unlisted(id);
            }
        }
    }

    fn read_unlisted(&mut self, id: SessionId) {
        if !self.hub.knows(id) {
            return;
        }
        if let Some(socket) = self.sockets.at(id.index) {
            socket.listed = false;
            self.read(id);
        }
    }
}
