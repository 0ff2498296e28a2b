//! A message laid out in fragments.

use super::super::super::frames::{CONTINUATION, FIN, lay_frame};

/// A message in fragments of `length` bytes; `first` is the first byte of its first frame, without FIN.
pub(super) fn fragments(first: u8, payload: &[u8], length: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(payload.len() + 16);
    let pieces = payload.chunks(length);
    let last = pieces.len() - 1;
    for (index, piece) in pieces.enumerate() {
        let opcode = if index == 0 { first } else { CONTINUATION };
        let fin = if index == last { FIN } else { 0 };
        lay_frame(&mut bytes, fin | opcode, piece);
    }
    bytes
}
