//! Frames that are not kept: fragments, which lane 3 puts together, and payloads that are
//! decoded as they arrive. What came of a frame goes on at once, in pieces small enough that
//! no step is long, and stops wherever the work of a turn is spent.

use crate::wire::extension::FrameInfo;
use crate::wire::frame::Header;

/// A frame whose header is known and whose payload goes on as it arrives.
#[derive(Debug)]
pub(super) struct Pieces {
    pub(super) header: Header,
    /// Bytes of the payload that went on.
    pub(super) taken: usize,
    /// Its first piece went on.
    pub(super) begun: bool,
    /// What was decoded so far stands for more than was given out.
    pub(super) pending: bool,
}

impl Pieces {
    pub(super) fn new(header: Header) -> Self {
        Self {
            header,
            taken: 0,
            begun: false,
            pending: false,
        }
    }

    pub(super) fn missing(&self) -> usize {
        self.header.len as usize - self.taken
    }

    /// Whether there is something to do without more input.
    pub(super) fn is_paused(&self) -> bool {
        self.pending || self.missing() == 0
    }

    pub(super) fn info(&self) -> FrameInfo {
        FrameInfo {
            fin: self.header.fin,
            reserved: self.header.reserved,
            opcode: self.header.opcode,
        }
    }
}
