//! What time does: pings, pong waits, slow readers, heads and handshakes that take too long.

use crate::app::SessionId;
use crate::hub::conn::flags::Flags;
use crate::hub::conn::phase::State;
use crate::hub::core::{Core, HubContext, NO_ROUTE, Now};
use crate::hub::time::ticks::{HORIZON, TICK_MS, Tick, since};
use crate::wire::close::CloseCode;
use crate::wire::frame::OpCode;

/// Bytes of an answer over HTTP that a peer takes in the time of a close handshake (10 s): less
/// than 1 KiB a second is no progress.
const LEAST_PROGRESS: usize = 10 << 10;

impl Core {
    /// Takes over the time of a turn.
    pub(crate) fn advance(&mut self, now: Now) {
        debug_assert!(now.ms >= self.now.ms, "time goes forward");
        self.now = now;
        let mut due = Vec::new();
        loop {
            // In steps that two bytes can tell apart, however far the clock jumped.
            self.tick = (now.ms / TICK_MS).min(self.tick + HORIZON);
            self.deadlines.expire(self.tick, &mut due);
            if self.tick == now.ms / TICK_MS {
                break;
            }
        }
        for key in due {
            if let Some(slot) = self.slots.get(key as usize) {
                self.due.push_back(slot.id(key));
            }
        }
    }

    /// When time is to be told again, in milliseconds since the start.
    pub(crate) fn next_deadline(&self) -> Option<u64> {
        let tick = self.deadlines.next().map(|tick| tick * TICK_MS);
        let all = [tick, self.timers.next(), self.next_of_shutdown()];
        all.into_iter().flatten().min()
    }

    /// The payload of the `number`th ping of the loop's own.
    pub(crate) fn ping_payload(&self, number: u32) -> [u8; 8] {
        let mut payload = [0; 8];
        payload[..4].copy_from_slice(&self.nonce.to_be_bytes());
        payload[4..].copy_from_slice(&number.to_be_bytes());
        payload
    }

    fn ping(&mut self, key: u32) {
        self.pings = self.pings.wrapping_add(1);
        let (number, tick) = (self.pings, self.tick);
        let payload = self.ping_payload(number);
        self.push_control(key, OpCode::Ping, &payload);
        let slot = self.slot(key);
        slot.ping = number;
        slot.pinged = tick as u16;
        slot.flags.set(Flags::AWAITS_PONG);
    }

    /// A pong arrived; whether it is the one that the loop waits for.
    pub(crate) fn pong_matches(&mut self, key: u32, payload: &[u8]) -> bool {
        let slot = &self.slots[key as usize];
        let matches = slot.flags.has(Flags::AWAITS_PONG) && payload == self.ping_payload(slot.ping);
        if matches {
            self.slot(key).flags.clear(Flags::AWAITS_PONG);
            self.rearm(key);
        }
        matches
    }

    /// Whether an answer over HTTP is under way to a peer that takes it, if not fast; it has as long
    /// again for the next part of it.
    fn is_progressing(&mut self, key: u32) -> bool {
        let slot = &mut self.slots[key as usize];
        let waits = slot.route == NO_ROUTE && slot.backlog() > 0;
        let Some(cold) = slot.cold.as_mut().filter(|_| waits) else {
            return false;
        };
        let is_progressing = std::mem::take(&mut cold.progress) >= LEAST_PROGRESS;
        if is_progressing {
            let wait = self.http_rules.close_timeout;
            self.deadlines.set(key, self.tick + wait, self.tick);
        }
        is_progressing
    }

    /// The deadline of an open session has come: one of several things, or none any more.
    fn open_is_due(&mut self, key: u32, waits: bool) {
        if self.slot(key).flags.has(Flags::PEER_CLOSED) {
            // A raw handler that did not answer the Close.
            return self.lost(key);
        }
        let tick = self.tick;
        let rules = self.rules(key);
        let (timeout, period) = (rules.pong_timeout, rules.ping_period);
        let (mark, backlog_time) = (rules.backlog_mark, rules.backlog_time);
        let slot = self.slot(key);
        let is_over = |over: Tick| tick >= over + backlog_time;
        if slot
            .cold
            .as_ref()
            .and_then(|cold| cold.over_since)
            .is_some_and(is_over)
        {
            self.enforce_mark(key);
            let slot = self.slot(key);
            if slot.state() != State::Open {
                return;
            }
            if let Some(cold) = &mut slot.cold {
                cold.over_since = Some(tick).filter(|_| cold.outbox.len() > mark);
            }
        }
        let slot = self.slot(key);
        // This connection is not read at present, or not yet after a jump of the clock, so its pong may wait
        // in the socket; or the ping may wait here, for want of work: nothing is concluded.
        let is_unsure = slot.is_stopped() || waits || slot.flags.has(Flags::DIRTY);
        if is_unsure && !slot.is_event_stream() {
            slot.last_seen = tick as u16;
            slot.pinged = tick as u16;
        } else if slot.flags.has(Flags::AWAITS_PONG) {
            if since(slot.pinged, tick) >= timeout {
                self.drop_unbegun(key);
                return self.close(key, CloseCode::INTERNAL_ERROR, "Ping timeout");
            }
        } else if period > 0 && since(slot.quiet_since(), tick) >= period {
            if slot.is_event_stream() {
                self.ask_for_progress(key);
            } else {
                self.ping(key);
            }
        }
        self.rearm(key);
    }
}

impl HubContext<'_> {
    /// The deadline of a connection has come; `waits`: it has sent something that is not read yet.
    pub(crate) fn is_due(&mut self, id: SessionId, waits: bool) {
        let core = &*self.core;
        let Some(key) = core.key_of(id) else {
            return;
        };
        // A deadline that was set since belongs to something else: the bytes of this turn have changed
        // the state.
        if core.deadlines.of(key, core.tick).is_some() {
            return;
        }
        let state = self.core.slot(key).state();
        match state {
            State::Dialling => self.core.dial_is_due(key),
            // It has no deadline: its program knows how long it may be silent.
            State::Link => {}
            State::Head | State::Ending | State::Streaming if self.core.is_progressing(key) => {}
            State::Head => self.core.head_is_due(key),
            State::Streaming => self.core.stream_is_due(key),
            State::Waiting => self.core.refuse_waiting(key),
            State::Open => self.core.open_is_due(key, waits),
            // Their Close did not come, or our last bytes did not go: enough.
            State::Closing | State::Ending | State::Lingering => self.core.lost(key),
            State::Dead => {}
        }
    }
}
