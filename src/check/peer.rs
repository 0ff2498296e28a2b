//! One connection to the server under test: any bytes out, and what comes back,
//! read as strictly as RFC 6455 asks of a client.

#[cfg(test)]
mod tests;

use crate::client::Socket;
use crate::wire::frame::{self, OpCode, Reserved};
use crate::wire::strict::{StrictFrame, StrictReader};
use crate::wire::upgrade::{ResponseHead, parse_response};
use std::io::{ErrorKind, Read, Write};
use std::time::{Duration, Instant};

/// A frame or message over this is not kept, bytes.
pub(super) const MOST: usize = 16 << 20;

/// What the server did next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
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

impl Answer {
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
    stream: Socket,
    unread: Vec<u8>,
    deadline: Instant,
    timeout: Duration,
    reader: StrictReader,
    /// The fragments of a message so far.
    open: Option<(bool, Reserved, Vec<u8>)>,
}

impl Peer {
    pub(super) fn new(stream: Socket, timeout: Duration) -> Self {
        // Without these limits a check may hang, and fails no sooner.
        let _ = stream.tcp().set_write_timeout(Some(timeout));
        Self {
            stream,
            unread: Vec::new(),
            deadline: Instant::now() + timeout,
            timeout,
            reader: StrictReader::new(false, MOST as u64),
            open: None,
        }
    }

    /// Reserved bits that the server may use from now on.
    #[cfg(feature = "deflate")]
    pub(super) fn allow(&mut self, reserved: Reserved) {
        self.reader.allow(reserved);
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
                Err(error) => return Err(format!("{error:#}")),
            }
        }
    }

    /// Reads until something is wanted, or nothing more can come. Pings are answered, and
    /// what else the server says meanwhile is passed over.
    pub(super) fn until(&mut self, wanted: impl Fn(&Answer) -> bool) -> Answer {
        loop {
            let seen = self.next();
            let last = !matches!(seen, Answer::Message { .. } | Answer::Pong(_));
            if last || wanted(&seen) {
                return seen;
            }
        }
    }

    /// Whatever comes next but a ping, which is answered.
    fn next(&mut self) -> Answer {
        loop {
            if Instant::now() >= self.deadline {
                return Answer::Silence;
            }
            let frame = match self.frame() {
                Ok(frame) => frame,
                Err(seen) => return seen,
            };
            match frame.opcode {
                OpCode::Ping => {
                    let pong = masked(true, Reserved::NONE, OpCode::Pong, &frame.payload);
                    let _ = self.stream.write_all(&pong);
                }
                OpCode::Pong => return Answer::Pong(frame.payload),
                OpCode::Close => {
                    let code = frame.payload.first_chunk();
                    return Answer::Close(code.map(|code| u16::from_be_bytes(*code)));
                }
                OpCode::Text | OpCode::Binary | OpCode::Continuation => {
                    if let Some(seen) = self.fragment(frame) {
                        return seen;
                    }
                }
            }
        }
    }

    fn fragment(&mut self, frame: StrictFrame) -> Option<Answer> {
        match &mut self.open {
            Some((_, _, bytes)) => bytes.extend_from_slice(&frame.payload),
            None => {
                let text = frame.opcode == OpCode::Text;
                self.open = Some((text, frame.reserved, frame.payload));
            }
        }
        if self.open.as_ref().is_some_and(|open| open.2.len() > MOST) {
            return Some(wrong("a message over 16 MiB"));
        }
        if !frame.fin {
            return None;
        }
        let (text, reserved, payload) = self.open.take()?;
        if text && reserved == Reserved::NONE && std::str::from_utf8(&payload).is_err() {
            return Some(wrong("a text that is not UTF-8"));
        }
        Some(Answer::Message {
            text,
            reserved,
            payload,
        })
    }

    /// The next frame, judged.
    fn frame(&mut self) -> Result<StrictFrame, Answer> {
        loop {
            match self.reader.next(&self.unread) {
                Ok(Some((frame, len))) => {
                    self.unread.drain(..len);
                    return Ok(frame);
                }
                Ok(None) => {}
                Err(problem) => return Err(Answer::Wrong(problem)),
            }
            match self.fill() {
                Fill::More => {}
                Fill::End => return Err(Answer::End),
                Fill::Late => return Err(Answer::Silence),
            }
        }
    }

    fn fill(&mut self) -> Fill {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() || self.stream.tcp().set_read_timeout(Some(left)).is_err() {
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

fn wrong(problem: &str) -> Answer {
    Answer::Wrong(problem.to_owned())
}

/// A client's frame; the key only has to be there.
fn masked(fin: bool, reserved: Reserved, opcode: OpCode, payload: &[u8]) -> Vec<u8> {
    let key = [0x37, 0xfa, 0x21, 0x3d];
    let mut out = Vec::new();
    frame::write_frame(&mut out, fin, opcode, reserved, payload, Some(key));
    out
}
