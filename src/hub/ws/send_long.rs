//! Long messages: they go from where they lie, and a copy is made only of what the kernel does not take.

use crate::app::SendOutcome;
use crate::hub::conn::flags::Flags;
use crate::hub::core::{Core, HubContext};
use crate::wire::frame::{self, OpCode, Reserved, write_header};
use crate::wire::work::price;
use bytes::Bytes;

/// Bytes of a long message that are handed to the kernel in one call, if it can be one.
pub(crate) const MOST_SENT_LONG: usize = 256 << 10;

impl HubContext<'_> {
    /// Sends a long message from where it lies, behind what is gathered.
    pub(super) fn send_long(&mut self, key: u32, opcode: OpCode, payload: &[u8]) -> SendOutcome {
        let core = &mut *self.core;
        let gathered = &mut core.reply_buffer;
        write_header(gathered, true, Reserved::NONE, opcode, payload.len(), None);
        core.metrics.on_sent(1);
        let asked = payload.len().min(MOST_SENT_LONG);
        core.work.charge(price::SEND);
        core.work.charge_bytes(asked, price::BYTES_SENT);
        core.charge_sealed(key, asked);
        let sent = self
            .io
            .send_both(key, &core.reply_buffer, &payload[..asked]);
        let Ok(sent) = sent else {
            core.reply_buffer.clear();
            core.lost(key);
            return SendOutcome::Closed;
        };
        core.metrics.on_written(sent);
        let first = core.reply_buffer.len();
        if sent < first + payload.len() {
            let gathered = std::mem::take(&mut core.reply_buffer);
            let rest = &payload[sent.saturating_sub(first)..];
            let rest = core.lent.share(rest).ok_or(rest);
            core.keep_long_rest(key, &gathered[sent.min(first)..], rest);
            core.reply_buffer = gathered;
            if sent < first + asked {
                core.slot(key).flags.set(Flags::BLOCKED);
            } else {
                // It was not asked for more than one call may carry.
                core.mark_dirty(key);
            }
        }
        core.reply_buffer.clear();
        SendOutcome::Queued
    }

    /// Puts a long message behind what waits for a connection: without a copy, if it is the one
    /// that is being delivered.
    pub(super) fn append_long(&mut self, key: u32, opcode: OpCode, payload: &[u8]) -> SendOutcome {
        let mut header = Vec::with_capacity(frame::MAX_HEADER);
        write_header(
            &mut header,
            true,
            Reserved::NONE,
            opcode,
            payload.len(),
            None,
        );
        let shared = self.core.lent.share(payload);
        if shared.is_none() {
            self.core.work.charge_kept(payload.len());
        }
        self.queue(key, header.len() + payload.len(), 1, |outbox| {
            outbox.push(&header);
            match shared {
                Some(shared) => outbox.push_shared(shared),
                None => outbox.push(payload),
            }
        })
    }
}

impl Core {
    /// The transport took a part of a long message, or of what was gathered before it: the rest of
    /// both is kept, that of the message without a copy where it can be shared.
    fn keep_long_rest(&mut self, key: u32, gathered: &[u8], rest: Result<Bytes, &[u8]>) {
        if let Err(rest) = rest {
            self.work.charge_kept(rest.len());
        }
        self.push_backlog(key, |outbox| {
            outbox.push_opaque(gathered);
            match rest {
                Ok(shared) => outbox.push_opaque_shared(shared),
                Err(rest) => outbox.push_opaque(rest),
            }
        });
    }
}
