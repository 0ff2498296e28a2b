//! The virtual network as a turn sees it: edges, reads, sends and a clock that a test moves.
//!
//! It is as hard on the turn as a kernel is: what happens is told once, a short read is followed by
//! an edge only when more arrives, and a send that was cut is followed by one only when there is
//! room again.

use super::faults::Operation;
use super::network::{End, Network, Upstream};
use crate::app::{ConnInfo, Ends, Peer, SessionId};
use crate::hub::{Lost, Now, Transport};
use crate::turn::errno::of_transfer;
use crate::turn::{AcceptError, Event, Io, Read};
use rand::RngExt;
use std::io;
use std::time::Duration;

/// Events that one poll tells.
const EVENTS_A_TURN: usize = 16 << 10;
/// Seconds of the wall clock at the start: 2023-11-14 22:13:20.
const START: u64 = 1_700_000_000;

/// A connection that was accepted and has no key yet.
pub(super) struct Incoming(usize);

impl Network {
    /// The one that was accepted last and not taken was refused.
    fn drop_offered(&mut self) {
        if let Some(line) = self.offered.take() {
            self.accepted(line, None);
        }
    }

    /// How many bytes the next read of this line gives, and whether the rest arrives later only.
    fn available(&mut self, line: usize, room: usize) -> (usize, bool) {
        let turn = self.turn;
        let state = &mut self.lines[line];
        if state.arrived_in.0 != turn {
            state.arrived_in = (turn, 0);
        }
        let most = state.up.len().min(state.per_turn - state.arrived_in.1);
        let mut n = most.min(room);
        let mut is_late = most < state.up.len() && n == most;
        if self.is_shaky && n > 1 && self.random.random_ratio(1, 3) {
            n = self.random.random_range(1..=n);
            is_late = self.random.random();
        }
        let state = &mut self.lines[line];
        state.arrived_in.1 += n;
        (n, is_late && n < state.up.len())
    }
}

impl Io for Network {
    type Incoming = Incoming;

    fn poll(&mut self, wait: Option<Duration>, events: &mut Vec<Event>) -> io::Result<()> {
        self.wait = wait;
        self.drop_offered();
        // Interrupted: it asks again at once, and nothing is different then.
        while self.faults.ask(Operation::Poll).is_some() {}
        self.tell_late();
        for line in std::mem::take(&mut self.trickling) {
            self.tell(line, |edge| edge.readable = true);
        }
        if std::mem::take(&mut self.has_incoming) {
            events.push(Event::Incoming(0));
        }
        self.shuffle_edges();
        for _ in 0..self.edges.len().min(EVENTS_A_TURN) {
            let Some(line) = self.edges.pop_front() else {
                break;
            };
            if self.withholds(line) {
                continue;
            }
            let state = &mut self.lines[line];
            let edge = std::mem::take(&mut state.edge);
            if edge.writable {
                state.is_blocked = false;
            }
            let Some(id) = state.id else { continue };
            self.push_event(id.index, edge, events);
        }
        self.disorder(events);
        Ok(())
    }

    fn now(&mut self) -> Now {
        Now {
            ms: self.ms,
            unix: (START + self.ms / 1000).saturating_add_signed(self.unix_offset),
        }
    }

    fn accept(&mut self, _listener: usize) -> Result<(Incoming, ConnInfo), AcceptError> {
        self.drop_offered();
        if !self.incoming.is_empty() && self.live >= self.descriptors {
            let error = io::Error::other("no descriptors in this simulation");
            return Err(AcceptError::Exhausted(error));
        }
        let &first = self.incoming.front().ok_or(AcceptError::Empty)?;
        if self.forbids_accept {
            return Err(AcceptError::Gone);
        }
        if let Some(fault) = self.faults.ask(Operation::Accept)
            && !(self.lines[first].is_spared && fault.takes_off_the_queue())
        {
            return Err(self.accept_failed(fault));
        }
        let line = self.incoming.pop_front().ok_or(AcceptError::Empty)?;
        self.offered = Some(line);
        let mut conn = ConnInfo::new(self.lines[line].peer);
        conn.is_peer_known = self.lines[line].told_later.is_none();
        Ok((Incoming(line), conn))
    }

    fn turn_away(&mut self, _listener: usize) {
        if let Some(line) = self.incoming.pop_front() {
            self.accepted(line, None);
        }
    }

    fn attach(&mut self, id: SessionId, incoming: Incoming) {
        self.offered = None;
        self.accepted(incoming.0, Some(id));
    }

    fn watch(&mut self, id: SessionId) -> io::Result<()> {
        let line = self.line_of(id.index);
        if let Some(fault) = self.ask(line, Operation::Watch) {
            return Err(fault.error());
        }
        self.lines[line].is_watched = true;
        let state = &self.lines[line];
        let (readable, ended) = (!state.up.is_empty(), state.upstream != Upstream::Open);
        self.tell(line, |edge| {
            (edge.readable, edge.ended, edge.writable) = (readable, ended, true);
        });
        Ok(())
    }

    fn read(&mut self, key: u32, buffer: &mut [u8]) -> Result<Read, Lost> {
        let line = self.line_of(key);
        if self.lines[line].upstream == Upstream::Reset {
            return Err(Lost);
        }
        let (mut room, mut waits) = (buffer.len(), false);
        if let Some(fault) = self.ask(line, Operation::Read) {
            if fault.is_one_byte() {
                room = room.min(1);
                waits = self.faults.below(2) == 1;
            } else {
                self.transfer_failed(line, of_transfer(&fault.error()))?;
                return Ok(Read {
                    drained: true,
                    ..Read::default()
                });
            }
        }
        let (n, mut is_late) = self.available(line, room);
        is_late |= waits && n < self.lines[line].up.len();
        let state = &mut self.lines[line];
        state.was_read |= n > 0;
        let bytes = state.up.drain(..n);
        buffer
            .iter_mut()
            .zip(bytes)
            .for_each(|(to, byte)| *to = byte);
        // With the last bytes, if it is there already, or alone: a driver may do either.
        let ended = state.up.is_empty() && state.upstream != Upstream::Open;
        if ended {
            state.upstream = Upstream::Told;
        }
        if is_late {
            self.trickling.push(line);
        }
        let drained = is_late || n == 0 || (n < buffer.len() && self.lines[line].up.is_empty());
        Ok(Read {
            n,
            drained,
            ended,
            ..Read::default()
        })
    }

    fn take_peer(&mut self, key: u32) -> Option<Peer> {
        let line = self.line_of(key);
        let state = &mut self.lines[line];
        state.told_later.take_if(|_| state.was_read)
    }

    fn dial(&mut self, id: SessionId, ends: Ends) -> io::Result<()> {
        let line = self.call(Peer::Tcp(ends.to));
        self.accepted(line, Some(id));
        if let Some(fault) = self.ask(line, Operation::Dial) {
            self.reset(line);
            return Err(fault.error());
        }
        if self.is_unreachable {
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        self.watch(id)
    }

    fn is_connected(&mut self, key: u32) -> io::Result<bool> {
        let Some(line) = self.keys.get(key as usize).copied().flatten() else {
            // A call that is to begin later, and an event of who had its key before.
            return Ok(false);
        };
        if self.lines[line].is_connected {
            return Ok(true);
        }
        match self.ask(line, Operation::Connected) {
            Some(fault) if fault.is_under_way() => {
                self.tell_later(line);
                Ok(false)
            }
            Some(fault) => {
                self.reset(line);
                Err(fault.error())
            }
            None => {
                self.lines[line].is_connected = true;
                Ok(true)
            }
        }
    }

    fn stop_listening(&mut self, _but: &[u16]) {}

    fn served(&mut self, key: u32) {
        let line = self.line_of(key);
        self.lines[line].served_in = self.turn;
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
        let mut room = state.capacity.saturating_sub(state.down.len());
        if let Some(fault) = self.ask(line, Operation::Send) {
            if fault.is_one_byte() {
                room = room.min(1);
            } else {
                self.transfer_failed(line, of_transfer(&fault.error()))?;
                self.lines[line].is_blocked = true;
                return Ok(0);
            }
        }
        let mut taken = bytes.len().min(room);
        if self.is_shaky && taken > 0 && self.random.random_ratio(1, 8) {
            taken = self.random.random_range(0..=taken);
        }
        let state = &mut self.lines[line];
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
        let Some(line) = self.keys.get(key as usize).copied().flatten() else {
            // A call that ended before it began.
            return;
        };
        self.keys[key as usize] = None;
        self.live -= 1;
        self.remember_old(key);
        let state = &mut self.lines[line];
        state.id = None;
        state.is_watched = false;
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
