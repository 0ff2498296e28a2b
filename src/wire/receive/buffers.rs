//! Buffers that wait for the next message of any connection, and the one that is lent behind
//! the event that is being delivered.

use crate::wire::work::{Work, price};
use bytes::Bytes;
use std::cell::RefCell;
use std::rc::Rc;

/// The smallest buffer that is worth keeping.
pub(super) const MIN_BUFFER: usize = 256;
/// The largest that is kept: a burst of long messages ends with its memory.
pub(super) const MAX_BUFFER: usize = 256 << 10;
/// What all buffers of the pool may have in sum.
const MAX_POOLED: usize = 4 << 20;
/// The largest buffer that a message of unknown length begins with.
pub(super) const FIRST_BUFFER: usize = 16 << 10;
/// How many buffers the pool keeps.
const POOLED: usize = 16;

/// The pool. What stands in its buffers is of no meaning.
#[derive(Debug, Default)]
pub(super) struct BufferPool {
    buffers: Vec<Vec<u8>>,
    bytes: usize,
}

impl BufferPool {
    /// A buffer of at most this capacity, perhaps empty. What a connection holds counts against it by
    /// capacity: a short message that waits for its rest must not be charged with the buffer that a long
    /// one of somebody else has left.
    pub(super) fn take(&mut self, most: usize) -> Vec<u8> {
        let mut buffers = self.buffers.iter();
        let fitting = buffers.rposition(|buffer| buffer.capacity() <= most);
        let buffer = fitting.map(|at| self.buffers.swap_remove(at));
        let buffer = buffer.unwrap_or_default();
        self.bytes -= buffer.capacity();
        buffer
    }

    pub(super) fn put(&mut self, buffer: Vec<u8>) {
        let size = buffer.capacity();
        let fits = self.buffers.len() < POOLED && self.bytes + size <= MAX_POOLED;
        if fits && (MIN_BUFFER..=MAX_BUFFER).contains(&size) {
            self.bytes += size;
            self.buffers.push(buffer);
        }
    }
}

/// Long messages that were delivered: freed in slices, for the kernel takes a millisecond to take
/// 16 MiB back.
#[derive(Debug, Default)]
pub(super) struct Retired(Vec<Vec<u8>>);

/// Bytes that are freed at a step.
const FREED: usize = 256 << 10;

impl Retired {
    /// Takes over what nobody else holds; what somebody does, that one frees.
    pub(super) fn put(&mut self, message: Bytes) {
        if let Ok(mut bytes) = message.try_into_mut() {
            // Empty, so that turning it into a vector copies nothing.
            bytes.clear();
            self.0.push(bytes.into());
        }
    }

    /// Takes over a buffer that is too long to be kept for others.
    pub(super) fn put_buffer(&mut self, mut buffer: Vec<u8>) {
        if buffer.capacity() > MAX_BUFFER {
            buffer.clear();
            self.0.push(buffer);
        }
    }

    /// Frees while there is work left; whether there is more to free.
    pub(super) fn free(&mut self, work: &mut Work) -> bool {
        while let Some(oldest) = self.0.first_mut() {
            if work.is_spent() {
                return true;
            }
            let size = oldest.capacity();
            oldest.shrink_to(size.saturating_sub(FREED));
            work.charge_bytes(size.min(FREED), price::BYTES_FRESH);
            if size <= FREED {
                self.0.swap_remove(0);
            }
        }
        false
    }
}

/// Frees a scratch buffer that one big message left behind.
pub(super) fn trim(scratch: &mut Vec<u8>) {
    if scratch.capacity() > MAX_BUFFER {
        *scratch = Vec::new();
    }
}

/// The long message of the event that is being delivered: whoever sends it on keeps it instead
/// of a copy. Clones look at the same message.
#[derive(Clone, Debug, Default)]
pub struct LentMessage(pub(super) Rc<RefCell<Option<Bytes>>>);

impl LentMessage {
    /// What is lent from now on; what was before.
    pub fn set(&self, bytes: Option<Bytes>) -> Option<Bytes> {
        self.0.replace(bytes)
    }

    /// The same bytes as `payload` without a copy, if they lie in the message that is being
    /// delivered and this one is long: over 256 KiB, or put together out of plain fragments.
    pub fn share(&self, payload: &[u8]) -> Option<Bytes> {
        let lent = self.0.borrow();
        let whole = lent.as_ref()?;
        let (outer, inner) = (whole.as_ptr_range(), payload.as_ptr_range());
        let inside = !payload.is_empty() && outer.start <= inner.start && inner.end <= outer.end;
        inside.then(|| whole.slice_ref(payload))
    }
}

#[cfg(test)]
impl BufferPool {
    /// How many buffers wait.
    pub(super) fn len(&self) -> usize {
        self.buffers.len()
    }

    /// Bytes of all of them.
    pub(super) fn held(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_message_does_not_get_the_buffer_of_a_long_one() {
        let mut pool = BufferPool::default();
        for size in [1_000, 200_000, 2_000] {
            pool.put(Vec::with_capacity(size));
        }
        assert_eq!(pool.take(500).capacity(), 0);
        assert_eq!(pool.take(1_500).capacity(), 1_000);
        assert_eq!(pool.take(1_500).capacity(), 0);
        assert_eq!((pool.len(), pool.held()), (2, 202_000));
    }
}
