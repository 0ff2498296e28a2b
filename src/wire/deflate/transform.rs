//! permessage-deflate on one connection: which frames are compressed, and what
//! is kept between them.

use super::super::close::CloseCode;
use super::super::extension::{DecodeError, FrameInfo, FramePart, Progress, Transform};
use super::super::frame::{OpCode, Reserved};
use super::super::work::{Work, price};
use super::compress;
use super::inflate::{INFLATER_BYTES, Inflater, TOO_BIG};
use super::negotiate::Terms;
use super::shared::SharedDeflate;
use flate2::Compress;
use std::fmt;
use std::sync::Arc;

const BAD_BITS: DecodeError = DecodeError {
    code: CloseCode::PROTOCOL_ERROR,
    reason: "reserved bits",
};
const BAD_ORDER: DecodeError = DecodeError {
    code: CloseCode::PROTOCOL_ERROR,
    reason: "message inside a message",
};

/// The state of one connection.
pub(super) struct DeflateTransform {
    shared: Arc<SharedDeflate>,
    terms: Terms,
    /// A compressed message whose last fragment has not come.
    open: Option<Box<Open>>,
    /// The contexts of takeover, made when first used.
    own: Option<Box<Own>>,
}

/// A message in the middle.
struct Open {
    /// Compressed bytes that may still come: empty blocks make no output, so the cap
    /// alone would not end them.
    budget: usize,
    source: Source,
}

/// Where an open message is being inflated.
enum Source {
    /// In the connection's own context.
    Own,
    /// In a decompressor of the loop.
    Lent(Inflater),
    /// Nowhere yet, as too many are lent: the fragments wait here.
    Held(Vec<u8>),
    /// In a decompressor of the loop, out of what had to wait and is complete now, from here on.
    Complete(Inflater, Vec<u8>, usize),
}

#[derive(Default)]
struct Own {
    inflater: Option<Inflater>,
    compressor: Option<Compress>,
}

impl DeflateTransform {
    pub(super) fn new(shared: Arc<SharedDeflate>, terms: Terms) -> Self {
        Self {
            shared,
            terms,
            open: None,
            own: None,
        }
    }

    /// A frame begins.
    fn begin(&mut self, info: FrameInfo, cap: usize, work: &mut Work) -> Result<(), DecodeError> {
        let first = info.opcode != OpCode::Continuation;
        let compressed = match info.reserved {
            Reserved::NONE => false,
            // Only the first frame of a message carries the bit (RFC 7692 §6).
            Reserved::RSV1 if first => true,
            _ => return Err(BAD_BITS),
        };
        if first && self.open.is_some() {
            return Err(BAD_ORDER);
        }
        if compressed {
            work.charge(price::RESET);
            let source = if self.terms.receive_takeover {
                Source::Own
            } else {
                match self.shared.engine().lend() {
                    Some(inflater) => Source::Lent(inflater),
                    None => Source::Held(Vec::new()),
                }
            };
            self.open = Some(Box::new(Open {
                budget: budget(cap),
                source,
            }));
        }
        Ok(())
    }

    /// One step over the open message.
    fn step(
        &mut self,
        open: &mut Open,
        part: FramePart<'_>,
        cap: usize,
        work: &mut Work,
        out: &mut Vec<u8>,
    ) -> Result<Progress, DecodeError> {
        let ends = part.last && part.info.fin;
        let mut engine = self.shared.engine();
        if let Source::Held(held) = &mut open.source {
            let taken = part.payload.len();
            open.budget = open.budget.checked_sub(taken).ok_or(TOO_BIG)?;
            held.extend_from_slice(part.payload);
            work.charge_bytes(taken, price::BYTES_COPIED);
            if ends {
                let held = std::mem::take(held);
                open.source = Source::Complete(engine.lend_another(), held, 0);
            }
            return Ok(Progress { taken, done: !ends });
        }
        let mut sink = engine.sink(cap, out);
        let (inflater, takeover) = match &mut open.source {
            Source::Complete(inflater, held, at) => {
                let (used, done) = inflater.feed(&held[*at..], &mut sink, work)?;
                *at += used;
                if done {
                    inflater.finish(false, &mut sink)?;
                }
                return Ok(Progress { taken: 0, done });
            }
            Source::Lent(inflater) => (inflater, false),
            Source::Own | Source::Held(_) => {
                let own = self.own.get_or_insert_default();
                let inflater = own.inflater.get_or_insert_with(Inflater::new);
                (inflater, true)
            }
        };
        let (taken, done) = inflater.feed(part.payload, &mut sink, work)?;
        open.budget = open.budget.checked_sub(taken).ok_or(TOO_BIG)?;
        if done && ends {
            inflater.finish(takeover, &mut sink)?;
        }
        Ok(Progress { taken, done })
    }

    /// Ends the open message: what was lent goes back.
    fn close_message(&mut self) {
        if let Some(open) = self.open.take()
            && let Source::Lent(inflater) | Source::Complete(inflater, ..) = open.source
        {
            self.shared.engine().give_back(inflater);
        }
    }

    /// Compresses in the connection's own context. Here the result goes out even if
    /// it is longer: the peer's window must see what ours saw.
    fn compress_own(&mut self, payload: &[u8], work: &mut Work, out: &mut Vec<u8>) -> bool {
        let level = self.shared.settings.level;
        if !compress::is_affordable(level, payload.len()) {
            // A plain message touches no window.
            return false;
        }
        work.charge(compress::price(level, payload.len()));
        let own = self.own.get_or_insert_default();
        if own.compressor.is_none() {
            // A third of a megabyte that the kernel has yet to give.
            work.charge(price::DEFLATE_CONTEXT);
        }
        let stream = own
            .compressor
            .get_or_insert_with(|| compress::compressor(level, self.terms.window));
        let done = compress::always(stream, payload, out);
        if !done {
            // A new stream refers to nothing before it, which suits any window of the peer.
            own.compressor = None;
        }
        done
    }
}

/// How many compressed bytes a message of `cap` plain bytes may have: what does not
/// shrink grows by 5 bytes in 16 KiB, a flush costs 5 more.
fn budget(cap: usize) -> usize {
    cap.saturating_add(cap / 8).saturating_add(1024)
}

/// A fragment of a message that is not compressed.
fn copy(payload: &[u8], cap: usize, out: &mut Vec<u8>) -> Result<(), DecodeError> {
    if payload.len() > cap {
        return Err(TOO_BIG);
    }
    out.extend_from_slice(payload);
    Ok(())
}

impl Transform for DeflateTransform {
    fn reserved(&self) -> Reserved {
        Reserved::RSV1
    }

    fn wants(&self, first_reserved: Reserved) -> bool {
        first_reserved.intersects(Reserved::RSV1)
    }

    fn decode(
        &mut self,
        info: FrameInfo,
        payload: &[u8],
        cap: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), DecodeError> {
        let (start, mut at) = (out.len(), 0);
        let mut work = Work::unlimited();
        let mut first = true;
        loop {
            let part = FramePart {
                info,
                first,
                last: true,
                payload: &payload[at..],
            };
            let room = cap - (out.len() - start);
            let progress = self.decode_part(part, room, &mut work, out)?;
            at += progress.taken;
            if progress.done && at == payload.len() {
                return Ok(());
            }
            first = false;
        }
    }

    fn streams(&self) -> bool {
        true
    }

    fn decode_part(
        &mut self,
        part: FramePart<'_>,
        cap: usize,
        work: &mut Work,
        out: &mut Vec<u8>,
    ) -> Result<Progress, DecodeError> {
        if part.first {
            self.begin(part.info, cap, work)?;
        }
        let Some(mut open) = self.open.take() else {
            copy(part.payload, cap, out)?;
            work.charge_bytes(part.payload.len(), price::BYTES_COPIED);
            let taken = part.payload.len();
            return Ok(Progress { taken, done: true });
        };
        let step = self.step(&mut open, part, cap, work, out);
        self.open = Some(open);
        let ended = part.last && part.info.fin;
        let complete = |progress: Progress| progress.done && progress.taken == part.payload.len();
        if step.is_err() || ended && step.is_ok_and(complete) {
            self.close_message();
        }
        if step.is_err() {
            // The connection fails; it may linger, its window need not.
            self.own = None;
        }
        step
    }

    fn encode(
        &mut self,
        opcode: OpCode,
        payload: &[u8],
        work: &mut Work,
        out: &mut Vec<u8>,
    ) -> Option<Reserved> {
        if !self.shared.settings.wants(opcode, payload) {
            return None;
        }
        let done = if self.terms.send_takeover {
            self.compress_own(payload, work, out)
        } else {
            let level = self.shared.settings.level;
            let mut engine = self.shared.engine();
            engine.compress(level, self.terms.window, payload, work, out)
        };
        done.then_some(Reserved::RSV1)
    }

    fn share_key(&self) -> Option<u32> {
        let takeover = self.terms.send_takeover;
        (!takeover).then_some(self.shared.id << 4 | u32::from(self.terms.window))
    }

    fn held_bytes(&self) -> usize {
        let open = match self.open.as_deref().map(|open| &open.source) {
            Some(Source::Lent(_)) => INFLATER_BYTES,
            Some(Source::Held(held)) => held.capacity(),
            Some(Source::Complete(_, held, _)) => INFLATER_BYTES + held.capacity(),
            Some(Source::Own) | None => 0,
        };
        let own = self.own.as_deref().map_or(0, |own| {
            let inflater = own.inflater.as_ref().map_or(0, |_| INFLATER_BYTES);
            let window = self.terms.window;
            let compressor = own.compressor.as_ref();
            inflater + compressor.map_or(0, |_| compress::held_bytes(window))
        });
        open + own
    }
}

impl Drop for DeflateTransform {
    fn drop(&mut self) {
        self.close_message();
    }
}

impl fmt::Debug for DeflateTransform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeflateTransform")
            .field("terms", &self.terms)
            .field("open", &self.open.is_some())
            .finish_non_exhaustive()
    }
}
