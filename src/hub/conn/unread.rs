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

    /// What is to be worked on when `bytes` have come: those where they lie, or behind what is kept.
    ///
    /// What was worked on goes when it is the larger part, so that every byte is moved once at most,
    /// however small the steps are.
    pub(crate) fn input<'b>(&'b mut self, bytes: &'b mut [u8]) -> &'b mut [u8] {
        if self.is_empty() {
            return bytes;
        }
        if self.at > self.bytes.len() / 2 {
            self.bytes.drain(..self.at);
            self.at = 0;
        }
        self.bytes.extend_from_slice(bytes);
        &mut self.bytes[self.at..]
    }

    /// Keeps the last `left` bytes of what [`Unread::input`] gave for these same `bytes`.
    pub(crate) fn keep(&mut self, bytes: &[u8], left: usize) {
        if self.is_empty() {
            self.bytes.clear();
            self.bytes.extend_from_slice(&bytes[bytes.len() - left..]);
            self.at = 0;
        } else {
            self.at = self.bytes.len() - left;
        }
    }

    pub(crate) fn held(&self) -> Held {
        Held::new(self.bytes.len() - self.at, self.bytes.capacity())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_worked_on_where_they_lie_and_kept_in_order_behind_what_is_left() {
        let mut unread = Unread::default();
        let mut first = *b"abcdef";
        let at = first.as_ptr();
        assert_eq!(unread.input(&mut first).as_ptr(), at);
        unread.keep(&first, 4);
        assert!(!unread.is_empty());
        let mut second = *b"gh";
        assert_eq!(unread.input(&mut second), b"cdefgh");
        unread.keep(&second, 1);
        assert_eq!(unread.held().waiting, 1);
        let mut third = *b"ij";
        assert_eq!(unread.input(&mut third), b"hij");
        unread.keep(&third, 0);
        assert!(unread.is_empty());
        assert_eq!(unread.input(&mut third), b"ij");
    }

    #[test]
    fn what_was_worked_on_does_not_stay_for_ever() {
        let mut unread = Unread::default();
        let mut bytes = vec![7; 1_000];
        unread.keep(&bytes, 1_000);
        for _ in 0..1_000 {
            assert_eq!(unread.input(&mut bytes).len(), 2_000);
            unread.keep(&bytes, 1_000);
        }
        assert!(unread.held().memory < 10_000, "{:?}", unread.held());
    }
}
