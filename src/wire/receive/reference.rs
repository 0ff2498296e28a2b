//! What a plain tungstenite `WebSocketContext` makes of a stream: the reference that the lanes
//! are compared with.

use super::{Failure, ReceiveRules, Role};
use crate::wire::close::CloseCode;
use crate::wire::frame::{Header, MAX_HEADER, OpCode};
use crate::wire::mask::apply_mask;
use std::io::{self, Read, Write};
use tungstenite::protocol::{Role as TungsteniteRole, WebSocketConfig, WebSocketContext};

/// What tungstenite says in place of a Close with a code it does not take.
const VIOLATION: &str = "Protocol violation";

/// An event with its own copy of everything.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum SeenEvent {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<(u16, String)>),
    Frame(OpCode, Vec<u8>),
}

/// What one side made of a stream.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Heard {
    pub(super) seen: Vec<SeenEvent>,
    /// The payloads of the pongs it wrote.
    pub(super) pongs: Vec<Vec<u8>>,
    pub(super) failure: Option<Failure>,
}

impl Heard {
    pub(super) fn is_over(&self) -> bool {
        self.failure.is_some() || matches!(self.seen.last(), Some(SeenEvent::Close(_)))
    }
}

/// The payloads of whole frames laid end to end.
pub(super) fn frames(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut payloads = Vec::new();
    while let Some((header, size)) = Header::parse(bytes) {
        let (frame, rest) = bytes.split_at(size + header.len as usize);
        let mut payload = frame[size..].to_vec();
        apply_mask(&mut payload, header.mask.unwrap_or_default(), 0);
        payloads.push(payload);
        bytes = rest;
    }
    payloads
}

/// Feeds a stream to a plain tungstenite context.
pub(super) fn reference(rules: &ReceiveRules, stream: &[u8]) -> Heard {
    let role = match rules.role {
        Role::Server => TungsteniteRole::Server,
        Role::Client => TungsteniteRole::Client,
    };
    let config = WebSocketConfig::default()
        .read_buffer_size(4096)
        .max_frame_size(Some(rules.max_frame))
        .max_message_size(Some(rules.max_message));
    let mut context = WebSocketContext::new(role, Some(config));
    let mut pipe = Pipe {
        input: stream,
        written: Vec::new(),
    };
    if rules.closing {
        context
            .close(&mut pipe, None)
            .expect("nothing is wrong yet");
        pipe.written.clear();
    }
    let mut heard = Heard::default();
    while !heard.is_over() {
        match context.read(&mut pipe) {
            Ok(message) => heard.seen.push(seen(message)),
            Err(tungstenite::Error::Io(_)) => break,
            Err(error) => {
                let code = match error {
                    tungstenite::Error::Capacity(_) => CloseCode::TOO_BIG,
                    tungstenite::Error::Utf8(_) => CloseCode::INVALID_DATA,
                    _ => CloseCode::PROTOCOL_ERROR,
                };
                let reason = "tungstenite";
                heard.failure = Some(Failure { code, reason });
            }
        }
    }
    heard.pongs = frames(&pipe.written);
    heard
}

fn seen(message: tungstenite::Message) -> SeenEvent {
    use tungstenite::Message as Theirs;
    match message {
        Theirs::Text(text) => SeenEvent::Text(text.as_str().to_owned()),
        Theirs::Binary(bytes) => SeenEvent::Binary(bytes.to_vec()),
        Theirs::Ping(payload) => SeenEvent::Ping(payload.to_vec()),
        Theirs::Pong(payload) => SeenEvent::Pong(payload.to_vec()),
        Theirs::Close(close) => SeenEvent::Close(
            close.map(|close| (close.code.into(), close.reason.as_str().to_owned())),
        ),
        Theirs::Frame(_) => unreachable!("never read"),
    }
}

/// Takes the listed exceptions away from what tungstenite heard.
pub(super) fn reconcile(ours: &Heard, theirs: &mut Heard) {
    if let Some(SeenEvent::Close(Some((code, reason)))) = theirs.seen.last_mut() {
        let bad = !CloseCode::new(*code).is_sendable();
        let replaced = *code == 1002 && reason == VIOLATION;
        match ours.seen.last() {
            Some(SeenEvent::Close(Some((1014, text)))) if replaced => {
                *code = 1014;
                reason.clone_from(text);
            }
            Some(SeenEvent::Close(_)) => {}
            _ if bad || replaced => {
                theirs.seen.pop();
                theirs.failure = Some(Failure::BAD_CLOSE_CODE);
            }
            _ => {}
        }
    }
    if ours.failure == Some(Failure::FRAGMENTS) {
        theirs.seen.truncate(ours.seen.len());
        theirs.pongs.truncate(ours.pongs.len());
        theirs.failure = ours.failure;
    }
}

/// How many zeros complete the frame at the end of the stream.
pub(super) fn missing(rules: &ReceiveRules, stream: &[u8]) -> usize {
    let mut rest = stream;
    loop {
        let mut head = rest[..rest.len().min(MAX_HEADER)].to_vec();
        head.resize(MAX_HEADER, 0);
        let Some((header, size)) = Header::parse(&head) else {
            return MAX_HEADER;
        };
        if header.len > rules.max_frame as u64 {
            return MAX_HEADER;
        }
        let end = size + header.len as usize;
        match rest.get(end..) {
            Some([]) => return 0,
            Some(tail) => rest = tail,
            None => return end - rest.len(),
        }
    }
}

/// Bytes to read, then WouldBlock; and what was written.
struct Pipe<'a> {
    input: &'a [u8],
    written: Vec<u8>,
}

impl Read for Pipe<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.input.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.input.read(buf)
    }
}

impl Write for Pipe<'_> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.written.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
