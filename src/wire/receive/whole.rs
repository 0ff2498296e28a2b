//! Where the lanes meet: headers and payloads in any number of pieces become
//! whole frames, and whole frames become events.

use super::found::{Found, Place, payload};
use super::judge::{self, OpenMessage};
use super::spill::{self, Spill};
use super::{Event, Failure, Input, Lanes, Receiver, Rules};
use crate::wire::extension::{FrameInfo, Transform};
use crate::wire::frame::{Header, MAX_HEADER, OpCode};
use crate::wire::mask::apply_mask;

/// What one step over the input gave.
enum Step {
    /// All input is taken.
    Wait,
    /// A fragment, which is no event yet.
    More,
    Event(Found),
}

type Agreed<'t> = Option<&'t mut (dyn Transform + 'static)>;

impl Lanes {
    /// Everything that lane 1 leaves: the general way to the next event.
    #[cold]
    #[inline(never)]
    pub(super) fn slow<'a>(
        &'a mut self,
        receiver: &mut Receiver,
        mut transform: Agreed<'_>,
        rules: &Rules,
        input: &'a mut Input<'_>,
    ) -> Result<Option<Event<'a>>, Failure> {
        self.recycle();
        loop {
            match self.step(receiver, transform.as_deref_mut(), rules, input)? {
                Step::More => {}
                Step::Wait => {
                    self.recycle();
                    return Ok(None);
                }
                Step::Event(found) => {
                    self.lent = true;
                    return self.event(found, input).map(Some);
                }
            }
        }
    }

    /// Takes back what the event before this call borrowed.
    fn recycle(&mut self) {
        if self.spilled.capacity() > 0 {
            self.spills.put(std::mem::take(&mut self.spilled));
        }
        self.assembled = None;
        self.lent = false;
        spill::trim(&mut self.decoded);
    }

    fn step(
        &mut self,
        receiver: &mut Receiver,
        transform: Agreed<'_>,
        rules: &Rules,
        input: &mut Input<'_>,
    ) -> Result<Step, Failure> {
        let (header, place) = match self.spilled_frame(receiver, input)? {
            Some(done) => done,
            None if receiver.0.as_deref().is_some_and(|p| p.frame.is_some()) => {
                return Ok(Step::Wait);
            }
            None => {
                let Some(header) = take_header(receiver, transform.as_deref(), rules, input)?
                else {
                    return Ok(Step::Wait);
                };
                match unmask_in_place(&header, input) {
                    Some(place) => (header, place),
                    None => {
                        self.start_spill(receiver, transform.as_deref(), rules, header);
                        // Only takes what is there: the frame is not complete.
                        self.spilled_frame(receiver, input)?;
                        return Ok(Step::Wait);
                    }
                }
            }
        };
        let step = self.whole_frame(receiver, transform, rules, input, header, place);
        receiver.settle();
        step
    }

    /// Goes on with the half frame in the receiver, if there is one; gives it when complete.
    fn spilled_frame(
        &mut self,
        receiver: &mut Receiver,
        input: &mut Input<'_>,
    ) -> Result<Option<(Header, Place)>, Failure> {
        let Some(pending) = receiver.0.as_deref_mut() else {
            return Ok(None);
        };
        let Some(spill) = &mut pending.frame else {
            return Ok(None);
        };
        spill.take_from(input);
        if !spill.settle(&mut pending.utf8)? {
            return Ok(None);
        }
        let done = (spill.header(), Place::Spilled(spill.filled()));
        let bytes = pending.frame.take().map(Spill::into_bytes);
        self.spills.put(std::mem::replace(
            &mut self.spilled,
            bytes.unwrap_or_default(),
        ));
        Ok(Some(done))
    }

    fn start_spill(
        &mut self,
        receiver: &mut Receiver,
        transform: Option<&(dyn Transform + 'static)>,
        rules: &Rules,
        header: Header,
    ) {
        let open = receiver.message();
        let text = header.opcode == OpCode::Text
            || header.opcode == OpCode::Continuation && open.is_some_and(|open| open.text);
        let encoded = wants(transform, open, &header);
        let check = text && !rules.raw && !encoded;
        let bytes = self.spills.take();
        let pending = receiver.pending();
        pending.frame = Some(Spill::new(header, check, bytes));
    }

    /// One whole frame, judged and unmasked.
    fn whole_frame(
        &mut self,
        receiver: &mut Receiver,
        transform: Agreed<'_>,
        rules: &Rules,
        input: &Input<'_>,
        header: Header,
        place: Place,
    ) -> Result<Step, Failure> {
        if rules.raw {
            if !header.opcode.is_control() {
                raw_fragment(receiver, &header);
            }
            return Ok(Step::Event(Found::Frame(header, place)));
        }
        match header.opcode {
            OpCode::Ping => {
                self.reply.clear();
                if !rules.closing {
                    self.answer(rules, input, place)?;
                }
                Ok(Step::Event(Found::Ping(place)))
            }
            OpCode::Pong => Ok(Step::Event(Found::Pong(place))),
            OpCode::Close => Ok(Step::Event(Found::Close(place))),
            OpCode::Text | OpCode::Binary | OpCode::Continuation => {
                let encoded = wants(transform.as_deref(), receiver.message(), &header);
                let place = match transform {
                    Some(transform) if encoded => {
                        self.decode(receiver, transform, rules, input, &header, place)?
                    }
                    _ => place,
                };
                if header.fin && header.opcode != OpCode::Continuation {
                    let text = header.opcode == OpCode::Text;
                    return Ok(Step::Event(Found::Message { text, place }));
                }
                self.fragment(receiver, rules, input, &header, place)
            }
        }
    }

    fn answer(&mut self, rules: &Rules, input: &Input<'_>, place: Place) -> Result<(), Failure> {
        let mut context = self.contexts.take(rules.role);
        let mut reply = std::mem::take(&mut self.reply);
        context.ping(self.payload(place, input), &mut reply)?;
        self.reply = reply;
        self.contexts.put(context);
        Ok(())
    }

    fn decode(
        &mut self,
        receiver: &Receiver,
        transform: &mut (dyn Transform + 'static),
        rules: &Rules,
        input: &Input<'_>,
        header: &Header,
        place: Place,
    ) -> Result<Place, Failure> {
        let info = FrameInfo {
            fin: header.fin,
            reserved: header.reserved,
            opcode: header.opcode,
        };
        let before = receiver.message().map_or(0, |open| open.bytes);
        let cap = rules.max_message.saturating_sub(before);
        let mut decoded = std::mem::take(&mut self.decoded);
        decoded.clear();
        transform.decode(info, self.payload(place, input), cap, &mut decoded)?;
        self.decoded = decoded;
        if self.decoded.len() > cap {
            return Err(Failure::TOO_BIG);
        }
        Ok(Place::Decoded)
    }

    /// One plain fragment of a message, the first and the last included.
    fn fragment(
        &mut self,
        receiver: &mut Receiver,
        rules: &Rules,
        input: &Input<'_>,
        header: &Header,
        place: Place,
    ) -> Result<Step, Failure> {
        let payload = payload(&self.spilled, &self.decoded, input, place);
        let pending = receiver.pending();
        let checked = matches!(place, Place::Spilled(_));
        let message = pending
            .message
            .get_or_insert_with(|| OpenMessage::new(header));
        if message.text {
            if !checked {
                pending.utf8.push(payload)?;
            }
            if header.fin {
                pending.utf8.finish()?;
            }
        }
        message.add(header, payload.len());
        let context = message
            .context
            .get_or_insert_with(|| self.contexts.take(rules.role));
        let assembled = context.fragment(header.fin, header.opcode, payload)?;
        if !header.fin {
            return Ok(Step::More);
        }
        let context = pending.message.take().and_then(|message| message.context);
        if let Some(context) = context {
            self.contexts.put(context);
        }
        self.assembled = assembled;
        Ok(Step::Event(Found::Assembled))
    }
}

/// Judges the header at the start of what came, and takes it when it is complete;
/// else keeps the part that came.
fn take_header(
    receiver: &mut Receiver,
    transform: Option<&(dyn Transform + 'static)>,
    rules: &Rules,
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
            if known > 0 {
                receiver.pending().head_len = 0;
            }
            Ok(Some(header))
        }
        None => {
            // At most 13 bytes: a header of 14 is complete.
            let n = input.remaining();
            let pending = receiver.pending();
            pending.head[known..known + n].copy_from_slice(input.rest());
            pending.head_len += n;
            input.at += n;
            Ok(None)
        }
    }
}

/// Takes the payload if all of it is in the input.
fn unmask_in_place(header: &Header, input: &mut Input<'_>) -> Option<Place> {
    let start = input.at;
    let end = start.checked_add(usize::try_from(header.len).ok()?)?;
    let payload = input.bytes.get_mut(start..end)?;
    if let Some(key) = header.mask {
        apply_mask(payload, key, 0);
    }
    input.at = end;
    Some(Place::Input(start, end))
}

/// Whether the transformation must decode this data frame.
fn wants(
    transform: Option<&(dyn Transform + 'static)>,
    open: Option<&OpenMessage>,
    header: &Header,
) -> bool {
    let first = open.map_or(header.reserved, |open| open.reserved);
    !header.opcode.is_control() && transform.is_some_and(|transform| transform.wants(first))
}

/// Keeps count of the fragments of a raw connection.
fn raw_fragment(receiver: &mut Receiver, header: &Header) {
    if header.fin {
        if let Some(pending) = receiver.0.as_deref_mut() {
            pending.message = None;
        }
    } else {
        let message = &mut receiver.pending().message;
        let message = message.get_or_insert_with(|| OpenMessage::new(header));
        message.add(header, header.len as usize);
    }
}
