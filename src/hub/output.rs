//! Sending: framing, gathering, the outbox and the backlog policy.
//!
//! What a connection says in its own turn is gathered and leaves in one send;
//! what others say to it goes to its outbox. The order is always that of the calls.

use super::core::{Core, HubContext, NO_KEY, is_long};
use super::slot::{Flags, State};
use super::transport::Lost;
use crate::app::SendOutcome;
use crate::wire::extension::Transform;
use crate::wire::frame::{self, OpCode, Reserved, write_frame, write_header};
use crate::wire::message::Message;
use crate::wire::work::Work;
use rand::RngExt;

/// Replies are handed to the transport when this much is gathered, also within a turn.
pub(super) const REPLY_BUFFER_MAX: usize = 64 << 10;
/// So much is gathered without asking whether it is too much.
const REPLY_BUFFER_FREE: usize = 1 << 10;
/// Bytes of one outbox that are sent in one go; the rest waits for the next turn.
const FLUSH_BYTES: usize = 256 << 10;

impl HubContext<'_> {
    /// Sends a message to a session.
    #[inline]
    pub(super) fn send(&mut self, key: u32, message: Message<'_>) -> SendOutcome {
        let core = &mut *self.core;
        let slot = &core.slots[key as usize];
        if core.reply_of == key && slot.is_plain() && !is_long(message) {
            frame::write_message(&mut core.reply_buffer, message);
            core.stats.sent += 1;
            let gathered = core.reply_buffer.len();
            if gathered > REPLY_BUFFER_FREE && gathered > core.reply_buffer_max(key) {
                self.flush_replies();
            }
            return SendOutcome::Queued;
        }
        self.send_otherwise(key, message)
    }

    /// Every case but that of a plain answer.
    #[cold]
    fn send_otherwise(&mut self, key: u32, message: Message<'_>) -> SendOutcome {
        if self.core.slot(key).state != State::Open {
            return SendOutcome::Closed;
        }
        self.catch_up(key);
        let core = &mut *self.core;
        let slot = &mut core.slots[key as usize];
        if slot.state != State::Open {
            // What it was owed was too much for it.
            return SendOutcome::Closed;
        }
        let rules = &core.rules[slot.route as usize];
        let gathers = core.reply_of == key && slot.backlog() == 0;
        if !gathers {
            let mut frames = std::mem::take(&mut core.scratch);
            core.encode(key, message, &mut frames);
            let answer = self.append(key, &frames, 1);
            frames.clear();
            self.core.scratch = frames;
            return answer;
        }
        if slot.flags.has(Flags::OPENING) && core.reply_buffer.len() > rules.backlog_limit {
            return SendOutcome::Full;
        }
        let is_plain = slot
            .cold
            .as_ref()
            .is_none_or(|cold| cold.transform.is_none());
        if is_plain && !rules.masking {
            if is_long(message) && !slot.flags.has(Flags::OPENING) {
                return self.send_long(key, message);
            }
            frame::write_message(&mut core.reply_buffer, message);
        } else {
            let mut reply_buffer = std::mem::take(&mut core.reply_buffer);
            core.encode(key, message, &mut reply_buffer);
            core.reply_buffer = reply_buffer;
        }
        self.core.count_sent(1);
        if self.core.reply_buffer.len() > self.core.reply_buffer_max(key) {
            self.flush_replies();
        }
        SendOutcome::Queued
    }

    /// Sends a long message from where it lies, behind what is gathered.
    fn send_long(&mut self, key: u32, message: Message<'_>) -> SendOutcome {
        let (opcode, payload) = frame::parts(message);
        let core = &mut *self.core;
        write_header(
            &mut core.reply_buffer,
            true,
            Reserved::NONE,
            opcode,
            payload.len(),
            None,
        );
        core.count_sent(1);
        let sent = match self.io.send_both(key, &core.reply_buffer, payload) {
            Ok(sent) => sent,
            Err(Lost) => {
                core.reply_buffer.clear();
                core.lost(key);
                return SendOutcome::Closed;
            }
        };
        let first = core.reply_buffer.len();
        if sent < first {
            core.reply_buffer.extend_from_slice(payload);
            let reply_buffer = std::mem::take(&mut core.reply_buffer);
            core.keep_rest(key, &reply_buffer, sent);
            core.reply_buffer = reply_buffer;
        } else if sent < first + payload.len() {
            core.keep_payload_rest(key, &payload[sent - first..]);
        }
        core.reply_buffer.clear();
        SendOutcome::Queued
    }

    /// Puts whole frames behind what waits for a connection, as its backlog policy allows.
    pub(super) fn append(&mut self, key: u32, frames: &[u8], messages: u64) -> SendOutcome {
        if self.core.reply_of == key && self.core.slot(key).backlog() == 0 {
            self.core.reply_buffer.extend_from_slice(frames);
            self.core.count_sent(messages);
            return SendOutcome::Queued;
        }
        if !self.has_room(key, frames.len(), messages) {
            return SendOutcome::Full;
        }
        if self.core.slot(key).state == State::Dead {
            return SendOutcome::Closed;
        }
        self.core.slot(key).cold().outbox.push(frames);
        self.core.count_sent(messages);
        self.core.backlog_grew(key, frames.len());
        self.core.mark_dirty(key);
        SendOutcome::Queued
    }

    /// Sends what the connection whose turn it is has gathered.
    pub(super) fn flush_replies(&mut self) {
        let key = self.core.reply_of;
        if key == NO_KEY || self.core.reply_buffer.is_empty() {
            return;
        }
        let reply_buffer = std::mem::take(&mut self.core.reply_buffer);
        if self.core.slot(key).backlog() > 0 {
            // A long message went before it and was not taken whole.
            self.core.slot(key).cold().outbox.push(&reply_buffer);
            self.core.backlog_grew(key, reply_buffer.len());
        } else {
            match self.io.send(key, &reply_buffer) {
                Ok(sent) if sent < reply_buffer.len() => {
                    self.core.keep_rest(key, &reply_buffer, sent)
                }
                Ok(_) => self.core.speaks_frames(key),
                Err(Lost) => self.core.lost(key),
            }
        }
        self.core.reply_buffer = reply_buffer;
        self.core.reply_buffer.clear();
        if self.core.reply_buffer.capacity() > 4 * REPLY_BUFFER_MAX {
            self.core.reply_buffer = Vec::new();
        }
    }

    /// Sends what waits in an outbox, and what follows from its being empty.
    pub(super) fn flush(&mut self, key: u32) {
        let mut budget = FLUSH_BYTES;
        loop {
            let slot = self.core.slot(key);
            let waits = slot.flags.has(Flags::BLOCKED) || slot.flags.has(Flags::OPENING);
            if slot.state == State::Dead || waits {
                return;
            }
            let Some(cold) = &mut slot.cold else { break };
            let front = cold.outbox.front();
            if front.is_empty() {
                break;
            }
            if budget == 0 {
                self.core.mark_dirty(key);
                return self.core.backlog_fell(key);
            }
            // One piece may be longer than a turn may take.
            let asked = front.len().min(budget);
            match self.io.send(key, &front[..asked]) {
                Err(Lost) => return self.core.lost(key),
                Ok(sent) => {
                    cold.outbox.sent(sent);
                    if sent < asked {
                        slot.flags.set(Flags::BLOCKED);
                    }
                    self.core.buffered -= sent;
                    budget = budget.saturating_sub(sent);
                    if sent < asked && budget == FLUSH_BYTES {
                        return;
                    }
                    if sent < asked {
                        return self.core.backlog_fell(key);
                    }
                }
            }
        }
        self.core.backlog_fell(key);
        self.outbox_is_empty(key);
    }

    fn outbox_is_empty(&mut self, key: u32) {
        self.core.speaks_frames(key);
        let core = &mut *self.core;
        let slot = &mut core.slots[key as usize];
        if let Some(pong) = slot.cold.as_mut().and_then(|cold| cold.pong.take())
            && slot.state == State::Open
        {
            self.core.push_ready(key, &pong);
            return;
        }
        if slot.state == State::Ending {
            self.end_sending(key);
        }
        self.core.slot(key).tidy();
    }
}

impl Core {
    /// How much is gathered at most. Never more than the mark, because what is gathered counts as
    /// backlog only when the peer does not take it; nothing leaves before an open event has decided.
    fn reply_buffer_max(&self, key: u32) -> usize {
        match self.slots[key as usize].flags.has(Flags::OPENING) {
            true => usize::MAX,
            false => self.rules(key).backlog_mark.min(REPLY_BUFFER_MAX),
        }
    }

    /// Appends a message framed for this connection: transformed and masked as agreed.
    pub(super) fn encode(&mut self, key: u32, message: Message<'_>, out: &mut Vec<u8>) {
        let mask = self.mask(key);
        let slot = &mut self.slots[key as usize];
        let transform = slot
            .cold
            .as_mut()
            .and_then(|cold| cold.transform.as_deref_mut());
        encode_message(message, transform, mask, out);
    }

    /// A new mask key, for connections whose frames are masked.
    pub(super) fn mask(&mut self, key: u32) -> Option<[u8; 4]> {
        let masking = self.rules(key).masking;
        masking.then(|| self.random.random())
    }

    /// Puts a control frame behind everything else; no policy applies to it.
    pub(super) fn push_control(&mut self, key: u32, opcode: OpCode, payload: &[u8]) {
        let mask = self.mask(key);
        let mut frame = Vec::with_capacity(frame::MAX_HEADER + payload.len());
        write_frame(&mut frame, true, opcode, Reserved::NONE, payload, mask);
        self.push_ready(key, &frame);
    }

    /// All of the 101 is sent: what waits from now on is frames.
    fn speaks_frames(&mut self, key: u32) {
        let slot = self.slot(key);
        if slot.state != State::Head {
            slot.flags.clear(Flags::SPEAKS_HTTP);
        }
    }

    /// Puts bytes behind everything else, whatever their number.
    pub(super) fn push_ready(&mut self, key: u32, bytes: &[u8]) {
        if self.reply_of == key && self.slot(key).backlog() == 0 {
            self.reply_buffer.extend_from_slice(bytes);
            return;
        }
        let slot = self.slot(key);
        let speaks_http = slot.flags.has(Flags::SPEAKS_HTTP);
        let outbox = &mut slot.cold().outbox;
        if speaks_http && outbox.is_opaque() {
            outbox.push_opaque(bytes);
        } else {
            outbox.push(bytes);
        }
        self.backlog_grew(key, bytes.len());
        self.mark_dirty(key);
    }

    /// Queues a pong; while a backlog waits only the newest is kept.
    pub(super) fn push_pong(&mut self, key: u32, pong: &[u8]) {
        if self.slot(key).backlog() == 0 {
            self.push_ready(key, pong);
        } else {
            self.slot(key).cold().pong = Some(pong.to_vec());
        }
    }

    /// The transport took `sent` bytes of these frames and takes no more.
    pub(super) fn keep_rest(&mut self, key: u32, frames: &[u8], sent: usize) {
        let slot = self.slot(key);
        slot.flags.set(Flags::BLOCKED);
        let speaks_http = slot.flags.has(Flags::SPEAKS_HTTP);
        let outbox = &mut slot.cold().outbox;
        match speaks_http {
            true => outbox.push_opaque(&frames[sent..]),
            false => outbox.push_rest(frames, sent),
        }
        self.backlog_grew(key, frames.len() - sent);
    }

    /// The same for the payload of a single frame that has begun.
    fn keep_payload_rest(&mut self, key: u32, rest: &[u8]) {
        let slot = self.slot(key);
        slot.flags.set(Flags::BLOCKED);
        slot.cold().outbox.push_opaque(rest);
        self.backlog_grew(key, rest.len());
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
    let reserved = transform.and_then(|transform| {
        transform.encode(opcode, payload, &mut Work::unlimited(), &mut encoded)
    });
    let payload = if reserved.is_some() {
        &encoded
    } else {
        payload
    };
    let reserved = reserved.unwrap_or_default();
    write_frame(out, true, opcode, reserved, payload, mask);
}
