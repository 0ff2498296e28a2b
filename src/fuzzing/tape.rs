//! A transport that takes what it is told to take and keeps everything, and
//! what a strict reader makes of it.

use crate::app::SessionId;
use crate::hub::{Lost, Transport};
use crate::wire::close::CloseCode;
use crate::wire::frame::{Header, MAX_HEADER, OpCode, Reserved};
use crate::wire::head::HeadLimits;
use crate::wire::mask::apply_mask;
use crate::wire::upgrade::parse_response;
use flate2::{Decompress, FlushDecompress, Status};
use std::collections::BTreeMap;

/// One connection, from its start to its end.
#[derive(Debug)]
pub(super) struct Tape {
    pub(super) id: SessionId,
    /// Bytes that it takes before it takes no more.
    pub(super) room: usize,
    /// It broke; the hub hears of it with its next send.
    pub(super) is_broken: bool,
    /// The hub ended its sending direction.
    has_ended: bool,
    is_client: bool,
    sent: Vec<u8>,
}

/// All connections, by key, and those that are over.
#[derive(Debug, Default)]
pub(super) struct Tapes {
    pub(super) live: BTreeMap<u32, Tape>,
    pub(super) over: Vec<Tape>,
}

impl Tapes {
    pub(super) fn start(&mut self, id: SessionId, is_client: bool) {
        let tape = Tape {
            id,
            room: usize::MAX,
            is_broken: false,
            has_ended: false,
            is_client,
            sent: Vec::new(),
        };
        let before = self.live.insert(id.index, tape);
        assert!(before.is_none(), "{id} has the key of another");
    }

    /// The connection that a byte of the input means.
    pub(super) fn pick(&mut self, which: u8) -> Option<&mut Tape> {
        let at = usize::from(which) % self.live.len().max(1);
        self.live.values_mut().nth(at)
    }

    /// Everything that was ever sent, to compare two runs.
    pub(super) fn sent(&self) -> Vec<(SessionId, &[u8])> {
        let tapes = self.live.values().chain(&self.over);
        let mut sent: Vec<_> = tapes.map(|tape| (tape.id, &tape.sent[..])).collect();
        sent.sort();
        sent
    }
}

impl Transport for Tapes {
    fn send(&mut self, key: u32, bytes: &[u8]) -> Result<usize, Lost> {
        let tape = self.live.get_mut(&key).expect("a connection that lives");
        assert!(!tape.has_ended, "{} sent behind its own end", tape.id);
        if tape.is_broken {
            return Err(Lost);
        }
        let taken = bytes.len().min(tape.room);
        tape.room -= taken;
        tape.sent.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn shutdown_write(&mut self, key: u32) {
        let tape = self.live.get_mut(&key).expect("a connection that lives");
        tape.has_ended = true;
    }

    fn close(&mut self, key: u32) {
        // A call that was not connected has no connection yet.
        if let Some(tape) = self.live.remove(&key) {
            tape.check();
            self.over.push(tape);
        }
    }
}

impl Tape {
    /// What was sent is good, as far as it was sent: answers in HTTP and then the frames of a
    /// server, or a request and then the frames of a client.
    fn check(&self) {
        let rest = if self.is_client {
            behind_request(&self.sent)
        } else {
            self.behind_answers()
        };
        let mut frames = Frames {
            rest: rest.unwrap_or_default(),
            id: self.id,
            is_client: self.is_client,
            message: None,
        };
        while frames.next() {}
    }

    /// What stands behind the 101, if there was one.
    fn behind_answers(&self) -> Option<&[u8]> {
        let mut rest = &self.sent[..];
        loop {
            let parsed = parse_response(rest, &mut 0, &HeadLimits::default());
            let (head, len) = parsed.unwrap_or_else(|error| panic!("{}: {error}", self.id))?;
            rest = &rest[len..];
            let is_stream = |(_, value): &(&str, &[u8])| *value == b"text/event-stream";
            if head.fields.iter().any(is_stream) {
                check_events(rest, self.id);
                return None;
            }
            if head.status == 101 {
                return Some(rest);
            }
            let is_chunked = |(name, _): &(&str, _)| *name == "Transfer-Encoding";
            if head.fields.iter().any(is_chunked) && !rest.starts_with(b"HTTP/1.1 ") {
                rest = behind_chunks(rest, self.id)?;
                continue;
            }
            let mut fields = head.fields.iter();
            let length = fields.find(|(name, _)| *name == "Content-Length");
            let length = length.map_or("0", |(_, value)| str::from_utf8(value).expect("digits"));
            // The answer to a HEAD ends before its body: another answer follows, or nothing.
            if !rest.starts_with(b"HTTP/1.1 ") {
                rest = &rest[rest.len().min(length.parse().expect("a number"))..];
            }
        }
    }
}

/// Events (HTML standard §9.2), whole but for the last.
fn check_events(rest: &[u8], id: SessionId) {
    let mut blocks: Vec<&[u8]> = Vec::new();
    let mut rest = rest;
    while let Some(end) = rest.windows(2).position(|window| window == b"\n\n") {
        blocks.push(&rest[..end]);
        rest = &rest[end + 2..];
    }
    for block in blocks {
        let text = str::from_utf8(block).unwrap_or_else(|_| panic!("{id}: no UTF-8"));
        let is_comment = text == ":";
        let mut lines = text.split('\n');
        let is_line = |line: &str| {
            let fields = ["id: ", "event: ", "retry: ", "data: "];
            fields.iter().any(|field| line.starts_with(field)) && !line.contains('\r')
        };
        assert!(is_comment || lines.all(is_line), "{id}: {text:?}");
        let last = text.rsplit('\n').next();
        let has_data = last.is_some_and(|line| line.starts_with("data: "));
        assert!(is_comment || has_data, "{id}: {text:?}");
    }
}

/// What stands behind a chunked body (RFC 9112 §7.1), if all of it is there.
fn behind_chunks(mut rest: &[u8], id: SessionId) -> Option<&[u8]> {
    loop {
        let end = rest.windows(2).position(|window| window == b"\r\n")?;
        let digits = str::from_utf8(&rest[..end]).expect("digits");
        let size = usize::from_str_radix(digits, 16);
        let size = size.unwrap_or_else(|_| panic!("{id}: the size of a chunk is {digits:?}"));
        let chunk = rest.get(end + 2..end + 2 + size + 2)?;
        assert!(chunk.ends_with(b"\r\n"), "{id}: a chunk does not end");
        rest = &rest[end + 2 + chunk.len()..];
        if size == 0 {
            return Some(rest);
        }
    }
}

fn behind_request(sent: &[u8]) -> Option<&[u8]> {
    let end = sent.windows(4).position(|window| window == b"\r\n\r\n")?;
    Some(&sent[end + 4..])
}

/// A strict reader of frames (RFC 6455 §5) and of compressed messages (RFC 7692 §6).
struct Frames<'s> {
    rest: &'s [u8],
    id: SessionId,
    is_client: bool,
    /// The fragments of a message so far: text, compressed, payload.
    message: Option<(bool, bool, Vec<u8>)>,
}

impl Frames<'_> {
    /// Reads the next frame; whether there may be another.
    fn next(&mut self) -> bool {
        let id = self.id;
        let Some((header, size)) = Header::parse(self.rest) else {
            assert!(self.rest.len() < MAX_HEADER, "{id}: what is no frame");
            return false;
        };
        assert_eq!(header.mask.is_some(), self.is_client, "{id}: the mask");
        let Some(payload) = self.rest.get(size..size + header.len as usize) else {
            return false;
        };
        self.rest = &self.rest[size + payload.len()..];
        let mut payload = payload.to_vec();
        apply_mask(&mut payload, header.mask.unwrap_or_default(), 0);
        if !header.opcode.is_control() {
            self.data(&header, &payload);
            return true;
        }
        assert!(header.fin && header.len <= 125, "{id}: {header:?}");
        assert_eq!(header.reserved, Reserved::NONE, "{id}: {header:?}");
        if header.opcode == OpCode::Close {
            assert!(self.rest.is_empty(), "{id}: bytes behind the Close");
            close(&payload, id);
        }
        true
    }

    fn data(&mut self, header: &Header, payload: &[u8]) {
        let id = self.id;
        let goes_on = header.opcode == OpCode::Continuation;
        assert_eq!(goes_on, self.message.is_some(), "{id}: order of fragments");
        let allowed = if goes_on { 0 } else { Reserved::RSV1.0 };
        assert_eq!(header.reserved.0 & !allowed, 0, "{id}: reserved bits");
        let (text, compressed, mut message) = self.message.take().unwrap_or_else(|| {
            let compressed = header.reserved == Reserved::RSV1;
            (header.opcode == OpCode::Text, compressed, Vec::new())
        });
        message.extend_from_slice(payload);
        if !header.fin {
            self.message = Some((text, compressed, message));
            return;
        }
        if compressed {
            message = inflated(message, id);
        }
        assert!(!text || str::from_utf8(&message).is_ok(), "{id}: no UTF-8");
    }
}

/// A compressed message that refers to no other.
fn inflated(mut message: Vec<u8>, id: SessionId) -> Vec<u8> {
    message.extend_from_slice(&[0x00, 0x00, 0xff, 0xff]);
    let mut plain = Vec::with_capacity(64 << 10);
    let mut inflater = Decompress::new(false);
    let status = inflater.decompress_vec(&message, &mut plain, FlushDecompress::Sync);
    assert!(matches!(status, Ok(Status::Ok)), "{id}: {status:?}");
    assert_eq!(inflater.total_in(), message.len() as u64, "{id}: too long");
    plain
}

fn close(payload: &[u8], id: SessionId) {
    let Some((code, reason)) = payload.split_first_chunk::<2>() else {
        assert!(payload.is_empty(), "{id}: a Close of one byte");
        return;
    };
    let code = CloseCode::new(u16::from_be_bytes(*code));
    assert!(code.is_sendable(), "{id}: a Close with {}", code.get());
    assert!(str::from_utf8(reason).is_ok(), "{id}: {reason:?}");
}
