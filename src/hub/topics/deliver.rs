//! Publishing: one frame for all, one send a subscriber, a slice of them at a time.

use crate::app::SessionId;
use crate::hub::conn::flags::Flags;
use crate::hub::conn::memberships::{Membership, Memberships};
use crate::hub::conn::phase::State;
use crate::hub::core::{Core, HubContext};
use crate::hub::topics::encoding::{ENCODING, Encoding};
use crate::hub::topics::log::{EVENTS, ShareKey};
use crate::hub::topics::members::HOLD_BYTES;
use crate::hub::transport::Lost;
use crate::hub::ws::send_long::MOST_SENT_LONG;
use crate::wire::message::Message;
use crate::wire::outbox::{Framing, SHARE_FROM};
use crate::wire::work::{Work, price};
use bytes::Bytes;
use std::ops::Range;

/// So many bytes of a topic are sent to a member, or kept for it, in one step.
const MOST_DELIVERED: usize = 64 << 10;

impl HubContext<'_> {
    /// Publishes to a topic; the number of its subscribers without the one that is left out. `fields` are
    /// those of an event.
    pub(crate) fn publish(
        &mut self,
        by: SessionId,
        name: &str,
        message: Message<'_>,
        fields: &[u8],
        except: Option<u32>,
    ) -> usize {
        let Some(topic) = self.core.topics.find(name) else {
            return 0;
        };
        let membership = |core: &mut Core, key: u32| core.slot(key).memberships.find(topic);
        if let Some(key) = except
            && membership(self.core, key).is_some()
        {
            self.catch_up(key);
        }
        // Catching up can end the session, and with it the topic.
        let skipped = except.and_then(|key| membership(self.core, key));
        if self.core.topics.find(name) != Some(topic) {
            return 0;
        }
        self.core.topics.publish(topic, message, fields);
        let entry = self.core.topics.topic(topic);
        if let Some(membership) = skipped {
            entry.members[membership.index as usize].cursor = entry.log.end();
        }
        let (subscribers, log_len) = (entry.members.len(), entry.log.len());
        if log_len > HOLD_BYTES {
            self.core.hold(by, topic);
        }
        subscribers - usize::from(skipped.is_some())
    }

    /// Catches up an open session; whether it is open afterwards.
    pub(crate) fn catch_up_open(&mut self, key: u32) -> bool {
        let is_open = |core: &mut Core| core.slot(key).state() == State::Open;
        if is_open(self.core) {
            self.catch_up(key);
        }
        is_open(self.core)
    }

    /// Puts everything that was published to the topics of a session, and that it has not
    /// got, behind what waits for it, in the order of publishing.
    pub(crate) fn catch_up(&mut self, key: u32) {
        self.catch_up_by(key, usize::MAX);
    }

    /// The same with some of it, for who comes again.
    pub(crate) fn catch_up_some(&mut self, key: u32) {
        self.catch_up_by(key, MOST_DELIVERED);
    }

    /// The same, but at most so many bytes, and one message at least; of events only what is written by
    /// then.
    fn catch_up_by(&mut self, key: u32, most: usize) {
        let core = &mut *self.core;
        let memberships = core.slots[key as usize].memberships.as_slice();
        let owing = |core: &Core, membership: &Membership| {
            !core.topics.is_caught_up(membership.topic, membership.index)
        };
        // All of it must go before what is said next: what does not fit into this share of work goes
        // plain, which costs a copy.
        let mut work = Work::new(ENCODING);
        let mut owed: Vec<Membership> = match memberships {
            [] => return,
            [membership] if !owing(core, membership) => return,
            memberships => memberships
                .iter()
                .filter(|membership| owing(core, membership))
                .copied()
                .collect(),
        };
        let (all, mut brought) = (most == usize::MAX, 0);
        if let [membership] = owed[..] {
            self.catch_up_in(key, membership, most, work);
            // A long event is a step of its own.
            while all && self.core.slot(key).state() == State::Open && owing(self.core, &membership)
            {
                self.catch_up_in(key, membership, most, work);
            }
            return;
        }
        while brought < most
            && let Some((topic, number)) = self.core.next_owed(&mut owed)
        {
            let mut encoded = Vec::new();
            let done = if self.core.slot(key).is_event_stream() {
                match self.core.event_owed(topic, number, all, &mut encoded) {
                    Some(is_event) => is_event.then_some(()),
                    // It is not written yet, and comes in its turn.
                    None => break,
                }
            } else {
                let frame = self.core.topics.topic(topic).log.plain_frame(number);
                let frame = frame.to_vec();
                self.core.encode_owed(key, &frame, &mut work, &mut encoded)
            };
            self.core.got_owed(&owed, topic);
            self.core
                .work
                .charge_bytes(encoded.len(), price::BYTES_COPIED);
            brought += encoded.len();
            if done.is_some() {
                let _ = self.append(key, &encoded, 1);
            }
            if self.core.slot(key).state() != State::Open {
                break;
            }
        }
        self.core.charge_encoding(work, 0);
    }

    /// The same in one topic. Members that get the same share the bytes.
    fn catch_up_in(&mut self, key: u32, membership: Membership, most: usize, mut work: Work) {
        let core = &mut *self.core;
        let encoding = core.encoding(key);
        let all = most == usize::MAX;
        let Some(share) = core.encode_shared(key, encoding, membership.topic, all) else {
            return;
        };
        let (topic, index) = (membership.topic, membership.index);
        let step = core.topics.take_step(topic, index, share, most);
        let messages = core.sent_of(topic, encoding, &step);
        if messages == 0 {
            return;
        }
        let frames = core.topics.topic(topic).log.frames_of(share, &step);
        // A refusal is counted, or has ended the session.
        let is_gathered = core.reply_of == key && core.slots[key as usize].backlog() == 0;
        if encoding != Encoding::Own && !is_gathered && frames.len() >= SHARE_FROM {
            let shared = core.shared(topic, share, &step);
            let _ = self.append_shared(key, shared, messages);
            return;
        }
        let mut out = std::mem::take(&mut core.scratch);
        let encoded = if encoding == Encoding::Own {
            step.into_iter().try_for_each(|number| {
                let frame = core.topics.topic(topic).log.plain_frame(number).to_vec();
                core.encode_owed(key, &frame, &mut work, &mut out)
            })
        } else {
            out.extend_from_slice(frames);
            Some(())
        };
        core.charge_encoding(work, out.len());
        if encoded.is_some() {
            let _ = self.append(key, &out, messages);
        }
        self.core.keep_scratch(out);
    }

    /// Sends what is undelivered, while the work lasts. Topics take turns.
    pub(crate) fn deliver(&mut self) {
        while !self.core.work.is_spent() {
            let Some(topic) = self.core.topics.front() else {
                return;
            };
            let entry = self.core.topics.topic(topic);
            let Some(pass) = entry.pass else { return };
            let Some(member) = entry.members.get(pass.next).copied() else {
                let freed = self.core.topics.end_pass();
                for id in freed {
                    self.core.release(id);
                }
                continue;
            };
            let index = pass.next as u32;
            if member.cursor < entry.log.end() {
                self.deliver_to(member.key, Membership { topic, index });
            } else {
                self.core.work.charge(price::CAUGHT_UP);
            }
            self.core.topics.go_on(topic, member);
        }
        self.core.topics.rotate();
    }

    /// Sends one member what it has not got, or as much of it as is one step.
    fn deliver_to(&mut self, key: u32, membership: Membership) {
        let core = &mut *self.core;
        core.work.charge(price::SEND);
        let slot = &core.slots[key as usize];
        let encoding = core.encoding(key);
        if slot.state() != State::Open {
            let entry = core.topics.topic(membership.topic);
            entry.members[membership.index as usize].cursor = entry.log.end();
            return;
        }
        if slot.backlog() > 0 && !slot.flags.has(Flags::BLOCKED) {
            // Nobody has asked the peer yet whether it takes that.
            self.flush(key);
        }
        let core = &mut *self.core;
        let slot = &core.slots[key as usize];
        if slot.state() != State::Open {
            return;
        }
        if slot.backlog() > 0
            || encoding == Encoding::Own
            || core.owes_elsewhere(key, membership.topic)
        {
            return self.catch_up_by(key, MOST_DELIVERED);
        }
        let Some(share) = core.encode_shared(key, encoding, membership.topic, false) else {
            return;
        };
        let (topic, index) = (membership.topic, membership.index);
        let step = core.topics.take_step(topic, index, share, MOST_DELIVERED);
        let messages = core.sent_of(topic, encoding, &step);
        if messages == 0 {
            return;
        }
        let frames = core.topics.topic(topic).log.frames_of(share, &step);
        let len = frames.len();
        // What is longer than one call may carry is flushed later, in its turn.
        let asked = len.min(MOST_SENT_LONG);
        core.work.charge_bytes(asked, price::BYTES_SENT);
        if core.slots[key as usize].flags.has(Flags::SECURE) {
            core.work.charge_sealed(asked);
        }
        let sent = self.io.send(key, &frames[..asked]);
        if encoding == Encoding::Events && sent.is_ok_and(|sent| sent > 0) {
            let tick = core.tick as u16;
            core.slots[key as usize].peer_took(tick);
        }
        core.metrics.on_written(sent.unwrap_or(0));
        match sent {
            Err(Lost) => core.lost(key),
            Ok(sent) if sent < len => {
                let shared = core.shared(topic, share, &step);
                core.metrics.on_sent(messages);
                core.keep_shared_rest(key, &shared, sent, messages);
                if sent < asked {
                    core.slot(key).flags.set(Flags::BLOCKED);
                } else {
                    core.mark_dirty(key);
                }
            }
            Ok(_) => core.metrics.on_sent(messages),
        }
    }
}

impl Core {
    /// Whether a member of several topics has not got everything of another one than this.
    fn owes_elsewhere(&self, key: u32, topic: u32) -> bool {
        let memberships = self.slots[key as usize].memberships.as_slice();
        memberships.len() > 1
            && memberships.iter().any(|other| {
                other.topic != topic && !self.topics.is_caught_up(other.topic, other.index)
            })
    }

    /// Lets a publisher wait until the topic has caught up: a connection is not read, and commands of
    /// other threads are not taken.
    fn hold(&mut self, by: SessionId, topic: u32) {
        let was_held = if by == SessionId::OTHER_THREADS {
            std::mem::replace(&mut self.remote_held, true)
        } else if let Some(key) = self.key_of(by) {
            let flags = &mut self.slot(key).flags;
            let was_held = flags.has(Flags::HELD);
            flags.set(Flags::HELD);
            was_held
        } else {
            return;
        };
        if !was_held {
            self.topics.topic(topic).held.push(by);
        }
    }

    /// Reads a publisher again.
    fn release(&mut self, id: SessionId) {
        if id == SessionId::OTHER_THREADS {
            self.remote_held = false;
            return;
        }
        if let Some(key) = self.key_of(id)
            && self.slot(key).flags.has(Flags::HELD)
        {
            self.slot(key).flags.clear(Flags::HELD);
            self.resumed.push_back(id);
        }
    }

    /// How many of these messages are sent to a member; those that have no form as an event count as dropped.
    fn sent_of(&mut self, topic: u32, encoding: Encoding, step: &Range<u64>) -> u64 {
        let messages = step.end - step.start;
        if encoding != Encoding::Events {
            return messages;
        }
        let without = self.topics.topic(topic).log.without_event(step);
        self.metrics.on_dropped(without);
        messages - without
    }

    /// Appends one message of a log as the event that it is for everybody; `false` when it has no form as
    /// one, and counts as dropped. `None`: it is not written yet, and `all` were not wanted now.
    fn event_owed(
        &mut self,
        topic: u32,
        number: u64,
        all: bool,
        out: &mut Vec<u8>,
    ) -> Option<bool> {
        self.write_events(topic, all);
        let log = &self.topics.topic(topic).log;
        let step = log.step(Some(EVENTS), number, 0);
        if step.is_empty() {
            return None;
        }
        out.extend_from_slice(log.frames_of(Some(EVENTS), &step));
        Some(self.sent_of(topic, Encoding::Events, &step) > 0)
    }

    /// The oldest message over several topics that a member has not got, by topic and number.
    fn next_owed(&mut self, owed: &mut Vec<Membership>) -> Option<(u32, u64)> {
        owed.retain(|membership| !self.topics.is_caught_up(membership.topic, membership.index));
        let membership = *owed.iter().min_by_key(|membership| {
            let entry = self.topics.topic(membership.topic);
            entry
                .log
                .seq(entry.members[membership.index as usize].cursor)
        })?;
        let entry = self.topics.topic(membership.topic);
        let number = entry.members[membership.index as usize].cursor;
        Some((membership.topic, number))
    }

    /// A member has got what [`Core::next_owed`] told, of this topic.
    fn got_owed(&mut self, owed: &[Membership], topic: u32) {
        let of_topic = owed.iter().find(|membership| membership.topic == topic);
        if let Some(membership) = of_topic {
            let entry = self.topics.topic(topic);
            entry.members[membership.index as usize].cursor += 1;
        }
    }

    /// Whether a member has not got everything of its topics.
    pub(crate) fn owes(&self, key: u32) -> bool {
        let memberships = self.slots[key as usize].memberships.as_slice();
        let owes = |of: &Membership| !self.topics.is_caught_up(of.topic, of.index);
        memberships.iter().any(owes)
    }

    /// Frames of a topic, to be kept by several outboxes: copied when they are other ones than last time.
    fn shared(&mut self, topic: u32, share: Option<ShareKey>, messages: &Range<u64>) -> Bytes {
        let (bytes, is_copy) = self.topics.shared(topic, share, messages);
        if is_copy {
            self.work.charge_kept(bytes.len());
        }
        bytes
    }

    /// Keeps the unsent rest of a delivery; the buffer is shared with other slow members.
    fn keep_shared_rest(&mut self, key: u32, frames: &Bytes, sent: usize, messages: u64) {
        let limit = self.rules(key).backlog_limit;
        let framing = self.slot(key).framing();
        self.push_backlog(key, |outbox| {
            if framing == Framing::Events && messages == 1 && sent > 0 {
                // Its end need not be searched for.
                outbox.push_opaque_shared(frames.slice(sent..));
            } else {
                outbox.push_shared_rest(frames, sent, framing);
            }
        });
        let backlog = self.slot(key).backlog();
        if messages > 1 && backlog > limit {
            self.enforce_limit(key);
        }
    }

    /// Ends the membership of a session in a topic.
    pub(crate) fn leave_membership(&mut self, key: u32, membership: Membership) {
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

    /// A session hears nothing any more: its memberships end, and nobody waits for it.
    pub(crate) fn leave_all(&mut self, key: u32) {
        self.release_waiters(key);
        while let Some(&membership) = self.slot(key).memberships.as_slice().last() {
            self.leave_membership(key, membership);
        }
        self.slot(key).memberships = Memberships::None;
    }
}
