//! WebSocket extensions (RFC 6455 §9): a trait to negotiate one, and a trait
//! to transform data frames with what was agreed.
//!
//! An [`Extension`] is what a route offers; [`Transform`] is what one
//! connection got. The receive lanes take a frame's transformation away before
//! the state machine sees it, so that what stands inside is plain RFC 6455.

use super::close::CloseCode;
use super::frame::{OpCode, Reserved};
use super::work::{Work, price};
use std::fmt;

/// One element of a `Sec-WebSocket-Extensions` header: a name and its parameters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offer {
    /// The extension's token.
    pub name: String,
    /// Its parameters in order; a value has lost its quotes.
    pub params: Vec<(String, Option<String>)>,
}

impl fmt::Display for Offer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        for (name, value) in &self.params {
            match value {
                Some(value) => write!(f, "; {name}={value}")?,
                None => write!(f, "; {name}")?,
            }
        }
        Ok(())
    }
}

/// What two sides agreed on: the element for the response, and the transformation.
pub struct Agreement {
    /// What the server's response says.
    pub response: Offer,
    /// What the connection does with its data frames.
    pub transform: Box<dyn Transform>,
}

/// An extension as a route or a client offers it. A session gets one at most, and a raw session
/// none. One value serves all connections of its loop. It is part of the settings, which
/// are `Send + Sync`: what it shares with them lies behind an `Arc`, and a lock that nobody else holds.
pub trait Extension: fmt::Debug + Send + Sync {
    /// The token in `Sec-WebSocket-Extensions`.
    fn name(&self) -> &str;
    /// The reserved bits it claims; two extensions of one route may not claim the same.
    fn reserved(&self) -> Reserved;
    /// Looks at the settings, once, before the first connection.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](super::error::ErrorKind::Config), naming field, value and limit.
    fn check(&self) -> super::error::Result<()> {
        Ok(())
    }
    /// Server: looks at one offer of this name. `None` declines it, and the next one is tried.
    fn accept(&self, offer: &Offer) -> Option<Agreement>;
    /// Client: the elements to offer, the best first.
    fn offers(&self) -> Vec<Offer>;
    /// Client: looks at the server's answer; the error says what is wrong with it.
    fn confirm(&self, response: &Offer) -> Result<Box<dyn Transform>, String>;
    /// Frees what is kept only to be used again: called when the loop has been idle for a while.
    fn shrink(&self) {}
}

/// The header facts that a transformation may look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameInfo {
    /// The last fragment of its message.
    pub fin: bool,
    /// The reserved bits as they came.
    pub reserved: Reserved,
    /// `Continuation` for all fragments but the first.
    pub opcode: OpCode,
}

/// Some of a data frame's payload, unmasked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FramePart<'p> {
    /// The header of the frame.
    pub info: FrameInfo,
    /// The frame begins here: no part of it came before.
    pub first: bool,
    /// The frame ends with this part.
    pub last: bool,
    /// What is there to be decoded; may be empty.
    pub payload: &'p [u8],
}

/// How far one step of decoding came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes of the part's payload that were used; the others come again.
    pub taken: usize,
    /// Everything that the used bytes stand for was appended, and after the last part the frame
    /// is complete. While it is not, the next call may have nothing new in it.
    pub done: bool,
}

/// Why a frame could not be decoded: the code and reason of the Close that follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeError {
    /// 1002, 1007 or 1009.
    pub code: CloseCode,
    /// A short text for the Close frame.
    pub reason: &'static str,
}

/// The agreed extension of one connection: transforms data frames on their way
/// in and messages on their way out. Control frames never come here (RFC 6455 §9.2
/// lets an extension transform them; none that is registered does).
pub trait Transform: fmt::Debug {
    /// The reserved bits that the first frame of a message may have on this connection; another
    /// bit fails the connection with 1002 before anything else is asked.
    fn reserved(&self) -> Reserved;
    /// The reserved bits that a continuation may have. None, unless an extension says so:
    /// permessage-deflate marks the first fragment only (RFC 7692 §6.1).
    fn reserved_on_continuation(&self) -> Reserved {
        Reserved::NONE
    }
    /// Whether a frame with these bits needs [`Transform::decode`] at all. A
    /// continuation is asked with the bits of its message's first frame. Text is
    /// checked to be UTF-8 behind this, never before.
    fn wants(&self, first_reserved: Reserved) -> bool;
    /// Appends the plain payload of this frame to `out`; `cap` is how many bytes it may still grow.
    ///
    /// # Errors
    /// The code of the Close frame: 1007 for data that does not decode, 1009
    /// when `cap` is passed, 1002 for bits in the wrong place.
    fn decode(
        &mut self,
        info: FrameInfo,
        payload: &[u8],
        cap: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), DecodeError>;
    /// Whether [`Transform::decode_part`] takes frames in parts of any size. If not, a frame is
    /// kept until all of it is there, and decoding it is one step, however long it takes: right
    /// for what costs no more than a copy.
    fn streams(&self) -> bool {
        false
    }
    /// One step of decoding: at most some 50 000 units of `work`, which it charges, and at most
    /// 64 KiB appended to `out`. Called until it took everything and is done; other connections
    /// may be served between two calls. The default decodes a whole frame at once.
    ///
    /// # Errors
    /// As [`Transform::decode`]; nothing more is asked of it after one.
    fn decode_part(
        &mut self,
        part: FramePart<'_>,
        cap: usize,
        work: &mut Work,
        out: &mut Vec<u8>,
    ) -> Result<Progress, DecodeError> {
        let before = out.len();
        self.decode(part.info, part.payload, cap, out)?;
        let bytes = part.payload.len() + out.len().saturating_sub(before);
        work.charge_bytes(bytes, price::BYTES_RECEIVED);
        let taken = part.payload.len();
        Ok(Progress { taken, done: true })
    }
    /// Appends the transformed payload of a whole message to `out`, charges `work` for it, and
    /// returns the reserved bits of its frame; `None` leaves the message as it is, whatever was
    /// appended. It is one step: a message that would take more than some 50 000 units is better
    /// left as it is. Without a mark in the reserved bits the peer cannot tell one from the other.
    fn encode(
        &mut self,
        opcode: OpCode,
        payload: &[u8],
        work: &mut Work,
        out: &mut Vec<u8>,
    ) -> Option<Reserved>;
    /// Connections with the same key get the same bytes for the same message, so a broadcast is
    /// encoded once for all of them, by any of their transformations. Keys are compared among all
    /// connections whose extension has this name. `None`: encode per connection.
    fn share_key(&self) -> Option<u32>;
    /// Bytes that are kept for this connection, by capacity: contexts of its own or lent to it,
    /// and what of the peer's waits for the rest of its message. They count against the caps of
    /// buffered bytes.
    fn held_bytes(&self) -> usize {
        0
    }
}
