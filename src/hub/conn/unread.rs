//! Bytes that were read and not worked on yet.

use crate::hub::ledger::Held;

/// Bytes that were read and not worked on yet. They are not moved at every stop: only the place
/// where to go on is.
#[derive(Debug, Default)]
pub(crate) struct Unread {
    pub(crate) bytes: Vec<u8>,
    pub(crate) at: usize,
}

impl Unread {
    pub(crate) fn is_empty(&self) -> bool {
        self.at == self.bytes.len()
    }

    /// Keeps what is left of bytes that lie elsewhere.
    pub(crate) fn of(rest: &[u8]) -> Self {
        Self {
            bytes: rest.to_vec(),
            at: 0,
        }
    }

    /// Adds what came behind it. What was worked on goes when it is the larger part, so that every
    /// byte is moved once at most, however small the steps are.
    pub(crate) fn append(&mut self, bytes: &[u8]) {
        if self.at > self.bytes.len() / 2 {
            self.bytes.drain(..self.at);
            self.at = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// What is to be worked on.
    pub(crate) fn rest(&mut self) -> &mut [u8] {
        &mut self.bytes[self.at..]
    }

    /// So many bytes at the end are left.
    pub(crate) fn leave(&mut self, left: usize) {
        self.at = self.bytes.len() - left;
    }

    pub(crate) fn held(&self) -> Held {
        Held::new(self.bytes.len() - self.at, self.bytes.capacity())
    }
}
