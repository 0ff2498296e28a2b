//! One compressed message in, in steps that are checked against its cap.
//!
//! A stream always has the full window of 32 KiB: whatever window the peer
//! promised, it may be inflated with a larger one.

use super::super::close::CloseCode;
use super::super::extension::DecodeError;
use super::super::work::{Work, price};
use flate2::{Decompress, FlushDecompress, Status};

/// How much is inflated at most between two looks at the cap, in bytes.
pub(super) const STEP: usize = 16 * 1024;
/// And at least, where little work is left: a share of many others must not become a whole step.
const LEAST_STEP: usize = 2 * 1024;
/// How many compressed bytes one call of zlib gets at most, and at least.
const STEP_IN: usize = 1024;
const LEAST_STEP_IN: usize = 64;
/// Calls of zlib are made together while they have cost less than this; with one more at the
/// largest price, 41 000, and its checking, a step stays under 50 000.
const STEP_UNITS: i64 = 4_000;
/// What a decompressor holds, in bytes.
pub(super) const INFLATER_BYTES: usize = 48 << 10;

pub(super) const BROKEN: DecodeError = DecodeError {
    code: CloseCode::INVALID_DATA,
    reason: "bad deflate data",
};
pub(super) const TOO_BIG: DecodeError = DecodeError {
    code: CloseCode::TOO_BIG,
    reason: "message too big",
};

/// `00 00 ff ff` ends the empty stored block at a message's end (RFC 7692
/// §7.2.2). `03 00` is one more, empty and final: a stream that ends exactly
/// behind it stood at a block border, one that does not was cut or spoilt.
const END: [u8; 6] = [0x00, 0x00, 0xff, 0xff, 0x03, 0x00];

/// Where plain bytes go, and how many may still come.
pub(super) struct Sink<'s> {
    pub(super) out: &'s mut Vec<u8>,
    pub(super) room: usize,
    /// `STEP` bytes of scratch.
    pub(super) step: &'s mut [u8],
}

impl Sink<'_> {
    fn push(&mut self, len: usize) -> Result<(), DecodeError> {
        let plain = &self.step[..len];
        if len > self.room {
            return Err(TOO_BIG);
        }
        if self.out.capacity() - self.out.len() < len {
            // Double, as a vector does, but not past the cap.
            self.out
                .reserve_exact(self.out.len().min(self.room).max(len));
        }
        self.out.extend_from_slice(plain);
        self.room -= len;
        Ok(())
    }
}

/// A decompressor and where in a message it stands.
#[derive(Debug)]
pub(super) struct Inflater {
    stream: Decompress,
    position: Position,
    /// The last step ended because its room was full: there may be more without more input.
    pending: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Position {
    /// No byte of the message came yet.
    Start,
    Inside,
    /// Behind a final block, after which a stream starts anew (RFC 7692 §7.2.3.4).
    AfterFinal,
}

impl Inflater {
    pub(super) fn new() -> Self {
        Self {
            stream: Decompress::new(false),
            position: Position::Start,
            pending: false,
        }
    }

    /// Forgets everything: for the next message without takeover.
    pub(super) fn reset(&mut self) {
        self.stream.reset(false);
        self.position = Position::Start;
        self.pending = false;
    }

    /// Inflates some of `part`; tells how many bytes were used, and whether all that they stand
    /// for is in the sink. One step: at least one call of zlib,
    /// and more while they cost little and `work` is left.
    pub(super) fn feed(
        &mut self,
        part: &[u8],
        sink: &mut Sink<'_>,
        work: &mut Work,
    ) -> Result<(usize, bool), DecodeError> {
        let mut taken = 0;
        let begun = work.left();
        while taken < part.len() || self.pending {
            let left = usize::try_from(work.left()).unwrap_or(0);
            let most_in = (left / price::INFLATE_IN as usize).clamp(LEAST_STEP_IN, STEP_IN);
            let most = left.saturating_mul(price::BYTES_INFLATED);
            let most = most.clamp(LEAST_STEP, STEP);
            let input = &part[taken..part.len().min(taken + most_in)];
            if !input.is_empty() {
                self.position = Position::Inside;
            }
            let (status, used, made) = self.step(input, most, sink)?;
            work.charge(price::INFLATE_IN * used as u32);
            work.charge_bytes(made, price::BYTES_INFLATED);
            taken += used;
            self.pending = made == most;
            if status == Status::StreamEnd {
                self.stream.reset(false);
                work.charge(price::FINAL_BLOCK);
                self.pending = false;
                if taken == part.len() {
                    self.position = Position::AfterFinal;
                }
            } else if used == 0 && made == 0 && !input.is_empty() {
                return Err(BROKEN);
            }
            if work.is_spent() || begun - work.left() >= STEP_UNITS {
                break;
            }
        }
        Ok((taken, taken == part.len() && !self.pending))
    }

    /// Ends a message; with `takeover` the window is kept for the next one. [`price::RESET`] pays for it.
    ///
    /// Nothing at all, and nothing behind a final block, count as a whole
    /// message too, although RFC 7692 wants the byte `00` in both (§7.2.3.6, §7.2.3.4).
    pub(super) fn finish(
        &mut self,
        takeover: bool,
        sink: &mut Sink<'_>,
    ) -> Result<(), DecodeError> {
        if self.position == Position::Inside {
            // The kept stream must not meet a final block, so there the check is only
            // that the tail is neither data nor an end.
            let (end, want) = if takeover {
                (&END[..4], Status::Ok)
            } else {
                (&END[..], Status::StreamEnd)
            };
            if self.step(end, STEP, sink)? != (want, end.len(), 0) {
                return Err(BROKEN);
            }
        }
        self.position = Position::Start;
        Ok(())
    }

    /// One call of zlib, for at most so many bytes: how it went, bytes used, bytes made.
    fn step(
        &mut self,
        input: &[u8],
        most: usize,
        sink: &mut Sink<'_>,
    ) -> Result<(Status, usize, usize), DecodeError> {
        let (was_in, was_out) = (self.stream.total_in(), self.stream.total_out());
        let status = self
            .stream
            .decompress(input, &mut sink.step[..most], FlushDecompress::None)
            .map_err(|_| BROKEN)?;
        let made = (self.stream.total_out() - was_out) as usize;
        sink.push(made)?;
        Ok((status, (self.stream.total_in() - was_in) as usize, made))
    }
}
