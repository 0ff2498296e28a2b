//! Sending events, and what stands in for pings: a peer that takes bytes lives.

use crate::app::{Event, SendOutcome, SessionId};
use crate::hub::conn::flags::Flags;
use crate::hub::core::{Core, HubContext};
use crate::hub::ws::close::LINGER_BYTES;
use crate::wire::close::CloseCode;
use crate::wire::event::{COMMENT, write_event};
use crate::wire::message::Message;

impl HubContext<'_> {
    /// Sends an event to a session: to any but an event stream its text alone.
    pub(crate) fn send_event(&mut self, to: SessionId, event: &Event<'_>) -> SendOutcome {
        let Some(key) = self.core.key_of(to) else {
            return SendOutcome::Closed;
        };
        let text = Message::Text(event.data());
        if !self.core.slot(key).is_event_stream() {
            return self.send(to, text);
        }
        let mut fields = Vec::new();
        event.write_fields(&mut fields);
        let outcome = self.send_as_event(key, text, &fields);
        self.core.told(key, outcome)
    }

    /// Publishes an event to a topic.
    pub(crate) fn publish_event(
        &mut self,
        by: SessionId,
        name: &str,
        event: &Event<'_>,
        except: Option<u32>,
    ) -> usize {
        let mut fields = Vec::new();
        event.write_fields(&mut fields);
        self.publish(by, name, Message::Text(event.data()), &fields, except)
    }

    /// Sends a message to an event stream.
    pub(crate) fn send_as_event(
        &mut self,
        key: u32,
        message: Message<'_>,
        fields: &[u8],
    ) -> SendOutcome {
        if !self.catch_up_open(key) {
            return SendOutcome::Closed;
        }
        let core = &mut *self.core;
        let Message::Text(text) = message else {
            core.metrics.on_dropped(1);
            return SendOutcome::Skipped;
        };
        let limit = core.rules(key).backlog_limit;
        let tick = core.tick as u16;
        let slot = core.slot(key);
        let is_opening = slot.flags.has(Flags::OPENING);
        let gathers = slot.backlog() == 0 && core.reply_of == key;
        if gathers && is_opening && core.reply_buffer.len() > limit {
            return SendOutcome::Full;
        }
        if gathers {
            core.slot(key).pinged = tick;
        }
        let mut bytes = std::mem::take(&mut core.scratch);
        write_event(&mut bytes, fields, text.as_bytes(), &mut core.work);
        let outcome = self.append(key, &bytes, 1);
        self.core.keep_scratch(bytes);
        outcome
    }
}

impl Core {
    /// Shows the peer that the connection lives.
    pub(crate) fn push_comment(&mut self, key: u32) {
        let tick = self.tick as u16;
        self.slot(key).pinged = tick;
        self.push_ready(key, COMMENT);
    }

    /// Nothing was sent for a while. A comment is, unless something waits already: then the peer has the
    /// time of a pong to take some of it.
    pub(crate) fn ask_for_progress(&mut self, key: u32) {
        let tick = self.tick as u16;
        let slot = self.slot(key);
        if slot.backlog() == 0 {
            return self.push_comment(key);
        }
        slot.pinged = tick;
        slot.flags.set(Flags::AWAITS_PONG);
    }

    /// Throws away what the peer sends on an open stream; more than so much of it ends that.
    pub(crate) fn discard_open(&mut self, key: u32, len: usize) {
        let slot = self.slot(key);
        slot.ping = slot.ping.saturating_add(len as u32);
        let is_too_much = slot.ping > LINGER_BYTES;
        slot.tidy();
        if is_too_much {
            self.fail(key, CloseCode::POLICY, "Too much was sent");
        }
    }
}
