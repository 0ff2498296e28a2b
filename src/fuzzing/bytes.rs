//! Taking an input apart: choices from its first bytes, the rest is what a peer sends.

/// What is left of an input. An input that ends gives zeros, so that every input is one.
pub(super) struct Bytes<'d>(&'d [u8]);

impl<'d> Bytes<'d> {
    pub(super) fn new(data: &'d [u8]) -> Self {
        Self(data)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn byte(&mut self) -> u8 {
        match self.0.split_first() {
            Some((first, rest)) => {
                self.0 = rest;
                *first
            }
            None => 0,
        }
    }

    pub(super) fn short(&mut self) -> u16 {
        u16::from_be_bytes([self.byte(), self.byte()])
    }

    /// The next `n` bytes, or what is left.
    pub(super) fn take(&mut self, n: usize) -> &'d [u8] {
        let (taken, rest) = self.0.split_at(n.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// Sizes of pieces: a byte tells how many (up to 15), then one byte each.
    pub(super) fn cuts(&mut self) -> Cuts {
        let count = usize::from(self.byte() & 0x0F);
        let sizes = self.take(count);
        Cuts(sizes.iter().map(|size| usize::from(*size).max(1)).collect())
    }

    pub(super) fn rest(self) -> &'d [u8] {
        self.0
    }
}

/// Sizes of the pieces in which a stream arrives, used in turn.
#[derive(Clone, Debug)]
pub(super) struct Cuts(Vec<usize>);

impl Cuts {
    /// All at once.
    pub(super) fn whole() -> Self {
        Self(Vec::new())
    }

    /// Byte by byte.
    pub(super) fn single() -> Self {
        Self(vec![1])
    }

    /// Where the pieces of a stream of this length end; the last end is `len`.
    pub(super) fn ends(&self, len: usize) -> impl Iterator<Item = usize> + '_ {
        let mut at = 0;
        let mut sizes = self.0.iter().cycle();
        std::iter::from_fn(move || {
            if at == len {
                return None;
            }
            at = sizes.next().map_or(len, |size| len.min(at + size));
            Some(at)
        })
    }

    /// The pieces of this stream.
    pub(super) fn pieces<'s>(&'s self, stream: &'s [u8]) -> impl Iterator<Item = &'s [u8]> + 's {
        let mut from = 0;
        self.ends(stream.len()).map(move |end| {
            let piece = &stream[from..end];
            from = end;
            piece
        })
    }
}
