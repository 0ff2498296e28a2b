//! Topics: who subscribes, what was published, and how far each subscriber is.
//!
//! A topic is a dense list of members and a log. A published message is framed
//! once and laid at the end of the log; each member has a cursor into it. The
//! hub goes round the members in passes, a slice at a time, and gives each
//! everything behind its cursor in one send. So a member that is served late in
//! a pass gets more at once, order is kept without queues of its own, and what
//! every member has is cut off the log at the end of a pass. Nothing here sends.

use crate::app::SessionId;
use crate::hub::ledger::Held;
use crate::hub::topics::log::{Log, Panicked, ShareKey};
use crate::wire::extension::Transform;
use crate::wire::message::Message;
use crate::wire::work::Work;
use bytes::Bytes;
use slab::Slab;
use std::collections::{HashMap, VecDeque};
use std::ops::Range;

/// A publisher whose topic has this many bytes undelivered is not read until they went out.
pub(crate) const HOLD_BYTES: usize = 64 << 10;

/// A subscriber and the number of the next message it has not got.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Member {
    pub(crate) cursor: u64,
    pub(crate) key: u32,
}

/// A walk over all members.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pass {
    /// The member to look at next.
    pub(crate) next: usize,
    /// The end of the log when the pass began: what every member has when it ends.
    until: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Topic {
    name: Box<str>,
    pub(crate) members: Vec<Member>,
    pub(crate) log: Log,
    pub(crate) pass: Option<Pass>,
    /// Publishers that are not read until the log is short again.
    pub(crate) held: Vec<SessionId>,
    queued: bool,
}

/// All topics.
#[derive(Debug, Default)]
pub(crate) struct Topics {
    names: HashMap<Box<str>, u32>,
    topics: Slab<Topic>,
    /// Topics with something undelivered, in the order they are served.
    queue: VecDeque<u32>,
    /// Counts published messages over all topics.
    published: u64,
    /// What all logs hold.
    held: Held,
}

impl Topics {
    pub(crate) fn find(&self, name: &str) -> Option<u32> {
        self.names.get(name).copied()
    }

    pub(crate) fn len(&self) -> usize {
        self.topics.len()
    }

    pub(crate) fn find_or_make(&mut self, name: &str) -> u32 {
        if let Some(topic) = self.find(name) {
            return topic;
        }
        let topic = self.topics.insert(Topic {
            name: name.into(),
            ..Topic::default()
        }) as u32;
        self.names.insert(name.into(), topic);
        topic
    }

    pub(crate) fn topic(&mut self, topic: u32) -> &mut Topic {
        &mut self.topics[topic as usize]
    }

    /// The keys of its members.
    pub(crate) fn member_keys(&self, topic: u32) -> impl Iterator<Item = u32> {
        let members = self.topics[topic as usize].members.iter();
        members.map(|member| member.key)
    }

    pub(crate) fn members(&self, topic: u32) -> usize {
        self.topics[topic as usize].members.len()
    }

    /// Adds a member that gets what is published from now on; its index.
    pub(crate) fn join(&mut self, topic: u32, key: u32) -> u32 {
        let topic = self.topic(topic);
        let cursor = topic.log.end();
        topic.members.push(Member { cursor, key });
        (topic.members.len() - 1) as u32
    }

    /// Removes a member and calls `moved(key, index)` for those that changed their index. The
    /// border between the members that a pass has served and those it has not stays where it is.
    pub(crate) fn leave(&mut self, topic: u32, index: u32, mut moved: impl FnMut(u32, u32)) {
        let (entry, mut index) = (self.topic(topic), index as usize);
        if let Some(pass) = &mut entry.pass
            && index < pass.next
        {
            pass.next -= 1;
            entry.members.swap(index, pass.next);
            moved(entry.members[index].key, index as u32);
            index = pass.next;
        }
        entry.members.swap_remove(index);
        if let Some(member) = entry.members.get(index) {
            moved(member.key, index as u32);
        }
        self.remove_if_idle(topic);
    }

    /// Forgets a topic that nobody is in and that owes nothing.
    fn remove_if_idle(&mut self, topic: u32) {
        let entry = &self.topics[topic as usize];
        if entry.members.is_empty() && !entry.queued {
            let entry = self.topics.remove(topic as usize);
            self.held = self.held - entry.log.held();
            self.names.remove(&entry.name);
        }
    }

    /// Lays a message at the end of a topic's log; `fields` are those of an event.
    pub(crate) fn publish(&mut self, topic: u32, message: Message<'_>, fields: &[u8]) {
        self.published += 1;
        let seq = self.published;
        let entry = &mut self.topics[topic as usize];
        let held = entry.log.held();
        entry.log.append(seq, message, fields);
        self.held = self.held + entry.log.held() - held;
        if !std::mem::replace(&mut entry.queued, true) {
            self.queue.push_back(topic);
        }
    }

    /// The topic to serve next, with a pass begun.
    pub(crate) fn front(&mut self) -> Option<u32> {
        let topic = *self.queue.front()?;
        let entry = self.topic(topic);
        let until = entry.log.end();
        entry.pass.get_or_insert(Pass { next: 0, until });
        Some(topic)
    }

    /// Lets the next topic have its turn.
    pub(crate) fn rotate(&mut self) {
        if !self.queue.is_empty() {
            self.queue.rotate_left(1);
        }
    }

    /// Ends the pass of the topic in front: cuts what everybody has. Returns publishers to read again.
    pub(crate) fn end_pass(&mut self) -> Vec<SessionId> {
        let Some(topic) = self.queue.pop_front() else {
            return Vec::new();
        };
        let entry = &mut self.topics[topic as usize];
        let held = entry.log.held();
        if let Some(pass) = entry.pass.take() {
            entry.log.cut(pass.until);
        }
        if entry.members.is_empty() {
            entry.log.cut(entry.log.end());
        }
        self.held = self.held + entry.log.held() - held;
        let freed = if entry.log.len() < HOLD_BYTES {
            std::mem::take(&mut entry.held)
        } else {
            Vec::new()
        };
        if entry.log.is_empty() {
            entry.queued = false;
            self.remove_if_idle(topic);
        } else {
            self.queue.push_back(topic);
        }
        freed
    }

    /// Whether something is undelivered.
    pub(crate) fn is_pending(&self) -> bool {
        !self.queue.is_empty()
    }

    /// What all logs hold.
    pub(crate) fn held(&self) -> Held {
        self.held
    }

    /// Encodes what a topic has and what is not encoded yet; see [`Log::encode`].
    pub(crate) fn encode(
        &mut self,
        topic: u32,
        share: ShareKey,
        transform: &mut dyn Transform,
        work: &mut Work,
    ) -> Result<(), Panicked> {
        let log = &mut self.topics[topic as usize].log;
        let held = log.held();
        let outcome = log.encode(share, transform, work);
        self.held = self.held + log.held() - held;
        outcome
    }

    /// Encodes as events what a topic has, while the work lasts.
    pub(crate) fn encode_events(&mut self, topic: u32, work: &mut Work) {
        let log = &mut self.topics[topic as usize].log;
        let held = log.held();
        log.encode_events(work);
        self.held = self.held + log.held() - held;
    }

    /// The messages that a member gets in one step of at most so many bytes: they are its own from now on.
    pub(crate) fn take_step(
        &mut self,
        topic: u32,
        index: u32,
        share: Option<ShareKey>,
        most: usize,
    ) -> Range<u64> {
        let entry = &mut self.topics[topic as usize];
        let cursor = &mut entry.members[index as usize].cursor;
        let step = entry.log.step(share, *cursor, most);
        *cursor = step.end;
        step
    }

    /// Frames of a topic, to be kept by several outboxes, and whether they were copied.
    pub(crate) fn shared(
        &mut self,
        topic: u32,
        share: Option<ShareKey>,
        messages: &Range<u64>,
    ) -> (Bytes, bool) {
        let log = &mut self.topics[topic as usize].log;
        let held = log.held();
        let shared = log.shared_of(share, messages);
        self.held = self.held + log.held() - held;
        shared
    }

    /// Goes on to the next member of a pass, if this one has what the pass brings. One that has left
    /// is no longer where it was.
    pub(crate) fn go_on(&mut self, topic: u32, member: Member) {
        let entry = &mut self.topics[topic as usize];
        if let Some(pass) = &mut entry.pass
            && let Some(now) = entry.members.get(pass.next)
            && now.key == member.key
            && now.cursor >= pass.until
        {
            pass.next += 1;
        }
    }

    /// Whether this key sits here.
    pub(crate) fn is_member(&self, topic: u32, index: u32, key: u32) -> bool {
        let entry = self.topics.get(topic as usize);
        let member = entry.and_then(|entry| entry.members.get(index as usize));
        member.is_some_and(|member| member.key == key)
    }

    /// Members of all topics.
    pub(crate) fn memberships(&self) -> usize {
        self.topics
            .iter()
            .map(|(_, topic)| topic.members.len())
            .sum()
    }

    /// Checks that no topic is forgotten, and none kept for nobody.
    pub(crate) fn check_accounts(&self) -> Result<(), String> {
        for (_, topic) in &self.topics {
            let name = &topic.name;
            if topic.members.is_empty() && !topic.queued {
                return Err(format!("nobody is in topic {name:?}"));
            }
            if topic.queued == topic.log.is_empty() {
                return Err(format!("topic {name:?} owes messages that nobody delivers"));
            }
        }
        let logs = self.topics.iter().map(|(_, topic)| topic.log.held());
        let held = logs.fold(Held::default(), |sum, held| sum + held);
        if held != self.held {
            return Err(format!(
                "topics hold {held:?}, the sum says {:?}",
                self.held
            ));
        }
        let queued = self.topics.iter().filter(|(_, topic)| topic.queued).count();
        if queued == self.queue.len() && self.topics.len() == self.names.len() {
            Ok(())
        } else {
            Err("the lists of topics differ".to_owned())
        }
    }

    /// Whether a member has got everything.
    pub(crate) fn is_caught_up(&self, topic: u32, index: u32) -> bool {
        let entry = &self.topics[topic as usize];
        entry.members[index as usize].cursor >= entry.log.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::topics::log::open_frame;
    use crate::wire::frame::frame_len;

    fn texts(frames: &[u8]) -> Vec<String> {
        let (mut at, mut texts) = (0, Vec::new());
        while let Some(len) = frame_len(&frames[at..]) {
            let (_, _, payload) = open_frame(&frames[at..at + len]);
            texts.push(String::from_utf8(payload.to_vec()).unwrap());
            at += len;
        }
        texts
    }

    #[test]
    fn a_member_gets_what_is_published_after_it_joined() {
        let mut topics = Topics::default();
        let room = topics.find_or_make("room");
        topics.join(room, 0);
        topics.publish(room, "one".into(), &[]);
        let index = topics.join(room, 1);
        topics.publish(room, "two".into(), &[]);
        let topic = topics.topic(room);
        assert_eq!(
            texts(topic.log.frames_of(None, &(topic.members[0].cursor..2))),
            ["one", "two"]
        );
        assert_eq!(
            texts(
                topic
                    .log
                    .frames_of(None, &(topic.members[index as usize].cursor..2))
            ),
            ["two"]
        );
    }

    #[test]
    fn what_everybody_has_is_cut_at_the_end_of_a_pass() {
        let mut topics = Topics::default();
        let room = topics.find_or_make("room");
        topics.join(room, 0);
        topics.publish(room, "one".into(), &[]);
        assert_eq!(topics.front(), Some(room));
        topics.publish(room, "two".into(), &[]);
        topics.end_pass();
        assert!(topics.is_pending());
        assert_eq!(
            texts(topics.topic(room).log.frames_of(None, &(1..2))),
            ["two"]
        );
        topics.front();
        topics.end_pass();
        assert!(!topics.is_pending());
    }

    #[test]
    fn leaving_during_a_pass_never_moves_a_member_across_its_border() {
        for leaver in 0..6 {
            for next in 0..=6 {
                let mut topics = Topics::default();
                let room = topics.find_or_make("room");
                let mut index_of: Vec<u32> = (0..6).map(|key| topics.join(room, key)).collect();
                topics.publish(room, "hello".into(), &[]);
                topics.front();
                topics.topic(room).pass.as_mut().unwrap().next = next;
                topics.leave(room, leaver, |key, index| index_of[key as usize] = index);
                let topic = topics.topic(room);
                let border = topic.pass.unwrap().next;
                let served = |members: &[Member]| {
                    let mut keys: Vec<_> = members.iter().map(|member| member.key).collect();
                    keys.sort_unstable();
                    keys
                };
                let expected = |range: std::ops::Range<u32>| {
                    range.filter(|key| *key != leaver).collect::<Vec<_>>()
                };
                assert_eq!(served(&topic.members[..border]), expected(0..next as u32));
                assert_eq!(served(&topic.members[border..]), expected(next as u32..6));
                for (index, member) in topic.members.iter().enumerate() {
                    assert_eq!(index_of[member.key as usize] as usize, index);
                }
            }
        }
    }

    #[test]
    fn a_topic_that_nobody_is_in_is_forgotten() {
        let mut topics = Topics::default();
        let room = topics.find_or_make("room");
        let index = topics.join(room, 0);
        topics.publish(room, "late".into(), &[]);
        topics.leave(room, index, |_, _| {});
        assert_eq!(topics.len(), 1, "it still owes a pass");
        topics.front();
        topics.end_pass();
        assert_eq!(topics.len(), 0);
        assert_eq!(topics.find("room"), None);
    }
}
