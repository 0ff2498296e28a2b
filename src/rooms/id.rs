//! How rooms, their ids and their epochs are named and written.

use super::error::RoomError;
use rand::TryRng;
use rand::rngs::SysRng;
use std::fmt;
use std::str::FromStr;

/// Bytes that nobody can guess.
pub(super) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    let filled = SysRng.try_fill_bytes(&mut bytes);
    filled.expect("the system gives random bytes");
    bytes
}

/// The version of the ids of applications' rooms, a UUID that says what it likes (RFC 9562 §5.8); rooms of clients
/// have version 4.
pub(super) const APPLICATION: u128 = 8;

/// The name of a room: a UUID of version 4 (RFC 9562 §5.4), 122 random bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RoomId {
    // Not one number of 128 bits: that would stand on borders of 16 bytes, with holes between.
    high: u64,
    low: u64,
}

impl RoomId {
    /// One that nobody else has.
    pub fn random() -> Self {
        let bits = u128::from_le_bytes(random());
        let version = 0x4 << 76;
        let variant = 0b10 << 62;
        Self::of_bits(bits & !(0xf << 76) & !(0b11 << 62) | version | variant)
    }

    pub(super) fn bits(self) -> u128 {
        u128::from(self.high) << 64 | u128::from(self.low)
    }

    pub(super) fn of_bits(bits: u128) -> Self {
        Self {
            high: (bits >> 64) as u64,
            low: bits as u64,
        }
    }

    /// Whether it is one of an application.
    pub(crate) fn is_of_application(self) -> bool {
        self.bits() >> 76 & 0xf == APPLICATION
    }

    /// The id that a client gives.
    ///
    /// # Errors
    /// `UnknownRoom`: it is none, or that of an application.
    pub(crate) fn of_client(text: &str) -> Result<Self, RoomError> {
        let room: Self = text.parse()?;
        if room.is_of_application() {
            return Err(RoomError::UnknownRoom);
        }
        Ok(room)
    }
}

impl fmt::Display for RoomId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = self.bits();
        write!(
            f,
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            bits >> 96,
            bits >> 80 & 0xffff,
            bits >> 64 & 0xffff,
            bits >> 48 & 0xffff,
            bits & 0xffff_ffff_ffff
        )
    }
}

impl fmt::Debug for RoomId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RoomId({self})")
    }
}

/// Thirty-two hexadecimal digits in five groups; capitals are taken as well.
impl FromStr for RoomId {
    type Err = super::RoomError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_dash = |at| matches!(at, 8 | 13 | 18 | 23);
        let mut bits = 0;
        if text.len() != 36 {
            return Err(super::RoomError::UnknownRoom);
        }
        for (at, byte) in text.bytes().enumerate() {
            if is_dash(at) {
                if byte != b'-' {
                    return Err(super::RoomError::UnknownRoom);
                }
                continue;
            }
            let digit = char::from(byte).to_digit(16);
            bits = bits << 4 | u128::from(digit.ok_or(super::RoomError::UnknownRoom)?);
        }
        Ok(Self::of_bits(bits))
    }
}

/// Within which ids can be compared: a room begins a new one whenever its engine cannot vouch that
/// the ids before it were all kept. Written as 16 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Epoch(u64);

impl Epoch {
    /// One that nobody has seen.
    pub(super) fn random() -> Self {
        Self(u64::from_le_bytes(random()))
    }

    pub(super) fn bits(self) -> u64 {
        self.0
    }

    pub(super) fn of_bits(bits: u64) -> Self {
        Self(bits)
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl FromStr for Epoch {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let is_hex = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let bits = is_hex.then(|| u64::from_str_radix(text, 16).ok()).flatten();
        bits.map(Self).ok_or(())
    }
}

/// A place in the order of a room: the message with this id, within this epoch. Written `epoch:id`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Within which the id counts.
    pub epoch: Epoch,
    /// Ids begin with 1 and grow by one; 0 is the place before the first.
    pub id: u64,
}

impl Position {
    /// In no room: what somebody has seen who cannot tell what.
    pub(super) const NOWHERE: Self = Self {
        epoch: Epoch(0),
        id: 0,
    };
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.epoch, self.id)
    }
}

impl FromStr for Position {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (epoch, id) = text.split_once(':').ok_or(())?;
        let is_number = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
        let id = is_number.then(|| id.parse().ok()).flatten().ok_or(())?;
        let epoch = epoch.parse()?;
        Ok(Self { epoch, id })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_is_named_by_a_uuid_of_version_4() {
        for _ in 0..100 {
            let text = RoomId::random().to_string();
            let groups: Vec<_> = text.split('-').map(str::len).collect();
            assert_eq!(groups, [8, 4, 4, 4, 12]);
            assert_eq!(&text[14..15], "4");
            assert!("89ab".contains(&text[19..20]), "{text}");
            let read: RoomId = text.parse().unwrap();
            assert_eq!(read.to_string(), text);
        }
    }

    #[test]
    fn what_is_no_uuid_names_no_room() {
        for text in [
            "",
            "x",
            "dd8e4018-1ca8-4fb1-bd57-fd3de4c47a6",
            "dd8e40181-ca8-4fb1-bd57-fd3de4c47a61",
            "ㅇd8e4018-1ca8-4fb1-bd57-fd3de4c47a6",
        ] {
            assert!(text.parse::<RoomId>().is_err(), "{text:?}");
        }
        let capitals: RoomId = "DD8E4018-1CA8-4FB1-BD57-FD3DE4C47A61".parse().unwrap();
        assert_eq!(capitals.to_string(), "dd8e4018-1ca8-4fb1-bd57-fd3de4c47a61");
    }

    #[test]
    fn a_position_reads_as_it_is_written_and_nothing_else() {
        let position = Position {
            epoch: Epoch(0xab),
            id: 7,
        };
        assert_eq!(position.to_string(), "00000000000000ab:7");
        assert_eq!("00000000000000ab:7".parse(), Ok(position));
        for text in [
            "",
            ":",
            "7",
            "ab:7",
            "00000000000000ab:",
            "00000000000000ab:+7",
            "+0000000000000ab:7",
            "00000000000000ab:-1",
            "00000000000000ab:99999999999999999999",
        ] {
            assert!(text.parse::<Position>().is_err(), "{text:?}");
        }
    }
}
