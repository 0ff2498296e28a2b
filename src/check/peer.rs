//! One connection to the server under test: any bytes out, and what comes back,
//! read as strictly as RFC 6455 asks of a client.

#[cfg(test)]
mod tests;

use crate::wire::frame::{self, Header, OpCode, Reserved};
use crate::wire::mask::apply_mask;
use crate::wire::upgrade::{ResponseHead, parse_response};
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// A frame or message over this is not kept, bytes.
pub(super) const MOST: usize = 16 << 20;

/// What the server did next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// A whole message; `reserved` are the bits of its first frame.
    Message {
        text: bool,
        reserved: Reserved,
        payload: Vec<u8>,
    },
    Pong(Vec<u8>),
    /// A Close with its code, if it has one.
    Close(Option<u16>),
    /// The end of the connection, or its reset.
    End,
    /// Nothing within the time limit.
    Silence,
    /// Bytes that no server may send.
    Wrong(String),
}

impl Seen {
    /// The same in words.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Message { payload, .. } => format!("said {}", super::finding::quote(payload)),
            Self::Pong(payload) => format!("pong {}", super::finding::quote(payload)),
            Self::Close(Some(code)) => format!("Close {code}"),
            Self::Close(None) => "empty Close".to_owned(),
            Self::End => "the end, no Close".to_owned(),
            Self::Silence => "nothing, still open".to_owned(),
            Self::Wrong(problem) => problem.clone(),
        }
    }
}

/// A connection.
pub(super) struct Peer {
    stream: TcpStream,
    unread: Vec<u8>,
    deadline: Instant,
    timeout: Duration,
    /// Reserved bits that were agreed on.
    allowed: Reserved,
    /// The fragments of a message so far.
    open: Option<(bool, Reserved, Vec<u8>)>,
}

impl Peer {
    pub(super) fn new(stream: TcpStream, timeout: Duration) -> Self {
        // Without these limits a check may hang, and fails no sooner.
        let _ = stream.set_write_timeout(Some(timeout));
        Self {
            stream,
            unread: Vec::new(),
            deadline: Instant::now() + timeout,
            timeout,
            allowed: Reserved::NONE,
            open: None,
        }
    }

    /// Reserved bits that the server may use from now on.
    #[cfg(feature = "deflate")]
    pub(super) fn allow(&mut self, reserved: Reserved) {
        self.allowed = reserved;
    }

    /// Writes any bytes; the time limit of what comes back begins. A server that is gone
    /// already shows in what is read.
    pub(super) fn write(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
        self.deadline = Instant::now() + self.timeout;
    }

    /// Writes a good frame.
    pub(super) fn send(&mut self, fin: bool, opcode: OpCode, payload: &[u8]) {
        self.send_reserved(fin, Reserved::NONE, opcode, payload);
    }

    pub(super) fn send_reserved(
        &mut self,
        fin: bool,
        reserved: Reserved,
        opcode: OpCode,
        payload: &[u8],
    ) {
        self.write(&masked(fin, reserved, opcode, payload));
    }

    /// Reads the head of the answer to a request. `None` without one in time.
    pub(super) fn read_head<T>(
        &mut self,
        take: impl Fn(&ResponseHead<'_>) -> T,
    ) -> Result<T, String> {
        loop {
            let limits = Default::default();
            match parse_response(&self.unread, &mut 0, &limits) {
                Ok(Some((head, length))) => {
                    let interim = head.is_interim();
                    let taken = take(&head);
                    self.unread.drain(..length);
                    if !interim {
                        return Ok(taken);
                    }
                }
                Ok(None) => match self.fill() {
                    Fill::More => {}
                    Fill::End => return Err("the end, no answer".to_owned()),
                    Fill::Late => return Err("no answer".to_owned()),
                },
                Err(error) => return Err(error.to_string()),
            }
        }
    }

    /// Reads until something is wanted, or nothing more can come. Pings are answered, and
    /// what else the server says meanwhile is passed over.
    pub(super) fn until(&mut self, wanted: impl Fn(&Seen) -> bool) -> Seen {
        loop {
            let seen = self.next();
            let last = !matches!(seen, Seen::Message { .. } | Seen::Pong(_));
            if last || wanted(&seen) {
                return seen;
            }
        }
    }

    /// Whatever comes next but a ping, which is answered.
    fn next(&mut self) -> Seen {
        loop {
            if Instant::now() >= self.deadline {
                return Seen::Silence;
            }
            let (header, payload) = match self.frame() {
                Ok(frame) => frame,
                Err(seen) => return seen,
            };
            match header.opcode {
                OpCode::Ping => {
                    let pong = masked(true, Reserved::NONE, OpCode::Pong, &payload);
                    let _ = self.stream.write_all(&pong);
                }
                OpCode::Pong => return Seen::Pong(payload),
                OpCode::Close => return close(&payload),
                OpCode::Text | OpCode::Binary | OpCode::Continuation => {
                    if let Some(seen) = self.fragment(&header, payload) {
                        return seen;
                    }
                }
            }
        }
    }

    fn fragment(&mut self, header: &Header, payload: Vec<u8>) -> Option<Seen> {
        match (&mut self.open, header.opcode) {
            (Some((_, _, bytes)), OpCode::Continuation) => bytes.extend_from_slice(&payload),
            (None, OpCode::Continuation) => return Some(wrong("a continuation of nothing")),
            (Some(_), _) => return Some(wrong("a message inside a message")),
            (None, opcode) => {
                self.open = Some((opcode == OpCode::Text, header.reserved, payload));
            }
        }
        if self.open.as_ref().is_some_and(|open| open.2.len() > MOST) {
            return Some(wrong("a message over 16 MiB"));
        }
        if !header.fin {
            return None;
        }
        let (text, reserved, payload) = self.open.take()?;
        if text && reserved == Reserved::NONE && std::str::from_utf8(&payload).is_err() {
            return Some(wrong("a text that is not UTF-8"));
        }
        Some(Seen::Message {
            text,
            reserved,
            payload,
        })
    }

    /// The next frame, judged.
    fn frame(&mut self) -> Result<(Header, Vec<u8>), Seen> {
        loop {
            if let Some(problem) = self.problem() {
                return Err(Seen::Wrong(problem));
            }
            if let Some((header, size)) = Header::parse(&self.unread) {
                // `problem` has seen that it is not too long.
                let end = size + header.len as usize;
                if self.unread.len() >= end {
                    let payload = self.unread[size..end].to_vec();
                    self.unread.drain(..end);
                    return Ok((header, payload));
                }
            }
            match self.fill() {
                Fill::More => {}
                Fill::End => return Err(Seen::End),
                Fill::Late => return Err(Seen::Silence),
            }
        }
    }

    /// What is wrong with the frame that begins here, as far as it has come.
    fn problem(&self) -> Option<String> {
        let first = *self.unread.first()?;
        let Some(opcode) = OpCode::from_bits(first & 0x0F) else {
            return Some(format!("a frame with the opcode {:#x}", first & 0x0F));
        };
        let allowed = match opcode {
            OpCode::Text | OpCode::Binary => self.allowed.0,
            _ => 0,
        };
        if first & Reserved::MASK & !allowed != 0 {
            return Some("a frame with reserved bits".to_owned());
        }
        if opcode.is_control() && first & 0x80 == 0 {
            return Some("a fragmented control frame".to_owned());
        }
        let second = *self.unread.get(1)?;
        if frame::is_masked(second) {
            return Some("a masked frame".to_owned());
        }
        let len = frame::payload_len(&self.unread)?;
        if opcode.is_control() && len > 125 {
            return Some("a control frame over 125 bytes".to_owned());
        }
        let shortest = match second & 0x7F {
            126 => 126,
            127 => 1 << 16,
            _ => 0,
        };
        if len < shortest {
            return Some("a length that is not the shortest".to_owned());
        }
        (len > MOST as u64).then(|| format!("a frame of {len} bytes"))
    }

    fn fill(&mut self) -> Fill {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() || self.stream.set_read_timeout(Some(left)).is_err() {
            return Fill::Late;
        }
        let mut buffer = [0; 16 << 10];
        match self.stream.read(&mut buffer) {
            Ok(0) => Fill::End,
            Ok(n) => {
                self.unread.extend_from_slice(&buffer[..n]);
                Fill::More
            }
            Err(error) => match error.kind() {
                ErrorKind::Interrupted => Fill::More,
                ErrorKind::WouldBlock | ErrorKind::TimedOut => Fill::Late,
                _ => Fill::End,
            },
        }
    }
}

enum Fill {
    More,
    End,
    Late,
}

fn wrong(problem: &str) -> Seen {
    Seen::Wrong(problem.to_owned())
}

fn close(payload: &[u8]) -> Seen {
    match payload {
        [] => Seen::Close(None),
        [_] => wrong("a Close of one byte"),
        [a, b, reason @ ..] => match std::str::from_utf8(reason) {
            Ok(_) => Seen::Close(Some(u16::from_be_bytes([*a, *b]))),
            Err(_) => wrong("a close reason that is not UTF-8"),
        },
    }
}

/// A client's frame; the key only has to be there.
fn masked(fin: bool, reserved: Reserved, opcode: OpCode, payload: &[u8]) -> Vec<u8> {
    let key = [0x37, 0xfa, 0x21, 0x3d];
    let mut out = Vec::new();
    frame::write_header(&mut out, fin, reserved, opcode, payload.len(), Some(key));
    let start = out.len();
    out.extend_from_slice(payload);
    apply_mask(&mut out[start..], key, 0);
    out
}
