//! Sending: framing, gathering, the outbox and the backlog policy.
//!
//! What a connection says in its own turn is gathered and leaves in one send;
//! what others say to it goes to its outbox. The order is always that of the calls.

use super::core::{Core, Floor, NOWHERE, is_long};
use super::slot::{Flags, State};
use super::transport::Lost;
use crate::app::Send;
use crate::wire::extension::Transform;
use crate::wire::frame::{self, OpCode, Reserved, write_header};
use crate::wire::mask::apply_mask;
use crate::wire::message::Message;
use rand::RngExt;

/// Replies are handed to the transport when this much is gathered, also within a turn.
pub(super) const GATHER_MAX: usize = 64 << 10;
/// So much is gathered without asking whether it is too much.
const GATHER_FREE: usize = 1 << 10;
/// Bytes of one outbox that are sent in one go; the rest waits for the next turn.
const FLUSH_BYTES: usize = 256 << 10;

impl Floor<'_> {
    /// Sends a message to a session.
    #[inline]
    pub(super) fn send(&mut self, place: u32, message: Message<'_>) -> Send {
        let core = &mut *self.core;
        let slot = &core.slots[place as usize];
        if core.gather_of == place && slot.is_plain() && !is_long(message) {
            frame::write_message(&mut core.gather, message);
            core.stats.sent += 1;
            let gathered = core.gather.len();
            if gathered > GATHER_FREE && gathered > core.gather_max(place) {
                self.flush_gather();
            }
            return Send::Queued;
        }
        self.send_otherwise(place, message)
    }

    /// Every case but that of a plain answer.
    #[cold]
    fn send_otherwise(&mut self, place: u32, message: Message<'_>) -> Send {
        if self.core.slot(place).state != State::Open {
            return Send::Closed;
        }
        self.settle(place);
        let core = &mut *self.core;
        let slot = &mut core.slots[place as usize];
        if slot.state != State::Open {
            // What it was owed was too much for it.
            return Send::Closed;
        }
        let rules = &core.rules[slot.route as usize];
        let gathers = core.gather_of == place && slot.backlog() == 0;
        if !gathers {
            let mut frames = std::mem::take(&mut core.scratch);
            core.encode(place, message, &mut frames);
            let answer = self.append(place, &frames, 1);
            frames.clear();
            self.core.scratch = frames;
            return answer;
        }
        if slot.flags.has(Flags::OPENING) && core.gather.len() > rules.backlog_limit {
            return Send::Full;
        }
        let is_plain = slot
            .rare
            .as_ref()
            .is_none_or(|rare| rare.transform.is_none());
        if is_plain && !rules.masking {
            if is_long(message) && !slot.flags.has(Flags::OPENING) {
                return self.send_long(place, message);
            }
            frame::write_message(&mut core.gather, message);
        } else {
            let mut gather = std::mem::take(&mut core.gather);
            core.encode(place, message, &mut gather);
            core.gather = gather;
        }
        self.core.count_sent(1);
        if self.core.gather.len() > self.core.gather_max(place) {
            self.flush_gather();
        }
        Send::Queued
    }

    /// Sends a long message from where it lies, behind what is gathered.
    fn send_long(&mut self, place: u32, message: Message<'_>) -> Send {
        let (opcode, payload) = frame::parts(message);
        let core = &mut *self.core;
        write_header(
            &mut core.gather,
            true,
            Reserved::NONE,
            opcode,
            payload.len(),
            None,
        );
        core.count_sent(1);
        let sent = match self.io.send_both(place, &core.gather, payload) {
            Ok(sent) => sent,
            Err(Lost) => {
                core.gather.clear();
                core.lost(place);
                return Send::Closed;
            }
        };
        let first = core.gather.len();
        if sent < first {
            core.gather.extend_from_slice(payload);
            let gather = std::mem::take(&mut core.gather);
            core.keep_rest(place, &gather, sent);
            core.gather = gather;
        } else if sent < first + payload.len() {
            core.keep_payload_rest(place, &payload[sent - first..]);
        }
        core.gather.clear();
        Send::Queued
    }

    /// Puts whole frames behind what waits for a connection, as its backlog policy allows.
    pub(super) fn append(&mut self, place: u32, frames: &[u8], messages: u64) -> Send {
        if self.core.gather_of == place && self.core.slot(place).backlog() == 0 {
            self.core.gather.extend_from_slice(frames);
            self.core.count_sent(messages);
            return Send::Queued;
        }
        if !self.has_room(place, frames.len(), messages) {
            return Send::Full;
        }
        if self.core.slot(place).state == State::Dead {
            return Send::Closed;
        }
        self.core.slot(place).rare().outbox.push(frames);
        self.core.count_sent(messages);
        self.core.backlog_grew(place, frames.len());
        self.core.mark_dirty(place);
        Send::Queued
    }

    /// Sends what the connection whose turn it is has gathered.
    pub(super) fn flush_gather(&mut self) {
        let place = self.core.gather_of;
        if place == NOWHERE || self.core.gather.is_empty() {
            return;
        }
        let gather = std::mem::take(&mut self.core.gather);
        if self.core.slot(place).backlog() > 0 {
            // A long message went before it and was not taken whole.
            self.core.slot(place).rare().outbox.push(&gather);
            self.core.backlog_grew(place, gather.len());
        } else {
            match self.io.send(place, &gather) {
                Ok(sent) if sent < gather.len() => self.core.keep_rest(place, &gather, sent),
                Ok(_) => self.core.speaks_frames(place),
                Err(Lost) => self.core.lost(place),
            }
        }
        self.core.gather = gather;
        self.core.gather.clear();
        if self.core.gather.capacity() > 4 * GATHER_MAX {
            self.core.gather = Vec::new();
        }
    }

    /// Sends what waits in an outbox, and what follows from its being empty.
    pub(super) fn flush(&mut self, place: u32) {
        let mut budget = FLUSH_BYTES;
        loop {
            let slot = self.core.slot(place);
            let waits = slot.flags.has(Flags::BLOCKED) || slot.flags.has(Flags::OPENING);
            if slot.state == State::Dead || waits {
                return;
            }
            let Some(rare) = &mut slot.rare else { break };
            let front = rare.outbox.front();
            if front.is_empty() {
                break;
            }
            if budget == 0 {
                self.core.mark_dirty(place);
                return self.core.backlog_fell(place);
            }
            // One piece may be longer than a turn may take.
            let asked = front.len().min(budget);
            match self.io.send(place, &front[..asked]) {
                Err(Lost) => return self.core.lost(place),
                Ok(sent) => {
                    rare.outbox.sent(sent);
                    if sent < asked {
                        slot.flags.set(Flags::BLOCKED);
                    }
                    self.core.buffered -= sent;
                    budget = budget.saturating_sub(sent);
                    if sent < asked && budget == FLUSH_BYTES {
                        return;
                    }
                    if sent < asked {
                        return self.core.backlog_fell(place);
                    }
                }
            }
        }
        self.core.backlog_fell(place);
        self.outbox_is_empty(place);
    }

    fn outbox_is_empty(&mut self, place: u32) {
        self.core.speaks_frames(place);
        let core = &mut *self.core;
        let slot = &mut core.slots[place as usize];
        if let Some(pong) = slot.rare.as_mut().and_then(|rare| rare.pong.take())
            && slot.state == State::Open
        {
            self.core.push_ready(place, &pong);
            return;
        }
        if slot.state == State::Ending {
            self.end_sending(place);
        }
        self.core.slot(place).tidy();
    }
}

impl Core {
    /// How much is gathered at most. Never more than the mark, because what is gathered counts as
    /// backlog only when the peer does not take it; nothing leaves before an open event has decided.
    fn gather_max(&self, place: u32) -> usize {
        match self.slots[place as usize].flags.has(Flags::OPENING) {
            true => usize::MAX,
            false => self.rules(place).backlog_mark.min(GATHER_MAX),
        }
    }

    /// Appends a message framed for this connection: transformed and masked as agreed.
    pub(super) fn encode(&mut self, place: u32, message: Message<'_>, out: &mut Vec<u8>) {
        let mask = self.mask(place);
        let slot = &mut self.slots[place as usize];
        let transform = slot
            .rare
            .as_mut()
            .and_then(|rare| rare.transform.as_deref_mut());
        encode_message(message, transform, mask, out);
    }

    /// A new mask key, for connections whose frames are masked.
    pub(super) fn mask(&mut self, place: u32) -> Option<[u8; 4]> {
        let masking = self.rules(place).masking;
        masking.then(|| self.random.random())
    }

    /// Puts a control frame behind everything else; no policy applies to it.
    pub(super) fn push_control(&mut self, place: u32, opcode: OpCode, payload: &[u8]) {
        let mask = self.mask(place);
        let mut frame = Vec::with_capacity(frame::MAX_HEADER + payload.len());
        write_frame(&mut frame, true, opcode, Reserved::NONE, payload, mask);
        self.push_ready(place, &frame);
    }

    /// All of the 101 is sent: what waits from now on is frames.
    fn speaks_frames(&mut self, place: u32) {
        let slot = self.slot(place);
        if slot.state != State::Head {
            slot.flags.clear(Flags::SPEAKS_HTTP);
        }
    }

    /// Puts bytes behind everything else, whatever their number.
    pub(super) fn push_ready(&mut self, place: u32, bytes: &[u8]) {
        if self.gather_of == place && self.slot(place).backlog() == 0 {
            self.gather.extend_from_slice(bytes);
            return;
        }
        let slot = self.slot(place);
        let speaks_http = slot.flags.has(Flags::SPEAKS_HTTP);
        let outbox = &mut slot.rare().outbox;
        if speaks_http && outbox.is_opaque() {
            outbox.push_opaque(bytes);
        } else {
            outbox.push(bytes);
        }
        self.backlog_grew(place, bytes.len());
        self.mark_dirty(place);
    }

    /// Queues a pong; while a backlog waits only the newest is kept.
    pub(super) fn push_pong(&mut self, place: u32, pong: &[u8]) {
        if self.slot(place).backlog() == 0 {
            self.push_ready(place, pong);
        } else {
            self.slot(place).rare().pong = Some(pong.to_vec());
        }
    }

    /// The transport took `sent` bytes of these frames and takes no more.
    pub(super) fn keep_rest(&mut self, place: u32, frames: &[u8], sent: usize) {
        let slot = self.slot(place);
        slot.flags.set(Flags::BLOCKED);
        let speaks_http = slot.flags.has(Flags::SPEAKS_HTTP);
        let outbox = &mut slot.rare().outbox;
        match speaks_http {
            true => outbox.push_opaque(&frames[sent..]),
            false => outbox.push_rest(frames, sent),
        }
        self.backlog_grew(place, frames.len() - sent);
    }

    /// The same for the payload of a single frame that has begun.
    fn keep_payload_rest(&mut self, place: u32, rest: &[u8]) {
        let slot = self.slot(place);
        slot.flags.set(Flags::BLOCKED);
        slot.rare().outbox.push_opaque(rest);
        self.backlog_grew(place, rest.len());
    }
}

/// Appends a message as a frame, transformed if that pays, masked if a key is given.
fn encode_message(
    message: Message<'_>,
    transform: Option<&mut (dyn Transform + 'static)>,
    mask: Option<[u8; 4]>,
    out: &mut Vec<u8>,
) {
    let (opcode, payload) = frame::parts(message);
    let mut encoded = Vec::new();
    let reserved = transform.and_then(|transform| transform.encode(opcode, payload, &mut encoded));
    let payload = if reserved.is_some() {
        &encoded
    } else {
        payload
    };
    let reserved = reserved.unwrap_or_default();
    write_frame(out, true, opcode, reserved, payload, mask);
}

/// Appends any frame, masked if a key is given.
pub(super) fn write_frame(
    out: &mut Vec<u8>,
    fin: bool,
    opcode: OpCode,
    reserved: Reserved,
    payload: &[u8],
    mask: Option<[u8; 4]>,
) {
    write_header(out, fin, reserved, opcode, payload.len(), mask);
    let start = out.len();
    out.extend_from_slice(payload);
    if let Some(key) = mask {
        apply_mask(&mut out[start..], key, 0);
    }
}
