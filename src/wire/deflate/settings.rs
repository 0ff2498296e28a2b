//! The settings of permessage-deflate.

use crate::wire::error::{Error, ErrorKind, Result};
use crate::wire::frame::OpCode;
use std::ops::RangeInclusive;
use std::sync::Arc;

/// The extension's token (RFC 7692 §7).
pub const NAME: &str = "permessage-deflate";

/// The window sizes that a setting may name, as log2 of bytes. A peer may ask
/// for 8 as well (RFC 7692 §7.1.2), and gets it.
pub(super) const WINDOW_BITS: RangeInclusive<u8> = 9..=15;

pub(super) type Predicate = Arc<dyn Fn(OpCode, &[u8]) -> bool + Send + Sync>;

#[derive(Clone)]
pub(super) struct Settings {
    pub(super) level: u8,
    pub(super) min_size: usize,
    pub(super) compress_if: Option<Predicate>,
    pub(super) server_max_window_bits: u8,
    pub(super) client_max_window_bits: u8,
    pub(super) context_takeover: bool,
}

impl Settings {
    /// Whether a message is to be compressed at all.
    pub(super) fn wants(&self, opcode: OpCode, payload: &[u8]) -> bool {
        // An empty message is shorter plain, and takes nothing from a context or into it.
        !payload.is_empty()
            && payload.len() >= self.min_size
            && self
                .compress_if
                .as_ref()
                .is_none_or(|ask| ask(opcode, payload))
    }

    pub(super) fn check(&self) -> Result<()> {
        let wrong = |field, value, range: RangeInclusive<u8>| {
            let (from, to) = range.into_inner();
            let text = format!("{NAME}: {field} is {value}; it must be {from} to {to}");
            Err(Error::new(ErrorKind::Config, text))
        };
        if self.level > 9 {
            return wrong("level", self.level, 0..=9);
        }
        for (field, bits) in [
            ("server_max_window_bits", self.server_max_window_bits),
            ("client_max_window_bits", self.client_max_window_bits),
        ] {
            if !WINDOW_BITS.contains(&bits) {
                return wrong(field, bits, WINDOW_BITS);
            }
        }
        Ok(())
    }
}
