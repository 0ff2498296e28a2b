//! Buffers that wait for the next message of any connection, and the one that is lent behind
//! the event that is being delivered.

use bytes::Bytes;
use std::cell::RefCell;
use std::rc::Rc;

/// The smallest buffer that is worth keeping.
pub(super) const MIN_BUFFER: usize = 256;
/// The largest that is kept: a burst of long messages ends with its memory.
pub(super) const MAX_BUFFER: usize = 256 << 10;
/// What all buffers of the pool may have in sum.
const MAX_POOLED: usize = 1 << 20;
/// How many buffers the pool keeps.
const POOLED: usize = 16;

/// The pool. What stands in its buffers is of no meaning.
#[derive(Debug, Default)]
pub(super) struct BufferPool {
    buffers: Vec<Vec<u8>>,
    bytes: usize,
}

impl BufferPool {
    /// A buffer of any size, perhaps empty.
    pub(super) fn take(&mut self) -> Vec<u8> {
        let buffer = self.buffers.pop().unwrap_or_default();
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
    pub(super) fn set(&self, bytes: Option<Bytes>) {
        *self.0.borrow_mut() = bytes;
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
