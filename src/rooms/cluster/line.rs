//! One connection to the engine, in RESP 2: what goes out, what has come in, and how far it is.

use redis_protocol::resp2::decode::{decode, decode_range};
pub(super) use redis_protocol::resp2::types::OwnedFrame as Frame;
use std::collections::VecDeque;

/// An answer that is longer than this is none: the longest holds a history.
const MOST_INPUT: usize = 256 << 20;
/// A buffer this much larger than what is in it is given back.
const KEPT: usize = 64 << 10;

/// How far a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// There is none; the next attempt is at this time.
    Down { retry_at: u64 },
    /// It is being made, since then.
    Dialling { since: u64 },
    /// It is made, and says who it is, since then.
    Greeting { since: u64 },
    /// It can be used.
    Up,
}

/// A step of the greeting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Greeting {
    Password,
    Database,
    Name,
    Process,
    Role,
    Script,
}

/// What arrived is not RESP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Broken;

/// One connection to the engine.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) phase: Phase,
    /// Attempts since it was last of use.
    pub(super) attempts: u32,
    input: Vec<u8>,
    at: usize,
    /// So much of the input is known to hold no whole frame.
    seen: usize,
    output: Vec<u8>,
    /// When something arrived last.
    pub(super) heard: u64,
    /// The process at the other end, once it has said which one it is; and that it takes writes.
    pub(super) run: Option<u64>,
    /// Answers of the greeting that are still to come.
    pub(super) greetings: VecDeque<Greeting>,
}

impl Line {
    pub(super) fn new() -> Self {
        Self {
            phase: Phase::Down { retry_at: 0 },
            attempts: 0,
            input: Vec::new(),
            at: 0,
            seen: 0,
            output: Vec::new(),
            heard: 0,
            run: None,
            greetings: VecDeque::new(),
        }
    }

    pub(super) fn is_up(&self) -> bool {
        self.phase == Phase::Up
    }

    /// Whether there is a connection, or one is being made.
    pub(super) fn is_open(&self) -> bool {
        !matches!(self.phase, Phase::Down { .. })
    }

    /// The connection is gone, with everything that was on its way.
    pub(super) fn reset(&mut self, retry_at: u64) {
        *self = Self {
            attempts: self.attempts,
            ..Self::new()
        };
        self.phase = Phase::Down { retry_at };
    }

    /// Bytes arrived.
    pub(super) fn feed(&mut self, bytes: &[u8], now: u64) {
        if !bytes.is_empty() {
            self.heard = now;
            self.input.extend_from_slice(bytes);
        }
    }

    /// The next whole frame that has arrived.
    ///
    /// # Errors
    /// [`Broken`]: this is not RESP.
    pub(super) fn next(&mut self) -> Result<Option<Frame>, Broken> {
        let rest = &self.input[self.at..];
        if rest.len() <= self.seen {
            return Ok(None);
        }
        // Looked through first: what is not whole is not copied for every piece of it that comes.
        match decode_range(rest) {
            Ok(None) if rest.len() <= MOST_INPUT => {
                self.seen = rest.len();
                return Ok(None);
            }
            Ok(Some(_)) => {}
            _ => return Err(Broken),
        }
        let Ok(Some((frame, length))) = decode(rest) else {
            return Err(Broken);
        };
        self.at += length;
        self.seen = 0;
        if self.at == self.input.len() {
            self.input.clear();
            self.input.shrink_to(KEPT);
            self.at = 0;
        } else if self.at > self.input.len() / 2 {
            // Every byte is moved once at most, however small the frames are.
            self.input.drain(..self.at);
            self.at = 0;
        }
        Ok(Some(frame))
    }

    /// Appends a command.
    pub(super) fn send<T: AsRef<[u8]>>(&mut self, parts: &[T]) {
        write_command(&mut self.output, parts);
    }

    /// What is to be sent now.
    pub(super) fn take_output(&mut self) -> Option<Vec<u8>> {
        (!self.output.is_empty()).then(|| std::mem::take(&mut self.output))
    }
}

/// Writes a command: an array of its parts.
pub(super) fn write_command<T: AsRef<[u8]>>(out: &mut Vec<u8>, parts: &[T]) {
    out.extend_from_slice(format!("*{}\r\n", parts.len()).as_bytes());
    for part in parts {
        let part = part.as_ref();
        out.extend_from_slice(format!("${}\r\n", part.len()).as_bytes());
        out.extend_from_slice(part);
        out.extend_from_slice(b"\r\n");
    }
}

/// The same as bytes of their own.
#[cfg(any(test, feature = "internals"))]
pub(super) fn command_bytes(parts: &[Vec<u8>]) -> Vec<u8> {
    let mut out = Vec::new();
    write_command(&mut out, parts);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_an_array_of_its_parts() {
        let mut line = Line::new();
        line.send(&["PING"]);
        line.send(&[&b"SET"[..], b"k", b"\r\n"]);
        let sent = line.take_output().unwrap();
        assert_eq!(
            sent,
            b"*1\r\n$4\r\nPING\r\n*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$2\r\n\r\n\r\n"
        );
        assert_eq!(line.take_output(), None);
    }

    #[test]
    fn frames_come_out_whole_however_they_came_in() {
        let text: &[u8] = b"+OK\r\n:7\r\n*2\r\n$3\r\na\rb\r\n$-1\r\n-ERR no\r\n";
        for piece in 1..text.len() {
            let mut line = Line::new();
            let mut frames = Vec::new();
            for bytes in text.chunks(piece) {
                line.feed(bytes, 1);
                while let Some(frame) = line.next().unwrap() {
                    frames.push(frame);
                }
            }
            let wanted = [
                Frame::SimpleString(b"OK".to_vec()),
                Frame::Integer(7),
                Frame::Array(vec![Frame::BulkString(b"a\rb".to_vec()), Frame::Null]),
                Frame::Error("ERR no".into()),
            ];
            assert_eq!(frames, wanted);
            assert!(line.input.is_empty());
        }
    }

    #[test]
    fn a_long_frame_in_small_pieces_is_read_at_last() {
        let mut line = Line::new();
        let long = vec![b'x'; 1 << 20];
        let mut text = format!("${}\r\n", long.len()).into_bytes();
        text.extend_from_slice(&long);
        text.extend_from_slice(b"\r\n");
        for bytes in text.chunks(1000) {
            line.feed(bytes, 1);
            if let Some(frame) = line.next().unwrap() {
                assert_eq!(frame, Frame::BulkString(long));
                return;
            }
        }
        panic!("it is there and did not come out");
    }

    #[test]
    fn what_is_not_resp_is_an_error() {
        let mut line = Line::new();
        line.feed(b"HTTP/1.1 400 Bad Request\r\n\r\n", 1);
        assert_eq!(line.next(), Err(Broken));
    }
}
