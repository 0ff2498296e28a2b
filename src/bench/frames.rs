//! The frames the client sends, laid out before the clock starts, and a counter for those that come back.
//!
//! Neither may allocate or look at payloads while a measurement runs: the client must stay cheaper than the
//! servers it drives.

use std::io;

/// The masking key of every frame (the one of the examples in RFC 6455 §5.7); not zero, so that servers have to unmask.
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// The bit of a message's last frame.
pub const FIN: u8 = 0x80;
/// The bit of permessage-deflate.
pub const RSV1: u8 = 0x40;
/// A further fragment.
pub const CONTINUATION: u8 = 0x0;
/// A text.
pub const TEXT: u8 = 0x1;
/// A binary message.
pub const BINARY: u8 = 0x2;
/// A Close; every opcode from here on is a control frame.
pub const CLOSE: u8 = 0x8;
/// A ping.
pub const PING: u8 = 0x9;
/// A pong.
pub const PONG: u8 = 0xa;

/// Masked data frames of one length, laid end to end so that several leave in one write.
pub struct Payload {
    /// All distinct frames, then some of the first again: a write of `spare` frames may start at any frame.
    bytes: Vec<u8>,
    /// Length of the distinct part.
    cycle: usize,
    /// Length of one frame.
    pub frame: usize,
}

impl Payload {
    /// Text frames for `texts`, which are all of one length, sent round and round; `spare` go out in one write.
    pub fn new(texts: &[Vec<u8>], spare: usize) -> Self {
        Self::of(TEXT, texts, spare)
    }

    fn of(opcode: u8, texts: &[Vec<u8>], spare: usize) -> Self {
        let mut bytes = Vec::new();
        for text in texts {
            lay_frame(&mut bytes, FIN | opcode, text);
        }
        let cycle = bytes.len();
        let frame = cycle / texts.len();
        for text in texts.iter().cycle().take(spare) {
            lay_frame(&mut bytes, FIN | opcode, text);
        }
        assert_eq!(
            bytes.len(),
            cycle + spare * frame,
            "texts of one payload have one length"
        );
        Self {
            bytes,
            cycle,
            frame,
        }
    }

    /// One text of `length` bytes, the same every time.
    pub fn constant(length: usize, spare: usize) -> Self {
        Self::new(&[(b'a'..=b'z').cycle().take(length).collect()], spare)
    }

    /// The same in binary frames.
    pub fn binary(length: usize, spare: usize) -> Self {
        let bytes = (b'a'..=b'z').cycle().take(length).collect();
        Self::of(BINARY, &[bytes], spare)
    }

    /// Up to `length` bytes of the endless stream of frames, from `place` on.
    pub fn slice(&self, place: usize, length: usize) -> &[u8] {
        &self.bytes[place..self.bytes.len().min(place + length)]
    }

    /// The place `bytes` further on.
    pub fn advance(&self, place: usize, bytes: usize) -> usize {
        (place + bytes) % self.cycle
    }
}

/// Appends one masked frame; `first` is its first byte, opcode and bits.
pub fn lay_frame(bytes: &mut Vec<u8>, first: u8, payload: &[u8]) {
    bytes.push(first);
    match payload.len() {
        short @ 0..=125 => bytes.push(0x80 | short as u8),
        middle @ 126..=0xffff => {
            bytes.push(0x80 | 126);
            bytes.extend_from_slice(&(middle as u16).to_be_bytes());
        }
        long => {
            bytes.push(0x80 | 127);
            bytes.extend_from_slice(&(long as u64).to_be_bytes());
        }
    }
    bytes.extend_from_slice(&MASK);
    bytes.extend(
        payload
            .iter()
            .zip(MASK.iter().cycle())
            .map(|(byte, mask)| byte ^ mask),
    );
}

/// Counts what comes in a stream of frames, masked (a bare echo) or not (a server), by their heads alone.
#[derive(Default)]
pub struct FrameCount {
    /// A head that was cut by the end of a read.
    head: [u8; 14],
    filled: usize,
    /// Payload bytes still to come of the frame in progress.
    body: u64,
    /// Whether the frame in progress ends a message.
    ends_message: bool,
    /// What is there of the payload of a Close frame.
    close: Option<Vec<u8>>,
}

/// Most bytes of a Close that are kept: what RFC 6455 §5.5 allows.
const LONGEST_CLOSE: usize = 125;

/// What arrived with a piece of the stream.
#[derive(Default)]
pub struct Arrived {
    /// Messages that became whole.
    pub messages: u64,
    /// Pongs.
    pub pongs: u64,
    /// Payload of a Close frame, behind which nothing is looked at.
    pub close: Option<Vec<u8>>,
}

impl FrameCount {
    /// Messages that became whole with `bytes`.
    ///
    /// # Errors
    /// A Close frame, for those who expect none.
    pub fn feed(&mut self, bytes: &[u8]) -> io::Result<u64> {
        let found = self.scan(bytes);
        match found.close {
            Some(payload) => Err(io::Error::other(closed_with(&payload))),
            None => Ok(found.messages),
        }
    }

    /// What `bytes` brought.
    pub fn scan(&mut self, mut bytes: &[u8]) -> Arrived {
        let mut found = Arrived::default();
        while !bytes.is_empty() {
            if self.body > 0 {
                let part = self.body.min(bytes.len() as u64);
                if let Some(close) = &mut self.close {
                    let room = LONGEST_CLOSE.saturating_sub(close.len());
                    close.extend_from_slice(&bytes[..room.min(part as usize)]);
                }
                self.body -= part;
                bytes = &bytes[part as usize..];
                found.messages += u64::from(self.ends_message && self.body == 0);
            } else if let Some((first, _, body)) = self.next_head(&mut bytes) {
                let opcode = first & 0x0f;
                self.body = body;
                self.ends_message = first & FIN != 0 && opcode < CLOSE;
                found.messages += u64::from(self.ends_message && body == 0);
                found.pongs += u64::from(opcode == PONG);
                if opcode == CLOSE {
                    self.close = Some(Vec::new());
                }
            }
            if self.body == 0 && self.close.is_some() {
                found.close = self.close.take();
                break;
            }
        }
        found
    }

    /// Takes the next head off `bytes`, or keeps the part that is there.
    fn next_head(&mut self, bytes: &mut &[u8]) -> Option<(u8, usize, u64)> {
        if self.filled == 0
            && let Some(head) = parse_head(bytes)
        {
            *bytes = &bytes[head.1..];
            return Some(head);
        }
        while let Some((&byte, rest)) = bytes.split_first() {
            self.head[self.filled] = byte;
            self.filled += 1;
            *bytes = rest;
            if let Some(head) = parse_head(&self.head[..self.filled]) {
                self.filled = 0;
                return Some(head);
            }
        }
        None
    }
}

/// First byte, length of the head, length of the payload; nothing while the head is not whole.
pub(super) fn parse_head(bytes: &[u8]) -> Option<(u8, usize, u64)> {
    let (&first, &second) = (bytes.first()?, bytes.get(1)?);
    let mask = if second & 0x80 == 0 { 0 } else { 4 };
    let (length, body) = match second & 0x7f {
        126 => (
            4,
            u64::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?)),
        ),
        127 => (10, u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?)),
        short => (2, u64::from(short)),
    };
    (bytes.len() >= length + mask).then_some((first, length + mask, body))
}

pub(super) fn closed_with(payload: &[u8]) -> String {
    match payload {
        [high, low, reason @ ..] => {
            let code = u16::from_be_bytes([*high, *low]);
            format!(
                "the server closed a connection with {code} {:?}",
                String::from_utf8_lossy(reason)
            )
        }
        _ => "the server closed a connection without a code".to_owned(),
    }
}
