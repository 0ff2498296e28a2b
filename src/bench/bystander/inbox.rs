//! The frames that come to a bystander: messages whole, pings to answer, and the Close.

use super::super::frames::{CLOSE, FIN, PING, parse_head};

/// Most bytes of a payload that are kept; all that is asked about are messages of 20 bytes.
const KEPT: usize = 256;
/// Longest head of a frame, masked.
const LONGEST_HEAD: usize = 14;

/// What came.
#[derive(Debug, PartialEq)]
pub(super) enum Came {
    /// A message, as far as it is kept.
    Message(Vec<u8>),
    Ping(Vec<u8>),
    Close(Vec<u8>),
}

/// The stream of frames of one connection.
#[derive(Default)]
pub(super) struct Inbox {
    /// A head that was cut by the end of a read.
    head: Vec<u8>,
    /// First byte of the frame in progress.
    first: Option<u8>,
    /// Bytes still to come of its payload.
    left: u64,
    message: Vec<u8>,
    control: Vec<u8>,
}

impl Inbox {
    /// What became whole with `bytes`.
    pub(super) fn feed(&mut self, mut bytes: &[u8]) -> Vec<Came> {
        let mut came = Vec::new();
        while !bytes.is_empty() {
            let Some(first) = self.first else {
                self.head.push(bytes[0]);
                bytes = &bytes[1..];
                // A head of more bytes there is not.
                debug_assert!(self.head.len() <= LONGEST_HEAD);
                if let Some((first, _, body)) = parse_head(&self.head) {
                    self.head.clear();
                    self.left = body;
                    self.first = Some(first);
                    self.end_frame(first, &mut came);
                }
                continue;
            };
            let part = self.left.min(bytes.len() as u64) as usize;
            let kept = if first & 0x0f < CLOSE {
                &mut self.message
            } else {
                &mut self.control
            };
            let room = KEPT.saturating_sub(kept.len());
            kept.extend_from_slice(&bytes[..part.min(room)]);
            self.left -= part as u64;
            bytes = &bytes[part..];
            self.end_frame(first, &mut came);
        }
        came
    }

    fn end_frame(&mut self, first: u8, came: &mut Vec<Came>) {
        if self.left > 0 {
            return;
        }
        self.first = None;
        match first & 0x0f {
            CLOSE => came.push(Came::Close(std::mem::take(&mut self.control))),
            PING => came.push(Came::Ping(std::mem::take(&mut self.control))),
            opcode if opcode > CLOSE => self.control.clear(),
            _ if first & FIN != 0 => came.push(Came::Message(std::mem::take(&mut self.message))),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_read_whole_however_they_are_cut() {
        let mut bytes = vec![0x01, 2, b'a', b'b', 0x89, 1, b'p', 0x8a, 0, 0x80, 1, b'c'];
        bytes.extend([0x82, 126, 0x01, 0x2c]);
        bytes.extend([b'x'; 300]);
        bytes.extend([0x88, 2, 0x03, 0xe8]);
        let wanted = [
            Came::Ping(b"p".to_vec()),
            Came::Message(b"abc".to_vec()),
            Came::Message(vec![b'x'; KEPT]),
            Came::Close(vec![0x03, 0xe8]),
        ];
        for length in 1..=bytes.len() {
            let mut inbox = Inbox::default();
            let came: Vec<Came> = bytes
                .chunks(length)
                .flat_map(|part| inbox.feed(part))
                .collect();
            assert_eq!(came, wanted, "in pieces of {length}");
        }
    }
}
