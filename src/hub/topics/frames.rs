//! Messages of a topic as one kind of members gets them, laid end to end.

use crate::wire::frame::{OpCode, Reserved, frame_len};
use bytes::Bytes;
use std::collections::VecDeque;
use std::ops::Range;

/// What an empty log keeps of its buffer: a room at rest costs no more than this.
const KEPT_BYTES: usize = 256;

/// Messages by number, end to end.
#[derive(Debug, Default)]
pub(super) struct Frames {
    pub(super) bytes: Vec<u8>,
    /// Of each message: where its frame ends.
    pub(super) ends: VecDeque<usize>,
    /// The last range that was shared.
    shared: Option<(usize, usize, Bytes)>,
}

impl Frames {
    pub(super) fn start(&self, index: usize) -> usize {
        if index == 0 { 0 } else { self.ends[index - 1] }
    }

    /// Where the frames of these messages lie, when `first` is the number of the first one here.
    pub(super) fn range(&self, first: u64, messages: &Range<u64>) -> Range<usize> {
        let [from, to] = [messages.start, messages.end].map(|number| (number - first) as usize);
        self.start(from)..self.start(to)
    }

    pub(super) fn frame(&self, index: usize) -> &[u8] {
        &self.bytes[self.start(index)..self.ends[index]]
    }

    pub(super) fn held(&self) -> usize {
        let shared = self.shared.as_ref().map_or(0, |(_, _, bytes)| bytes.len());
        // What every topic keeps is a part of the topic, and is held by no message.
        self.bytes.capacity().saturating_sub(KEPT_BYTES) + shared
    }

    pub(super) fn cut(&mut self, count: usize) {
        let count = count.min(self.ends.len());
        if count == 0 {
            return;
        }
        let bytes = self.ends[count - 1];
        self.ends.drain(..count);
        self.shared = None;
        if bytes == self.bytes.len() {
            self.bytes.clear();
            // One flood must not keep its peak for ever.
            self.bytes.shrink_to(KEPT_BYTES);
            return;
        }
        self.bytes.drain(..bytes);
        self.ends.iter_mut().for_each(|end| *end -= bytes);
    }

    /// The messages from the `index`th on that fit into `most` bytes, one at least: where they end. Those that
    /// are not here yet do not count.
    pub(super) fn fitting(&self, index: usize, most: usize) -> usize {
        if index >= self.ends.len() {
            return index;
        }
        let last = self.start(index).saturating_add(most);
        let fitting = self.ends.partition_point(|end| *end <= last);
        fitting.max(index + 1)
    }

    /// These bytes, to be kept by several outboxes, and whether they were copied: those that were asked
    /// for last are there already.
    pub(super) fn share(&mut self, range: Range<usize>) -> (Bytes, bool) {
        match &self.shared {
            Some((from, to, bytes)) if (*from..*to) == range => (bytes.clone(), false),
            _ => {
                let bytes = Bytes::copy_from_slice(&self.bytes[range.clone()]);
                self.shared = Some((range.start, range.end, bytes.clone()));
                (bytes, true)
            }
        }
    }
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
