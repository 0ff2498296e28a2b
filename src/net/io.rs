//! The world of production: mio's poll, sockets and the clock of the system.
//!
//! It moves bytes and tells what happened. What becomes of either is decided by the turn.

use super::intake::Intake;
use super::listener::Listener;
use super::retries::Retries;
use super::stream::{Incoming, Sockets};
use super::waker::LoopWaker;
use crate::app::{ConnInfo, Ends, Peer, SessionId};
use crate::config::Networks;
use crate::hub::{Lost, Now, Transport};
use crate::turn::errno::of_accept;
use crate::turn::{AcceptError, Event, HandshakeStep, Io, Read};
use mio::{Events, Poll, Token, Waker};
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::time::{Duration, Instant, SystemTime};

/// Events taken from the system in one call, and how many calls there are in one turn.
const EVENTS_A_POLL: usize = 1024;
const MOST_POLLS: usize = 16;
/// The wall clock is read this often, in milliseconds: only `Date` needs it.
const UNIX_EVERY_MS: u64 = 500;
/// Keys from here on are no sessions: the waker, then the listeners.
const LISTENERS: usize = usize::MAX / 2;
const WAKER: Token = Token(LISTENERS - 1);

/// Sockets, listeners, the poll and the clock.
pub(crate) struct NetIo {
    poll: Poll,
    events: Events,
    sockets: Sockets,
    intake: Intake,
    /// `None`: one that accepts no more.
    listeners: Vec<Option<Listener>>,
    start: Instant,
    /// When the clock was read last.
    read_at: Instant,
    now: Now,
    /// When the wall clock was read last, in milliseconds since the start.
    unix_read: Option<u64>,
    /// Who is to be tried again, because the system was short of memory.
    retries: Retries,
    /// A descriptor to give away when there is no other.
    spare: Option<std::fs::File>,
}

impl NetIo {
    /// The world of a server with these listeners. Connections from `proxies` begin with a PROXY header.
    pub(crate) fn new(
        mut listeners: Vec<Listener>,
        waker: &LoopWaker,
        proxies: Networks,
    ) -> io::Result<Self> {
        let poll = Poll::new()?;
        waker.set(Waker::new(poll.registry(), WAKER)?);
        for (index, listener) in listeners.iter_mut().enumerate() {
            listener.register(poll.registry(), Token(LISTENERS + index))?;
        }
        Ok(Self {
            poll,
            events: Events::with_capacity(EVENTS_A_POLL),
            sockets: Sockets::default(),
            intake: Intake::new(proxies),
            listeners: listeners.into_iter().map(Some).collect(),
            start: Instant::now(),
            read_at: Instant::now(),
            now: Now::default(),
            unix_read: None,
            retries: Retries::default(),
            spare: spare(),
        })
    }
}

/// The descriptor of the poll.
impl AsRawFd for NetIo {
    fn as_raw_fd(&self) -> RawFd {
        self.poll.as_raw_fd()
    }
}

/// What the poll saw, in the words of the turn. `None`: the waker, whose commands are taken in every
/// turn anyway.
fn event(event: &mio::event::Event) -> Option<Event> {
    let token = event.token();
    if token == WAKER {
        return None;
    }
    if let Some(listener) = token.0.checked_sub(LISTENERS) {
        return Some(Event::Incoming(listener));
    }
    Some(Event::Connection {
        key: token.0 as u32,
        readable: event.is_readable(),
        writable: event.is_writable(),
        ended: event.is_read_closed() || event.is_error(),
    })
}

/// Something that holds one descriptor.
fn spare() -> Option<std::fs::File> {
    std::fs::File::open("/dev/null").ok()
}

impl Io for NetIo {
    type Incoming = Incoming;

    fn poll(&mut self, wait: Option<Duration>, events: &mut Vec<Event>) -> io::Result<()> {
        let mut wait = wait;
        self.retries.tell(events);
        // Until nobody is left whose event waits behind those of a crowd.
        for _ in 0..MOST_POLLS {
            match self.poll.poll(&mut self.events, wait) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                // After a stop of the process the first answer is this one. What happened meanwhile is
                // to be seen before anybody's time is judged to be over.
                Err(_) => {
                    wait = Some(Duration::ZERO);
                    continue;
                }
                Ok(()) => {}
            }
            let before = events.len();
            events.extend(self.events.iter().filter_map(event));
            if events.len() - before < EVENTS_A_POLL - 1 {
                break;
            }
            wait = Some(Duration::ZERO);
        }
        Ok(())
    }

    fn now(&mut self) -> Now {
        self.read_at = Instant::now();
        let since_start = self.read_at.duration_since(self.start);
        let ms = u64::try_from(since_start.as_millis()).unwrap_or(u64::MAX);
        self.now.ms = ms.max(self.now.ms);
        if self
            .unix_read
            .is_none_or(|read| self.now.ms >= read + UNIX_EVERY_MS)
        {
            let unix = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
            self.now.unix = unix.map_or(0, |unix| unix.as_secs());
            self.unix_read = Some(self.now.ms);
        }
        self.now
    }

    fn accept(&mut self, listener: usize) -> Result<(Incoming, ConnInfo), AcceptError> {
        let Some(Some(accepting)) = self.listeners.get(listener) else {
            return Err(AcceptError::Empty);
        };
        match accepting.accept() {
            Ok((incoming, peer)) => {
                let mut conn = ConnInfo::new(peer);
                let who = (!accepting.is_admin()).then_some(peer);
                conn.is_peer_known = !self.intake.accepted(who);
                conn.secure = accepting.is_secure();
                conn.local = accepting.local();
                conn.listener = u16::try_from(listener).unwrap_or(u16::MAX);
                Ok((incoming, conn))
            }
            Err(error) => Err(of_accept(error)),
        }
    }

    fn turn_away(&mut self, listener: usize) {
        if self.spare.take().is_some()
            && let Some(Some(listener)) = self.listeners.get(listener)
        {
            // Dropped at once: that is all that can be done for it.
            drop(listener.accept());
        }
        self.spare = spare();
    }

    fn attach(&mut self, id: SessionId, incoming: Incoming) {
        self.sockets.put(id.index, incoming);
        self.intake.attach(id.index);
    }

    fn watch(&mut self, id: SessionId) -> io::Result<()> {
        self.sockets.register(id.index, self.poll.registry())
    }

    fn read(&mut self, key: u32, buffer: &mut [u8]) -> Result<Read, Lost> {
        if self.intake.awaits(key) {
            let stream = self.sockets.at(key).ok_or(Lost)?;
            let read = self.intake.read(key, stream, self.now.ms);
            self.retries.note(key);
            if let Some(read) = read? {
                return Ok(read);
            }
        }
        let read = self.sockets.read(key, buffer);
        self.retries.note(key);
        read
    }

    fn take_peer(&mut self, key: u32) -> Option<Peer> {
        self.intake.take_peer(key)
    }

    fn handshake(&mut self, key: u32) -> HandshakeStep {
        let step = self.sockets.handshake(key);
        self.retries.note(key);
        step
    }

    fn is_secured(&mut self, key: u32) -> bool {
        self.sockets.is_secured(key)
    }

    fn why_lost(&mut self, key: u32) -> Option<String> {
        self.sockets.why_lost(key)
    }

    fn wants_flush(&mut self, key: u32) -> bool {
        self.sockets.wants_flush(key)
    }

    fn flush(&mut self, key: u32) -> Result<usize, Lost> {
        let sent = self.sockets.flush(key);
        self.retries.note(key);
        sent
    }

    fn dial(&mut self, id: SessionId, ends: Ends) -> io::Result<()> {
        self.sockets.dial(id.index, &ends)?;
        self.watch(id)
    }

    fn is_connected(&mut self, key: u32) -> io::Result<bool> {
        self.sockets.is_connected(key)
    }

    fn stop_listening(&mut self, but: &[u16]) {
        for (index, listener) in self.listeners.iter_mut().enumerate() {
            if !but.iter().any(|kept| usize::from(*kept) == index) {
                *listener = None;
            }
        }
    }

    fn retries_within(&self) -> Option<Duration> {
        self.retries.within()
    }

    fn turn_time(&mut self) -> Duration {
        self.read_at.elapsed()
    }
}

impl Transport for NetIo {
    fn send(&mut self, key: u32, bytes: &[u8]) -> Result<usize, Lost> {
        let sent = self.sockets.send(key, bytes);
        self.retries.note(key);
        sent
    }

    fn send_both(&mut self, key: u32, first: &[u8], second: &[u8]) -> Result<usize, Lost> {
        let sent = self.sockets.send_both(key, first, second);
        self.retries.note(key);
        sent
    }

    fn shutdown_write(&mut self, key: u32) {
        self.sockets.shutdown_write(key);
    }

    fn held(&self) -> usize {
        self.sockets.held()
    }

    fn most_held(&self) -> Option<(u32, usize)> {
        self.sockets.most_held()
    }

    fn is_all_sent(&mut self, key: u32) -> bool {
        self.sockets.is_all_sent(key)
    }

    fn discard(&mut self, key: u32) {
        self.sockets.discard(key);
    }

    fn close(&mut self, key: u32) {
        self.sockets.close(key);
        self.intake.close(key);
    }
}
