//! The log of a topic: messages that some member has not got, framed once, and once more for each
//! way that connections have agreed to transform them. It knows numbers, not members.

use super::event_log::EventLog;
use super::frames::Frames;
pub(crate) use super::frames::open_frame;
use crate::hub::guard::guard;
use crate::hub::ledger::Held;
use crate::wire::extension::Transform;
use crate::wire::frame::{OpCode, Reserved, write_header, write_message};
use crate::wire::message::Message;
use crate::wire::work::Work;
use bytes::Bytes;
use std::collections::VecDeque;
use std::ops::Range;

/// Which connections get the same bytes: the number of an extension, and its own share.
pub(crate) type ShareKey = (u16, u32);

/// The share of all event streams. No extension has this number.
pub(crate) const EVENTS: ShareKey = (u16::MAX, u32::MAX);

/// Messages as frames laid end to end.
#[derive(Debug, Default)]
pub(crate) struct Log {
    /// The number of the first message.
    first: u64,
    /// Of each message: its number over all topics.
    seqs: VecDeque<u64>,
    plain: Frames,
    /// The same messages as connections with this share key get them.
    encoded: Vec<(ShareKey, Frames)>,
    /// What only event streams need of them.
    events: EventLog,
}

impl Log {
    /// The number that the next message will get.
    pub(crate) fn end(&self) -> u64 {
        self.first + self.seqs.len() as u64
    }

    /// Bytes of the plain frames.
    pub(crate) fn len(&self) -> usize {
        self.plain.bytes.len()
    }

    /// The plain frames that wait, and the memory of every encoding.
    pub(crate) fn held(&self) -> Held {
        let encoded: usize = self.encoded.iter().map(|(_, frames)| frames.held()).sum();
        let events = self.events.held();
        Held::new(self.len(), self.plain.held() + encoded + events)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.seqs.is_empty()
    }

    /// Lays a message at the end; `fields` are those of an event.
    pub(crate) fn append(&mut self, seq: u64, message: Message<'_>, fields: &[u8]) {
        if !fields.is_empty() {
            self.events.note(self.end(), fields);
        }
        write_message(&mut self.plain.bytes, message);
        self.plain.ends.push_back(self.plain.bytes.len());
        self.seqs.push_back(seq);
    }

    pub(crate) fn cut(&mut self, until: u64) {
        let count = (until - self.first) as usize;
        self.seqs.drain(..count);
        self.plain.cut(count);
        for (_, frames) in &mut self.encoded {
            frames.cut(count);
        }
        self.events.cut(count, until);
        if self.seqs.is_empty() {
            self.encoded.clear();
        }
        self.first = until;
    }

    /// The number over all topics of a message.
    pub(crate) fn seq(&self, number: u64) -> u64 {
        self.seqs[(number - self.first) as usize]
    }

    /// The plain frame of one message.
    pub(crate) fn plain_frame(&self, number: u64) -> &[u8] {
        self.plain.frame((number - self.first) as usize)
    }

    /// Encodes what is not encoded yet as `transform` does for everybody of its share key. When
    /// `work` is spent the rest stays plain, which every receiver understands as well.
    ///
    /// # Errors
    /// [`Panicked`]: the transformation did; the message stays plain.
    pub(crate) fn encode(
        &mut self,
        share: ShareKey,
        transform: &mut dyn Transform,
        work: &mut Work,
    ) -> Result<(), Panicked> {
        let at = match self.encoded.iter().position(|(known, _)| *known == share) {
            Some(at) => at,
            None => {
                self.encoded.push((share, Frames::default()));
                self.encoded.len() - 1
            }
        };
        let frames = &mut self.encoded[at].1;
        let mut outcome = Ok(());
        for index in frames.ends.len()..self.plain.ends.len() {
            let frame = self.plain.frame(index);
            let encoded = encode_frame(frame, transform, work, &mut frames.bytes);
            outcome = outcome.and(encoded);
            frames.ends.push_back(frames.bytes.len());
        }
        outcome
    }

    /// The messages from `number` on that one step gives a member: as many as fit into `most` bytes
    /// as frames of this share key, and one at least; none of those that are not
    /// encoded yet.
    pub(crate) fn step(&self, share: Option<ShareKey>, number: u64, most: usize) -> Range<u64> {
        let index = (number - self.first) as usize;
        let fitting = match share {
            Some(EVENTS) => self.events.fitting(index, number, most),
            share => self.frames(share).fitting(index, most),
        };
        number..self.first + fitting as u64
    }

    /// The frames of these messages, as [`Log::encode`] has encoded them for this share key; plain
    /// ones without one.
    pub(crate) fn frames_of(&self, share: Option<ShareKey>, messages: &Range<u64>) -> &[u8] {
        if share == Some(EVENTS) {
            return self.events.events_of(self.first, messages);
        }
        let frames = self.frames(share);
        &frames.bytes[frames.range(self.first, messages)]
    }

    /// The bytes of [`Log::frames_of`], to be kept by several outboxes, and whether they were copied:
    /// those that were asked for last are there already.
    pub(crate) fn shared_of(
        &mut self,
        share: Option<ShareKey>,
        messages: &Range<u64>,
    ) -> (Bytes, bool) {
        let first = self.first;
        let known = match share {
            None => None,
            Some(EVENTS) => return self.events.share(first, messages),
            Some(share) => {
                let mut encoded = self.encoded.iter_mut();
                let known = encoded.find(|(known, _)| *known == share);
                known.map(|(_, frames)| frames)
            }
        };
        let frames = known.unwrap_or(&mut self.plain);
        let range = frames.range(first, messages);
        frames.share(range)
    }

    /// Encodes what is not encoded yet as events, while the work lasts.
    pub(crate) fn encode_events(&mut self, work: &mut Work) {
        self.events.encode(&self.plain, self.first, work);
    }

    /// How many of these messages, which are encoded, have no form as an event.
    pub(crate) fn without_event(&self, messages: &Range<u64>) -> u64 {
        self.events.without_event(messages)
    }

    fn frames(&self, share: Option<ShareKey>) -> &Frames {
        let known = share.and_then(|share| self.encoded.iter().find(|(known, _)| *known == share));
        known.map_or(&self.plain, |(_, frames)| frames)
    }
}

/// Code of the program that encodes messages panicked: the session that it did so for has to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Panicked;

/// Appends a plain data frame as `transform` wants it: as it is when the work is spent.
///
/// # Errors
/// [`Panicked`]: the transformation did; the frame was appended as it is.
pub(crate) fn encode_frame(
    frame: &[u8],
    transform: &mut dyn Transform,
    work: &mut Work,
    out: &mut Vec<u8>,
) -> Result<(), Panicked> {
    let (opcode, _, payload) = open_frame(frame);
    let mut encoded = Vec::new();
    let reserved = if work.is_spent() {
        Ok(None)
    } else {
        encode_payload(transform, opcode, payload, work, &mut encoded)
    };
    match reserved {
        Ok(Some(reserved)) => {
            write_header(out, true, reserved, opcode, encoded.len(), None);
            out.extend_from_slice(&encoded);
        }
        Ok(None) | Err(Panicked) => out.extend_from_slice(frame),
    }
    reserved.map(|_| ())
}

/// Encodes the payload of a message; its reserved bits, or `None` when it stays as it is.
///
/// # Errors
/// [`Panicked`]: the transformation did.
pub(crate) fn encode_payload(
    transform: &mut dyn Transform,
    opcode: OpCode,
    payload: &[u8],
    work: &mut Work,
    out: &mut Vec<u8>,
) -> Result<Option<Reserved>, Panicked> {
    guard(|| transform.encode(opcode, payload, work, out)).ok_or(Panicked)
}
