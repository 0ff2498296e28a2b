//! Where the lanes meet: headers and payloads in any number of pieces become
//! whole frames or go on as they arrive, and what is complete becomes an event.
//!
//! Nothing here may loop without asking the meter: a step is bounded, and the next one is
//! begun only while work is left.

use super::buffers::MIN_BUFFER;
use super::collect::{Collected, LONG};
use super::event::{Event, Failure};
use super::found::{FoundEvent, PayloadLocation};
use super::input::Input;
use super::judge::{self, OpenMessage};
use super::lanes::{Arriving, Lanes, Receiver};
use super::pieces::Pieces;
use super::rules::ReceiveRules;
use super::spill::{Arrival, Spill};
use super::step::{Agreed, Step};
use crate::wire::extension::Transform;
use crate::wire::frame::{Header, MAX_HEADER, OpCode, Reserved};
use crate::wire::mask::apply_mask;
use crate::wire::work::{Work, price};

/// A frame up to this length is unmasked where it lies, in one step.
const IN_PLACE: u64 = 64 << 10;

/// How the payload of a frame is received.
enum Way {
    /// In one piece.
    Whole { check: bool },
    /// In pieces that go on as they arrive; decoded ones and long texts are collected.
    Pieces { collects: bool },
}

impl Lanes {
    /// Everything that lane 1 leaves: the general way to the next event.
    #[cold]
    #[inline(never)]
    pub(super) fn slow<'a>(
        &'a mut self,
        receiver: &mut Receiver,
        mut transform: Agreed<'_>,
        rules: &ReceiveRules,
        input: &'a mut Input<'_>,
        work: &mut Work,
    ) -> Result<Option<Event<'a>>, Failure> {
        self.recycle();
        // Whoever has long messages pays for freeing them, and not who happens to come next.
        if receiver.0.is_some() {
            self.retired.free(work);
        }
        while !work.is_spent() {
            match self.step(receiver, transform.as_deref_mut(), rules, input, work)? {
                Step::More => {}
                Step::Wait => return Ok(None),
                Step::Event(found) => {
                    self.release_if_idle(receiver);
                    self.lent = true;
                    return self.event(found, input, work).map(Some);
                }
            }
        }
        Ok(None)
    }

    /// Puts what the event before this call borrowed into the pool again.
    fn recycle(&mut self) {
        if !self.lent {
            return;
        }
        self.lent = false;
        self.buffers.put(std::mem::take(&mut self.spilled));
        self.lent_message.set(None);
        match std::mem::take(&mut self.collected) {
            Collected::Shared(message) => self.retired.put(message.into_data()),
            collected => self.buffers.put(collected.into_buffer()),
        }
    }

    fn step(
        &mut self,
        receiver: &mut Receiver,
        transform: Agreed<'_>,
        rules: &ReceiveRules,
        input: &mut Input<'_>,
        work: &mut Work,
    ) -> Result<Step, Failure> {
        let (header, location) = match receiver.arriving() {
            Some(Arriving::Pieces(_)) => {
                return self.piece(receiver, transform, rules, input, work);
            }
            Some(Arriving::Whole(spill)) => match spill.step(input, work)? {
                Arrival::More => return Ok(Step::More),
                Arrival::Wait => return Ok(Step::Wait),
                Arrival::Complete => self.end_spill(receiver),
            },
            None => {
                let header = take_header(self, receiver, transform.as_deref(), rules, input)?;
                let Some(header) = header else {
                    return Ok(Step::Wait);
                };
                work.charge(price::FRAME);
                match way(receiver, transform.as_deref(), rules, &header) {
                    Way::Pieces { collects } => {
                        self.begin_pieces(receiver, rules, &header, collects);
                        let pieces = Pieces::new(header);
                        self.pending(receiver).frame = Some(Arriving::Pieces(pieces));
                        return Ok(Step::More);
                    }
                    Way::Whole { check } => match unmask_in_place(&header, input) {
                        Some(location) => {
                            // One price for unmasking here and, if it is text, checking later.
                            work.charge_bytes(header.len as usize, price::BYTES_RECEIVED);
                            (header, location)
                        }
                        None => {
                            let most = usize::try_from(header.len).unwrap_or(usize::MAX);
                            let most = most.saturating_mul(2).max(MIN_BUFFER);
                            let spill = Spill::new(header, check, self.buffers.take(most));
                            self.pending(receiver).frame = Some(Arriving::Whole(spill));
                            return Ok(Step::More);
                        }
                    },
                }
            }
        };
        self.whole_frame(receiver, transform, rules, input, header, location, work)
    }

    /// Takes the payload of the frame that is complete out of the receiver.
    fn end_spill(&mut self, receiver: &mut Receiver) -> (Header, PayloadLocation) {
        let Some(Arriving::Whole(spill)) = self.pending(receiver).frame.take() else {
            unreachable!("the caller saw it");
        };
        let done = (spill.header(), PayloadLocation::Spilled(spill.filled()));
        self.spilled = spill.into_bytes();
        done
    }

    /// One whole frame, judged and unmasked.
    #[expect(
        clippy::too_many_arguments,
        reason = "what a frame is, and where it goes"
    )]
    fn whole_frame(
        &mut self,
        receiver: &mut Receiver,
        transform: Agreed<'_>,
        rules: &ReceiveRules,
        input: &Input<'_>,
        header: Header,
        location: PayloadLocation,
        work: &mut Work,
    ) -> Result<Step, Failure> {
        if rules.raw {
            if !header.opcode.is_control() {
                self.raw_fragment(receiver, &header);
            }
            return Ok(Step::Event(FoundEvent::Frame(header, location)));
        }
        match header.opcode {
            OpCode::Ping => {
                self.reply.clear();
                if !rules.closing {
                    work.charge(price::FED);
                    self.answer(rules, input, location)?;
                }
                Ok(Step::Event(FoundEvent::Ping(location)))
            }
            OpCode::Pong => Ok(Step::Event(FoundEvent::Pong(location))),
            OpCode::Close => Ok(Step::Event(FoundEvent::Close(location))),
            OpCode::Text | OpCode::Binary | OpCode::Continuation => {
                if let Some(transform) = transform
                    && transform.wants(first_reserved(receiver, &header))
                {
                    self.decode_whole(receiver, transform, rules, input, &header, location, work)?;
                    return self.end_pieces(receiver, header.fin);
                }
                let text = header.opcode == OpCode::Text;
                if let (false, PayloadLocation::Spilled(len)) = (text, location)
                    && len > LONG
                {
                    let mut bytes = std::mem::take(&mut self.spilled);
                    bytes.truncate(len);
                    self.collected = Collected::binary(bytes);
                    self.lent_message.set(self.collected.shared());
                    return Ok(Step::Event(FoundEvent::Collected));
                }
                Ok(Step::Event(FoundEvent::Message { text, location }))
            }
        }
    }

    fn answer(
        &mut self,
        rules: &ReceiveRules,
        input: &Input<'_>,
        location: PayloadLocation,
    ) -> Result<(), Failure> {
        let mut context = self.contexts.take(rules.role);
        let mut reply = std::mem::take(&mut self.reply);
        context.ping(self.payload(location, input), &mut reply)?;
        self.reply = reply;
        self.contexts.put(context);
        Ok(())
    }

    /// Keeps count of the fragments of a raw connection.
    fn raw_fragment(&mut self, receiver: &mut Receiver, header: &Header) {
        if header.fin {
            if let Some(pending) = receiver.0.as_deref_mut() {
                pending.message = None;
            }
        } else {
            let message = &mut self.pending(receiver).message;
            let message = message.get_or_insert_with(|| OpenMessage::new(header));
            message.add(header);
            message.bytes += header.len as usize;
        }
    }
}

/// The reserved bits of the first frame of the message that this data frame belongs to.
fn first_reserved(receiver: &Receiver, header: &Header) -> Reserved {
    receiver
        .message()
        .map_or(header.reserved, |open| open.reserved)
}

fn way(
    receiver: &Receiver,
    transform: Option<&(dyn Transform + 'static)>,
    rules: &ReceiveRules,
    header: &Header,
) -> Way {
    let whole = Way::Whole { check: false };
    if rules.raw || header.opcode.is_control() {
        return whole;
    }
    let reserved = first_reserved(receiver, header);
    if let Some(transform) = transform
        && transform.wants(reserved)
    {
        return if transform.streams() {
            Way::Pieces { collects: true }
        } else {
            whole
        };
    }
    let text = header.opcode == OpCode::Text;
    if !header.fin || header.opcode == OpCode::Continuation {
        Way::Pieces { collects: false }
    } else if text && header.len > LONG as u64 {
        Way::Pieces { collects: true }
    } else {
        Way::Whole { check: text }
    }
}

/// Judges the header at the start of what came, and takes it when it is complete;
/// else keeps the part that came.
fn take_header(
    lanes: &mut Lanes,
    receiver: &mut Receiver,
    transform: Option<&(dyn Transform + 'static)>,
    rules: &ReceiveRules,
    input: &mut Input<'_>,
) -> Result<Option<Header>, Failure> {
    if input.remaining() == 0 {
        return Ok(None);
    }
    let mut joined = [0; MAX_HEADER];
    let known = receiver.0.as_deref().map_or(0, |p| p.head_len);
    let bytes = match receiver.0.as_deref() {
        Some(pending) if known > 0 => {
            joined[..known].copy_from_slice(&pending.head[..known]);
            let n = input.remaining().min(MAX_HEADER - known);
            joined[known..known + n].copy_from_slice(&input.rest()[..n]);
            &joined[..known + n]
        }
        _ => input.rest(),
    };
    match judge::judge(bytes, rules, receiver.message(), transform)? {
        Some((header, size)) => {
            input.at += size - known;
            if let Some(pending) = receiver.0.as_deref_mut() {
                pending.head_len = 0;
            }
            Ok(Some(header))
        }
        None => {
            // At most 13 bytes: a header of 14 is complete.
            let n = input.remaining();
            let pending = lanes.pending(receiver);
            pending.head[known..known + n].copy_from_slice(input.rest());
            pending.head_len += n;
            input.at += n;
            Ok(None)
        }
    }
}

/// Takes the payload if all of it is in the input, and short enough for one step.
fn unmask_in_place(header: &Header, input: &mut Input<'_>) -> Option<PayloadLocation> {
    if header.len > IN_PLACE {
        return None;
    }
    let start = input.at;
    let end = start.checked_add(usize::try_from(header.len).ok()?)?;
    let payload = input.bytes.get_mut(start..end)?;
    if let Some(key) = header.mask {
        apply_mask(payload, key, 0);
    }
    input.at = end;
    Some(PayloadLocation::Input(start, end))
}
