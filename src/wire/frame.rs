//! The frame of RFC 6455 §5.2: its header, its mask, and writing one.

use super::message::Message;

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

/// The longest header of a server's frame: two bytes and a 64-bit length.
pub const MAX_SERVER_HEADER: usize = 10;
/// The longest header of a client's frame: the same and a mask key.
pub const MAX_HEADER: usize = 14;

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

/// Appends a whole unfragmented, unmasked data frame.
pub fn write_message(out: &mut Vec<u8>, message: Message<'_>) {
    let (opcode, payload) = parts(message);
    out.reserve(MAX_SERVER_HEADER + payload.len());
    write_header(out, true, Reserved::NONE, opcode, payload.len(), None);
    out.extend_from_slice(payload);
}

/// The opcode and payload of a message.
pub fn parts(message: Message<'_>) -> (OpCode, &[u8]) {
    match message {
        Message::Text(text) => (OpCode::Text, text.as_bytes()),
        Message::Binary(bytes) => (OpCode::Binary, bytes),
    }
}

/// The length of the unmasked or masked frame at the start of `bytes`, header included, if all of it is there.
pub(crate) fn frame_len(bytes: &[u8]) -> Option<usize> {
    let (&first, rest) = bytes.split_first()?;
    OpCode::from_bits(first & 0x0f)?;
    let &second = rest.first()?;
    let mask = if second & 0x80 != 0 { 4 } else { 0 };
    let (head, payload) = match second & 0x7f {
        126 => (
            4,
            u64::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?)),
        ),
        127 => (10, u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?)),
        short => (2, u64::from(short)),
    };
    let len = usize::try_from(payload).ok()?.checked_add(head + mask)?;
    (len <= bytes.len()).then_some(len)
}
