//! The virtual network: two pipes a connection, and everything that can go wrong with them.
//!
//! It implements [`Io`](crate::turn::Io) in `io.rs` and nothing else of a turn: events are told once,
//! as edges, and who is served is the turn's affair. It knows bytes only; what they mean is the
//! client's. Nothing is ever lost or reordered here except by a reset.

use super::faults::Faults;
use super::virtual_peer::VirtualPeer;
use crate::app::{Peer, SessionId};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::collections::VecDeque;

/// What fits between server and peer before a send is short, like a socket's two buffers.
pub(super) const CAPACITY: usize = 64 << 10;

/// How a connection ended, as its peer sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The server ended its sending direction behind everything it sent.
    Finished,
    /// The server dropped the connection while bytes of the peer were unread or never
    /// accepted it, or the peer cut it: what was under way is gone.
    Reset,
}

/// What the peer's end of its sending direction is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Upstream {
    Open,
    /// An end of file behind the last byte.
    Finished,
    /// The same, and the server knows.
    Told,
    Reset,
}

/// One virtual connection.
pub(super) struct LineState {
    /// The server's name for it, while it has one.
    pub(super) id: Option<SessionId>,
    pub(super) peer: Peer,
    /// Who the peer is, as its proxy says before all else; what is read first tells it.
    pub(super) told_later: Option<Peer>,
    /// The server has read a byte.
    pub(super) was_read: bool,
    /// Bytes to the server that it has not read.
    pub(super) up: VecDeque<u8>,
    pub(super) upstream: Upstream,
    /// At most this many bytes arrive in one turn.
    pub(super) per_turn: usize,
    /// Bytes from the server that the peer has not read.
    pub(super) down: Vec<u8>,
    pub(super) capacity: usize,
    /// How the server's side ended, once it did.
    pub(super) end: Option<End>,
    /// The server was told that the peer takes no more, and not yet that it does again.
    pub(super) is_blocked: bool,
    pub(super) is_stalled: bool,
    /// What the next poll tells of it.
    pub(super) edge: Edge,
    /// Events of it are told.
    pub(super) is_watched: bool,
    /// How many of its bytes arrived in the turn that is under way.
    pub(super) arrived_in: (u64, usize),
    /// The turn in which the server did something for it last, or it began to wait.
    pub(super) served_in: u64,
    /// The most connections that waited together with it since.
    pub(super) crowd: u64,
    /// Nothing of what the system does wrong happens to it.
    pub(super) is_spared: bool,
    /// For one that the server asked for: it is made.
    pub(super) is_connected: bool,
    /// It waits in [`Network::arrived`].
    has_arrived: bool,
    pub(super) client: VirtualPeer,
}

/// What the poll tells of a connection, once.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Edge {
    pub(super) readable: bool,
    pub(super) writable: bool,
    pub(super) ended: bool,
}

impl Edge {
    pub(super) fn is_none(self) -> bool {
        !(self.readable || self.writable || self.ended)
    }
}

/// All connections.
pub(super) struct Network {
    pub(super) lines: Vec<LineState>,
    /// The line behind each key of the hub.
    pub(super) keys: Vec<Option<usize>>,
    pub(super) live: usize,
    /// Lines that the server has not accepted.
    pub(super) incoming: VecDeque<usize>,
    /// Lines that the server asked for and the test has not taken.
    pub(super) calls: VecDeque<usize>,
    /// Lines with an edge that the next poll tells.
    pub(super) edges: VecDeque<usize>,
    /// Lines of which more arrives in the next turn.
    pub(super) trickling: Vec<usize>,
    /// Somebody came since the last poll.
    pub(super) has_incoming: bool,
    /// The line that was accepted last and has no key yet.
    pub(super) offered: Option<usize>,
    /// Calls of the program reach nobody.
    pub(super) is_unreachable: bool,
    /// A filter of the system forbids every accept, and takes nothing off the queue.
    pub(super) forbids_accept: bool,
    /// For how many connections the system has descriptors.
    pub(super) descriptors: usize,
    pub(super) ms: u64,
    /// What the wall clock is off by, in seconds.
    pub(super) unix_offset: i64,
    /// What the system does wrong.
    pub(super) faults: Faults,
    /// Edges that were withheld, by the turn in which they are told.
    pub(super) late: Vec<(u64, usize, Edge)>,
    /// The turn in which the poll tells that somebody waits to be accepted.
    pub(super) late_incoming: Option<u64>,
    /// The keys that were let go last.
    pub(super) old_keys: VecDeque<u32>,
    /// How long the last poll would have waited.
    pub(super) wait: Option<std::time::Duration>,
    /// Lines whose peer has something to look at.
    pub(super) arrived: VecDeque<usize>,
    pub(super) random: StdRng,
    /// Sends are taken in part and reads cut anywhere.
    pub(super) is_shaky: bool,
    pub(super) capacity: usize,
    pub(super) turn: u64,
}

impl Network {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            lines: Vec::new(),
            keys: Vec::new(),
            live: 0,
            incoming: VecDeque::new(),
            calls: VecDeque::new(),
            edges: VecDeque::new(),
            trickling: Vec::new(),
            has_incoming: false,
            offered: None,
            is_unreachable: false,
            forbids_accept: false,
            descriptors: usize::MAX,
            ms: 0,
            unix_offset: 0,
            faults: Faults::none(),
            late: Vec::new(),
            late_incoming: None,
            old_keys: VecDeque::new(),
            wait: None,
            arrived: VecDeque::new(),
            random: StdRng::seed_from_u64(seed),
            is_shaky: false,
            capacity: CAPACITY,
            turn: 0,
        }
    }

    /// A connection that waits to be accepted.
    pub(super) fn add_incoming(&mut self, peer: Peer) -> usize {
        let line = self.add(peer);
        self.incoming.push_back(line);
        self.has_incoming = true;
        line
    }

    /// A connection that the server asked for. One that reaches nobody is broken from the start.
    pub(super) fn call(&mut self, peer: Peer) -> usize {
        let line = self.add(peer);
        if self.is_unreachable {
            self.lines[line].upstream = Upstream::Reset;
        } else {
            self.calls.push_back(line);
        }
        line
    }

    fn add(&mut self, peer: Peer) -> usize {
        let line = self.lines.len();
        self.lines.push(LineState {
            id: None,
            peer,
            told_later: None,
            was_read: false,
            up: VecDeque::new(),
            upstream: Upstream::Open,
            per_turn: usize::MAX,
            down: Vec::new(),
            capacity: self.capacity,
            end: None,
            is_blocked: false,
            is_stalled: false,
            edge: Edge::default(),
            is_watched: false,
            arrived_in: (0, 0),
            served_in: 0,
            crowd: 0,
            is_spared: false,
            is_connected: false,
            has_arrived: false,
            client: VirtualPeer::new(self.random.random()),
        });
        line
    }

    /// The server took the connection, or did not.
    pub(super) fn accepted(&mut self, line: usize, id: Option<SessionId>) {
        let Some(id) = id else {
            self.lines[line].end = Some(End::Reset);
            self.mark_arrived(line);
            return;
        };
        let key = id.index as usize;
        if key >= self.keys.len() {
            self.keys.resize(key + 1, None);
        }
        assert_eq!(
            self.keys[key], None,
            "the hub gave key {key} to two connections"
        );
        self.keys[key] = Some(line);
        self.lines[line].id = Some(id);
        self.live += 1;
    }

    /// The next poll tells this of a line. An edge for what nobody watches is lost.
    pub(super) fn tell(&mut self, line: usize, what: impl FnOnce(&mut Edge)) {
        let state = &mut self.lines[line];
        if !state.is_watched || state.id.is_none() {
            return;
        }
        let was_none = state.edge.is_none();
        what(&mut state.edge);
        if was_none {
            self.edges.push_back(line);
        }
    }

    /// In a shaky network the poll tells of lines in any order.
    pub(super) fn shuffle_edges(&mut self) {
        for index in 1..self.edges.len() {
            if !self.is_shaky {
                return;
            }
            let other = self.random.random_range(0..=index);
            self.edges.swap(index, other);
        }
    }

    /// The peer shall look at this line.
    pub(super) fn mark_arrived(&mut self, line: usize) {
        if !std::mem::replace(&mut self.lines[line].has_arrived, true) {
            self.arrived.push_back(line);
        }
    }

    /// Bytes from the peer.
    pub(super) fn push_up(&mut self, line: usize, bytes: &[u8]) {
        let state = &mut self.lines[line];
        if state.upstream == Upstream::Open {
            state.up.extend(bytes);
            self.tell(line, |edge| edge.readable = true);
        }
    }

    /// Lets every peer that reads take what arrived.
    #[track_caller]
    pub(super) fn run_peers(&mut self) {
        for _ in 0..self.arrived.len() {
            let Some(line) = self.arrived.pop_front() else {
                return;
            };
            let state = &mut self.lines[line];
            state.has_arrived = false;
            if state.is_stalled || state.upstream == Upstream::Reset {
                continue;
            }
            let bytes = std::mem::take(&mut state.down);
            // A pipe that is nothing wide has no room however often it is emptied.
            let has_room = state.capacity > 0;
            let reply = state.client.take(&bytes);
            let is_done = state.end.is_some() || state.client.is_done();
            let hangs_up = is_done && state.client.is_automatic;
            if has_room {
                self.unblock(line);
            }
            if !reply.is_empty() {
                self.push_up(line, &reply);
            }
            if hangs_up {
                self.half_close(line);
            }
        }
    }

    /// Room appeared: the server hears of it in the next turn.
    pub(super) fn unblock(&mut self, line: usize) {
        if self.lines[line].is_blocked {
            self.tell(line, |edge| edge.writable = true);
        }
    }

    /// The peer ends its sending direction.
    pub(super) fn half_close(&mut self, line: usize) {
        if self.lines[line].upstream == Upstream::Open {
            self.lines[line].upstream = Upstream::Finished;
            self.tell(line, |edge| edge.ended = true);
        }
    }

    /// The peer is gone: nothing under way arrives.
    pub(super) fn reset(&mut self, line: usize) {
        let state = &mut self.lines[line];
        state.upstream = Upstream::Reset;
        state.up.clear();
        state.down.clear();
        state.end = Some(End::Reset);
        self.tell(line, |edge| edge.ended = true);
    }

    pub(super) fn line_of(&mut self, key: u32) -> usize {
        let line = self.keys.get(key as usize).copied().flatten();
        line.unwrap_or_else(|| panic!("the hub used key {key}, which has no connection"))
    }
}
