//! Receiving: bytes of one connection to messages, in three lanes.
//!
//! 1. **At rest** (`rest.rs`): a whole, final, plain data frame is unmasked
//!    where it lies and borrowed. No allocation, no copy.
//! 2. **Half a frame** (`spill.rs`): what came waits in a pooled buffer, is
//!    checked as it arrives, and the next read may go straight behind it.
//! 3. **Anything else** (`context.rs`): fragments are put together, and pings
//!    answered, by a borrowed tungstenite `WebSocketContext`.
//!
//! A frame is judged from its header (`judge.rs`) before a byte of its payload
//! is kept or allocated for. Nothing here may send: what a failure or a Close
//! brings about is its caller's affair.
//!
//! The order of calls: [`Lanes::next`] with what one read gave until it answers
//! `None`; after that the next read may go to [`Receiver::target`] (then
//! [`Receiver::filled`], and `next` with [`Input::empty`]). After a Close or a
//! [`Failure`] nothing more is read; at the end of a connection its receiver
//! goes to [`Lanes::release`].

mod context;
#[cfg(any(test, feature = "fuzzing"))]
pub mod differential;
mod event;
mod found;
mod judge;
mod rest;
mod spill;
mod whole;

#[cfg(test)]
mod tests;

pub use event::{Event, Failure, RawFrame};

use super::extension::Transform;
use super::frame::MAX_HEADER;
use super::frame::Reserved;
use super::utf8::Utf8Check;
use context::ContextPool;
use judge::OpenMessage;
use spill::{Spill, SpillPool};

/// Which side of the connection this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The peer is a client: its frames must be masked (RFC 6455 §5.1).
    Server,
    /// The peer is a server: its frames must not be masked.
    Client,
}

/// What holds for one connection at this moment.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Which side this is.
    pub role: Role,
    /// The largest payload of one frame, in bytes on the wire; past it 1009.
    pub max_frame: usize,
    /// The largest message, in bytes after decoding; past it 1009.
    pub max_message: usize,
    /// Deliver whole frames instead of messages ([`Event::Frame`]).
    pub raw: bool,
    /// Our Close is sent: data is still delivered, pings get no pong (RFC 6455 §5.5.1).
    pub closing: bool,
}

/// What one read gave, and how much of it was taken. The bytes are unmasked in place.
#[derive(Debug)]
pub struct Input<'b> {
    bytes: &'b mut [u8],
    at: usize,
}

impl<'b> Input<'b> {
    /// All of what a read gave.
    pub fn new(bytes: &'b mut [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Nothing: for the call after [`Receiver::filled`].
    pub fn empty() -> Self {
        Self::new(&mut [])
    }

    /// How many bytes were not taken yet.
    pub fn remaining(&self) -> usize {
        self.bytes.len() - self.at
    }

    fn rest(&self) -> &[u8] {
        &self.bytes[self.at..]
    }
}

/// What one connection has received and not yet delivered. At rest it is one
/// empty pointer.
#[derive(Debug, Default)]
pub struct Receiver(Option<Box<Pending>>);

/// The parts of a receiver that is not at rest.
#[derive(Debug, Default)]
struct Pending {
    /// The start of a header whose end did not come yet.
    head: [u8; MAX_HEADER],
    head_len: usize,
    /// A frame whose header is known and whose payload is not complete.
    frame: Option<Spill>,
    /// A message whose last fragment did not come yet.
    message: Option<OpenMessage>,
    /// The check of the text that is arriving, over all of its fragments. Every text
    /// that is delivered was finished, so the next one finds it as new.
    utf8: Utf8Check,
}

/// From how many missing bytes on a read of its own is worth the system call:
/// copying them out of the loop's buffer costs less below this.
const DIRECT_READ: usize = 16 * 1024;

impl Receiver {
    /// Nothing is half-read and no fragments are open.
    pub fn is_at_rest(&self) -> bool {
        self.0.is_none()
    }

    /// Bytes held for this connection: of half a frame, and of the fragments so far.
    pub fn buffered(&self) -> usize {
        self.0.as_deref().map_or(0, |pending| {
            let frame = pending.frame.as_ref().map_or(0, Spill::filled);
            let message = pending.message.as_ref().map_or(0, OpenMessage::kept);
            pending.head_len + frame + message
        })
    }

    /// Where the next read may go directly: room for some of the missing rest
    /// of a frame's payload, growing with what has arrived. `None` when no
    /// header is known, or when so little is missing (under 16 KiB) that a read
    /// into the loop's buffer, followed by [`Lanes::next`], is cheaper.
    ///
    /// A read that fills it says nothing about whether the socket is drained.
    pub fn target(&mut self) -> Option<&mut [u8]> {
        self.target_from(DIRECT_READ)
    }

    fn target_from(&mut self, least: usize) -> Option<&mut [u8]> {
        let spill = self.0.as_deref_mut()?.frame.as_mut()?;
        (spill.missing() >= least).then(|| spill.target(DIRECT_READ))
    }

    /// `n` bytes were read to the start of the [`target`](Self::target); the
    /// next call of [`Lanes::next`] looks at them.
    ///
    /// # Panics
    /// When `n` is more than the target had room for.
    pub fn filled(&mut self, n: usize) {
        if let Some(spill) = self.0.as_deref_mut().and_then(|p| p.frame.as_mut()) {
            spill.advance(n);
        }
    }

    fn pending(&mut self) -> &mut Pending {
        self.0.get_or_insert_default()
    }

    fn message(&self) -> Option<&OpenMessage> {
        self.0.as_deref()?.message.as_ref()
    }

    /// Gives the box up when nothing is left in it.
    fn settle(&mut self) {
        if let Some(pending) = &self.0
            && pending.head_len == 0
            && pending.frame.is_none()
            && pending.message.is_none()
        {
            self.0 = None;
        }
    }
}

/// What all connections of one loop share for receiving: the pools, and the
/// buffers that the newest event borrows.
#[derive(Debug, Default)]
pub struct Lanes {
    spills: SpillPool,
    contexts: ContextPool,
    /// The frame that was completed last in lane 2.
    spilled: Vec<u8>,
    /// The payload that was decoded last.
    decoded: Vec<u8>,
    /// The message that lane 3 put together last.
    assembled: Option<tungstenite::Message>,
    /// The pong that lane 3 wrote last.
    reply: Vec<u8>,
    /// Whether the newest event came out of the slower lanes and borrows any of these.
    lent: bool,
}

impl Lanes {
    /// Empty pools: nothing is allocated before it is needed.
    pub fn new() -> Self {
        Self::default()
    }

    /// The next event of `receiver`'s connection out of `input`; `None` when
    /// all of it was taken, and the half frame at its end is kept.
    ///
    /// # Errors
    /// The [`Failure`] whose code and reason go into our Close. Nothing more
    /// may be read from this connection then.
    #[inline]
    pub fn next<'a>(
        &'a mut self,
        receiver: &mut Receiver,
        transform: Option<&mut (dyn Transform + 'static)>,
        rules: &Rules,
        input: &'a mut Input<'_>,
    ) -> Result<Option<Event<'a>>, Failure> {
        if receiver.is_at_rest() {
            if input.remaining() == 0 && !self.lent {
                return Ok(None);
            }
            let plain = match &transform {
                None => true,
                Some(transform) => !transform.wants(Reserved::NONE),
            };
            if plain && let Some(frame) = rest::whole_frame(rules, input) {
                return frame.deliver(input).map(Some);
            }
        }
        self.slow(receiver, transform, rules, input)
    }

    /// A connection ended: its buffers return to the pools.
    pub fn release(&mut self, receiver: Receiver) {
        if let Some(spill) = receiver.0.and_then(|pending| pending.frame) {
            self.spills.put(spill.into_bytes());
        }
    }
}
