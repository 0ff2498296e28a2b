//! The frame of RFC 6455 §5.2: its header, its mask, and writing one.

use super::mask::apply_mask;
use super::message::Message;
use std::fmt;

/// What a frame carries (RFC 6455 §5.2, opcode).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpCode {
    /// 0x0: the next fragment of an open message.
    Continuation,
    /// 0x1: text.
    Text,
    /// 0x2: binary.
    Binary,
    /// 0x8: close.
    Close,
    /// 0x9: ping.
    Ping,
    /// 0xA: pong.
    Pong,
}

impl OpCode {
    /// The opcode of the low four bits; `None` for the reserved ones.
    pub const fn from_bits(bits: u8) -> Option<Self> {
        Some(match bits {
            0x0 => Self::Continuation,
            0x1 => Self::Text,
            0x2 => Self::Binary,
            0x8 => Self::Close,
            0x9 => Self::Ping,
            0xA => Self::Pong,
            _ => return None,
        })
    }

    /// The four bits on the wire.
    pub const fn bits(self) -> u8 {
        match self {
            Self::Continuation => 0x0,
            Self::Text => 0x1,
            Self::Binary => 0x2,
            Self::Close => 0x8,
            Self::Ping => 0x9,
            Self::Pong => 0xA,
        }
    }

    /// Close, ping or pong (RFC 6455 §5.5).
    pub const fn is_control(self) -> bool {
        self.bits() >= 0x8
    }
}

/// The three reserved bits of a frame, in their places of the first byte
/// (0x40 RSV1, 0x20 RSV2, 0x10 RSV3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reserved(pub u8);

impl Reserved {
    /// No bit set.
    pub const NONE: Self = Self(0);
    /// RSV1, which permessage-deflate claims (RFC 7692 §6).
    pub const RSV1: Self = Self(0x40);
    /// RSV2.
    pub const RSV2: Self = Self(0x20);
    /// RSV3.
    pub const RSV3: Self = Self(0x10);
    /// The three together.
    pub const MASK: u8 = 0x70;

    /// Whether any bit of `other` is set here too.
    pub const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

impl fmt::Display for Reserved {
    /// `RSV1+RSV2`, or `no reserved bit`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = [
            (Self::RSV1, "RSV1"),
            (Self::RSV2, "RSV2"),
            (Self::RSV3, "RSV3"),
        ];
        let names: Vec<_> = bits
            .iter()
            .filter(|(bit, _)| self.intersects(*bit))
            .map(|(_, name)| *name)
            .collect();
        if names.is_empty() {
            f.write_str("no reserved bit")
        } else {
            f.write_str(&names.join("+"))
        }
    }
}

/// The longest header of a server's frame: two bytes and a 64-bit length.
pub const MAX_SERVER_HEADER: usize = 10;
/// The longest header of a client's frame: the same and a mask key.
pub const MAX_HEADER: usize = 14;

/// The header of a frame (RFC 6455 §5.2), as it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The last fragment of its message.
    pub fin: bool,
    /// The reserved bits.
    pub reserved: Reserved,
    /// What the frame carries.
    pub opcode: OpCode,
    /// The mask key, if the payload is masked.
    pub mask: Option<[u8; 4]>,
    /// Bytes of the payload, up to 2^64 − 1: nothing has judged it yet. A
    /// length written longer than needed is taken as it is, as tungstenite does.
    pub len: u64,
}

impl Header {
    /// Reads the header at the start of `bytes` and tells its size; `None`
    /// while bytes are missing or when the opcode is a reserved one.
    pub fn parse(bytes: &[u8]) -> Option<(Self, usize)> {
        let [first, second, ..] = *bytes else {
            return None;
        };
        let len = payload_len(bytes)?;
        let mut size = 2 + length_bytes(second);
        let mask = if is_masked(second) {
            let key = bytes.get(size..)?.first_chunk::<4>()?;
            size += 4;
            Some(*key)
        } else {
            None
        };
        let header = Self {
            fin: first & 0x80 != 0,
            reserved: Reserved(first & Reserved::MASK),
            opcode: OpCode::from_bits(first & 0x0F)?,
            mask,
            len,
        };
        Some((header, size))
    }
}

/// Whether a frame with this second byte is masked.
pub const fn is_masked(second: u8) -> bool {
    second & 0x80 != 0
}

/// The payload length in a header that starts `bytes`, before its mask key need be there.
pub fn payload_len(bytes: &[u8]) -> Option<u64> {
    let second = *bytes.get(1)?;
    Some(match length_bytes(second) {
        0 => u64::from(second & 0x7F),
        2 => u64::from(u16::from_be_bytes(*bytes.get(2..)?.first_chunk()?)),
        _ => u64::from_be_bytes(*bytes.get(2..)?.first_chunk()?),
    })
}

/// How many bytes of extended length follow this second byte: 0, 2 or 8.
const fn length_bytes(second: u8) -> usize {
    match second & 0x7F {
        126 => 2,
        127 => 8,
        _ => 0,
    }
}

/// Appends the header of a frame of `len` payload bytes; `mask` is the key of a client's frame.
pub fn write_header(
    out: &mut Vec<u8>,
    fin: bool,
    reserved: Reserved,
    opcode: OpCode,
    len: usize,
    mask: Option<[u8; 4]>,
) {
    let first = if fin { 0x80 } else { 0 } | reserved.0 & Reserved::MASK | opcode.bits();
    let masked = if mask.is_some() { 0x80 } else { 0 };
    if len <= 125 {
        out.extend_from_slice(&[first, masked | len as u8]);
    } else if let Ok(short) = u16::try_from(len) {
        let [a, b] = short.to_be_bytes();
        out.extend_from_slice(&[first, masked | 126, a, b]);
    } else {
        out.extend_from_slice(&[first, masked | 127]);
        out.extend_from_slice(&(len as u64).to_be_bytes());
    }
    if let Some(key) = mask {
        out.extend_from_slice(&key);
    }
}

/// Appends any frame, masked if a key is given.
pub fn write_frame(
    out: &mut Vec<u8>,
    fin: bool,
    opcode: OpCode,
    reserved: Reserved,
    payload: &[u8],
    mask: Option<[u8; 4]>,
) {
    out.reserve(MAX_HEADER + payload.len());
    write_header(out, fin, reserved, opcode, payload.len(), mask);
    let start = out.len();
    out.extend_from_slice(payload);
    if let Some(key) = mask {
        apply_mask(&mut out[start..], key, 0);
    }
}

/// Appends a whole unfragmented, unmasked data frame.
#[inline]
pub fn write_message(out: &mut Vec<u8>, message: Message<'_>) {
    let (opcode, payload) = parts(message);
    out.reserve(MAX_SERVER_HEADER + payload.len());
    if payload.len() <= 125 {
        out.extend_from_slice(&[0x80 | opcode.bits(), payload.len() as u8]);
        return out.extend_from_slice(payload);
    }
    write_header(out, true, Reserved::NONE, opcode, payload.len(), None);
    out.extend_from_slice(payload);
}

/// The same masked with this key.
#[inline]
pub fn write_masked_message(out: &mut Vec<u8>, message: Message<'_>, key: [u8; 4]) {
    let (opcode, payload) = parts(message);
    if payload.len() > 125 {
        return write_frame(out, true, opcode, Reserved::NONE, payload, Some(key));
    }
    out.reserve(MAX_HEADER + payload.len());
    let [a, b, c, d] = key;
    let header = [0x80 | opcode.bits(), 0x80 | payload.len() as u8, a, b, c, d];
    out.extend_from_slice(&header);
    let start = out.len();
    out.extend_from_slice(payload);
    apply_mask(&mut out[start..], key, 0);
}

/// The opcode and payload of a message.
#[inline]
pub fn parts(message: Message<'_>) -> (OpCode, &[u8]) {
    match message {
        Message::Text(text) => (OpCode::Text, text.as_bytes()),
        Message::Binary(bytes) => (OpCode::Binary, bytes),
    }
}

/// The length of the frame at the start of `bytes`, header included, if all of it is there.
pub(crate) fn frame_len(bytes: &[u8]) -> Option<usize> {
    let (header, size) = Header::parse(bytes)?;
    let len = usize::try_from(header.len).ok()?.checked_add(size)?;
    (len <= bytes.len()).then_some(len)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_header_is_read_back() {
        for len in [0, 1, 125, 126, 65_535, 65_536, usize::MAX / 4] {
            for mask in [None, Some([1, 2, 3, 4])] {
                let mut bytes = Vec::new();
                let rsv1 = Reserved::RSV1;
                write_header(&mut bytes, false, rsv1, OpCode::Binary, len, mask);
                let (header, size) = Header::parse(&bytes).unwrap();
                assert_eq!(size, bytes.len());
                assert_eq!((header.len, header.mask), (len as u64, mask));
                assert_eq!((header.fin, header.reserved), (false, rsv1));
                assert_eq!(header.opcode, OpCode::Binary);
            }
        }
    }

    #[test]
    fn a_header_is_read_only_when_its_last_byte_is_there() {
        let mut bytes = Vec::new();
        let key = Some([1, 2, 3, 4]);
        write_header(&mut bytes, true, Reserved::NONE, OpCode::Text, 70_000, key);
        assert_eq!(bytes.len(), MAX_HEADER);
        for end in 0..MAX_HEADER {
            assert_eq!(Header::parse(&bytes[..end]), None, "{end} bytes");
            assert_eq!(payload_len(&bytes[..end]).is_some(), end >= 10);
        }
    }

    #[test]
    fn reserved_opcodes_are_no_headers() {
        for opcode in [3, 7, 11, 15] {
            assert_eq!(Header::parse(&[0x80 | opcode, 0]), None);
        }
    }
}
