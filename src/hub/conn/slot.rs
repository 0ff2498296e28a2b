//! One connection as the hub keeps it: small, because most of them rest.
//!
//! What a resting session does not need (backlog, request being read, agreed
//! extension, close reason) lies in a [`ColdState`] that exists only when one of
//! these does.

use crate::app::route::DataKey;
use crate::app::{Peer, SessionId};
use crate::hub::http::requests::Exchange;
use crate::hub::ledger::Held;
use crate::hub::time::ticks::{ShortTick, Tick};
use crate::hub::ws::dial::PendingHandshake;
use crate::wire::close::CloseReason;
use crate::wire::error::Error;
use crate::wire::extension::Transform;
use crate::wire::outbox::Outbox;
use crate::wire::receive::Receiver;
use core::net::{Ipv4Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

/// Where a connection stands. Transitions lie in `closing.rs`, but for Head to Open in `upgrade.rs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// This side called: the connection, or the server's answer, is awaited.
    Dialling,
    /// HTTP: a request is awaited or being read.
    Head,
    /// The handler has opened the session.
    Open,
    /// Our Close is sent, theirs is awaited; their messages are still delivered.
    Closing,
    /// Nothing more is to be said: what waits goes out, then the sending direction ends.
    Ending,
    /// The sending direction has ended; what arrives is thrown away until their end of file.
    Lingering,
    /// The socket can go; it waits in the grave list.
    Dead,
}

/// Facts of a connection, one bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flags(u16);

impl Flags {
    /// The transport took less than it was given: wait for `writable`.
    pub(crate) const BLOCKED: u16 = 1;
    /// It waits in the list of those with something to send.
    pub(crate) const DIRTY: u16 = 1 << 1;
    /// BacklogPolicy above the mark and `BacklogPolicy::StopReading`: it is not read.
    pub(crate) const PAUSED: u16 = 1 << 2;
    /// It published more than the topic has delivered: it is not read.
    pub(crate) const HELD: u16 = 1 << 3;
    /// The handler has data of it: a close event is owed.
    pub(crate) const OPENED: u16 = 1 << 4;
    /// The open event runs: nothing may be sent before its answer is known.
    pub(crate) const OPENING: u16 = 1 << 5;
    /// The peer has ended its sending direction.
    pub(crate) const EOF: u16 = 1 << 6;
    /// The backlog passed its mark and a drain event is owed.
    pub(crate) const OVER_MARK: u16 = 1 << 7;
    /// A ping of the loop's own waits for its pong.
    pub(crate) const AWAITS_PONG: u16 = 1 << 8;
    /// What waits at the front of the outbox is HTTP, not frames.
    pub(crate) const SPEAKS_HTTP: u16 = 1 << 9;
    /// The connection is encrypted: browsers call its origin `https`.
    pub(crate) const SECURE: u16 = 1 << 13;
    /// The peer's Close has arrived at a raw session, whose handler is to answer it.
    pub(crate) const PEER_CLOSED: u16 = 1 << 11;
    /// What it sends is masked.
    pub(crate) const MASKS: u16 = 1 << 12;
    /// Refused at the door: it does not count against the limit of connections.
    pub(crate) const REFUSED: u16 = 1 << 10;

    pub(crate) fn has(self, flag: u16) -> bool {
        self.0 & flag != 0
    }

    pub(crate) fn set(&mut self, flag: u16) {
        self.0 |= flag;
    }

    pub(crate) fn clear(&mut self, flag: u16) {
        self.0 &= !flag;
    }
}

/// A session's key in a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Membership {
    pub(crate) topic: u32,
    pub(crate) index: u32,
}

/// The topics of a session: nearly always none or one.
#[derive(Debug, Default)]
pub(crate) enum Memberships {
    #[default]
    None,
    One(Membership),
    // Boxed twice on purpose: eight bytes in the slot of every session that has at most one topic.
    #[allow(clippy::box_collection)]
    Many(Box<Vec<Membership>>),
}

impl Memberships {
    pub(crate) fn as_slice(&self) -> &[Membership] {
        match self {
            Self::None => &[],
            Self::One(membership) => std::slice::from_ref(membership),
            Self::Many(memberships) => memberships,
        }
    }

    pub(crate) fn as_mut_slice(&mut self) -> &mut [Membership] {
        match self {
            Self::None => &mut [],
            Self::One(membership) => std::slice::from_mut(membership),
            Self::Many(memberships) => memberships,
        }
    }

    pub(crate) fn find(&self, topic: u32) -> Option<Membership> {
        self.as_slice()
            .iter()
            .find(|membership| membership.topic == topic)
            .copied()
    }

    pub(crate) fn push(&mut self, membership: Membership) {
        match self {
            Self::None => *self = Self::One(membership),
            Self::One(first) => *self = Self::Many(Box::new(vec![*first, membership])),
            Self::Many(memberships) => memberships.push(membership),
        }
    }

    pub(crate) fn remove(&mut self, topic: u32) {
        match self {
            Self::None => {}
            Self::One(membership) if membership.topic == topic => *self = Self::None,
            Self::One(_) => {}
            Self::Many(memberships) => memberships.retain(|membership| membership.topic != topic),
        }
    }
}

/// A peer in 16 bytes.
#[derive(Debug)]
enum PackedPeer {
    Unix,
    V4([u8; 4], u16),
    V6(Box<SocketAddrV6>),
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) generation: u32,
    /// The number of the last ping of the loop's own.
    pub(crate) ping: u32,
    pub(crate) data: DataKey,
    pub(crate) route: u16,
    /// The listener that it came in by.
    pub(crate) listener: u16,
    pub(crate) flags: Flags,
    /// When something arrived last.
    pub(crate) last_seen: ShortTick,
    /// When the last ping of the loop's own went out.
    pub(crate) pinged: ShortTick,
    pub(crate) state: State,
    peer: PackedPeer,
    pub(crate) receiver: Receiver,
    pub(crate) memberships: Memberships,
    pub(crate) cold: Option<Box<ColdState>>,
}

/// What few connections have at a time.
#[derive(Debug, Default)]
pub(crate) struct ColdState {
    pub(crate) outbox: Outbox,
    /// A pong that waits for the backlog to drain; only the newest is kept.
    pub(crate) pong: Option<Vec<u8>>,
    pub(crate) exchange: Option<Box<Exchange>>,
    /// Bytes that were read together with the message at which reading stopped.
    pub(crate) unread: Unread,
    pub(crate) handshake: Option<Box<PendingHandshake>>,
    /// Why a call came to nothing.
    pub(crate) failure: Option<Error>,
    pub(crate) transform: Option<Box<dyn Transform>>,
    /// The number of the extension that the transformation belongs to.
    pub(crate) extension_id: u16,
    /// What the ledger says that the transformation holds back of the peer's bytes.
    pub(crate) transform_held: usize,
    /// The response's `Sec-WebSocket-Extensions`.
    pub(crate) extensions: Option<Box<str>>,
    pub(crate) protocol: Option<Box<str>>,
    pub(crate) close: Option<CloseReason>,
    /// Since when the backlog is above its mark.
    pub(crate) over_since: Option<Tick>,
    /// Messages dropped since the last drain event.
    pub(crate) dropped: u64,
    /// Bytes thrown away while lingering.
    pub(crate) discarded: usize,
    /// Bytes that went out since progress was looked at last.
    pub(crate) progress: usize,
}

/// Bytes that were read and not worked on yet. They are not moved at every stop: only the place
/// where to go on is.
#[derive(Debug, Default)]
pub(crate) struct Unread {
    pub(crate) bytes: Vec<u8>,
    pub(crate) at: usize,
}

impl Unread {
    pub(crate) fn is_empty(&self) -> bool {
        self.at == self.bytes.len()
    }

    /// Keeps what is left of bytes that lie elsewhere.
    pub(crate) fn of(rest: &[u8]) -> Self {
        Self {
            bytes: rest.to_vec(),
            at: 0,
        }
    }

    /// Adds what came behind it. What was worked on goes when it is the larger part, so that every
    /// byte is moved once at most, however small the steps are.
    pub(crate) fn append(&mut self, bytes: &[u8]) {
        if self.at > self.bytes.len() / 2 {
            self.bytes.drain(..self.at);
            self.at = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// What is to be worked on.
    pub(crate) fn rest(&mut self) -> &mut [u8] {
        &mut self.bytes[self.at..]
    }

    /// So many bytes at the end are left.
    pub(crate) fn leave(&mut self, left: usize) {
        self.at = self.bytes.len() - left;
    }

    pub(crate) fn held(&self) -> Held {
        Held::new(self.bytes.len() - self.at, self.bytes.capacity())
    }
}

impl ColdState {
    fn is_needed(&self) -> bool {
        !self.outbox.is_empty()
            || self.pong.is_some()
            || self.exchange.is_some()
            || !self.unread.is_empty()
            || self.handshake.is_some()
            || self.failure.is_some()
            || self.transform.is_some()
            || self.extensions.is_some()
            || self.protocol.is_some()
            || self.close.is_some()
            || self.over_since.is_some()
            || self.dropped > 0
            || self.discarded > 0
    }
}

/// What waits for a peer.
pub(crate) fn outbox_held(outbox: &Outbox) -> Held {
    Held::new(outbox.len(), outbox.held())
}

/// What of a peer's messages is there.
pub(crate) fn receiver_held(receiver: &Receiver) -> Held {
    Held::new(receiver.buffered(), receiver.buffered())
}

impl Slot {
    pub(crate) fn new(generation: u32, peer: Peer, now: ShortTick) -> Self {
        let peer = match peer {
            Peer::Unix => PackedPeer::Unix,
            Peer::Tcp(SocketAddr::V4(v4)) => PackedPeer::V4(v4.ip().octets(), v4.port()),
            Peer::Tcp(SocketAddr::V6(v6)) => PackedPeer::V6(Box::new(v6)),
        };
        Self {
            generation,
            ping: 0,
            data: 0,
            route: 0,
            listener: 0,
            flags: Flags::default(),
            last_seen: now,
            pinged: 0,
            state: State::Head,
            peer,
            receiver: Receiver::default(),
            memberships: Memberships::None,
            cold: None,
        }
    }

    pub(crate) fn id(&self, key: u32) -> SessionId {
        SessionId {
            index: key,
            generation: self.generation,
        }
    }

    pub(crate) fn peer(&self) -> Peer {
        match &self.peer {
            PackedPeer::Unix => Peer::Unix,
            PackedPeer::V4(ip, port) => {
                Peer::Tcp(SocketAddrV4::new(Ipv4Addr::from(*ip), *port).into())
            }
            PackedPeer::V6(v6) => Peer::Tcp((**v6).into()),
        }
    }

    /// The cold part, made when it is not there.
    pub(crate) fn cold(&mut self) -> &mut ColdState {
        self.cold.get_or_insert_default()
    }

    /// Lets the cold part go when nothing in it is needed.
    pub(crate) fn tidy(&mut self) {
        if self.cold.as_ref().is_some_and(|cold| !cold.is_needed()) {
            self.cold = None;
        }
    }

    /// A session without any peculiarity: what is said in its own turn goes out plain, behind what
    /// is gathered. Asked at every message, so it looks at this slot alone.
    #[inline]
    pub(crate) fn is_plain(&self) -> bool {
        self.state == State::Open
            && self.cold.is_none()
            && matches!(self.memberships, Memberships::None)
            && self.flags.0 & (Flags::OPENING | Flags::MASKS) == 0
    }

    /// Bytes that wait for the peer.
    pub(crate) fn backlog(&self) -> usize {
        self.cold.as_ref().map_or(0, |cold| cold.outbox.len())
    }

    /// What is kept for this connection: its backlog, and what of its messages and requests is there.
    #[inline]
    pub(crate) fn held(&self) -> Held {
        let receiver = receiver_held(&self.receiver);
        let Some(cold) = &self.cold else {
            return receiver;
        };
        let exchange = cold.exchange.as_ref();
        let exchange = exchange.map_or_else(Held::default, |exchange| exchange.held());
        let transform = Held::new(cold.transform_held, cold.transform_held);
        receiver + outbox_held(&cold.outbox) + cold.unread.held() + exchange + transform
    }

    /// Whether nothing is taken from the peer for now.
    pub(crate) fn is_stopped(&self) -> bool {
        self.flags.has(Flags::PAUSED) || self.flags.has(Flags::HELD)
    }

    /// Whether messages wait that were read before reading stopped.
    pub(crate) fn has_unread(&self) -> bool {
        self.cold
            .as_ref()
            .is_some_and(|cold| !cold.unread.is_empty())
    }

    /// Whether something is kept that can be worked on without another read.
    pub(crate) fn has_pending(&self) -> bool {
        match self.state {
            State::Head => self
                .cold
                .as_ref()
                .and_then(|cold| cold.exchange.as_ref())
                .is_some_and(|exchange| exchange.has_more()),
            State::Open | State::Closing => self.has_unread(),
            _ => false,
        }
    }

    /// Whether messages of the peer are still for the handler.
    pub(crate) fn is_live(&self) -> bool {
        matches!(self.state, State::Open | State::Closing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resting_connection_is_small() {
        // 128 bytes per idle connection is the promise of the whole server; the kernel's handle, the
        // deadline and the route's slab take some 30 of them.
        assert!(size_of::<Slot>() <= 80, "{} bytes", size_of::<Slot>());
    }

    #[test]
    fn seats_keep_any_number_of_topics() {
        let mut memberships = Memberships::default();
        for topic in 0..3 {
            memberships.push(Membership {
                topic,
                index: 10 + topic,
            });
        }
        memberships.remove(1);
        assert_eq!(memberships.find(1), None);
        assert_eq!(
            memberships.find(2),
            Some(Membership {
                topic: 2,
                index: 12
            })
        );
        assert_eq!(memberships.as_slice().len(), 2);
    }
}
