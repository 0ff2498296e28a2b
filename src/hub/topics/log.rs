//! The log of a topic: messages that some member has not got, framed once, and once more for each
//! way that connections have agreed to transform them. It knows numbers, not members.

use crate::hub::guard::guard;
use crate::hub::ledger::Held;
use crate::wire::extension::Transform;
use crate::wire::frame::{OpCode, Reserved, frame_len, write_header, write_message};
use crate::wire::message::Message;
use crate::wire::work::Work;
use bytes::Bytes;
use std::collections::VecDeque;
use std::ops::Range;

/// What an empty log keeps of its buffer: a room at rest costs no more than this.
const KEPT_BYTES: usize = 4 << 10;

/// Which connections get the same bytes: the number of an extension, and its own share.
pub(crate) type ShareKey = (u16, u32);

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

    /// Where the frames of these messages lie, when `first` is the number of the first one here.
    fn range(&self, first: u64, messages: &Range<u64>) -> Range<usize> {
        let [from, to] = [messages.start, messages.end].map(|number| (number - first) as usize);
        self.start(from)..self.start(to)
    }

    fn frame(&self, index: usize) -> &[u8] {
        &self.bytes[self.start(index)..self.ends[index]]
    }

    fn held(&self) -> usize {
        let shared = self.shared.as_ref().map_or(0, |(_, _, bytes)| bytes.len());
        self.bytes.capacity() + shared
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
            self.bytes.shrink_to(KEPT_BYTES);
            return;
        }
        self.bytes.drain(..bytes);
        self.ends.iter_mut().for_each(|end| *end -= bytes);
    }
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
        Held::new(self.len(), self.plain.held() + encoded)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.seqs.is_empty()
    }

    pub(crate) fn append(&mut self, seq: u64, message: Message<'_>) {
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
    /// as frames of this share key, and one at least.
    pub(crate) fn step(&self, share: Option<ShareKey>, number: u64, most: usize) -> Range<u64> {
        let (frames, index) = (self.frames(share), (number - self.first) as usize);
        let last = frames.start(index).saturating_add(most);
        let fitting = frames.ends.partition_point(|end| *end <= last);
        number..self.first + fitting.max(index + 1) as u64
    }

    /// The frames of these messages, as [`Log::encode`] has encoded them for this share key; plain
    /// ones without one.
    pub(crate) fn frames_of(&self, share: Option<ShareKey>, messages: &Range<u64>) -> &[u8] {
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
        let frames = match share {
            None => &mut self.plain,
            Some(share) => match self.encoded.iter_mut().find(|(known, _)| *known == share) {
                Some((_, frames)) => frames,
                None => &mut self.plain,
            },
        };
        let range = frames.range(first, messages);
        match &frames.shared {
            Some((from, to, bytes)) if (*from..*to) == range => (bytes.clone(), false),
            _ => {
                let bytes = Bytes::copy_from_slice(&frames.bytes[range.clone()]);
                frames.shared = Some((range.start, range.end, bytes.clone()));
                (bytes, true)
            }
        }
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

/// The opcode, reserved bits and payload of a frame that this side wrote unmasked.
pub(crate) fn open_frame(frame: &[u8]) -> (OpCode, Reserved, &[u8]) {
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
