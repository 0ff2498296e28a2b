//! One connection as the hub keeps it: small, because most of them rest.
//!
//! What a resting session does not need (backlog, agreed extension, close reason) lies in a
//! [`ColdState`] that exists only when one of these does.

use super::cold::ColdState;
use super::exchange::Exchange;
use super::flags::Flags;
use super::handshake::PendingHandshake;
use super::memberships::Memberships;
use super::origin::Origin;
use super::phase::{Phase, State};
use super::unread::Unread;
use crate::app::data::DataKey;
use crate::app::{Peer, SessionId};
use crate::hub::ledger::Held;
use crate::hub::time::ticks::ShortTick;
use crate::wire::outbox::{Framing, Outbox};
use crate::wire::receive::Receiver;
use core::net::{Ipv4Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

/// The listener of a connection that this side makes.
const NO_LISTENER: u16 = u16::MAX;

/// A peer in 16 bytes.
#[derive(Debug)]
enum PackedPeer {
    Unix,
    V4([u8; 4], u16),
    V6(Box<SocketAddrV6>),
    /// Whom a trusted proxy speaks for, and the proxy.
    Behind(Box<[Peer; 2]>),
}

impl From<Peer> for PackedPeer {
    fn from(peer: Peer) -> Self {
        match peer {
            Peer::Unix => Self::Unix,
            Peer::Tcp(SocketAddr::V4(v4)) => Self::V4(v4.ip().octets(), v4.port()),
            Peer::Tcp(SocketAddr::V6(v6)) => Self::V6(Box::new(v6)),
        }
    }
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) generation: u32,
    /// The number of the last ping of the loop's own; of an event stream, how many bytes its peer has
    /// sent behind its request.
    pub(crate) ping: u32,
    pub(crate) data: DataKey,
    pub(crate) route: u16,
    /// The listener that it came in by.
    pub(crate) listener: u16,
    pub(crate) flags: Flags,
    /// Which of its route's subprotocols was agreed on, counted from 1; 0: none, or one that its cold
    /// part has.
    pub(crate) protocol: u8,
    pub(crate) origin: Origin,
    /// When something arrived last.
    pub(crate) last_seen: ShortTick,
    /// When the last ping of the loop's own went out; of an event stream, when anything did.
    pub(crate) pinged: ShortTick,
    pub(crate) phase: Phase,
    peer: PackedPeer,
    pub(crate) memberships: Memberships,
    pub(crate) cold: Option<Box<ColdState>>,
}

/// What waits for a peer.
pub(crate) fn outbox_held(outbox: &Outbox) -> Held {
    Held::new(outbox.len(), outbox.held())
}

/// What of a peer's messages is there.
pub(crate) fn receiver_held(receiver: &Receiver) -> Held {
    Held::new(receiver.held(), receiver.held())
}

impl Slot {
    pub(crate) fn new(generation: u32, peer: Peer, now: ShortTick) -> Self {
        Self {
            generation,
            ping: 0,
            data: 0,
            route: 0,
            listener: NO_LISTENER,
            flags: Flags::default(),
            protocol: 0,
            last_seen: now,
            pinged: 0,
            phase: Phase::Head(None),
            peer: peer.into(),
            origin: Origin::default(),
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
            PackedPeer::Behind(both) => both[0],
        }
    }

    /// Who made the connection: the peer, or the proxy that speaks for it.
    pub(crate) fn via(&self) -> Peer {
        match &self.peer {
            PackedPeer::Behind(both) => both[1],
            _ => self.peer(),
        }
    }

    /// The peer is this one, whoever made the connection.
    pub(crate) fn set_peer(&mut self, peer: Peer) {
        let via = self.via();
        self.peer = if peer == via {
            via.into()
        } else {
            PackedPeer::Behind(Box::new([peer, via]))
        };
    }

    /// This is who made the connection: what its PROXY header says.
    pub(crate) fn came_from(&mut self, peer: Peer) {
        self.peer = peer.into();
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

    /// A session without any peculiarity: what is said in its own turn goes out as it is, masked at most,
    /// behind what is gathered. Asked at every message, so it looks at this slot alone.
    #[inline]
    pub(crate) fn is_ordinary(&self) -> bool {
        matches!(self.phase, Phase::Open(_))
            && self.cold.is_none()
            && matches!(self.memberships, Memberships::None)
            && !self.flags.has(Flags::OPENING | Flags::EVENTS)
    }

    /// Whether it is an event stream.
    #[inline]
    pub(crate) fn is_event_stream(&self) -> bool {
        self.flags.has(Flags::EVENTS)
    }

    /// What waits in its outbox.
    pub(crate) fn framing(&self) -> Framing {
        if self.is_event_stream() {
            Framing::Events
        } else {
            Framing::Frames
        }
    }

    /// Since when nothing has shown that its peer lives: nothing arrived, or of an event stream, nothing
    /// was sent.
    pub(crate) fn quiet_since(&self) -> ShortTick {
        if self.is_event_stream() {
            self.pinged
        } else {
            self.last_seen
        }
    }

    /// Its peer took something: of an event stream that is the one sign that it lives.
    pub(crate) fn peer_took(&mut self, now: ShortTick) {
        if self.is_event_stream() {
            self.pinged = now;
            self.flags.clear(Flags::AWAITS_PONG);
        }
    }

    /// Bytes that wait for the peer.
    pub(crate) fn backlog(&self) -> usize {
        self.cold.as_ref().map_or(0, |cold| cold.outbox.len())
    }

    /// What is kept for this connection: its backlog, and what of its messages and requests is there.
    #[inline]
    pub(crate) fn held(&self) -> Held {
        let phase = match &self.phase {
            Phase::Open(receiver) | Phase::Closing(receiver) => receiver_held(receiver),
            Phase::Head(Some(exchange)) => exchange.held(),
            Phase::Waiting(waiting) => waiting.held(),
            Phase::Streaming(streaming) => streaming.exchange.held(),
            Phase::Dialling(Some(handshake)) => {
                let held = handshake.asked.as_ref().map_or(0, |asked| asked.held());
                Held::new(held, held)
            }
            _ => Held::default(),
        };
        let Some(cold) = &self.cold else {
            return phase;
        };
        let transform = Held::new(cold.transform_held, cold.transform_held);
        phase + outbox_held(&cold.outbox) + cold.unread.held() + transform
    }

    /// Whether nothing is taken from the peer for now.
    pub(crate) fn is_stopped(&self) -> bool {
        self.flags.has(Flags::UNREAD)
    }

    /// Whether messages wait that were read before reading stopped.
    pub(crate) fn has_unread(&self) -> bool {
        self.cold
            .as_ref()
            .is_some_and(|cold| !cold.unread.is_empty())
    }

    /// Whether something is kept that can be worked on without another read.
    pub(crate) fn has_pending(&self) -> bool {
        match &self.phase {
            Phase::Head(exchange) => exchange
                .as_ref()
                .is_some_and(|exchange| exchange.has_more()),
            Phase::Open(receiver) | Phase::Closing(receiver) => {
                self.has_unread() || receiver.is_paused()
            }
            Phase::Link(linked) => linked.has_more,
            _ => false,
        }
    }

    /// Which phase it is in.
    #[inline]
    pub(crate) fn state(&self) -> State {
        self.phase.state()
    }

    /// What it has received, while that is for the handler.
    pub(crate) fn receiver(&mut self) -> Option<&mut Receiver> {
        match &mut self.phase {
            Phase::Open(receiver) | Phase::Closing(receiver) => Some(receiver),
            _ => None,
        }
    }

    /// What of its next request has arrived, taken out.
    pub(crate) fn take_exchange(&mut self) -> Option<Box<Exchange>> {
        match &mut self.phase {
            Phase::Head(exchange) => exchange.take(),
            _ => None,
        }
    }

    /// The handshake of a call, while it has no session.
    pub(crate) fn handshake(&mut self) -> Option<&mut Option<Box<PendingHandshake>>> {
        match &mut self.phase {
            Phase::Dialling(handshake) => Some(handshake),
            _ => None,
        }
    }

    /// Forgets what was received and the handler has not got. Nothing more is read from this
    /// connection, nor encoded for it. The receiver, if something is in it.
    pub(crate) fn forget_received(&mut self) -> Option<Receiver> {
        let mut forgotten = None;
        match &mut self.phase {
            Phase::Open(receiver) | Phase::Closing(receiver) => {
                forgotten = Some(std::mem::take(receiver));
            }
            Phase::Head(exchange) => *exchange = None,
            _ => {}
        }
        if let Some(cold) = &mut self.cold {
            cold.unread = Unread::default();
            cold.transform_held = 0;
            cold.transform = None;
        }
        forgotten.filter(|receiver| !receiver.is_at_rest())
    }

    /// Our Close is sent; what was received stays.
    pub(crate) fn begin_closing(&mut self) {
        if let Phase::Open(receiver) = &mut self.phase {
            self.phase = Phase::Closing(std::mem::take(receiver));
        }
    }

    /// Whether messages of the peer are still for the handler.
    pub(crate) fn is_live(&self) -> bool {
        matches!(self.phase, Phase::Open(_) | Phase::Closing(_))
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
}
