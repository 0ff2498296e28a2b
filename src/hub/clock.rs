//! What time does: pings, pong waits, slow readers, heads and handshakes that take too long.

use super::core::{Core, Floor, Now};
use super::slot::{Flags, State};
use super::ticks::{TICK_MS, Tick, since};
use crate::app::Backlog;
use crate::wire::close::CloseCode;
use crate::wire::frame::OpCode;

impl Core {
    /// Takes over the time of a turn.
    pub(super) fn advance(&mut self, now: Now) {
        debug_assert!(now.ms >= self.now.ms, "time goes forward");
        self.now = now;
        self.tick = now.ms / TICK_MS;
        let mut due = Vec::new();
        self.deadlines.expire(self.tick, &mut due);
        self.due.extend(due);
    }

    /// When time is to be told again, in milliseconds since the start.
    pub(super) fn next_deadline(&self) -> Option<u64> {
        let tick = self.deadlines.next().map(|tick| tick * TICK_MS);
        match (tick, self.timers.next()) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    /// The payload of the `number`th ping of the loop's own.
    pub(super) fn ping_payload(&self, number: u32) -> [u8; 8] {
        let mut payload = [0; 8];
        payload[..4].copy_from_slice(&self.nonce.to_be_bytes());
        payload[4..].copy_from_slice(&number.to_be_bytes());
        payload
    }

    fn ping(&mut self, place: u32) {
        self.pings = self.pings.wrapping_add(1);
        let (number, tick) = (self.pings, self.tick);
        let payload = self.ping_payload(number);
        self.push_control(place, OpCode::Ping, &payload);
        let slot = self.slot(place);
        slot.ping = number;
        slot.pinged = tick as u16;
        slot.flags.set(Flags::AWAITS_PONG);
    }

    /// A pong arrived; whether it is the one that the loop waits for.
    pub(super) fn pong_matches(&mut self, place: u32, payload: &[u8]) -> bool {
        let slot = &self.slots[place as usize];
        let matches = slot.flags.has(Flags::AWAITS_PONG) && payload == self.ping_payload(slot.ping);
        if matches {
            self.slot(place).flags.clear(Flags::AWAITS_PONG);
            self.rearm(place);
        }
        matches
    }

    /// The deadline of an open session has come: one of several things, or none any more.
    fn open_is_due(&mut self, place: u32) {
        if self.slot(place).flags.has(Flags::PEER_CLOSED) {
            // A raw handler that did not answer the Close.
            return self.lost(place);
        }
        let tick = self.tick;
        let rules = self.rules(place);
        let (timeout, period, backlog_time) =
            (rules.timeout, rules.ping_period, rules.backlog_time);
        let slot = self.slot(place);
        let is_over = |over: Tick| tick >= over + backlog_time;
        if slot
            .rare
            .as_ref()
            .and_then(|rare| rare.over_since)
            .is_some_and(is_over)
        {
            self.enforce(place);
            if self.slot(place).state != State::Open {
                return;
            }
            self.slot(place).rare().over_since = Some(tick);
        }
        let slot = self.slot(place);
        // Who is not read cannot be heard: its pong may lie in the socket.
        let is_deaf = slot.flags.has(Flags::PAUSED) || slot.flags.has(Flags::HELD);
        if is_deaf {
            slot.last_seen = tick as u16;
            slot.pinged = tick as u16;
        } else if slot.flags.has(Flags::AWAITS_PONG) {
            if since(slot.pinged, tick) >= timeout {
                self.drop_unbegun(place);
                return self.close(place, CloseCode::INTERNAL_ERROR, "Ping timeout");
            }
        } else if period > 0 && since(slot.last_seen, tick) >= period {
            self.ping(place);
        }
        self.rearm(place);
    }

    /// The backlog is past its limit or its time: what the route's policy says.
    pub(super) fn enforce(&mut self, place: u32) {
        let rules = self.rules(place);
        let (limit, mark) = (rules.backlog_limit, rules.backlog_mark);
        let over_limit = self.slot(place).backlog() > limit;
        let bound = if over_limit { limit } else { mark };
        match self.rules(place).backlog {
            Backlog::Close => self.close_slow(place),
            Backlog::DropOldest => self.drop_oldest(place, bound),
            Backlog::DropNewest => self.drop_newest(place, bound),
            // Reading has stopped, so the backlog cannot grow; a slow reader may take its time.
            Backlog::StopReading => {}
        }
    }
}

impl Floor<'_> {
    /// The deadline of a place has come.
    pub(super) fn is_due(&mut self, place: u32) {
        if !self.core.slots.contains(place as usize) {
            return;
        }
        match self.core.slot(place).state {
            State::Dialling => self.core.dial_is_due(place),
            State::Head => self.core.head_is_due(place),
            State::Open => self.core.open_is_due(place),
            // Their Close did not come, or our last bytes did not go: enough.
            State::Closing | State::Ending | State::Lingering => self.core.lost(place),
            State::Dead => {}
        }
    }
}
