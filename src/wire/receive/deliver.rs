//! From what was found to the event that borrows it.
//!
//! While frames are taken apart, a payload is known by where it lies; only the last
//! step borrows it, so that nothing before has to.

use super::collect::Collected;
use super::event::{Event, Failure, RawFrame};
use super::found::{FoundEvent, PayloadLocation};
use super::input::Input;
use super::lanes::Lanes;
use super::rest;
use crate::wire::close::CloseCode;
use crate::wire::message::Message;
use crate::wire::work::{Work, price};

impl Lanes {
    /// The payload at a location.
    pub(super) fn payload<'p>(
        &'p self,
        location: PayloadLocation,
        input: &'p Input<'_>,
    ) -> &'p [u8] {
        match location {
            PayloadLocation::Input(start, end) => &input.bytes[start..end],
            PayloadLocation::Spilled(len) => &self.spilled[..len],
        }
    }

    /// Borrows what was found.
    pub(super) fn event<'a>(
        &'a self,
        found: FoundEvent,
        input: &'a Input<'_>,
        work: &mut Work,
    ) -> Result<Event<'a>, Failure> {
        match found {
            FoundEvent::Message { text, location } => {
                let payload = self.payload(location, input);
                if text && let PayloadLocation::Spilled(len) = location {
                    work.charge_bytes(len, price::BYTES_RECEIVED);
                }
                rest::message(text, payload)
            }
            FoundEvent::Collected => Ok(Event::Message(match &self.collected {
                Collected::Text(text) => Message::Text(text),
                Collected::Binary(bytes) => Message::Binary(bytes),
                Collected::Shared(tungstenite::Message::Text(text)) => Message::Text(text.as_str()),
                Collected::Shared(tungstenite::Message::Binary(bytes)) => Message::Binary(bytes),
                _ => return Err(Failure::protocol("protocol error")),
            })),
            FoundEvent::Ping(location) => Ok(Event::Ping {
                payload: self.payload(location, input),
                pong: &self.reply,
            }),
            FoundEvent::Pong(location) => Ok(Event::Pong(self.payload(location, input))),
            FoundEvent::Close(location) => close(self.payload(location, input)).map(Event::Close),
            FoundEvent::Frame(header, location) => Ok(Event::Frame(RawFrame {
                fin: header.fin,
                reserved: header.reserved,
                opcode: header.opcode,
                payload: self.payload(location, input),
            })),
        }
    }
}

/// The payload of a Close (RFC 6455 §5.5.1, §7.4).
fn close(payload: &[u8]) -> Result<Option<(CloseCode, &str)>, Failure> {
    let Some((code, reason)) = payload.split_first_chunk::<2>() else {
        return match payload {
            [] => Ok(None),
            _ => Err(Failure::BAD_CLOSE),
        };
    };
    let reason = simdutf8::basic::from_utf8(reason).map_err(|_| Failure::NOT_UTF8)?;
    let code = CloseCode::new(u16::from_be_bytes(*code));
    if code.is_sendable() {
        Ok(Some((code, reason)))
    } else {
        Err(Failure::BAD_CLOSE_CODE)
    }
}
