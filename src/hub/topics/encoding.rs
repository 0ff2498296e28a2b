//! What a topic's frames are for one member: plain, encoded once for many, or in a context of its own.

use crate::hub::core::Core;
use crate::hub::topics::log::{EVENTS, Panicked, ShareKey, encode_frame, open_frame};
use crate::wire::frame::write_frame;
use crate::wire::work::{Work, price};

/// What may be spent on encoding for one member at a time; the rest goes plain.
pub(super) const ENCODING: u32 = 30_000;

/// How the frames of a topic reach one member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Plain,
    Shared(ShareKey),
    /// Events, the same for all event streams.
    Events,
    /// A context of its own, or masked.
    Own,
}

impl Core {
    pub(super) fn encoding(&self, key: u32) -> Encoding {
        let slot = &self.slots[key as usize];
        if slot.is_event_stream() {
            return Encoding::Events;
        }
        if self.rules(key).masking {
            return Encoding::Own;
        }
        let Some(cold) = &slot.cold else {
            return Encoding::Plain;
        };
        match cold
            .transform
            .as_ref()
            .map(|transform| transform.share_key())
        {
            None => Encoding::Plain,
            Some(None) => Encoding::Own,
            Some(Some(share)) => Encoding::Shared((cold.extension_id, share)),
        }
    }

    /// Encodes what a topic has for those who get the same bytes as this member; the key to find
    /// them by, if they are not plain. Of events only some, unless `all` are wanted now.
    /// `None`: the transformation panicked, and the session has ended.
    pub(super) fn encode_shared(
        &mut self,
        key: u32,
        encoding: Encoding,
        topic: u32,
        all: bool,
    ) -> Option<Option<ShareKey>> {
        if encoding == Encoding::Events {
            self.write_events(topic, all);
            return Some(Some(EVENTS));
        }
        let cold = self.slots[key as usize].cold.as_mut();
        let transform = cold.and_then(|cold| cold.transform.as_deref_mut());
        let (Encoding::Shared(share), Some(transform)) = (encoding, transform) else {
            return Some(None);
        };
        let mut work = Work::new(ENCODING);
        let encoded = self.topics.encode(topic, share, transform, &mut work);
        self.work.charge_all(Work::new(ENCODING), work);
        match encoded {
            Ok(()) => Some(Some(share)),
            Err(Panicked) => {
                self.panicked(key);
                None
            }
        }
    }

    /// Writes what a topic has as events: all of it, or a step of that.
    pub(super) fn write_events(&mut self, topic: u32, all: bool) {
        let granted = if all {
            Work::unlimited()
        } else {
            Work::new(ENCODING)
        };
        let mut work = granted;
        self.topics.encode_events(topic, &mut work);
        self.work.charge_all(granted, work);
    }

    /// The number of an extension: share keys of different extensions are not compared.
    pub(crate) fn extension_id(&mut self, extension: &str) -> u16 {
        let known = self
            .extension_names
            .iter()
            .position(|name| **name == *extension);
        let number = known.unwrap_or_else(|| {
            self.extension_names.push(extension.into());
            self.extension_names.len() - 1
        });
        number as u16
    }

    /// Takes what encoding for a member cost, and the copies of its frames.
    pub(super) fn charge_encoding(&mut self, left: Work, bytes: usize) {
        self.work.charge_all(Work::new(ENCODING), left);
        self.work.charge_bytes(bytes, price::BYTES_COPIED);
    }

    /// Appends one plain frame of a log as this connection gets it: encoded while the work lasts.
    /// `None`: its transformation panicked, and the session has ended.
    pub(super) fn encode_owed(
        &mut self,
        key: u32,
        frame: &[u8],
        work: &mut Work,
        out: &mut Vec<u8>,
    ) -> Option<()> {
        let mask = self.mask(key);
        let cold = self.slots[key as usize].cold.as_mut();
        let start = out.len();
        let encoded = match cold.and_then(|cold| cold.transform.as_deref_mut()) {
            Some(transform) => encode_frame(frame, transform, work, out),
            None => {
                out.extend_from_slice(frame);
                Ok(())
            }
        };
        self.count_transform(key);
        if encoded == Err(Panicked) {
            self.panicked(key);
            return None;
        }
        if mask.is_some() {
            let unmasked = out.split_off(start);
            let (opcode, reserved, payload) = open_frame(&unmasked);
            write_frame(out, true, opcode, reserved, payload, mask);
        }
        Some(())
    }
}
