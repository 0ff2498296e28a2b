//! Publishing: one frame for all, one send a subscriber, a slice of them at a time.

use super::core::{Core, HubContext};
use super::slot::{Flags, Membership, State};
use super::topic::HOLD_BYTES;
use super::topic_log::{ShareKey, encode_frame, open_frame};
use super::transport::Lost;
use crate::wire::frame::write_frame;
use crate::wire::message::Message;

/// Sends of one turn; more wait for the next, so that no room can hold the loop.
const SENDS_A_TURN: usize = 64;
/// Bytes of one turn, after which no further send is begun.
const BYTES_A_TURN: usize = 512 << 10;

/// How the frames of a topic reach one member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    Plain,
    Shared(ShareKey),
    /// A context of its own, or masked.
    Own,
}

impl HubContext<'_> {
    /// Publishes to a topic; the number of its subscribers.
    pub(super) fn publish(
        &mut self,
        from: Option<u32>,
        name: &str,
        message: Message<'_>,
        with_self: bool,
    ) -> usize {
        let Some(topic) = self.core.topics.find(name) else {
            return 0;
        };
        let membership = |core: &mut Core, key: u32| core.slot(key).memberships.find(topic);
        if let Some(key) = from
            && !with_self
            && membership(self.core, key).is_some()
        {
            self.catch_up(key);
        }
        // Catching up can end the session, and with it the topic.
        let skipped = from.filter(|_| !with_self);
        let skipped = skipped.and_then(|key| membership(self.core, key));
        if self.core.topics.find(name) != Some(topic) {
            return 0;
        }
        self.core.topics.publish(topic, message);
        let entry = self.core.topics.topic(topic);
        if let Some(membership) = skipped {
            entry.members[membership.index as usize].cursor = entry.log.end();
        }
        let (subscribers, log_len) = (entry.members.len(), entry.log.len());
        if log_len > HOLD_BYTES
            && let Some(key) = from
        {
            self.hold(key, topic);
        }
        subscribers - usize::from(skipped.is_some())
    }

    /// Stops reading a publisher until the topic has caught up.
    fn hold(&mut self, key: u32, topic: u32) {
        let slot = self.core.slot(key);
        if !slot.flags.has(Flags::HELD) {
            slot.flags.set(Flags::HELD);
            let id = slot.id(key);
            self.core.topics.topic(topic).held.push(id);
        }
    }

    /// Catches up an open session; whether it is open afterwards.
    pub(super) fn catch_up_open(&mut self, key: u32) -> bool {
        let is_open = |core: &mut Core| core.slot(key).state == State::Open;
        if is_open(self.core) {
            self.catch_up(key);
        }
        is_open(self.core)
    }

    /// Puts everything that was published to the topics of a session, and that it has not
    /// got, behind what waits for it, in the order of publishing.
    pub(super) fn catch_up(&mut self, key: u32) {
        let core = &mut *self.core;
        let memberships = core.slots[key as usize].memberships.as_slice();
        let owing = |core: &Core, membership: &Membership| {
            !core.topics.is_caught_up(membership.topic, membership.index)
        };
        let mut owed: Vec<Membership> = match memberships {
            [] => return,
            [membership] if !owing(core, membership) => return,
            memberships => memberships
                .iter()
                .filter(|membership| owing(core, membership))
                .copied()
                .collect(),
        };
        if let [membership] = owed[..] {
            let mut frames = Vec::new();
            let messages = core.frames_for(key, membership, &mut frames);
            // A refusal is counted, or has ended the session.
            let _ = self.append(key, &frames, messages);
            return;
        }
        while let Some(frame) = self.core.next_owed(&mut owed) {
            let mut encoded = Vec::new();
            self.core.encode_owed(key, &frame, &mut encoded);
            let _ = self.append(key, &encoded, 1);
            let state = self.core.slot(key).state;
            if state != State::Open {
                return;
            }
        }
    }

    /// Sends a slice of what is undelivered. Topics take turns.
    pub(super) fn deliver(&mut self) {
        let (mut sends, mut bytes) = (SENDS_A_TURN, BYTES_A_TURN);
        while sends > 0 && bytes > 0 {
            let Some(topic) = self.core.topics.front() else {
                return;
            };
            let entry = self.core.topics.topic(topic);
            let Some(pass) = &mut entry.pass else { return };
            let Some(member) = entry.members.get(pass.next).copied() else {
                let freed = self.core.topics.end_pass();
                for id in freed {
                    self.core.release(id);
                }
                continue;
            };
            let index = pass.next as u32;
            pass.next += 1;
            if member.cursor < entry.log.end() {
                let sent = self.deliver_to(member.key, Membership { topic, index });
                bytes = bytes.saturating_sub(sent);
                sends -= 1;
            }
        }
        self.core.topics.rotate();
    }

    /// Sends one member what it has not got; the number of bytes that took.
    fn deliver_to(&mut self, key: u32, membership: Membership) -> usize {
        let core = &mut *self.core;
        let slot = &core.slots[key as usize];
        let owes_elsewhere = slot.memberships.as_slice().len() > 1;
        let encoding = core.encoding(key);
        if slot.state != State::Open {
            let entry = core.topics.topic(membership.topic);
            entry.members[membership.index as usize].cursor = entry.log.end();
            return 0;
        }
        if slot.backlog() > 0 || owes_elsewhere || encoding == Encoding::Own {
            self.catch_up(key);
            return 0;
        }
        let cold = core.slots[key as usize].cold.as_mut();
        let transform = cold.and_then(|cold| cold.transform.as_deref_mut());
        let entry = core.topics.topic(membership.topic);
        let cursor = entry.members[membership.index as usize].cursor;
        let (end, messages) = (entry.log.end(), entry.log.end() - cursor);
        let (share, frames) = match (encoding, transform) {
            (Encoding::Shared(share), Some(transform)) => (
                Some(share),
                entry.log.encoded_from(share, transform, cursor),
            ),
            _ => (None, entry.log.plain_from(cursor)),
        };
        let len = frames.len();
        let sent = self.io.send(key, frames);
        entry.members[membership.index as usize].cursor = end;
        match sent {
            Err(Lost) => core.lost(key),
            Ok(sent) if sent < len => {
                let shared = entry.log.shared_from(share, cursor);
                core.count_sent(messages);
                core.keep_shared_rest(key, &shared, sent, messages);
            }
            Ok(_) => core.count_sent(messages),
        }
        len
    }
}

impl Core {
    fn encoding(&self, key: u32) -> Encoding {
        let slot = &self.slots[key as usize];
        if self.rules(key).masking {
            return Encoding::Own;
        }
        let Some(cold) = &slot.cold else {
            return Encoding::Plain;
        };
        match cold
            .transform
            .as_ref()
            .map(|transform| transform.share_key())
        {
            None => Encoding::Plain,
            Some(None) => Encoding::Own,
            Some(Some(share)) => Encoding::Shared((cold.extension_id, share)),
        }
    }

    /// The number of an extension: share keys of different extensions are not compared.
    pub(super) fn extension_id(&mut self, extension: &str) -> u16 {
        let known = self
            .extension_names
            .iter()
            .position(|name| **name == *extension);
        let number = known.unwrap_or_else(|| {
            self.extension_names.push(extension.into());
            self.extension_names.len() - 1
        });
        number as u16
    }

    /// Reads a publisher again.
    fn release(&mut self, id: crate::app::SessionId) {
        if let Some(key) = self.key_of(id)
            && self.slot(key).flags.has(Flags::HELD)
        {
            self.slot(key).flags.clear(Flags::HELD);
            self.resumed.push_back(id);
        }
    }

    /// Appends all frames of one topic that a member has not got, and moves its cursor.
    fn frames_for(&mut self, key: u32, membership: Membership, out: &mut Vec<u8>) -> u64 {
        let encoding = self.encoding(key);
        let cold = self.slots[key as usize].cold.as_mut();
        let transform = cold.and_then(|cold| cold.transform.as_deref_mut());
        let entry = self.topics.topic(membership.topic);
        let cursor = entry.members[membership.index as usize].cursor;
        let end = entry.log.end();
        match (encoding, transform) {
            (Encoding::Plain, _) => out.extend_from_slice(entry.log.plain_from(cursor)),
            (Encoding::Shared(share), Some(transform)) => {
                out.extend_from_slice(entry.log.encoded_from(share, transform, cursor));
            }
            _ => {
                let frames: Vec<_> = (cursor..end)
                    .map(|number| entry.log.plain_frame(number).to_vec())
                    .collect();
                for frame in frames {
                    self.encode_owed(key, &frame, out);
                }
            }
        }
        self.topics.topic(membership.topic).members[membership.index as usize].cursor = end;
        end - cursor
    }

    /// The oldest message over several topics that a member has not got; moves its cursor.
    fn next_owed(&mut self, owed: &mut Vec<Membership>) -> Option<Vec<u8>> {
        owed.retain(|membership| !self.topics.is_caught_up(membership.topic, membership.index));
        let membership = *owed.iter().min_by_key(|membership| {
            let entry = self.topics.topic(membership.topic);
            entry
                .log
                .seq(entry.members[membership.index as usize].cursor)
        })?;
        let entry = self.topics.topic(membership.topic);
        let member = &mut entry.members[membership.index as usize];
        let frame = entry.log.plain_frame(member.cursor).to_vec();
        member.cursor += 1;
        Some(frame)
    }

    /// Appends one plain frame of a log as this connection gets it.
    fn encode_owed(&mut self, key: u32, frame: &[u8], out: &mut Vec<u8>) {
        let mask = self.mask(key);
        let cold = self.slots[key as usize].cold.as_mut();
        let start = out.len();
        match cold.and_then(|cold| cold.transform.as_deref_mut()) {
            Some(transform) => encode_frame(frame, transform, out),
            None => out.extend_from_slice(frame),
        }
        if mask.is_some() {
            let unmasked = out.split_off(start);
            let (opcode, reserved, payload) = open_frame(&unmasked);
            write_frame(out, true, opcode, reserved, payload, mask);
        }
    }

    /// Keeps the unsent rest of a delivery; the buffer is shared with other slow members.
    fn keep_shared_rest(&mut self, key: u32, frames: &bytes::Bytes, sent: usize, messages: u64) {
        let limit = self.rules(key).backlog_limit;
        let slot = self.slot(key);
        slot.flags.set(Flags::BLOCKED);
        slot.cold().outbox.push_shared_rest(frames, sent);
        let backlog = slot.backlog();
        self.backlog_grew(key, backlog);
        if messages > 1 && backlog > limit {
            self.enforce_limit(key);
        }
    }

    /// Ends the membership of a session in a topic.
    pub(super) fn leave_membership(&mut self, key: u32, membership: Membership) {
        self.slot(key).memberships.remove(membership.topic);
        let (topics, slots) = (&mut self.topics, &mut self.slots);
        topics.leave(membership.topic, membership.index, |moved, index| {
            let memberships = slots[moved as usize].memberships.as_mut_slice();
            if let Some(moved) = memberships
                .iter_mut()
                .find(|moved| moved.topic == membership.topic)
            {
                moved.index = index;
            }
        });
    }

    /// Ends all memberships of a session.
    pub(super) fn leave_all(&mut self, key: u32) {
        while let Some(&membership) = self.slot(key).memberships.as_slice().last() {
            self.leave_membership(key, membership);
        }
        self.slot(key).memberships = super::slot::Memberships::None;
    }
}
