//! The peer of a virtual connection: a WebSocket client that trusts nobody.
//!
//! It reads frames with the strict reader, without the lanes of the server, and panics when
//! the program breaks RFC 6455. It answers pings and Closes unless told not to. For a call of the program
//! it is a server instead.

use crate::wire::close::CloseCode;
use crate::wire::extension::Offer;
use crate::wire::frame::{OpCode, Reserved, write_frame};
use crate::wire::head::HeadLimits;
use crate::wire::strict::{StrictFrame, StrictReader};
use crate::wire::upgrade::{check_response, parse_response};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::collections::VecDeque;

/// What a conversation received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// A whole text message.
    Text(String),
    /// A whole binary message.
    Binary(Vec<u8>),
    /// A ping; only told to those that do not answer by themselves.
    Ping(Vec<u8>),
    /// A pong.
    Pong(Vec<u8>),
    /// The server's Close; 1005 for an empty one.
    Close {
        /// The code.
        code: CloseCode,
        /// The reason.
        reason: String,
    },
}

impl Received {
    /// A text message, to compare with.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// A binary message, to compare with.
    pub fn binary(bytes: impl Into<Vec<u8>>) -> Self {
        Self::Binary(bytes.into())
    }

    /// A Close, to compare with.
    pub fn close(code: u16, reason: impl Into<String>) -> Self {
        Self::Close {
            code: CloseCode::new(code),
            reason: reason.into(),
        }
    }
}

/// What the bytes that arrive are.
enum Phase {
    /// Anything: they are kept as they are.
    Raw,
    /// The answer to an upgrade with this key, these subprotocols and these extensions.
    Upgrading {
        key: String,
        protocols: Vec<String>,
        extensions: Vec<Offer>,
    },
    /// Frames.
    Frames,
    /// The answer was no: its bytes are kept, and why.
    Refused(crate::Error),
}

pub(super) struct VirtualPeer {
    phase: Phase,
    /// Bytes that are not understood yet.
    raw: Vec<u8>,
    pub(super) received: VecDeque<Received>,
    pub(super) is_automatic: bool,
    /// The fragments of a message so far.
    message: Option<(OpCode, Vec<u8>)>,
    reader: StrictReader,
    has_sent_close: bool,
    has_received_close: bool,
    /// It plays the server of a call: its frames have no mask.
    is_server: bool,
    pub(super) protocol: Option<String>,
    /// The header fields of the 101.
    pub(super) fields: Vec<(String, String)>,
    random: StdRng,
}

impl VirtualPeer {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            phase: Phase::Raw,
            raw: Vec::new(),
            received: VecDeque::new(),
            is_automatic: true,
            message: None,
            reader: StrictReader::new(false, 1 << 40),
            has_sent_close: false,
            has_received_close: false,
            is_server: false,
            protocol: None,
            fields: Vec::new(),
            random: StdRng::seed_from_u64(seed),
        }
    }

    pub(super) fn random_key(&mut self) -> [u8; 16] {
        self.random.random()
    }

    /// What arrives next is the answer to an upgrade.
    pub(super) fn expect_upgrade(
        &mut self,
        key: String,
        protocols: Vec<String>,
        extensions: Vec<Offer>,
    ) {
        self.phase = Phase::Upgrading {
            key,
            protocols,
            extensions,
        };
    }

    /// From now on it is the server of a call that it has answered with a 101.
    pub(super) fn serve(&mut self) {
        self.raw.clear();
        self.phase = Phase::Frames;
        self.reader = StrictReader::new(true, 1 << 40);
        self.is_server = true;
    }

    /// Whether it ends the connection by itself: as a server does when Closes were exchanged.
    pub(super) fn is_done(&self) -> bool {
        self.is_server && self.has_sent_close && self.has_received_close
    }

    /// Whether the server has switched protocols.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Frames)
    }

    /// Whether no answer to an upgrade is missing.
    pub(super) fn is_answered(&self) -> bool {
        !matches!(self.phase, Phase::Upgrading { .. })
    }

    /// Why the server refused, once.
    pub(super) fn refusal(&mut self) -> Option<crate::Error> {
        match std::mem::replace(&mut self.phase, Phase::Raw) {
            Phase::Refused(error) => Some(error),
            phase => {
                self.phase = phase;
                None
            }
        }
    }

    /// Bytes that arrived and were not understood as frames.
    pub(super) fn take_raw(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.raw)
    }

    /// The same, and they stay.
    pub(super) fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// Gives back those of them that belong to what comes next.
    pub(super) fn put_raw(&mut self, bytes: Vec<u8>) {
        self.raw = bytes;
    }

    /// Takes what arrived; the bytes to answer with.
    #[track_caller]
    pub(super) fn take(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.raw.extend_from_slice(bytes);
        if let Phase::Upgrading {
            key,
            protocols,
            extensions,
        } = &self.phase
        {
            let offered: Vec<&str> = protocols.iter().map(String::as_str).collect();
            let parsed = parse_response(&self.raw, &mut 0, &HeadLimits::default());
            let checked = match parsed {
                Ok(None) => return Vec::new(),
                Ok(Some((head, len))) => {
                    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
                    let fields = head.fields.iter();
                    let fields = fields.map(|(name, value)| ((*name).to_owned(), text(value)));
                    self.fields = fields.collect();
                    check_response(&head, key, &offered, extensions).map(|accepted| (accepted, len))
                }
                Err(error) => Err(error),
            };
            match checked {
                Ok((accepted, len)) => {
                    self.protocol = accepted.protocol;
                    self.raw.drain(..len);
                    self.phase = Phase::Frames;
                }
                Err(error) => self.phase = Phase::Refused(error),
            }
        }
        let mut reply = Vec::new();
        if self.is_open() {
            let mut at = 0;
            loop {
                match self.reader.next(&self.raw[at..]) {
                    Ok(Some((frame, len))) => {
                        at += len;
                        self.frame(frame, &mut reply);
                    }
                    Ok(None) => break,
                    Err(problem) => panic!("the program sent {problem}"),
                }
            }
            self.raw.drain(..at);
        }
        reply
    }

    #[track_caller]
    fn frame(&mut self, frame: StrictFrame, reply: &mut Vec<u8>) {
        if frame.opcode.is_control() {
            return self.control(frame.opcode, frame.payload, reply);
        }
        let (opcode, bytes) = self
            .message
            .get_or_insert_with(|| (frame.opcode, Vec::new()));
        bytes.extend_from_slice(&frame.payload);
        if frame.fin {
            let (opcode, bytes) = (*opcode, std::mem::take(bytes));
            self.message = None;
            self.received.push_back(match opcode {
                OpCode::Text => Received::Text(text(bytes)),
                _ => Received::Binary(bytes),
            });
        }
    }

    #[track_caller]
    fn control(&mut self, opcode: OpCode, payload: Vec<u8>, reply: &mut Vec<u8>) {
        match opcode {
            OpCode::Ping if self.is_automatic => {
                if !self.has_sent_close {
                    self.write(reply, true, Reserved::NONE, OpCode::Pong, &payload);
                }
            }
            OpCode::Ping => self.received.push_back(Received::Ping(payload)),
            OpCode::Pong => self.received.push_back(Received::Pong(payload)),
            _ => {
                self.has_received_close = true;
                if self.is_automatic && !self.has_sent_close {
                    let code = &payload[..payload.len().min(2)];
                    self.write(reply, true, Reserved::NONE, OpCode::Close, code);
                }
                self.received.push_back(close(payload));
            }
        }
    }

    /// Appends one frame, masked unless this is the server of a call.
    pub(super) fn write(
        &mut self,
        out: &mut Vec<u8>,
        fin: bool,
        reserved: Reserved,
        opcode: OpCode,
        payload: &[u8],
    ) {
        self.has_sent_close |= opcode == OpCode::Close;
        let key = (!self.is_server).then(|| self.random.random());
        write_frame(out, fin, opcode, reserved, payload, key);
    }
}

#[track_caller]
fn close(payload: Vec<u8>) -> Received {
    let Some((code, reason)) = payload.split_first_chunk::<2>() else {
        return Received::close(CloseCode::NO_STATUS.get(), "");
    };
    let code = CloseCode::new(u16::from_be_bytes(*code));
    broken(
        !code.is_sendable(),
        "sent a code that may not stand in a Close",
    );
    Received::close(code.get(), text(reason.to_vec()))
}

#[track_caller]
fn text(bytes: Vec<u8>) -> String {
    let text = String::from_utf8(bytes);
    broken(text.is_err(), "sent text that is not UTF-8");
    text.unwrap_or_default()
}

#[track_caller]
fn broken(is_broken: bool, how: &str) {
    assert!(!is_broken, "the program {how}");
}
