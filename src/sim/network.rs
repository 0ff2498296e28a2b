//! The virtual network: two pipes a connection, and everything that can go wrong with them.
//!
//! It is the hub's [`Transport`]. It knows bytes only; what they mean is the
//! client's affair. Nothing is ever lost or reordered here except by a reset.

use super::client::Client;
use crate::app::{Peer, SessionId};
use crate::hub::{Lost, Transport};
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
    /// The turn in which it became ready to be read, while it is on that list.
    pub(super) ready_since: Option<u64>,
    /// It waits in [`Network::writable`].
    pub(super) is_unblocking: bool,
    /// It waits in [`Network::arrived`].
    has_arrived: bool,
    pub(super) client: Client,
}

/// All connections.
pub(super) struct Network {
    pub(super) lines: Vec<LineState>,
    /// The line behind each key of the hub.
    pub(super) keys: Vec<Option<usize>>,
    pub(super) live: usize,
    /// Lines that the server has not accepted.
    pub(super) dialled: VecDeque<usize>,
    /// Lines that the server asked for and the test has not taken.
    pub(super) calls: VecDeque<usize>,
    /// Lines that the driver looks at in the next turn.
    pub(super) ready: VecDeque<usize>,
    /// Lines whose peer takes bytes again.
    pub(super) writable: VecDeque<usize>,
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
            dialled: VecDeque::new(),
            calls: VecDeque::new(),
            ready: VecDeque::new(),
            writable: VecDeque::new(),
            arrived: VecDeque::new(),
            random: StdRng::seed_from_u64(seed),
            is_shaky: false,
            capacity: CAPACITY,
            turn: 0,
        }
    }

    /// A connection that waits to be accepted.
    pub(super) fn dial(&mut self, peer: Peer) -> usize {
        let line = self.add(peer);
        self.dialled.push_back(line);
        line
    }

    /// A connection that the server asked for.
    pub(super) fn call(&mut self, peer: Peer) -> usize {
        let line = self.add(peer);
        self.calls.push_back(line);
        line
    }

    fn add(&mut self, peer: Peer) -> usize {
        let line = self.lines.len();
        self.lines.push(LineState {
            id: None,
            peer,
            up: VecDeque::new(),
            upstream: Upstream::Open,
            per_turn: usize::MAX,
            down: Vec::new(),
            capacity: self.capacity,
            end: None,
            is_blocked: false,
            is_stalled: false,
            ready_since: None,
            is_unblocking: false,
            has_arrived: false,
            client: Client::new(self.random.random()),
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
        self.mark_ready(line);
    }

    /// The driver shall look at this line.
    pub(super) fn mark_ready(&mut self, line: usize) {
        let state = &mut self.lines[line];
        if state.id.is_some() && state.ready_since.is_none() {
            state.ready_since = Some(self.turn);
            self.ready.push_back(line);
        }
    }

    /// In a shaky network lines are looked at in any order.
    pub(super) fn shuffle_ready(&mut self) {
        for index in 1..self.ready.len() {
            if !self.is_shaky {
                return;
            }
            let other = self.random.random_range(0..=index);
            self.ready.swap(index, other);
        }
    }

    /// The next line to look at.
    pub(super) fn next_ready(&mut self) -> Option<usize> {
        let line = self.ready.pop_front()?;
        self.lines[line].ready_since = None;
        Some(line)
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
            self.mark_ready(line);
        }
    }

    /// How many bytes the next read of this line gives.
    pub(super) fn cut(&mut self, line: usize, most: usize) -> usize {
        let state = &self.lines[line];
        let most = most.min(state.up.len()).min(state.per_turn);
        if self.is_shaky && most > 1 && self.random.random_ratio(1, 3) {
            return self.random.random_range(1..=most);
        }
        most
    }

    /// Lets every peer that reads take what arrived.
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
            let hangs_up = state.end.is_some() && state.client.is_automatic;
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
    fn unblock(&mut self, line: usize) {
        let state = &mut self.lines[line];
        if state.is_blocked && !std::mem::replace(&mut state.is_unblocking, true) {
            self.writable.push_back(line);
        }
    }

    /// The peer ends its sending direction.
    pub(super) fn half_close(&mut self, line: usize) {
        if self.lines[line].upstream == Upstream::Open {
            self.lines[line].upstream = Upstream::Finished;
            self.mark_ready(line);
        }
    }

    /// The peer is gone: nothing under way arrives.
    pub(super) fn reset(&mut self, line: usize) {
        let state = &mut self.lines[line];
        state.upstream = Upstream::Reset;
        state.up.clear();
        state.down.clear();
        state.end = Some(End::Reset);
        self.mark_ready(line);
    }

    fn line_of(&mut self, key: u32) -> usize {
        let line = self.keys.get(key as usize).copied().flatten();
        line.unwrap_or_else(|| panic!("the hub used key {key}, which has no connection"))
    }
}

impl Transport for Network {
    fn send(&mut self, key: u32, bytes: &[u8]) -> Result<usize, Lost> {
        let line = self.line_of(key);
        let state = &mut self.lines[line];
        if state.upstream == Upstream::Reset {
            return Err(Lost);
        }
        assert_eq!(
            state.end, None,
            "the hub sent behind its own end of key {key}"
        );
        let room = state.capacity.saturating_sub(state.down.len());
        let mut taken = bytes.len().min(room);
        if self.is_shaky && taken > 0 && self.random.random_ratio(1, 8) {
            taken = self.random.random_range(0..=taken);
        }
        state.down.extend_from_slice(&bytes[..taken]);
        state.is_blocked |= taken < bytes.len();
        let stopped_early = taken < bytes.len() && state.down.len() < state.capacity;
        self.mark_arrived(line);
        if stopped_early {
            self.unblock(line);
        }
        Ok(taken)
    }

    fn shutdown_write(&mut self, key: u32) {
        let line = self.line_of(key);
        self.lines[line].end.get_or_insert(End::Finished);
        self.mark_arrived(line);
    }

    fn close(&mut self, key: u32) {
        let line = self.line_of(key);
        self.keys[key as usize] = None;
        self.live -= 1;
        let state = &mut self.lines[line];
        state.id = None;
        // A kernel answers unread bytes with a reset, which destroys what the peer has not read.
        if !state.up.is_empty() {
            state.up.clear();
            state.down.clear();
            state.end = Some(End::Reset);
        }
        state.end.get_or_insert(End::Finished);
        if state.upstream == Upstream::Open {
            state.upstream = Upstream::Told;
        }
        self.mark_arrived(line);
    }
}
