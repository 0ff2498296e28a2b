//! Lane 2: the payload of a frame that came in part.
//!
//! The buffer grows with what has arrived, by doubling, and never beyond the
//! announced length: announcing 64 MiB costs a peer 64 MiB of traffic before it
//! costs this side 64 MiB of memory. Each byte is unmasked and, in text,
//! checked once, in the turn in which it came.

use super::{Failure, Input};
use crate::wire::frame::Header;
use crate::wire::mask::apply_mask;
use crate::wire::utf8::Utf8Check;

/// The first buffer of a frame, unless less is missing.
const MIN_SPILL: usize = 256;
/// Buffers above this are not pooled: a burst of big messages ends with its memory.
const MAX_POOLED: usize = 1 << 20;
/// How many buffers the pool keeps.
const POOLED: usize = 16;

/// A frame whose header is known and whose payload is arriving.
#[derive(Debug)]
pub(super) struct Spill {
    header: Header,
    /// Plain text, to be checked as it arrives.
    check: bool,
    /// All bytes of it are initialised: `filled` of them by the peer, and
    /// `settled` of those unmasked and checked.
    bytes: Vec<u8>,
    filled: usize,
    settled: usize,
}

impl Spill {
    /// A frame of which nothing has arrived, in a buffer from the pool. The
    /// header's length must be judged.
    pub(super) fn new(header: Header, check: bool, bytes: Vec<u8>) -> Self {
        Self {
            header,
            check,
            bytes,
            filled: 0,
            settled: 0,
        }
    }

    pub(super) fn header(&self) -> Header {
        self.header
    }

    /// Bytes that have arrived.
    pub(super) fn filled(&self) -> usize {
        self.filled
    }

    /// Bytes that have not.
    pub(super) fn missing(&self) -> usize {
        self.len() - self.filled
    }

    fn len(&self) -> usize {
        self.header.len as usize
    }

    /// Copies what the frame still misses out of `input`, as far as it is there.
    pub(super) fn take_from(&mut self, input: &mut Input<'_>) {
        let n = self.missing().min(input.remaining());
        self.grow(self.filled + n);
        self.bytes[self.filled..self.filled + n].copy_from_slice(&input.rest()[..n]);
        self.filled += n;
        input.at += n;
    }

    /// Room for the next read: at least `least` bytes or all that is missing.
    pub(super) fn target(&mut self, least: usize) -> &mut [u8] {
        let least = least.min(self.missing());
        self.grow(self.filled + least);
        let end = self.bytes.len().min(self.len());
        &mut self.bytes[self.filled..end]
    }

    /// `n` bytes were read to the start of the target.
    pub(super) fn advance(&mut self, n: usize) {
        let room = self.bytes.len().min(self.len()) - self.filled;
        assert!(n <= room, "{n} bytes filled where {room} had room");
        self.filled += n;
    }

    /// Unmasks and checks what arrived since the last time; whether the frame is complete.
    pub(super) fn settle(&mut self, utf8: &mut Utf8Check) -> Result<bool, Failure> {
        let arrived = &mut self.bytes[self.settled..self.filled];
        if let Some(key) = self.header.mask {
            apply_mask(arrived, key, self.settled);
        }
        if self.check {
            utf8.push(arrived)?;
        }
        self.settled = self.filled;
        Ok(self.missing() == 0)
    }

    /// The buffer; its first [`filled`](Self::filled) bytes are the payload.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Makes room for `needed` bytes in total, at most the announced length.
    fn grow(&mut self, needed: usize) {
        let len = self.bytes.len();
        if len >= needed {
            return;
        }
        let goal = needed.max(2 * len).max(MIN_SPILL).min(self.len());
        self.bytes.reserve_exact(goal - len);
        self.bytes.resize(goal, 0);
    }
}

/// Buffers that wait for the next half frame of any connection.
#[derive(Debug, Default)]
pub(super) struct SpillPool(Vec<Vec<u8>>);

impl SpillPool {
    /// A buffer of any size, perhaps empty; what stands in it is of no meaning.
    pub(super) fn take(&mut self) -> Vec<u8> {
        self.0.pop().unwrap_or_default()
    }

    pub(super) fn put(&mut self, bytes: Vec<u8>) {
        if self.0.len() < POOLED && (MIN_SPILL..=MAX_POOLED).contains(&bytes.capacity()) {
            self.0.push(bytes);
        }
    }
}

/// Frees a scratch buffer that one big message left behind.
pub(super) fn trim(scratch: &mut Vec<u8>) {
    if scratch.capacity() > MAX_POOLED {
        *scratch = Vec::new();
    }
}

#[cfg(test)]
impl SpillPool {
    /// How many buffers wait.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}
