//! Sending: framing, gathering, the outbox and the backlog policy.
//!
//! What a connection says in its own turn is gathered and leaves in one send;
//! what others say to it goes to its outbox. The order is always that of the calls.

use crate::app::{SendOutcome, SessionId};
use crate::hub::conn::flags::Flags;
use crate::hub::conn::phase::State;
use crate::hub::conn::slot::outbox_held;
use crate::hub::core::{Core, HubContext, NO_KEY};
use crate::hub::topics::log::{Panicked, encode_payload};
use crate::hub::transport::Lost;
use crate::wire::frame::{self, OpCode, Reserved, write_frame};
use crate::wire::message::Message;
use crate::wire::outbox::Outbox;
use crate::wire::work::price;
use bytes::Bytes;
use rand::RngExt;

/// Replies are handed to the transport when this much is gathered, also within a turn.
pub(crate) const REPLY_BUFFER_MAX: usize = 64 << 10;
/// Bytes of one outbox that are sent in a turn; the rest waits for the next one.
const FLUSH_BYTES: usize = 256 << 10;
/// Bytes that are handed to the kernel in one call, which copies them.
pub(crate) const MOST_SENT: usize = 128 << 10;

/// From so many bytes on a message is sent from where it lies instead of being copied.
pub(crate) const LONG: usize = 16 << 10;

impl HubContext<'_> {
    /// Sends a message to a session. Most messages are answers to the one whose turn it is, from a
    /// connection without any peculiarity: they cost one look at it.
    #[inline]
    pub(crate) fn send(&mut self, to: SessionId, message: Message<'_>) -> SendOutcome {
        let core = &mut *self.core;
        let key = to.index;
        let Some(slot) = core.slots.get(key as usize) else {
            return SendOutcome::Closed;
        };
        if slot.generation != to.generation {
            return SendOutcome::Closed;
        }
        if core.reply_of == key && slot.is_ordinary() && message.len() < LONG {
            if slot.flags.has(Flags::MASKS) {
                let key = core.random.random::<u32>().to_ne_bytes();
                frame::write_masked_message(&mut core.reply_buffer, message, key);
                core.work.charge_bytes(message.len(), price::BYTES_COPIED);
            } else {
                frame::write_message(&mut core.reply_buffer, message);
            }
            core.metrics.on_sent(1);
            if core.reply_buffer.len() > core.reply_max {
                self.flush_replies();
                return self.core.told(key, SendOutcome::Queued);
            }
            return SendOutcome::Queued;
        }
        let outcome = self.send_otherwise(key, message);
        self.core.told(key, outcome)
    }

    /// Every case but that of a plain answer.
    #[cold]
    fn send_otherwise(&mut self, key: u32, message: Message<'_>) -> SendOutcome {
        if self.core.slot(key).state() != State::Open {
            return SendOutcome::Closed;
        }
        if self.core.slot(key).is_event_stream() {
            return self.send_as_event(key, message, &[]);
        }
        self.catch_up(key);
        let core = &mut *self.core;
        let slot = &mut core.slots[key as usize];
        if slot.state() != State::Open {
            // What it was owed was too much for it.
            return SendOutcome::Closed;
        }
        let rules = &core.rules[slot.route as usize];
        let is_opening = slot.flags.has(Flags::OPENING);
        let gathers = core.reply_of == key && slot.backlog() == 0;
        if gathers && is_opening && core.reply_buffer.len() > rules.backlog_limit {
            return SendOutcome::Full;
        }
        let (opcode, payload) = frame::parts(message);
        let masks = rules.masking;
        let Ok(encoded) = core.encode(key, opcode, payload) else {
            return SendOutcome::Closed;
        };
        if encoded.is_none() && message.len() >= LONG && !masks && !is_opening {
            return if gathers {
                self.send_long(key, opcode, payload)
            } else {
                self.append_long(key, opcode, payload)
            };
        }
        let (reserved, payload) = match &encoded {
            Some((reserved, encoded)) => (*reserved, &encoded[..]),
            None => (Reserved::NONE, payload),
        };
        let mask = core.mask(key);
        core.work.charge_bytes(payload.len(), price::BYTES_COPIED);
        if !gathers {
            let mut frames = std::mem::take(&mut core.scratch);
            write_frame(&mut frames, true, opcode, reserved, payload, mask);
            let answer = self.append(key, &frames, 1);
            self.core.keep_scratch(frames);
            return answer;
        }
        write_frame(
            &mut core.reply_buffer,
            true,
            opcode,
            reserved,
            payload,
            mask,
        );
        core.metrics.on_sent(1);
        if core.reply_buffer.len() > core.reply_buffer_max(key) {
            self.flush_replies();
        }
        SendOutcome::Queued
    }

    /// Puts whole frames behind what waits for a connection, as its backlog policy allows.
    pub(crate) fn append(&mut self, key: u32, frames: &[u8], messages: u64) -> SendOutcome {
        if self.core.reply_of == key && self.core.slot(key).backlog() == 0 {
            self.core.reply_buffer.extend_from_slice(frames);
            self.core.metrics.on_sent(messages);
            if self.core.reply_buffer.len() > self.core.reply_buffer_max(key) {
                self.flush_replies();
            }
            return SendOutcome::Queued;
        }
        self.core.work.charge_kept(frames.len());
        self.queue(key, frames.len(), messages, |outbox| outbox.push(frames))
    }

    /// The same with frames that other connections wait for as well.
    pub(crate) fn append_shared(&mut self, key: u32, frames: Bytes, messages: u64) -> SendOutcome {
        self.queue(key, frames.len(), messages, |outbox| match messages {
            1 => outbox.push_shared_message(frames),
            _ => outbox.push_shared(frames),
        })
    }

    /// Queues so many bytes of whole frames, if the policy has room for them.
    pub(super) fn queue(
        &mut self,
        key: u32,
        len: usize,
        messages: u64,
        push: impl FnOnce(&mut Outbox),
    ) -> SendOutcome {
        if !self.has_room(key, len, messages) {
            return SendOutcome::Full;
        }
        if self.core.slot(key).state() == State::Dead {
            return SendOutcome::Closed;
        }
        self.core.push_backlog(key, push);
        self.core.metrics.on_sent(messages);
        self.core.mark_dirty(key);
        SendOutcome::Queued
    }

    /// Sends what the connection whose turn it is has gathered.
    pub(crate) fn flush_replies(&mut self) {
        let key = self.core.reply_of;
        if key == NO_KEY || self.core.reply_buffer.is_empty() {
            return;
        }
        let reply_buffer = std::mem::take(&mut self.core.reply_buffer);
        if self.core.slot(key).backlog() > 0 {
            // A long message went before it and was not taken whole.
            let kept = reply_buffer.len();
            self.core.work.charge_kept(kept);
            self.core
                .push_backlog(key, |outbox| outbox.push(&reply_buffer));
        } else {
            self.core.work.charge(price::SEND);
            self.core
                .work
                .charge_bytes(reply_buffer.len(), price::BYTES_SENT);
            self.core.charge_sealed(key, reply_buffer.len());
            let sent = self.io.send(key, &reply_buffer);
            self.core.metrics.on_written(sent.unwrap_or(0));
            match sent {
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

    /// The turn of a connection is over: what is said to it from now on goes to its outbox.
    pub(crate) fn end_replies(&mut self) {
        self.flush_replies();
        self.core.reply_of = NO_KEY;
    }

    /// Sends what waits in an outbox, and what follows from its being empty.
    pub(crate) fn flush(&mut self, key: u32) {
        let mut budget = FLUSH_BYTES;
        loop {
            let core = &mut *self.core;
            let slot = &mut core.slots[key as usize];
            let waits = slot.flags.has(Flags::BLOCKED) || slot.flags.has(Flags::OPENING);
            if slot.state() == State::Dead || waits {
                return;
            }
            let framing = slot.framing();
            let Some(cold) = &mut slot.cold else { break };
            let front = cold.outbox.front();
            if front.is_empty() {
                break;
            }
            if budget == 0 || (core.work.is_spent() && budget < FLUSH_BYTES) {
                core.mark_dirty(key);
                return core.backlog_fell(key);
            }
            // One piece may be longer than one call may carry.
            let asked = front.len().min(MOST_SENT);
            core.work.charge(price::SEND);
            core.work.charge_bytes(asked, price::BYTES_SENT);
            if slot.flags.has(Flags::SECURE) {
                core.work.charge_sealed(asked);
            }
            match self.io.send(key, &front[..asked]) {
                Err(Lost) => return core.lost(key),
                Ok(sent) => {
                    core.metrics.on_written(sent);
                    let held = outbox_held(&cold.outbox);
                    let searches = cold.outbox.searches(sent, framing);
                    core.retired.extend(cold.outbox.sent(sent, framing));
                    if searches {
                        let searched = cold.outbox.begun();
                        core.work.charge_bytes(searched, price::BYTES_COPIED / 2);
                    }
                    if cold.has_blocked {
                        cold.progress += sent;
                    }
                    cold.has_blocked |= sent < asked;
                    core.ledger.change(held, outbox_held(&cold.outbox));
                    if sent > 0 {
                        slot.peer_took(core.tick as u16);
                    }
                    budget = budget.saturating_sub(sent);
                    if sent < asked {
                        slot.flags.set(Flags::BLOCKED);
                        return match sent {
                            0 if budget == FLUSH_BYTES => {}
                            _ => core.backlog_fell(key),
                        };
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
            && slot.state() == State::Open
        {
            self.core.push_ready(key, &pong);
            return;
        }
        match slot.state() {
            State::Ending => self.end_sending(key),
            State::Streaming => self.core.ask_stream(key),
            _ => {}
        }
        self.core.slot(key).tidy();
    }
}

impl Core {
    /// The turn of a connection begins: what is said to it is gathered, never more than the mark,
    /// because it counts as backlog only when the peer does not take it.
    #[inline]
    pub(crate) fn begin_replies(&mut self, key: u32) {
        self.reply_of = key;
        self.reply_max = self.rules(key).backlog_mark.min(REPLY_BUFFER_MAX);
    }

    /// Takes the price of encryption where there is one.
    #[inline]
    pub(crate) fn charge_sealed(&mut self, key: u32, bytes: usize) {
        if self.slots[key as usize].flags.has(Flags::SECURE) {
            self.work.charge_sealed(bytes);
        }
    }

    /// Keeps a buffer that was lent for a moment.
    pub(crate) fn keep_scratch(&mut self, mut scratch: Vec<u8>) {
        scratch.clear();
        scratch.shrink_to(2 * REPLY_BUFFER_MAX);
        self.scratch = scratch;
    }

    /// How much the connection whose turn it is gathers at most: nothing leaves before an open event
    /// has decided.
    fn reply_buffer_max(&self, key: u32) -> usize {
        debug_assert_eq!(self.reply_of, key);
        if self.slots[key as usize].flags.has(Flags::OPENING) {
            usize::MAX
        } else {
            self.reply_max
        }
    }

    /// The payload of a message as this connection's extension transforms it, with its reserved
    /// bits; `None` when it stays as it is.
    ///
    /// # Errors
    /// [`Panicked`]: the transformation did, and the session has ended.
    fn encode(
        &mut self,
        key: u32,
        opcode: OpCode,
        payload: &[u8],
    ) -> Result<Option<(Reserved, Vec<u8>)>, Panicked> {
        let cold = self.slots[key as usize].cold.as_mut();
        let Some(transform) = cold.and_then(|cold| cold.transform.as_deref_mut()) else {
            return Ok(None);
        };
        let mut encoded = Vec::new();
        let reserved = encode_payload(transform, opcode, payload, &mut self.work, &mut encoded);
        self.count_transform(key);
        match reserved {
            Ok(reserved) => Ok(reserved.map(|reserved| (reserved, encoded))),
            Err(Panicked) => {
                self.panicked(key);
                Err(Panicked)
            }
        }
    }

    /// All of the 101 is sent: what waits from now on is frames.
    fn speaks_frames(&mut self, key: u32) {
        let slot = self.slot(key);
        if !matches!(
            slot.state(),
            State::Head | State::Waiting | State::Streaming | State::Link
        ) {
            slot.flags.clear(Flags::SPEAKS_HTTP);
        }
    }

    /// Puts bytes behind everything else, whatever their number.
    pub(crate) fn push_ready(&mut self, key: u32, bytes: &[u8]) {
        if self.reply_of == key && self.slot(key).backlog() == 0 {
            self.reply_buffer.extend_from_slice(bytes);
            return;
        }
        let speaks_http = self.slot(key).flags.has(Flags::SPEAKS_HTTP);
        self.push_backlog(key, |outbox| {
            if speaks_http && outbox.is_opaque() {
                outbox.push_opaque(bytes);
            } else {
                outbox.push(bytes);
            }
        });
        self.mark_dirty(key);
    }

    /// The transport took `sent` bytes of these frames and takes no more.
    pub(crate) fn keep_rest(&mut self, key: u32, frames: &[u8], sent: usize) {
        let slot = self.slot(key);
        slot.flags.set(Flags::BLOCKED);
        let (speaks_http, framing) = (slot.flags.has(Flags::SPEAKS_HTTP), slot.framing());
        self.work.charge_kept(frames.len() - sent);
        self.slot(key).cold().has_blocked = true;
        self.push_backlog(key, |outbox| {
            if speaks_http {
                outbox.push_opaque(&frames[sent..]);
            } else {
                outbox.push_rest(frames, sent, framing);
            }
        });
    }
}
