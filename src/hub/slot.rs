//! One connection as the hub keeps it: small, because most of them rest.
//!
//! What a resting session does not need (backlog, request being read, agreed
//! extension, close reason) lies in a [`ColdState`] that exists only when one of
//! these does.

use super::dial::PendingHandshake;
use super::http::Exchange;
use super::ticks::{ShortTick, Tick};
use crate::app::route::DataKey;
use crate::app::{Peer, SessionId};
use crate::wire::close::CloseReason;
use crate::wire::error::Error;
use crate::wire::extension::Transform;
use crate::wire::outbox::Outbox;
use crate::wire::receive::Receiver;
use core::net::{Ipv4Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

/// Where a connection stands. Transitions lie in `closing.rs`, but for Head to Open in `upgrade.rs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
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
pub(super) struct Flags(u16);

impl Flags {
    /// The transport took less than it was given: wait for `writable`.
    pub(super) const BLOCKED: u16 = 1;
    /// It waits in the list of those with something to send.
    pub(super) const DIRTY: u16 = 1 << 1;
    /// BacklogPolicy above the mark and `BacklogPolicy::StopReading`: it is not read.
    pub(super) const PAUSED: u16 = 1 << 2;
    /// It published more than the topic has delivered: it is not read.
    pub(super) const HELD: u16 = 1 << 3;
    /// The handler has data of it: a close event is owed.
    pub(super) const OPENED: u16 = 1 << 4;
    /// The open event runs: nothing may be sent before its answer is known.
    pub(super) const OPENING: u16 = 1 << 5;
    /// The peer has ended its sending direction.
    pub(super) const EOF: u16 = 1 << 6;
    /// The backlog passed its mark and a drain event is owed.
    pub(super) const OVER_MARK: u16 = 1 << 7;
    /// A ping of the loop's own waits for its pong.
    pub(super) const AWAITS_PONG: u16 = 1 << 8;
    /// What waits at the front of the outbox is HTTP, not frames.
    pub(super) const SPEAKS_HTTP: u16 = 1 << 9;
    /// The peer's Close has arrived at a raw session, whose handler is to answer it.
    pub(super) const PEER_CLOSED: u16 = 1 << 11;
    /// What it sends is masked.
    pub(super) const MASKS: u16 = 1 << 12;
    /// Refused at the door: it does not count against the limit of connections.
    pub(super) const REFUSED: u16 = 1 << 10;

    pub(super) fn has(self, flag: u16) -> bool {
        self.0 & flag != 0
    }

    pub(super) fn set(&mut self, flag: u16) {
        self.0 |= flag;
    }

    pub(super) fn clear(&mut self, flag: u16) {
        self.0 &= !flag;
    }
}

/// A session's key in a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Membership {
    pub(super) topic: u32,
    pub(super) index: u32,
}

/// The topics of a session: nearly always none or one.
#[derive(Debug, Default)]
pub(super) enum Memberships {
    #[default]
    None,
    One(Membership),
    // Boxed twice on purpose: eight bytes in the slot of every session that has at most one topic.
    #[allow(clippy::box_collection)]
    Many(Box<Vec<Membership>>),
}

impl Memberships {
    pub(super) fn as_slice(&self) -> &[Membership] {
        match self {
            Self::None => &[],
            Self::One(membership) => std::slice::from_ref(membership),
            Self::Many(memberships) => memberships,
        }
    }

    pub(super) fn as_mut_slice(&mut self) -> &mut [Membership] {
        match self {
            Self::None => &mut [],
            Self::One(membership) => std::slice::from_mut(membership),
            Self::Many(memberships) => memberships,
        }
    }

    pub(super) fn find(&self, topic: u32) -> Option<Membership> {
        self.as_slice()
            .iter()
            .find(|membership| membership.topic == topic)
            .copied()
    }

    pub(super) fn push(&mut self, membership: Membership) {
        match self {
            Self::None => *self = Self::One(membership),
            Self::One(first) => *self = Self::Many(Box::new(vec![*first, membership])),
            Self::Many(memberships) => memberships.push(membership),
        }
    }

    pub(super) fn remove(&mut self, topic: u32) {
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
pub(super) struct Slot {
    pub(super) generation: u32,
    /// The number of the last ping of the loop's own.
    pub(super) ping: u32,
    pub(super) data: DataKey,
    pub(super) route: u16,
    pub(super) flags: Flags,
    /// When something arrived last.
    pub(super) last_seen: ShortTick,
    /// When the last ping of the loop's own went out.
    pub(super) pinged: ShortTick,
    pub(super) state: State,
    peer: PackedPeer,
    pub(super) receiver: Receiver,
    pub(super) memberships: Memberships,
    pub(super) cold: Option<Box<ColdState>>,
}

/// What few connections have at a time.
#[derive(Debug, Default)]
pub(super) struct ColdState {
    pub(super) outbox: Outbox,
    /// A pong that waits for the backlog to drain; only the newest is kept.
    pub(super) pong: Option<Vec<u8>>,
    pub(super) exchange: Option<Box<Exchange>>,
    /// Bytes that were read together with the message at which reading stopped.
    pub(super) unread: Vec<u8>,
    pub(super) handshake: Option<Box<PendingHandshake>>,
    /// Why a call came to nothing.
    pub(super) failure: Option<Error>,
    pub(super) transform: Option<Box<dyn Transform>>,
    /// The number of the extension that the transformation belongs to.
    pub(super) extension_id: u16,
    /// What the ledger says that the transformation holds back of the peer's bytes.
    pub(super) transform_held: usize,
    /// The response's `Sec-WebSocket-Extensions`.
    pub(super) extensions: Option<Box<str>>,
    pub(super) protocol: Option<Box<str>>,
    pub(super) close: Option<CloseReason>,
    /// Since when the backlog is above its mark.
    pub(super) over_since: Option<Tick>,
    /// Messages dropped since the last drain event.
    pub(super) dropped: u64,
    /// Bytes thrown away while lingering.
    pub(super) discarded: usize,
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

impl Slot {
    pub(super) fn new(generation: u32, peer: Peer, now: ShortTick) -> Self {
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

    pub(super) fn id(&self, key: u32) -> SessionId {
        SessionId {
            index: key,
            generation: self.generation,
        }
    }

    pub(super) fn peer(&self) -> Peer {
        match &self.peer {
            PackedPeer::Unix => Peer::Unix,
            PackedPeer::V4(ip, port) => {
                Peer::Tcp(SocketAddrV4::new(Ipv4Addr::from(*ip), *port).into())
            }
            PackedPeer::V6(v6) => Peer::Tcp((**v6).into()),
        }
    }

    /// The cold part, made when it is not there.
    pub(super) fn cold(&mut self) -> &mut ColdState {
        self.cold.get_or_insert_default()
    }

    /// Lets the cold part go when nothing in it is needed.
    pub(super) fn tidy(&mut self) {
        if self.cold.as_ref().is_some_and(|cold| !cold.is_needed()) {
            self.cold = None;
        }
    }

    /// A session without any peculiarity: what is said in its own turn goes out plain, behind what
    /// is gathered. Asked at every message, so it looks at this slot alone.
    #[inline]
    pub(super) fn is_plain(&self) -> bool {
        self.state == State::Open
            && self.cold.is_none()
            && matches!(self.memberships, Memberships::None)
            && self.flags.0 & (Flags::OPENING | Flags::MASKS) == 0
    }

    /// Bytes that wait for the peer.
    pub(super) fn backlog(&self) -> usize {
        self.cold.as_ref().map_or(0, |cold| cold.outbox.len())
    }

    /// Bytes that are kept for this connection: its backlog, and what of its messages and requests is there.
    pub(super) fn held(&self) -> usize {
        let cold = self.cold.as_ref();
        let exchange = cold.and_then(|cold| cold.exchange.as_ref());
        let unread = cold.map_or(0, |cold| cold.unread.len() + cold.transform_held);
        let exchange = exchange.map_or(0, |exchange| exchange.held());
        self.backlog() + self.receiver.held() + unread + exchange
    }

    /// Whether nothing is taken from the peer for now.
    pub(super) fn is_stopped(&self) -> bool {
        self.flags.has(Flags::PAUSED) || self.flags.has(Flags::HELD)
    }

    /// Whether messages wait that were read before reading stopped.
    pub(super) fn has_unread(&self) -> bool {
        self.cold
            .as_ref()
            .is_some_and(|cold| !cold.unread.is_empty())
    }

    /// Whether messages of the peer are still for the handler.
    pub(super) fn is_live(&self) -> bool {
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
