//! The number in a payload, by which an answer is known again.
//!
//! Of an echo it is the number of the message on its connection, in decimal digits and modulo what
//! they can hold, so that it fits into payloads of a few bytes. Of a fan-out it names the sender and
//! tells when the message was sent, since receivers may be in another process: 28 hexadecimal digits.

/// Digits of the token of a fan-out: sender, number, time.
pub(crate) const FAN_OUT_DIGITS: usize = 4 + 8 + 16;
/// Most digits of the token of an echo: no number is longer.
const MOST_DIGITS: usize = 9;

/// What a payload says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Token {
    /// The sender among all of the run; 0 of an echo, whose connection tells.
    pub(crate) sender: u32,
    /// The number of the message of this sender; of an echo modulo [`Kind::modulus`].
    pub(crate) number: u32,
    /// When it was to leave, nanoseconds of the monotonic clock; 0 of an echo.
    pub(crate) at: u64,
}

impl Token {
    /// Its digits in a fan-out.
    pub(crate) fn of_fan_out(self) -> [u8; FAN_OUT_DIGITS] {
        let mut digits = [0; FAN_OUT_DIGITS];
        write_hex(u64::from(self.sender), &mut digits[..4]);
        write_hex(u64::from(self.number), &mut digits[4..12]);
        write_hex(self.at, &mut digits[12..]);
        digits
    }
}

/// Which tokens a run has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// So many decimal digits.
    Echo(usize),
    /// [`FAN_OUT_DIGITS`].
    FanOut,
}

impl Kind {
    /// The longest token of an echo that fits into so many bytes.
    pub(crate) fn echo(room: usize) -> Self {
        Self::Echo(room.min(MOST_DIGITS))
    }

    /// Bytes of a token.
    pub(crate) fn len(self) -> usize {
        match self {
            Self::Echo(digits) => digits,
            Self::FanOut => FAN_OUT_DIGITS,
        }
    }

    /// How many different numbers there are.
    pub(crate) fn modulus(self) -> u64 {
        match self {
            Self::Echo(digits) => 10_u64.pow(digits as u32),
            Self::FanOut => 1 << 32,
        }
    }

    /// The token at the start of `bytes`, if one is there.
    #[inline]
    pub(crate) fn read(self, bytes: &[u8]) -> Option<Token> {
        let bytes = bytes.get(..self.len())?;
        match self {
            Self::Echo(_) => {
                let (mut number, mut wrong) = (0_u32, false);
                for byte in bytes {
                    let digit = byte.wrapping_sub(b'0');
                    wrong |= digit > 9;
                    number = number.wrapping_mul(10).wrapping_add(u32::from(digit));
                }
                let (sender, at) = (0, 0);
                (!wrong).then_some(Token { sender, number, at })
            }
            Self::FanOut => Some(Token {
                sender: read_hex(&bytes[..4])? as u32,
                number: read_hex(&bytes[4..12])? as u32,
                at: read_hex(&bytes[12..])?,
            }),
        }
    }
}

fn write_hex(number: u64, place: &mut [u8]) {
    let mut rest = number;
    for digit in place.iter_mut().rev() {
        *digit = b"0123456789abcdef"[(rest & 15) as usize];
        rest >>= 4;
    }
}

fn read_hex(bytes: &[u8]) -> Option<u64> {
    let mut number = 0;
    for &byte in bytes {
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'f' => byte - b'a' + 10,
            _ => return None,
        };
        number = number << 4 | u64::from(digit);
    }
    Some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for (sender, number, at) in [(65_535, u32::MAX, u64::MAX), (0, 0, 1), (7, 4711, 1 << 50)] {
            let token = Token { sender, number, at };
            let mut bytes = token.of_fan_out().to_vec();
            bytes.extend_from_slice(b"xyz");
            assert_eq!(Kind::FanOut.read(&bytes), Some(token));
            assert_eq!(Kind::FanOut.read(&bytes[..27]), None);
        }
        let number = |text: &[u8], digits| Kind::Echo(digits).read(text).map(|token| token.number);
        assert_eq!(number(b"00042x", 5), Some(42));
        assert_eq!(number(b"7", 1), Some(7));
        assert_eq!(number(b"999999999", 9), Some(999_999_999));
        assert_eq!(number(b"123", 4), None);
    }

    #[test]
    fn what_is_no_token_is_none() {
        assert_eq!(Kind::echo(3).read(b"12a"), None);
        assert_eq!(Kind::echo(3).read(b"-12"), None);
        assert_eq!(Kind::echo(3).read("1 2".as_bytes()), None);
        assert_eq!(Kind::FanOut.read(&[b'A'; FAN_OUT_DIGITS]), None);
        assert_eq!(Kind::FanOut.read(b"0"), None);
    }
}
