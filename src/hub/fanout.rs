//! Publishing: one frame for all, one send a subscriber, a slice of them at a time.

use super::core::{Core, Floor};
use super::output::write_frame;
use super::slot::{Flags, Seat, State};
use super::topic::HOLD_BYTES;
use super::topic_log::{ShareKey, encode_frame, open_frame};
use super::transport::Lost;
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

impl Floor<'_> {
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
        let seat = |core: &mut Core, place: u32| core.slot(place).seats.find(topic);
        if let Some(place) = from
            && !with_self
            && seat(self.core, place).is_some()
        {
            self.settle(place);
        }
        // Settling can end the session, and with it the topic.
        let skipped = from.filter(|_| !with_self);
        let skipped = skipped.and_then(|place| seat(self.core, place));
        if self.core.topics.find(name) != Some(topic) {
            return 0;
        }
        self.core.topics.publish(topic, message);
        let entry = self.core.topics.topic(topic);
        if let Some(seat) = skipped {
            entry.members[seat.index as usize].cursor = entry.log.end();
        }
        let (subscribers, log_len) = (entry.members.len(), entry.log.len());
        if log_len > HOLD_BYTES
            && let Some(place) = from
        {
            self.hold(place, topic);
        }
        subscribers - usize::from(skipped.is_some())
    }

    /// Stops reading a publisher until the topic has caught up.
    fn hold(&mut self, place: u32, topic: u32) {
        let slot = self.core.slot(place);
        if !slot.flags.has(Flags::HELD) {
            slot.flags.set(Flags::HELD);
            let id = slot.id(place);
            self.core.topics.topic(topic).held.push(id);
        }
    }

    /// Settles an open session; whether it is open afterwards.
    pub(super) fn settle_open(&mut self, place: u32) -> bool {
        let is_open = |core: &mut Core| core.slot(place).state == State::Open;
        if is_open(self.core) {
            self.settle(place);
        }
        is_open(self.core)
    }

    /// Puts everything that was published to the topics of a session, and that it has not
    /// got, behind what waits for it, in the order of publishing.
    pub(super) fn settle(&mut self, place: u32) {
        let core = &mut *self.core;
        let seats = core.slots[place as usize].seats.as_slice();
        let owing = |core: &Core, seat: &Seat| !core.topics.is_settled(seat.topic, seat.index);
        let mut owed: Vec<Seat> = match seats {
            [] => return,
            [seat] if !owing(core, seat) => return,
            seats => seats
                .iter()
                .filter(|seat| owing(core, seat))
                .copied()
                .collect(),
        };
        if let [seat] = owed[..] {
            let mut frames = Vec::new();
            let messages = core.frames_for(place, seat, &mut frames);
            // A refusal is counted, or has ended the session.
            let _ = self.append(place, &frames, messages);
            return;
        }
        while let Some(frame) = self.core.next_owed(&mut owed) {
            let mut encoded = Vec::new();
            self.core.encode_owed(place, &frame, &mut encoded);
            let _ = self.append(place, &encoded, 1);
            let state = self.core.slot(place).state;
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
                let sent = self.deliver_to(member.place, Seat { topic, index });
                bytes = bytes.saturating_sub(sent);
                sends -= 1;
            }
        }
        self.core.topics.rotate();
    }

    /// Sends one member what it has not got; the number of bytes that took.
    fn deliver_to(&mut self, place: u32, seat: Seat) -> usize {
        let core = &mut *self.core;
        let slot = &core.slots[place as usize];
        let owes_elsewhere = slot.seats.as_slice().len() > 1;
        let encoding = core.encoding(place);
        if slot.state != State::Open {
            let entry = core.topics.topic(seat.topic);
            entry.members[seat.index as usize].cursor = entry.log.end();
            return 0;
        }
        if slot.backlog() > 0 || owes_elsewhere || encoding == Encoding::Own {
            self.settle(place);
            return 0;
        }
        let rare = core.slots[place as usize].rare.as_mut();
        let transform = rare.and_then(|rare| rare.transform.as_deref_mut());
        let entry = core.topics.topic(seat.topic);
        let cursor = entry.members[seat.index as usize].cursor;
        let (end, messages) = (entry.log.end(), entry.log.end() - cursor);
        let (key, frames) = match (encoding, transform) {
            (Encoding::Shared(key), Some(transform)) => {
                (Some(key), entry.log.encoded_from(key, transform, cursor))
            }
            _ => (None, entry.log.plain_from(cursor)),
        };
        let len = frames.len();
        let sent = self.io.send(place, frames);
        entry.members[seat.index as usize].cursor = end;
        match sent {
            Err(Lost) => core.lost(place),
            Ok(sent) if sent < len => {
                let shared = entry.log.shared_from(key, cursor);
                core.count_sent(messages);
                core.keep_shared_rest(place, &shared, sent, messages);
            }
            Ok(_) => core.count_sent(messages),
        }
        len
    }
}

impl Core {
    fn encoding(&self, place: u32) -> Encoding {
        let slot = &self.slots[place as usize];
        if self.rules(place).masking {
            return Encoding::Own;
        }
        let Some(rare) = &slot.rare else {
            return Encoding::Plain;
        };
        match rare
            .transform
            .as_ref()
            .map(|transform| transform.share_key())
        {
            None => Encoding::Plain,
            Some(None) => Encoding::Own,
            Some(Some(key)) => Encoding::Shared((rare.family, key)),
        }
    }

    /// The number of an extension: share keys of different extensions are not compared.
    pub(super) fn family(&mut self, extension: &str) -> u16 {
        let known = self.families.iter().position(|name| **name == *extension);
        let number = known.unwrap_or_else(|| {
            self.families.push(extension.into());
            self.families.len() - 1
        });
        number as u16
    }

    /// Reads a publisher again.
    fn release(&mut self, id: crate::app::SessionId) {
        if let Some(place) = self.place_of(id)
            && self.slot(place).flags.has(Flags::HELD)
        {
            self.slot(place).flags.clear(Flags::HELD);
            self.resumed.push_back(id);
        }
    }

    /// Appends all frames of one topic that a member has not got, and moves its cursor.
    fn frames_for(&mut self, place: u32, seat: Seat, out: &mut Vec<u8>) -> u64 {
        let encoding = self.encoding(place);
        let rare = self.slots[place as usize].rare.as_mut();
        let transform = rare.and_then(|rare| rare.transform.as_deref_mut());
        let entry = self.topics.topic(seat.topic);
        let cursor = entry.members[seat.index as usize].cursor;
        let end = entry.log.end();
        match (encoding, transform) {
            (Encoding::Plain, _) => out.extend_from_slice(entry.log.plain_from(cursor)),
            (Encoding::Shared(key), Some(transform)) => {
                out.extend_from_slice(entry.log.encoded_from(key, transform, cursor));
            }
            _ => {
                let frames: Vec<_> = (cursor..end)
                    .map(|number| entry.log.plain_frame(number).to_vec())
                    .collect();
                for frame in frames {
                    self.encode_owed(place, &frame, out);
                }
            }
        }
        self.topics.topic(seat.topic).members[seat.index as usize].cursor = end;
        end - cursor
    }

    /// The oldest message over several topics that a member has not got; moves its cursor.
    fn next_owed(&mut self, owed: &mut Vec<Seat>) -> Option<Vec<u8>> {
        owed.retain(|seat| !self.topics.is_settled(seat.topic, seat.index));
        let seat = *owed.iter().min_by_key(|seat| {
            let entry = self.topics.topic(seat.topic);
            entry.log.seq(entry.members[seat.index as usize].cursor)
        })?;
        let entry = self.topics.topic(seat.topic);
        let member = &mut entry.members[seat.index as usize];
        let frame = entry.log.plain_frame(member.cursor).to_vec();
        member.cursor += 1;
        Some(frame)
    }

    /// Appends one plain frame of a log as this connection gets it.
    fn encode_owed(&mut self, place: u32, frame: &[u8], out: &mut Vec<u8>) {
        let mask = self.mask(place);
        let rare = self.slots[place as usize].rare.as_mut();
        let start = out.len();
        match rare.and_then(|rare| rare.transform.as_deref_mut()) {
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
    fn keep_shared_rest(&mut self, place: u32, frames: &bytes::Bytes, sent: usize, messages: u64) {
        let limit = self.rules(place).backlog_limit;
        let slot = self.slot(place);
        slot.flags.set(Flags::BLOCKED);
        slot.rare().outbox.push_shared_rest(frames, sent);
        let backlog = slot.backlog();
        self.backlog_grew(place, backlog);
        if messages > 1 && backlog > limit {
            self.enforce_limit(place);
        }
    }

    /// Ends the membership of a session in a topic.
    pub(super) fn leave_seat(&mut self, place: u32, seat: Seat) {
        self.slot(place).seats.remove(seat.topic);
        let (topics, slots) = (&mut self.topics, &mut self.slots);
        topics.leave(seat.topic, seat.index, |moved, index| {
            let seats = slots[moved as usize].seats.as_mut_slice();
            if let Some(moved) = seats.iter_mut().find(|moved| moved.topic == seat.topic) {
                moved.index = index;
            }
        });
    }

    /// Ends all memberships of a session.
    pub(super) fn leave_all(&mut self, place: u32) {
        while let Some(&seat) = self.slot(place).seats.as_slice().last() {
            self.leave_seat(place, seat);
        }
        self.slot(place).seats = super::slot::Seats::None;
    }
}
