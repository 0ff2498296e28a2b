//! The log of a topic: messages that some member has not got, framed once, and once more for each
//! way that connections have agreed to transform them. It knows numbers, not members.

use crate::wire::extension::Transform;
use crate::wire::frame::{OpCode, Reserved, frame_len, write_header, write_message};
use crate::wire::message::Message;
use crate::wire::work::Work;
use bytes::Bytes;
use std::collections::VecDeque;

/// What an empty log keeps of its buffer.
const KEPT_BYTES: usize = 256 << 10;

/// Which connections get the same bytes: the number of an extension, and its own share.
pub(super) type ShareKey = (u16, u32);

/// Messages as frames laid end to end.
#[derive(Debug, Default)]
pub(super) struct Log {
    /// The number of the first message.
    first: u64,
    /// Of each message: its number over all topics.
    seqs: VecDeque<u64>,
    plain: Frames,
    /// The same messages as connections with this share share get them.
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
            self.bytes.shrink_to(KEPT_BYTES);
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

    pub(super) fn append(&mut self, seq: u64, message: Message<'_>) {
        write_message(&mut self.plain.bytes, message);
        self.plain.ends.push_back(self.plain.bytes.len());
        self.seqs.push_back(seq);
    }

    pub(super) fn cut(&mut self, until: u64) {
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

    /// All frames from this message on as `transform` encodes them for everybody of its share share;
    /// what is not encoded yet is.
    pub(super) fn encoded_from(
        &mut self,
        share: ShareKey,
        transform: &mut dyn Transform,
        number: u64,
    ) -> &[u8] {
        let at = match self.encoded.iter().position(|(known, _)| *known == share) {
            Some(at) => at,
            None => {
                self.encoded.push((share, Frames::default()));
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
    pub(super) fn shared_from(&mut self, share: Option<ShareKey>, number: u64) -> Bytes {
        let index = (number - self.first) as usize;
        let frames = match share {
            None => &mut self.plain,
            Some(share) => match self.encoded.iter_mut().find(|(known, _)| *known == share) {
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
    match transform.encode(opcode, payload, &mut Work::unlimited(), &mut encoded) {
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
