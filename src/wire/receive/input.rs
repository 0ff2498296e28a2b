//! The bytes of one read.

/// What one read gave, and how much of it was taken. The bytes are unmasked in place.
#[derive(Debug)]
pub struct Input<'b> {
    pub(super) bytes: &'b mut [u8],
    pub(super) at: usize,
}

impl<'b> Input<'b> {
    /// All of what a read gave.
    pub fn new(bytes: &'b mut [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Nothing: for the call after [`Receiver::filled`](super::Receiver::filled).
    pub fn empty() -> Self {
        Self::new(&mut [])
    }

    /// How many bytes were not taken yet.
    pub fn remaining(&self) -> usize {
        self.bytes.len() - self.at
    }

    pub(super) fn rest(&self) -> &[u8] {
        &self.bytes[self.at..]
    }
}
