//! What a turn asks of the world: sockets and a clock, or the likeness of them.
//!
//! `net` and `sim` implement [`Io`] and nothing else of a turn. An implementation moves bytes and
//! tells what happened; it must never decide who is served, nor remember who is still to be.

use crate::app::{ConnInfo, Ends, Peer, SessionId};
use crate::hub::{Lost, Now, Transport};
use std::io;
use std::time::Duration;

/// Something that [`Io::poll`] saw. Each is told once, as an edge: what it stands for must be
/// remembered until it is worked off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A listener has connections.
    Incoming(usize),
    /// Something happened to a connection.
    Connection {
        /// Which: the key that [`Io::attach`] or [`Io::dial`] was given.
        key: u32,
        /// There is something to read.
        readable: bool,
        /// The peer takes bytes again.
        writable: bool,
        /// The peer has ended its direction, or the connection broke: the reads will tell.
        ended: bool,
    },
}

/// What one read gave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Read {
    /// Bytes that were read.
    pub n: usize,
    /// Nothing more is there: an event will tell when that changes.
    pub drained: bool,
    /// The peer has ended its direction behind these bytes.
    pub ended: bool,
    /// What it cost beside the price of a read and of its bytes: that of decryption.
    pub work: u32,
    /// A handshake below can go on, which costs as much as hundreds of messages: nothing is read before
    /// [`Io::handshake`].
    pub handshake: bool,
}

/// What a step of a handshake came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HandshakeStep {
    /// What it cost.
    pub work: u32,
    /// Whether the handshake is over, so that the program can begin.
    pub is_done: bool,
    /// Whether it failed: nothing can be read or sent any more.
    pub is_lost: bool,
}

/// Why nothing was accepted.
#[derive(Debug)]
pub enum AcceptError {
    /// Nobody waits: an event will tell when that changes.
    Empty,
    /// That one connection is gone already; the next may be there.
    Gone,
    /// The system has no descriptors, or no memory, for another one now.
    Exhausted(io::Error),
}

/// Connections, listeners and a clock.
pub trait Io: Transport {
    /// A connection that was accepted and has no key yet. To drop it is to refuse it.
    type Incoming;

    /// Waits for events at most this long (`None`: for ever) and appends them.
    ///
    /// # Errors
    /// Only when nothing can ever be waited for again.
    fn poll(&mut self, wait: Option<Duration>, events: &mut Vec<Event>) -> io::Result<()>;

    /// The time.
    fn now(&mut self) -> Now;

    /// Takes the next connection of a listener.
    ///
    /// # Errors
    /// [`AcceptError`]: there is none now, or none can be taken.
    fn accept(&mut self, listener: usize) -> Result<(Self::Incoming, ConnInfo), AcceptError>;

    /// Out of descriptors: gives the one that is kept spare away, takes one connection with it,
    /// lets that go and keeps a spare one again. Its peer need not wait for nothing.
    fn turn_away(&mut self, _listener: usize) {}

    /// Gives an accepted connection its key.
    fn attach(&mut self, id: SessionId, incoming: Self::Incoming);

    /// Tells events of a connection from now on.
    ///
    /// # Errors
    /// The system refuses; the connection is of no use then.
    fn watch(&mut self, id: SessionId) -> io::Result<()>;

    /// Reads what is there, at most as much as fits.
    ///
    /// # Errors
    /// [`Lost`] when the connection is broken.
    fn read(&mut self, key: u32, buffer: &mut [u8]) -> Result<Read, Lost>;

    /// Who a connection comes from, when its proxy has said so in what [`Io::read`] has read last. Asked
    /// for connections alone of which [`ConnInfo::is_peer_known`] said no.
    fn take_peer(&mut self, _key: u32) -> Option<Peer> {
        None
    }

    /// Goes the step of a handshake that [`Read::handshake`] told of.
    fn handshake(&mut self, _key: u32) -> HandshakeStep {
        HandshakeStep {
            work: 0,
            is_done: true,
            is_lost: false,
        }
    }

    /// Whether nothing more has to be agreed on below before the program can begin.
    fn is_secured(&mut self, _key: u32) -> bool {
        true
    }

    /// Why a connection was [`Lost`], if more is known than that it broke.
    fn why_lost(&mut self, _key: u32) -> Option<String> {
        None
    }

    /// Whether bytes wait below that were taken, and nobody was asked yet to [flush](Io::flush) them.
    fn wants_flush(&mut self, _key: u32) -> bool {
        false
    }

    /// Sends such bytes; how many went.
    ///
    /// # Errors
    /// [`Lost`] when the connection is broken.
    fn flush(&mut self, _key: u32) -> Result<usize, Lost> {
        Ok(0)
    }

    /// Begins a connection to another server and tells events of it.
    ///
    /// # Errors
    /// It cannot even be begun.
    fn dial(&mut self, id: SessionId, ends: Ends) -> io::Result<()>;

    /// Whether a connection that was begun is made.
    ///
    /// # Errors
    /// It cannot be made.
    fn is_connected(&mut self, key: u32) -> io::Result<bool>;

    /// Accepts nothing any more, but at these listeners.
    fn stop_listening(&mut self, but: &[u16]);

    /// The time since [`Io::now`] was asked last, as exactly as the clock can tell. Where time is virtual
    /// a turn takes none.
    fn turn_time(&mut self) -> Duration {
        Duration::ZERO
    }

    /// Something failed for want of memory, and no event will tell when to try again: a turn is needed
    /// within this time. `None`: events tell everything.
    fn retries_within(&self) -> Option<Duration> {
        None
    }

    /// A connection had its share. For those who watch that everybody has.
    fn served(&mut self, _key: u32) {}
}
