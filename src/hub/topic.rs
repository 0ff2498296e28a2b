//! Topics: who subscribes, what was published, and how far each subscriber is.
//!
//! A topic is a dense list of members and a log. A published message is framed
//! once and laid at the end of the log; each member has a cursor into it. The
//! hub goes round the members in passes, a slice at a time, and gives each
//! everything behind its cursor in one send. So a member that is served late in
//! a pass gets more at once, order is kept without queues of its own, and what
//! every member has is cut off the log at the end of a pass. Nothing here sends.

use crate::app::SessionId;
use crate::wire::extension::Transform;
use crate::wire::frame::{OpCode, Reserved, frame_len, write_header, write_message};
use crate::wire::message::Message;
use bytes::Bytes;
use slab::Slab;
use std::collections::{HashMap, VecDeque};

/// A publisher whose topic has this many bytes undelivered is not read until they went out.
pub(super) const HOLD_BYTES: usize = 64 << 10;

/// Which connections get the same bytes: an extension of the hub, and its own key.
pub(super) type ShareKey = (u16, u32);

/// A subscriber and the number of the next message it has not got.
#[derive(Clone, Copy, Debug)]
pub(super) struct Member {
    pub(super) cursor: u64,
    pub(super) place: u32,
}

/// A walk over all members.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pass {
    /// The member to look at next.
    pub(super) next: usize,
    /// The end of the log when the pass began: what every member has when it ends.
    until: u64,
}

#[derive(Debug, Default)]
pub(super) struct Topic {
    name: Box<str>,
    pub(super) members: Vec<Member>,
    pub(super) log: Log,
    pub(super) pass: Option<Pass>,
    /// Publishers that are not read until the log is short again.
    pub(super) held: Vec<SessionId>,
    queued: bool,
}

/// All topics.
#[derive(Debug, Default)]
pub(super) struct Topics {
    names: HashMap<Box<str>, u32>,
    topics: Slab<Topic>,
    /// Topics with something undelivered, in the order they are served.
    queue: VecDeque<u32>,
    /// Counts published messages over all topics.
    published: u64,
}

impl Topics {
    pub(super) fn find(&self, name: &str) -> Option<u32> {
        self.names.get(name).copied()
    }

    pub(super) fn len(&self) -> usize {
        self.topics.len()
    }

    pub(super) fn find_or_make(&mut self, name: &str) -> u32 {
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

    pub(super) fn topic(&mut self, topic: u32) -> &mut Topic {
        &mut self.topics[topic as usize]
    }

    pub(super) fn members(&self, topic: u32) -> usize {
        self.topics[topic as usize].members.len()
    }

    /// Adds a member that gets what is published from now on; its index.
    pub(super) fn join(&mut self, topic: u32, place: u32) -> u32 {
        let topic = self.topic(topic);
        let cursor = topic.log.end();
        topic.members.push(Member { cursor, place });
        (topic.members.len() - 1) as u32
    }

    /// Removes a member and calls `moved(place, index)` for those that changed their index. The
    /// border between the members that a pass has served and those it has not stays where it is.
    pub(super) fn leave(&mut self, topic: u32, index: u32, mut moved: impl FnMut(u32, u32)) {
        let (entry, mut index) = (self.topic(topic), index as usize);
        if let Some(pass) = &mut entry.pass
            && index < pass.next
        {
            pass.next -= 1;
            entry.members.swap(index, pass.next);
            moved(entry.members[index].place, index as u32);
            index = pass.next;
        }
        entry.members.swap_remove(index);
        if let Some(member) = entry.members.get(index) {
            moved(member.place, index as u32);
        }
        self.remove_if_idle(topic);
    }

    /// Forgets a topic that nobody is in and that owes nothing.
    fn remove_if_idle(&mut self, topic: u32) {
        let entry = &self.topics[topic as usize];
        if entry.members.is_empty() && !entry.queued {
            let entry = self.topics.remove(topic as usize);
            self.names.remove(&entry.name);
        }
    }

    /// Lays a message at the end of a topic's log.
    pub(super) fn publish(&mut self, topic: u32, message: Message<'_>) {
        self.published += 1;
        let seq = self.published;
        let entry = &mut self.topics[topic as usize];
        entry.log.append(seq, message);
        if !std::mem::replace(&mut entry.queued, true) {
            self.queue.push_back(topic);
        }
    }

    /// The topic to serve next, with a pass begun.
    pub(super) fn front(&mut self) -> Option<u32> {
        let topic = *self.queue.front()?;
        let entry = self.topic(topic);
        let until = entry.log.end();
        entry.pass.get_or_insert(Pass { next: 0, until });
        Some(topic)
    }

    /// Lets the next topic have its turn.
    pub(super) fn rotate(&mut self) {
        if !self.queue.is_empty() {
            self.queue.rotate_left(1);
        }
    }

    /// Ends the pass of the topic in front: cuts what everybody has. Returns publishers to read again.
    pub(super) fn end_pass(&mut self) -> Vec<SessionId> {
        let Some(topic) = self.queue.pop_front() else {
            return Vec::new();
        };
        let entry = self.topic(topic);
        if let Some(pass) = entry.pass.take() {
            entry.log.cut(pass.until);
        }
        if entry.members.is_empty() {
            entry.log.cut(entry.log.end());
        }
        let freed = match entry.log.len() < HOLD_BYTES {
            true => std::mem::take(&mut entry.held),
            false => Vec::new(),
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
    pub(super) fn is_pending(&self) -> bool {
        !self.queue.is_empty()
    }

    /// Bytes of all logs that are being delivered.
    pub(super) fn pending_bytes(&self) -> usize {
        self.queue
            .iter()
            .map(|topic| self.topics[*topic as usize].log.len())
            .sum()
    }

    /// Whether a member has got everything.
    pub(super) fn is_settled(&self, topic: u32, index: u32) -> bool {
        let entry = &self.topics[topic as usize];
        entry.members[index as usize].cursor >= entry.log.end()
    }
}

/// Messages of a topic that some member has not got, as frames laid end to end.
#[derive(Debug, Default)]
pub(super) struct Log {
    /// The number of the first message.
    first: u64,
    /// Of each message: its number over all topics.
    seqs: VecDeque<u64>,
    plain: Frames,
    /// The same messages as connections with this share key get them.
    encoded: Vec<(ShareKey, Frames)>,
}

#[derive(Debug, Default)]
struct Frames {
    bytes: Vec<u8>,
    /// Of each message: where its frame ends.
    ends: VecDeque<usize>,
    /// The last range that was shared.
    shared: Option<(usize, usize, Bytes)>,
}

impl Frames {
    fn start(&self, index: usize) -> usize {
        if index == 0 { 0 } else { self.ends[index - 1] }
    }

    fn frame(&self, index: usize) -> &[u8] {
        &self.bytes[self.start(index)..self.ends[index]]
    }

    fn cut(&mut self, count: usize) {
        let count = count.min(self.ends.len());
        if count == 0 {
            return;
        }
        let bytes = self.ends[count - 1];
        self.ends.drain(..count);
        self.shared = None;
        if self.ends.is_empty() {
            self.bytes.clear();
            // One flood must not keep its peak for ever.
            self.bytes.shrink_to(4 * HOLD_BYTES);
            return;
        }
        self.bytes.drain(..bytes);
        self.ends.iter_mut().for_each(|end| *end -= bytes);
    }
}

impl Log {
    /// The number that the next message will get.
    pub(super) fn end(&self) -> u64 {
        self.first + self.seqs.len() as u64
    }

    /// Bytes of the plain frames.
    pub(super) fn len(&self) -> usize {
        self.plain.bytes.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.seqs.is_empty()
    }

    fn append(&mut self, seq: u64, message: Message<'_>) {
        write_message(&mut self.plain.bytes, message);
        self.plain.ends.push_back(self.plain.bytes.len());
        self.seqs.push_back(seq);
    }

    fn cut(&mut self, until: u64) {
        let count = (until - self.first) as usize;
        self.seqs.drain(..count);
        self.plain.cut(count);
        for (_, frames) in &mut self.encoded {
            frames.cut(count);
        }
        if self.seqs.is_empty() {
            self.encoded.clear();
        }
        self.first = until;
    }

    /// The number over all topics of a message.
    pub(super) fn seq(&self, number: u64) -> u64 {
        self.seqs[(number - self.first) as usize]
    }

    /// The plain frame of one message.
    pub(super) fn plain_frame(&self, number: u64) -> &[u8] {
        self.plain.frame((number - self.first) as usize)
    }

    /// All plain frames from this message on.
    pub(super) fn plain_from(&self, number: u64) -> &[u8] {
        &self.plain.bytes[self.plain.start((number - self.first) as usize)..]
    }

    /// All frames from this message on as `transform` encodes them for everybody of its share key;
    /// what is not encoded yet is.
    pub(super) fn encoded_from(
        &mut self,
        key: ShareKey,
        transform: &mut dyn Transform,
        number: u64,
    ) -> &[u8] {
        let at = match self.encoded.iter().position(|(known, _)| *known == key) {
            Some(at) => at,
            None => {
                self.encoded.push((key, Frames::default()));
                self.encoded.len() - 1
            }
        };
        let frames = &mut self.encoded[at].1;
        for index in frames.ends.len()..self.plain.ends.len() {
            encode_frame(self.plain.frame(index), transform, &mut frames.bytes);
            frames.ends.push_back(frames.bytes.len());
        }
        &frames.bytes[frames.start((number - self.first) as usize)..]
    }

    /// The bytes of [`Log::plain_from`] or [`Log::encoded_from`], to be kept by several outboxes.
    pub(super) fn shared_from(&mut self, key: Option<ShareKey>, number: u64) -> Bytes {
        let index = (number - self.first) as usize;
        let frames = match key {
            None => &mut self.plain,
            Some(key) => match self.encoded.iter_mut().find(|(known, _)| *known == key) {
                Some((_, frames)) => frames,
                None => &mut self.plain,
            },
        };
        let (start, end) = (frames.start(index), frames.bytes.len());
        match &frames.shared {
            Some((from, to, bytes)) if (*from, *to) == (start, end) => bytes.clone(),
            _ => {
                let bytes = Bytes::copy_from_slice(&frames.bytes[start..]);
                frames.shared = Some((start, end, bytes.clone()));
                bytes
            }
        }
    }
}

/// Appends a plain data frame as `transform` wants it.
pub(super) fn encode_frame(frame: &[u8], transform: &mut dyn Transform, out: &mut Vec<u8>) {
    let (opcode, _, payload) = open_frame(frame);
    let mut encoded = Vec::new();
    match transform.encode(opcode, payload, &mut encoded) {
        Some(reserved) => {
            write_header(out, true, reserved, opcode, encoded.len(), None);
            out.extend_from_slice(&encoded);
        }
        None => out.extend_from_slice(frame),
    }
}

/// The opcode, reserved bits and payload of a frame that this side wrote unmasked.
pub(super) fn open_frame(frame: &[u8]) -> (OpCode, Reserved, &[u8]) {
    let opcode = OpCode::from_bits(frame[0] & 0x0f).unwrap_or(OpCode::Binary);
    debug_assert_eq!(frame_len(frame), Some(frame.len()));
    let header = match frame[1] {
        126 => 4,
        127 => 10,
        _ => 2,
    };
    (
        opcode,
        Reserved(frame[0] & Reserved::MASK),
        &frame[header..],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

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
        topics.publish(room, "one".into());
        let index = topics.join(room, 1);
        topics.publish(room, "two".into());
        let topic = topics.topic(room);
        assert_eq!(
            texts(topic.log.plain_from(topic.members[0].cursor)),
            ["one", "two"]
        );
        assert_eq!(
            texts(topic.log.plain_from(topic.members[index as usize].cursor)),
            ["two"]
        );
    }

    #[test]
    fn what_everybody_has_is_cut_at_the_end_of_a_pass() {
        let mut topics = Topics::default();
        let room = topics.find_or_make("room");
        topics.join(room, 0);
        topics.publish(room, "one".into());
        assert_eq!(topics.front(), Some(room));
        topics.publish(room, "two".into());
        topics.end_pass();
        assert!(topics.is_pending());
        assert_eq!(texts(topics.topic(room).log.plain_from(1)), ["two"]);
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
                let mut index_of: Vec<u32> = (0..6).map(|place| topics.join(room, place)).collect();
                topics.publish(room, "hello".into());
                topics.front();
                topics.topic(room).pass.as_mut().unwrap().next = next;
                topics.leave(room, leaver, |place, index| {
                    index_of[place as usize] = index
                });
                let topic = topics.topic(room);
                let border = topic.pass.unwrap().next;
                let served = |members: &[Member]| {
                    let mut places: Vec<_> = members.iter().map(|member| member.place).collect();
                    places.sort_unstable();
                    places
                };
                let expected = |range: std::ops::Range<u32>| {
                    range.filter(|place| *place != leaver).collect::<Vec<_>>()
                };
                assert_eq!(served(&topic.members[..border]), expected(0..next as u32));
                assert_eq!(served(&topic.members[border..]), expected(next as u32..6));
                for (index, member) in topic.members.iter().enumerate() {
                    assert_eq!(index_of[member.place as usize] as usize, index);
                }
            }
        }
    }

    #[test]
    fn a_topic_that_nobody_is_in_is_forgotten() {
        let mut topics = Topics::default();
        let room = topics.find_or_make("room");
        let index = topics.join(room, 0);
        topics.publish(room, "late".into());
        topics.leave(room, index, |_, _| {});
        assert_eq!(topics.len(), 1, "it still owes a pass");
        topics.front();
        topics.end_pass();
        assert_eq!(topics.len(), 0);
        assert_eq!(topics.find("room"), None);
    }
}
