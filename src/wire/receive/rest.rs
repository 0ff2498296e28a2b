//! Lane 1, the hot path of the server: a whole, final, plain data frame of a
//! connection at rest, delivered from where it lies.
//!
//! Nothing here may allocate, copy or fail on the header: whatever is not plain
//! is left untouched for the slower lanes, which also find the failure. Bytes of
//! the input that were taken are of no meaning any more, and may be written to.

use super::{Event, Failure, Input, ReceiveRules, Role};
use crate::wire::mask::apply_mask;
use crate::wire::message::Message;

const FINAL_TEXT: u8 = 0x81;
const FINAL_BINARY: u8 = 0x82;

/// From how many bytes on the check of UTF-8 takes its vectors; below, it goes byte by byte.
const VECTOR: usize = 64;

/// From how many bytes on a text is padded to that length: shorter ones cost fewer instructions
/// so, but not less time, as the vectors must wait for the bytes that were just unmasked.
const PADDED: usize = 25;

/// A frame that was taken from the input and unmasked.
pub(super) struct WholeFrame {
    text: bool,
    /// The [`VECTOR`] bytes in front of a short text are cleared.
    padded: bool,
    start: usize,
    end: usize,
}

/// Takes the frame at the start of `input` if it is whole, final, without
/// reserved bits, within the limits and under 64 KiB (the longest length field
/// comes with frames that seldom fit one read).
#[inline]
pub(super) fn whole_frame(rules: &ReceiveRules, input: &mut Input<'_>) -> Option<WholeFrame> {
    if rules.raw {
        return None;
    }
    let bytes = &mut input.bytes[input.at..];
    let [first @ (FINAL_TEXT | FINAL_BINARY), second, ..] = *bytes else {
        return None;
    };
    let masked = rules.role == Role::Server;
    if (second & 0x80 != 0) != masked {
        return None;
    }
    let (len, size) = match second & 0x7F {
        127 => return None,
        126 => {
            let long = bytes.get(2..)?.first_chunk()?;
            (usize::from(u16::from_be_bytes(*long)), 4)
        }
        len => (usize::from(len), 2),
    };
    if len > rules.max_frame || len > rules.max_message {
        return None;
    }
    let size = if masked {
        let key = *bytes.get(size..)?.first_chunk::<4>()?;
        let start = size + 4;
        apply_mask(bytes.get_mut(start..start + len)?, key, 0);
        start
    } else {
        bytes.get(size..size + len)?;
        size
    };
    let start = input.at + size;
    let end = start + len;
    input.at = end;
    let text = first == FINAL_TEXT;
    Some(WholeFrame {
        text,
        padded: text && (PADDED..VECTOR).contains(&len) && pad(&mut input.bytes[..start]),
        start,
        end,
    })
}

/// Clears the bytes in front of a short text, if there are enough: its own header and messages
/// that were delivered before. With these zeros it is long enough for vectors, which saves a
/// text of 48 bytes a quarter of its time.
#[inline]
fn pad(taken: &mut [u8]) -> bool {
    let front = taken.last_chunk_mut::<VECTOR>();
    front.map(|front| *front = [0; VECTOR]).is_some()
}

impl WholeFrame {
    /// Bytes of the payload.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.end - self.start
    }

    /// Borrows the message; text is checked here.
    #[inline]
    pub(super) fn deliver<'a>(self, input: &'a Input<'_>) -> Result<Event<'a>, Failure> {
        if self.padded {
            let long = &input.bytes[self.end - VECTOR..self.end];
            let zeros = VECTOR - self.len();
            return match simdutf8::basic::from_utf8(long).map(|text| text.get(zeros..)) {
                Ok(Some(text)) => Ok(Event::Message(Message::Text(text))),
                _ => Err(Failure::NOT_UTF8),
            };
        }
        message(self.text, &input.bytes[self.start..self.end])
    }
}

/// A payload as a message, checked if it is text.
#[inline]
pub(super) fn message(text: bool, payload: &[u8]) -> Result<Event<'_>, Failure> {
    if !text {
        return Ok(Event::Message(Message::Binary(payload)));
    }
    match simdutf8::basic::from_utf8(payload) {
        Ok(text) => Ok(Event::Message(Message::Text(text))),
        Err(_) => Err(Failure::NOT_UTF8),
    }
}
