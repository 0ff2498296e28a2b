//! Payloads that go on in pieces: to a decoder, to the state machine of lane 3, or to a buffer.

use super::buffers::{self, FIRST_BUFFER};
use super::collect::{Collected, Collector, LONG};
use super::event::Failure;
use super::found::{FoundEvent, PayloadLocation};
use super::input::Input;
use super::judge::{OpenMessage, Parts};
use super::lanes::{Arriving, Lanes, Pending, Receiver};
use super::pieces::Pieces;
use super::rules::ReceiveRules;
use super::step::{Agreed, Step};
use crate::wire::extension::{FramePart, Transform};
use crate::wire::frame::{Header, OpCode};
use crate::wire::mask::apply_mask;
use crate::wire::work::{Work, price};

/// Bytes that the state machine of lane 3 is fed with at a step. Its own buffer of 4 KiB holds
/// these and a header, so that it never grows.
const FED: usize = 4000;
/// Encoded bytes that are decoded at a step, at most.
const ENCODED: usize = 2 << 10;
/// Bytes of a long text, or of decoded data, that are checked and copied at a step.
const PLAIN: usize = 64 << 10;

impl Lanes {
    /// Opens the message of this frame, unless it is open, and counts the frame.
    pub(super) fn begin_pieces(
        &mut self,
        receiver: &mut Receiver,
        rules: &ReceiveRules,
        header: &Header,
        collects: bool,
    ) {
        if receiver.message().is_none() {
            let mut message = OpenMessage::new(header);
            message.parts = if collects {
                Parts::Collected(Collector::new(
                    message.text,
                    self.buffers.take(FIRST_BUFFER),
                ))
            } else {
                Parts::Fed(self.contexts.take(rules.role))
            };
            self.pending(receiver).message = Some(message);
        }
        if let Some(message) = &mut self.pending(receiver).message {
            message.add(header);
        }
    }

    /// One step over the pieces of a frame.
    pub(super) fn piece(
        &mut self,
        receiver: &mut Receiver,
        transform: Agreed<'_>,
        rules: &ReceiveRules,
        input: &mut Input<'_>,
        work: &mut Work,
    ) -> Result<Step, Failure> {
        let Some(Pending {
            frame: Some(Arriving::Pieces(pieces)),
            message: Some(message),
            ..
        }) = receiver.0.as_deref_mut()
        else {
            return Ok(Step::Wait);
        };
        if !pieces.is_paused() && input.remaining() == 0 {
            return Ok(Step::Wait);
        }
        let wants = transform.filter(|transform| transform.wants(message.reserved));
        let most = match (&message.parts, &wants) {
            (Parts::Fed(_), _) => FED,
            (_, Some(_)) => ENCODED,
            (_, None) => PLAIN,
        };
        let n = pieces.missing().min(input.remaining()).min(most);
        let (start, phase) = (input.at, pieces.taken);
        let payload = &mut input.bytes[start..start + n];
        work.charge_bytes(n, price::BYTES_RECEIVED);
        if message.bytes > LONG {
            work.charge_bytes(n, price::BYTES_FRESH);
        }
        if let Some(key) = pieces.header.mask {
            apply_mask(payload, key, phase);
        }
        let last = pieces.missing() == n;
        let first = !pieces.begun;
        pieces.begun = true;
        let mut taken = n;
        match (&mut message.parts, wants) {
            (Parts::Fed(context), _) => {
                // Copied twice, and text is checked again at half the speed.
                work.charge(price::FED);
                work.charge_bytes(n, price::BYTES_RECEIVED);
                let opcode = if first {
                    pieces.header.opcode
                } else {
                    OpCode::Continuation
                };
                let fin = last && pieces.header.fin;
                message.bytes += n;
                self.assembled = context.fragment(fin, opcode, payload)?;
            }
            (Parts::Collected(collector), Some(transform)) => {
                let cap = rules.max_message.saturating_sub(message.bytes);
                self.decoded.clear();
                let info = pieces.info();
                let part = FramePart {
                    info,
                    first,
                    last,
                    payload,
                };
                let progress = transform.decode_part(part, cap, work, &mut self.decoded)?;
                if self.decoded.len() > cap {
                    return Err(Failure::TOO_BIG);
                }
                for piece in self.decoded.chunks(PLAIN) {
                    work.charge_bytes(piece.len(), price::BYTES_RECEIVED);
                    collector.push(piece, rules.max_message)?;
                }
                message.bytes += self.decoded.len();
                buffers::trim(&mut self.decoded);
                pieces.pending = !progress.done;
                taken = progress.taken.min(n);
                if let Some(key) = pieces.header.mask {
                    // What was not taken comes again, as it came.
                    apply_mask(&mut payload[taken..], key, phase + taken);
                }
            }
            (Parts::Collected(collector), None) => {
                collector.push(payload, pieces.header.len as usize)?;
                message.bytes += n;
            }
            (Parts::Nothing, _) => {}
        }
        input.at = start + taken;
        pieces.taken += taken;
        if pieces.missing() > 0 || pieces.pending {
            return Ok(Step::More);
        }
        let fin = pieces.header.fin;
        self.end_pieces(receiver, fin)
    }

    /// Decodes a frame that is all there, for a transformation that takes no parts.
    #[expect(
        clippy::too_many_arguments,
        reason = "what a frame is, and where it goes"
    )]
    pub(super) fn decode_whole(
        &mut self,
        receiver: &mut Receiver,
        transform: &mut (dyn Transform + 'static),
        rules: &ReceiveRules,
        input: &Input<'_>,
        header: &Header,
        location: PayloadLocation,
        work: &mut Work,
    ) -> Result<(), Failure> {
        self.begin_pieces(receiver, rules, header, true);
        let mut decoded = std::mem::take(&mut self.decoded);
        decoded.clear();
        let before = receiver.message().map_or(0, |message| message.bytes);
        let cap = rules.max_message.saturating_sub(before);
        let part = FramePart {
            info: Pieces::new(*header).info(),
            first: true,
            last: true,
            payload: self.payload(location, input),
        };
        transform.decode_part(part, cap, work, &mut decoded)?;
        if decoded.len() > cap {
            return Err(Failure::TOO_BIG);
        }
        if let Some(message) = &mut self.pending(receiver).message
            && let Parts::Collected(collector) = &mut message.parts
        {
            work.charge_bytes(decoded.len(), price::BYTES_RECEIVED);
            collector.push(&decoded, rules.max_message)?;
            message.bytes += decoded.len();
        }
        buffers::trim(&mut decoded);
        self.decoded = decoded;
        Ok(())
    }

    /// The frame is complete, and with the last one its message.
    pub(super) fn end_pieces(
        &mut self,
        receiver: &mut Receiver,
        fin: bool,
    ) -> Result<Step, Failure> {
        let pending = self.pending(receiver);
        pending.frame = None;
        if !fin {
            return Ok(Step::More);
        }
        match pending.message.take().map(|message| message.parts) {
            Some(Parts::Collected(collector)) => self.collected = collector.finish()?,
            Some(Parts::Fed(context)) => {
                self.contexts.put(context);
                self.collected = match self.assembled.take() {
                    Some(message) => Collected::Shared(message),
                    None => return Err(Failure::protocol("protocol error")),
                };
            }
            Some(Parts::Nothing) | None => {}
        }
        self.lent_message.set(self.collected.shared());
        Ok(Step::Event(FoundEvent::Collected))
    }
}
