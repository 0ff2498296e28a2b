//! UTF-8 checked piece by piece, for text that arrives in slices.
//!
//! A sequence may be cut anywhere; the check fails at the first byte that no
//! text can have there (RFC 6455 §8.1 asks to fail, Autobahn 6.4 asks to do it
//! at once). It must never keep text: at most three bytes are carried over.

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
                verdict.is_ok(),
                std::str::from_utf8(&bytes).is_ok(),
                "seed {seed}: {bytes:02x?}"
            );
        }
    }
}
