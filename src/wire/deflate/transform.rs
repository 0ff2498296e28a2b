//! permessage-deflate on one connection: which frames are compressed, and what
//! is kept between them.

use super::super::close::CloseCode;
use super::super::extension::{DecodeError, FrameInfo, Transform};
use super::super::frame::{OpCode, Reserved};
use super::Core;
use super::compress;
use super::inflate::{Inflater, TOO_BIG};
use super::negotiate::Terms;
use flate2::Compress;
use std::fmt;
use std::rc::Rc;

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
    core: Rc<Core>,
    terms: Terms,
    /// A compressed message whose last fragment has not come.
    open: Option<Box<Open>>,
    /// The contexts of takeover, made when first used.
    own: Option<Box<Own>>,
}

/// A compressed message in the middle.
struct Open {
    /// Compressed bytes that may still come: empty blocks make no output, so the cap
    /// alone would not end them.
    budget: usize,
    place: Place,
}

/// Where an open message is being inflated.
enum Place {
    /// In the connection's own context.
    Own,
    /// In a decompressor of the loop.
    Lent(Inflater),
    /// Nowhere yet, as too many are lent: the fragments wait here.
    Held(Vec<u8>),
}

#[derive(Default)]
struct Own {
    inflater: Option<Inflater>,
    compressor: Option<Compress>,
}

impl DeflateTransform {
    pub(super) fn new(core: Rc<Core>, terms: Terms) -> Self {
        Self {
            core,
            terms,
            open: None,
            own: None,
        }
    }

    fn open(&mut self, cap: usize) -> Box<Open> {
        let place = if self.terms.receive_takeover {
            Place::Own
        } else {
            match self.core.engine.borrow_mut().lend() {
                Some(inflater) => Place::Lent(inflater),
                None => Place::Held(Vec::new()),
            }
        };
        Box::new(Open {
            budget: budget(cap),
            place,
        })
    }

    /// Inflates the next fragment; the message stays open unless it was the last or failed.
    fn fragment(
        &mut self,
        mut open: Box<Open>,
        fin: bool,
        payload: &[u8],
        cap: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), DecodeError> {
        let done = match open.budget.checked_sub(payload.len()) {
            Some(budget) => {
                open.budget = budget;
                self.inflate(&mut open.place, fin, payload, cap, out)
            }
            None => Err(TOO_BIG),
        };
        self.open = Some(open);
        if fin || done.is_err() {
            self.close_message();
        }
        if done.is_err() {
            // The connection fails; it may linger, its window need not.
            self.own = None;
        }
        done
    }

    fn inflate(
        &mut self,
        place: &mut Place,
        fin: bool,
        payload: &[u8],
        cap: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), DecodeError> {
        let takeover = self.terms.receive_takeover;
        let mut engine = self.core.engine.borrow_mut();
        let inflater = match place {
            Place::Own => {
                let own = self.own.get_or_insert_default();
                own.inflater.get_or_insert_with(Inflater::new)
            }
            Place::Lent(inflater) => inflater,
            Place::Held(held) => {
                held.extend_from_slice(payload);
                return match fin {
                    true => engine.inflate_whole(held, cap, out),
                    false => Ok(()),
                };
            }
        };
        let mut sink = engine.sink(cap, out);
        inflater.feed(payload, &mut sink)?;
        match fin {
            true => inflater.finish(takeover, &mut sink),
            false => Ok(()),
        }
    }

    /// Ends the open message: what was lent goes back.
    fn close_message(&mut self) {
        if let Some(open) = self.open.take()
            && let Place::Lent(inflater) = open.place
        {
            self.core.engine.borrow_mut().give_back(inflater);
        }
    }

    /// Compresses in the connection's own context. Here the result goes out even if
    /// it is longer: the peer's window must see what ours saw.
    fn compress_own(&mut self, payload: &[u8], out: &mut Vec<u8>) -> bool {
        let level = self.core.settings.level;
        let own = self.own.get_or_insert_default();
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
        let first = info.opcode != OpCode::Continuation;
        let compressed = match info.reserved {
            Reserved::NONE => false,
            // Only the first frame of a message carries the bit (RFC 7692 §6).
            Reserved::RSV1 if first => true,
            _ => return Err(BAD_BITS),
        };
        match self.open.take() {
            Some(open) if !first => self.fragment(open, info.fin, payload, cap, out),
            Some(open) => {
                self.open = Some(open);
                Err(BAD_ORDER)
            }
            None if !compressed => copy(payload, cap, out),
            None if info.fin && !self.terms.receive_takeover => {
                if payload.len() > budget(cap) {
                    return Err(TOO_BIG);
                }
                let mut engine = self.core.engine.borrow_mut();
                engine.inflate_whole(payload, cap, out)
            }
            None => {
                let open = self.open(cap);
                self.fragment(open, info.fin, payload, cap, out)
            }
        }
    }

    fn encode(&mut self, opcode: OpCode, payload: &[u8], out: &mut Vec<u8>) -> Option<Reserved> {
        if !self.core.settings.wants(opcode, payload) {
            return None;
        }
        let done = if self.terms.send_takeover {
            self.compress_own(payload, out)
        } else {
            let level = self.core.settings.level;
            let mut engine = self.core.engine.borrow_mut();
            engine.compress(level, self.terms.window, payload, out)
        };
        done.then_some(Reserved::RSV1)
    }

    fn share_key(&self) -> Option<u32> {
        let takeover = self.terms.send_takeover;
        (!takeover).then_some(self.core.id << 4 | u32::from(self.terms.window))
    }

    fn held_bytes(&self) -> usize {
        match self.open.as_deref() {
            Some(Open {
                place: Place::Held(held),
                ..
            }) => held.capacity(),
            _ => 0,
        }
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
