//! Lane 2: the payload of a frame that came in part and is delivered in one piece.
//!
//! The buffer grows with what has arrived, by doubling, and never beyond the
//! announced length: announcing 64 MiB costs a peer 64 MiB of traffic before it
//! costs this side 64 MiB of memory. Each byte is unmasked once. Text that is not
//! complete is checked as far as it came, so that it fails at its first wrong byte; text that
//! is complete is checked whole by whoever makes a `&str` of it (4 µs of the 25 that receiving
//! 256 KiB costs: less than putting the first check off would be worth).

use super::buffers::MIN_BUFFER;
use super::collect::LONG;
use super::event::Failure;
use super::input::Input;
use crate::wire::frame::Header;
use crate::wire::mask::apply_mask;
use crate::wire::utf8::Utf8Check;
use crate::wire::work::{Work, price};

/// Bytes that one step copies, unmasks or checks.
const PIECE: usize = 64 << 10;
/// The most room that one read is given.
const MAX_TARGET: usize = 256 << 10;

/// What one step over a half frame gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// Something was done, and there may be more to do.
    More,
    /// Everything that arrived is done with.
    Wait,
    /// The frame is complete and unmasked.
    Complete,
}

/// A frame whose header is known and whose payload is arriving.
#[derive(Debug)]
pub(super) struct Spill {
    header: Header,
    /// Plain text, to be checked while it is not complete.
    check: bool,
    /// All bytes of it are initialised: `filled` of them by the peer, `unmasked` of
    /// those unmasked, `checked` of those checked.
    bytes: Vec<u8>,
    /// The capacity of `bytes` when the last step ended.
    capacity: usize,
    filled: usize,
    unmasked: usize,
    checked: usize,
    utf8: Utf8Check,
}

impl Spill {
    /// A frame of which nothing has arrived, in a buffer from the pool. The
    /// header's length must be judged.
    pub(super) fn new(header: Header, check: bool, bytes: Vec<u8>) -> Self {
        Self {
            header,
            check,
            capacity: bytes.capacity(),
            bytes,
            filled: 0,
            unmasked: 0,
            checked: 0,
            utf8: Utf8Check::new(),
        }
    }

    pub(super) fn header(&self) -> Header {
        self.header
    }

    /// Bytes that have arrived.
    pub(super) fn filled(&self) -> usize {
        self.filled
    }

    /// Bytes that are reserved for it, as of the last step: room for a read that has not
    /// come yet is reserved, but no page of it was touched.
    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }

    /// Bytes that have not arrived.
    pub(super) fn missing(&self) -> usize {
        self.len() - self.filled
    }

    fn len(&self) -> usize {
        self.header.len as usize
    }

    /// Whether there is something to do without more input.
    pub(super) fn is_paused(&self) -> bool {
        self.missing() == 0
            || self.unmasked < self.filled
            || self.check && self.checked < self.filled
    }

    /// One step: takes some of what the frame still misses out of `input`, unmasks it, and
    /// checks what is there.
    pub(super) fn step(
        &mut self,
        input: &mut Input<'_>,
        work: &mut Work,
    ) -> Result<Arrival, Failure> {
        if self.unmasked == self.filled {
            self.take_from(input, work);
        }
        self.capacity = self.bytes.capacity();
        if self.unmasked < self.filled {
            self.unmask(work);
            return Ok(if self.unmasked == self.len() {
                Arrival::Complete
            } else {
                Arrival::More
            });
        }
        if self.missing() == 0 {
            return Ok(Arrival::Complete);
        }
        if self.check && self.checked < self.filled {
            let end = self.filled.min(self.checked + PIECE);
            let piece = &self.bytes[self.checked..end];
            work.charge_bytes(piece.len(), price::BYTES_RECEIVED);
            self.utf8.push(piece)?;
            self.checked = end;
            return Ok(Arrival::More);
        }
        Ok(Arrival::Wait)
    }

    fn take_from(&mut self, input: &mut Input<'_>, work: &mut Work) {
        let n = self.missing().min(input.remaining()).min(PIECE);
        self.grow(self.filled + n);
        self.bytes[self.filled..self.filled + n].copy_from_slice(&input.rest()[..n]);
        work.charge_bytes(n, price::BYTES_COPIED);
        self.filled += n;
        input.at += n;
    }

    fn unmask(&mut self, work: &mut Work) {
        let end = self.filled.min(self.unmasked + PIECE);
        let piece = &mut self.bytes[self.unmasked..end];
        work.charge_bytes(piece.len(), price::BYTES_RECEIVED);
        if self.unmasked > LONG {
            work.charge_bytes(piece.len(), price::BYTES_FRESH);
        }
        if let Some(key) = self.header.mask {
            apply_mask(piece, key, self.unmasked);
        }
        self.unmasked = end;
    }

    /// Room for the next read: at least `least` bytes or all that is missing.
    pub(super) fn target(&mut self, least: usize) -> &mut [u8] {
        let least = least.min(self.missing());
        self.grow(self.filled + least);
        let end = self
            .bytes
            .len()
            .min(self.len())
            .min(self.filled + MAX_TARGET);
        &mut self.bytes[self.filled..end]
    }

    /// `n` bytes were read to the start of the target.
    pub(super) fn advance(&mut self, n: usize) {
        let room = self.bytes.len().min(self.len()) - self.filled;
        assert!(n <= room, "{n} bytes filled where {room} had room");
        self.filled += n;
    }

    /// The buffer; its first [`filled`](Self::filled) bytes are the payload.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Makes room for `needed` bytes in total, at most the announced length. Memory is reserved
    /// by doubling, but never more of it cleared than one read may fill.
    fn grow(&mut self, needed: usize) {
        let len = self.bytes.len();
        if len >= needed {
            return;
        }
        let goal = needed.max(2 * len).max(MIN_BUFFER).min(self.len());
        if self.bytes.capacity() < needed {
            self.bytes.reserve_exact(goal - len);
        }
        let ready = goal.min(self.bytes.capacity()).min(len + MAX_TARGET);
        self.bytes.resize(ready.max(needed), 0);
    }
}
