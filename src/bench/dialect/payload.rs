//! Bytes of a payload that stay text while digits of it change: checking each message for UTF-8 again
//! would cost more than all else that is done with a short one.

use ascii::{AsciiChar, AsciiString};

const DIGITS: [AsciiChar; 10] = [
    AsciiChar::_0,
    AsciiChar::_1,
    AsciiChar::_2,
    AsciiChar::_3,
    AsciiChar::_4,
    AsciiChar::_5,
    AsciiChar::_6,
    AsciiChar::_7,
    AsciiChar::_8,
    AsciiChar::_9,
];

/// A payload.
#[derive(Clone, Debug)]
pub(super) enum Payload {
    /// As nearly all are.
    Ascii(AsciiString),
    /// A text of the user's with other characters.
    Other(Vec<u8>),
}

impl Payload {
    pub(super) fn new(text: Vec<u8>) -> Self {
        match AsciiString::from_ascii(text) {
            Ok(text) => Self::Ascii(text),
            Err(other) => Self::Other(other.into_source()),
        }
    }

    /// Writes ASCII characters over what stands there.
    #[inline]
    pub(super) fn overwrite(&mut self, at: usize, with: &[u8]) {
        match self {
            Self::Ascii(text) => {
                let place = &mut text.as_mut_slice()[at..at + with.len()];
                for (place, byte) in place.iter_mut().zip(with) {
                    // Digits are.
                    *place = AsciiChar::from_ascii(*byte).unwrap_or(AsciiChar::Question);
                }
            }
            Self::Other(bytes) => bytes[at..at + with.len()].copy_from_slice(with),
        }
    }

    /// Writes the last so many decimal digits of a number.
    #[inline]
    pub(super) fn overwrite_number(&mut self, at: usize, digits: usize, number: u32) {
        let mut rest = number;
        match self {
            Self::Ascii(text) => {
                for place in text.as_mut_slice()[at..at + digits].iter_mut().rev() {
                    *place = DIGITS[(rest % 10) as usize];
                    rest /= 10;
                }
            }
            Self::Other(bytes) => {
                for place in bytes[at..at + digits].iter_mut().rev() {
                    *place = b'0' + (rest % 10) as u8;
                    rest /= 10;
                }
            }
        }
    }

    #[inline]
    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Self::Ascii(text) => text.as_bytes(),
            Self::Other(bytes) => bytes,
        }
    }

    #[inline]
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Ascii(text) => text.as_str(),
            // It was text, and only digits changed in it.
            Self::Other(bytes) => std::str::from_utf8(bytes).unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_change_and_the_rest_stays_whatever_it_is() {
        for (text, changed) in [("ab00c", "ab42c"), ("방00c", "방42c")] {
            let at = text.find("00").unwrap();
            let mut payload = Payload::new(text.as_bytes().to_vec());
            payload.overwrite(at, b"17");
            payload.overwrite_number(at, 2, 1042);
            assert_eq!(payload.text(), changed);
            assert_eq!(payload.bytes(), changed.as_bytes());
        }
    }
}
