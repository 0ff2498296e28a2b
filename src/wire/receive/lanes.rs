//! The lanes of a loop, and what each connection has in them.

use super::buffers::{self, BufferPool, LentMessage, Retired};
use super::collect::Collected;
use super::context::ContextPool;
use super::event::{Event, Failure};
use super::input::Input;
use super::judge::{OpenMessage, Parts};
use super::pieces::Pieces;
use super::rest;
use super::rules::ReceiveRules;
use super::spill::Spill;
use crate::wire::extension::Transform;
use crate::wire::frame::{MAX_HEADER, Reserved};
use crate::wire::work::{Work, price};
use bytes::Bytes;

/// What one connection has received and not yet delivered. At rest it is one
/// empty pointer.
#[derive(Debug, Default)]
pub struct Receiver(pub(super) Option<Box<Pending>>);

/// The parts of a receiver that is not at rest.
#[derive(Debug, Default)]
pub(super) struct Pending {
    /// The start of a header whose end did not come yet.
    pub(super) head: [u8; MAX_HEADER],
    pub(super) head_len: usize,
    /// A frame whose header is known and whose payload is not complete.
    pub(super) frame: Option<Arriving>,
    /// A message whose last fragment did not come yet.
    pub(super) message: Option<OpenMessage>,
}

/// A frame that is arriving, by what becomes of its payload.
#[derive(Debug)]
pub(super) enum Arriving {
    /// It is kept until it is complete.
    Whole(Spill),
    /// It goes on to the open message.
    Pieces(Pieces),
}

/// From how many missing bytes on a read of its own is worth the system call:
/// copying them out of the loop's buffer costs less below this.
const DIRECT_READ: usize = 16 * 1024;

impl Receiver {
    /// Nothing is half-read and no fragments are open.
    pub fn is_at_rest(&self) -> bool {
        self.0.is_none()
    }

    /// Bytes held for this connection, by capacity: of half a frame, and of the message so far.
    /// Only [`Lanes::next`] changes it.
    pub fn held(&self) -> usize {
        self.0.as_deref().map_or(0, |pending| {
            let frame = match &pending.frame {
                Some(Arriving::Whole(spill)) => spill.capacity(),
                Some(Arriving::Pieces(_)) | None => 0,
            };
            let message = pending.message.as_ref().map_or(0, OpenMessage::held);
            size_of::<Pending>() + frame + message
        })
    }

    /// Whether [`Lanes::next`] has something to do without more input: it stopped because the
    /// meter was spent.
    pub fn is_paused(&self) -> bool {
        let frame = self.0.as_deref().and_then(|pending| pending.frame.as_ref());
        frame.is_some_and(|frame| match frame {
            Arriving::Whole(spill) => spill.is_paused(),
            Arriving::Pieces(pieces) => pieces.is_paused(),
        })
    }

    /// Where the next read may go directly: room for some of the missing rest
    /// of a frame's payload, growing with what has arrived, at most 256 KiB.
    /// `None` when no header is known, when the payload goes on in pieces, or when so
    /// little is missing (under 16 KiB) that a read into the loop's buffer, followed
    /// by [`Lanes::next`], is cheaper.
    ///
    /// A read that fills it says nothing about whether the socket is drained.
    pub fn target(&mut self) -> Option<&mut [u8]> {
        self.target_from(DIRECT_READ)
    }

    pub(super) fn target_from(&mut self, least: usize) -> Option<&mut [u8]> {
        let Arriving::Whole(spill) = self.arriving()? else {
            return None;
        };
        (spill.missing() >= least.max(1)).then(|| spill.target(DIRECT_READ))
    }

    /// `n` bytes were read to the start of the [`target`](Self::target); the
    /// next call of [`Lanes::next`] looks at them.
    ///
    /// # Panics
    /// When `n` is more than the target had room for.
    pub fn filled(&mut self, n: usize) {
        if let Some(Arriving::Whole(spill)) = self.arriving() {
            spill.advance(n);
        }
    }

    pub(super) fn arriving(&mut self) -> Option<&mut Arriving> {
        self.0.as_deref_mut()?.frame.as_mut()
    }

    pub(super) fn message(&self) -> Option<&OpenMessage> {
        self.0.as_deref()?.message.as_ref()
    }
}

/// What all connections of one loop share for receiving: the pools, and the
/// buffers that the newest event borrows.
#[derive(Debug, Default)]
pub struct Lanes {
    pub(super) buffers: BufferPool,
    pub(super) contexts: ContextPool,
    /// What a receiver that is not at rest has in its box, for the next one.
    pub(super) spare: Option<Box<Pending>>,
    /// The frame that was completed last in lane 2.
    pub(super) spilled: Vec<u8>,
    /// What was decoded last, on its way to its message.
    pub(super) decoded: Vec<u8>,
    /// The message that lane 3 put together last, on its way to the event.
    pub(super) assembled: Option<tungstenite::Message>,
    /// The message that was collected last.
    pub(super) collected: Collected,
    /// The same for others, if it is long.
    pub(super) lent_message: LentMessage,
    /// The pong that lane 3 wrote last.
    pub(super) reply: Vec<u8>,
    /// Whether the newest event came out of the slower lanes and borrows any of these.
    pub(super) lent: bool,
    pub(super) retired: Retired,
}

impl Lanes {
    /// Empty pools: nothing is allocated before it is needed.
    pub fn new() -> Self {
        Self::default()
    }

    /// Where the long message that is being delivered can be had without a copy.
    pub fn lent_message(&self) -> LentMessage {
        self.lent_message.clone()
    }

    /// The next event of `receiver`'s connection out of `input`. `None` when
    /// all of it was taken, and the half frame at its end is kept; or when `work` is
    /// spent ([`Input::remaining`] is above 0, or [`Receiver::is_paused`]): then the
    /// next call must get the rest of the same bytes, as they are, before any others.
    ///
    /// `work` is charged for everything that is done with bytes, [`price::EVENT`] is the
    /// caller's to charge. A call costs at most what was left and a step of some 50 000
    /// units more.
    ///
    /// # Errors
    /// The [`Failure`] whose code and reason go into our Close. Nothing more
    /// may be read from this connection then.
    #[inline]
    pub fn next<'a>(
        &'a mut self,
        receiver: &mut Receiver,
        transform: Option<&mut (dyn Transform + 'static)>,
        rules: &ReceiveRules,
        input: &'a mut Input<'_>,
        work: &mut Work,
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
                work.charge_bytes(frame.len(), price::BYTES_RECEIVED);
                return frame.deliver(input).map(Some);
            }
        }
        self.slow(receiver, transform, rules, input, work)
    }

    /// A connection ended: its buffers return to the pools.
    pub fn release(&mut self, receiver: Receiver) {
        let Some(pending) = receiver.0 else {
            return;
        };
        if let Some(Arriving::Whole(spill)) = pending.frame {
            self.release_buffer(spill.into_bytes());
        }
        if let Some(message) = pending.message
            && let Parts::Collected(collector) = message.parts
        {
            self.release_buffer(collector.into_buffer());
        }
    }

    pub(super) fn release_buffer(&mut self, buffer: Vec<u8>) {
        if buffer.capacity() > buffers::MAX_BUFFER {
            self.retired.put_buffer(buffer);
        } else {
            self.buffers.put(buffer);
        }
    }

    /// A long message was sent on, or is not to be: it is freed in slices, if nobody else has it.
    pub fn retire(&mut self, message: Bytes) {
        self.retired.put(message);
    }

    /// Frees what delivered messages over 256 KiB left, in slices; whether there is more of it.
    /// Each turn of a loop should call it, and once more when it has nothing else to do.
    pub fn free_some(&mut self, work: &mut Work) -> bool {
        self.retired.free(work)
    }

    /// Frees everything that is kept only to be used again.
    pub fn shrink(&mut self) {
        let lent_message = std::mem::take(&mut self.lent_message);
        lent_message.set(None);
        *self = Self {
            lent_message,
            ..Self::default()
        };
    }

    pub(super) fn pending<'r>(&mut self, receiver: &'r mut Receiver) -> &'r mut Pending {
        let spare = &mut self.spare;
        receiver
            .0
            .get_or_insert_with(|| spare.take().unwrap_or_default())
    }

    /// Takes the box of a receiver back when nothing is left in it.
    pub(super) fn release_if_idle(&mut self, receiver: &mut Receiver) {
        if let Some(pending) = &receiver.0
            && pending.head_len == 0
            && pending.frame.is_none()
            && pending.message.is_none()
        {
            self.spare = receiver.0.take();
        }
    }
}
