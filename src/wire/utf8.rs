//! UTF-8 checked piece by piece, for text that arrives in slices: a check that
//! keeps nothing, and a text that is put together out of checked pieces.
//!
//! A sequence may be cut anywhere; the check fails at the first byte that no
//! text can have there (RFC 6455 §8.1 asks to fail, Autobahn 6.4 asks to do it
//! at once). At most three bytes are carried over from one slice to the next.

use std::fmt;

/// Bytes that no UTF-8 text contains at this place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidUtf8;

impl fmt::Display for InvalidUtf8 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not UTF-8")
    }
}

impl std::error::Error for InvalidUtf8 {}

/// The state of a check between two slices: the bytes of an unfinished sequence.
#[derive(Clone, Copy, Debug, Default)]
pub struct Utf8Check {
    carried: [u8; 4],
    len: u8,
}

impl Utf8Check {
    /// A check at the start of a text.
    pub const fn new() -> Self {
        Self {
            carried: [0; 4],
            len: 0,
        }
    }

    /// Checks the next slice of the text.
    ///
    /// # Errors
    /// [`InvalidUtf8`] when the text up to the end of `bytes` begins no valid
    /// text; the check is of no use after that.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), InvalidUtf8> {
        let bytes = self.complete(bytes)?;
        match simdutf8::compat::from_utf8(bytes) {
            Ok(_) => Ok(()),
            Err(error) if error.error_len().is_some() => Err(InvalidUtf8),
            Err(error) => {
                let tail = &bytes[error.valid_up_to()..];
                self.carried[..tail.len()].copy_from_slice(tail);
                self.len = tail.len() as u8;
                Ok(())
            }
        }
    }

    /// Checks that the text may end here.
    ///
    /// # Errors
    /// [`InvalidUtf8`] when the last sequence is unfinished.
    pub fn finish(&self) -> Result<(), InvalidUtf8> {
        if self.len == 0 {
            Ok(())
        } else {
            Err(InvalidUtf8)
        }
    }

    /// Adds bytes to the carried sequence until it is whole; returns what is left.
    fn complete<'b>(&mut self, mut bytes: &'b [u8]) -> Result<&'b [u8], InvalidUtf8> {
        while self.len > 0 {
            let Some((&next, rest)) = bytes.split_first() else {
                break;
            };
            bytes = rest;
            self.carried[usize::from(self.len)] = next;
            self.len += 1;
            match std::str::from_utf8(&self.carried[..usize::from(self.len)]) {
                Ok(_) => self.len = 0,
                Err(error) if error.error_len().is_some() => return Err(InvalidUtf8),
                Err(_) => {}
            }
        }
        Ok(bytes)
    }
}

/// A text that grows by slices, each checked once when it is added, so that the whole needs
/// no check at its end: that of 64 MiB would take milliseconds.
#[derive(Debug, Default)]
pub struct TextBuilder {
    text: String,
    /// The bytes of a sequence whose end did not come yet.
    cut: Utf8Check,
}

impl TextBuilder {
    /// An empty text in a buffer whose content is of no meaning.
    pub fn new(mut buffer: Vec<u8>) -> Self {
        buffer.clear();
        Self {
            // No byte is checked: there is none.
            text: String::from_utf8(buffer).unwrap_or_default(),
            cut: Utf8Check::new(),
        }
    }

    /// Bytes of the text so far.
    pub fn len(&self) -> usize {
        self.text.len() + usize::from(self.cut.len)
    }

    /// Whether there is no byte of it yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes that are reserved for it.
    pub fn capacity(&self) -> usize {
        self.text.capacity()
    }

    /// Makes room for this many bytes more, and not a byte beyond.
    pub fn reserve_exact(&mut self, bytes: usize) {
        self.text.reserve_exact(bytes);
    }

    /// Adds the next slice of the text.
    ///
    /// # Errors
    /// [`InvalidUtf8`] when the text up to the end of `bytes` begins no valid
    /// text; the builder is of no use after that.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), InvalidUtf8> {
        let carried = self.cut;
        let rest = self.cut.complete(bytes)?;
        if carried.len > 0 && self.cut.len == 0 {
            let len = usize::from(carried.len) + bytes.len() - rest.len();
            let whole = std::str::from_utf8(&self.cut.carried[..len]);
            self.text.push_str(whole.map_err(|_| InvalidUtf8)?);
        }
        let (whole, tail) = rest.split_at(rest.len() - cut_tail(rest));
        self.text
            .push_str(simdutf8::basic::from_utf8(whole).map_err(|_| InvalidUtf8)?);
        if tail.is_empty() {
            return Ok(());
        }
        match std::str::from_utf8(tail) {
            Err(error) if error.error_len().is_none() => {
                self.cut.carried[..tail.len()].copy_from_slice(tail);
                self.cut.len = tail.len() as u8;
                Ok(())
            }
            _ => Err(InvalidUtf8),
        }
    }

    /// The whole text.
    ///
    /// # Errors
    /// [`InvalidUtf8`] when the last sequence is unfinished.
    pub fn finish(self) -> Result<String, InvalidUtf8> {
        self.cut.finish()?;
        Ok(self.text)
    }

    /// The buffer, for another use.
    pub fn into_buffer(self) -> Vec<u8> {
        self.text.into_bytes()
    }
}

/// How many bytes at the end begin a sequence that is longer than what is there: 0 to 3.
fn cut_tail(bytes: &[u8]) -> usize {
    for back in 1..=bytes.len().min(3) {
        let needed = match bytes[bytes.len() - back] {
            0x80..0xC0 => continue,
            0xC0..0xE0 => 2,
            0xE0..0xF0 => 3,
            0xF0.. => 4,
            _ => 1,
        };
        return if needed > back { back } else { 0 };
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};

    /// Feeds `bytes` one by one; the index of the first that was refused.
    fn first_refused(bytes: &[u8]) -> Option<usize> {
        let mut check = Utf8Check::new();
        bytes.iter().position(|byte| check.push(&[*byte]).is_err())
    }

    /// Builds a text out of slices of random lengths.
    fn built(mut rest: &[u8], rng: &mut StdRng) -> Result<String, InvalidUtf8> {
        let mut text = TextBuilder::new(b"\xff left over".to_vec());
        while !rest.is_empty() {
            let (slice, tail) = rest.split_at(rng.random_range(1..=rest.len().min(9)));
            text.push(slice)?;
            rest = tail;
        }
        text.finish()
    }

    #[test]
    fn a_built_text_fails_at_the_first_wrong_byte() {
        for seed in 0..400 {
            let mut rng = StdRng::seed_from_u64(seed);
            let mut bytes = "aé웹😀".repeat(rng.random_range(1..4)).into_bytes();
            let at = rng.random_range(0..bytes.len());
            bytes[at] = rng.random();
            let mut text = TextBuilder::default();
            let refused = bytes.iter().position(|byte| text.push(&[*byte]).is_err());
            assert_eq!(refused, first_refused(&bytes), "seed {seed}: {bytes:02x?}");
        }
    }

    #[test]
    fn a_text_cut_anywhere_is_accepted() {
        let text =
            "κόσμε 웹 소켓 채팅 😀 plain, and long enough for the vectorised check: 0123456789";
        for cut in 0..=text.len() {
            let (left, right) = text.as_bytes().split_at(cut);
            let mut check = Utf8Check::new();
            assert_eq!(check.push(left), Ok(()), "cut at {cut}");
            assert_eq!(check.finish().is_ok(), text.is_char_boundary(cut));
            assert_eq!(check.push(right), Ok(()), "cut at {cut}");
            assert_eq!(check.finish(), Ok(()), "cut at {cut}");
        }
        assert_eq!(first_refused(text.as_bytes()), None);
    }

    #[test]
    fn the_first_wrong_byte_is_refused_and_none_before_it() {
        // Autobahn 6.4: "κόσμε" is followed by U+110000, which is wrong at its second byte.
        assert_eq!(first_refused(b"\xce\xba\xf4\x90\x80\x80"), Some(3));
        // An overlong two-byte sequence, a surrogate, a lone continuation, a byte above F4.
        assert_eq!(first_refused(b"a\xc0\xaf"), Some(1));
        assert_eq!(first_refused(b"\xed\xa0\x80"), Some(1));
        assert_eq!(first_refused(b"\x80"), Some(0));
        assert_eq!(first_refused(b"\xf5"), Some(0));
        // A sequence that another character cuts short.
        assert_eq!(first_refused(b"\xe2\x82a"), Some(2));
    }

    #[test]
    fn an_unfinished_sequence_may_not_end_a_text() {
        let mut check = Utf8Check::new();
        check.push(b"abc\xf0\x9f\x98").unwrap();
        assert_eq!(check.finish(), Err(InvalidUtf8));
        check.push(b"\x80").unwrap();
        assert_eq!(check.finish(), Ok(()));
    }

    #[test]
    fn slices_give_the_same_verdict_as_the_whole() {
        for seed in 0..400 {
            let mut rng = StdRng::seed_from_u64(seed);
            let mut bytes: Vec<u8> = "aé웹😀".repeat(rng.random_range(0..12)).into_bytes();
            for _ in 0..rng.random_range(0..3) {
                if !bytes.is_empty() {
                    let at = rng.random_range(0..bytes.len());
                    bytes[at] = rng.random();
                }
            }
            let mut check = Utf8Check::new();
            let mut rest = &bytes[..];
            let mut verdict = Ok(());
            while !rest.is_empty() && verdict.is_ok() {
                let (slice, tail) = rest.split_at(rng.random_range(1..=rest.len().min(9)));
                verdict = check.push(slice);
                rest = tail;
            }
            let verdict = verdict.and_then(|()| check.finish());
            assert_eq!(
                built(&bytes, &mut rng).ok(),
                String::from_utf8(bytes.clone()).ok()
            );
            assert_eq!(
                verdict.is_ok(),
                std::str::from_utf8(&bytes).is_ok(),
                "seed {seed}: {bytes:02x?}"
            );
        }
    }
}
