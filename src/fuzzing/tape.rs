//! A transport that takes what it is told to take and keeps everything, and
//! what a strict reader makes of it.

use crate::app::SessionId;
use crate::hub::{Lost, Transport};
use crate::wire::close::CloseCode;
use crate::wire::frame::{Header, OpCode, Reserved};
use crate::wire::head::HeadLimits;
use crate::wire::upgrade::parse_response;
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

/// All connections, by place, and those that are over.
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
        assert!(before.is_none(), "{id} has the place of another");
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
    fn send(&mut self, place: u32, bytes: &[u8]) -> Result<usize, Lost> {
        let tape = self.live.get_mut(&place).expect("a connection that lives");
        assert!(!tape.has_ended, "{} sent behind its own end", tape.id);
        if tape.is_broken {
            return Err(Lost);
        }
        let taken = bytes.len().min(tape.room);
        tape.room -= taken;
        tape.sent.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn shutdown_write(&mut self, place: u32) {
        let tape = self.live.get_mut(&place).expect("a connection that lives");
        tape.has_ended = true;
    }

    fn close(&mut self, place: u32) {
        // A call that was not connected has no connection yet.
        if let Some(tape) = self.live.remove(&place) {
            tape.check();
            self.over.push(tape);
        }
    }
}

impl Tape {
    /// What was sent is answers in HTTP or frames, in good order, as far as it was sent.
    pub(super) fn check(&self) {
        let mut rest = &self.sent[..];
        while !self.is_client {
            let parsed = parse_response(rest, &mut 0, &HeadLimits::default());
            let Ok(Some((head, len))) = parsed else {
                assert!(matches!(parsed, Ok(None)), "{parsed:?} from {}", self.id);
                return;
            };
            rest = &rest[len..];
            if head.status == 101 {
                break;
            }
            let length = head
                .fields
                .iter()
                .find(|(name, _)| *name == "Content-Length");
            let length = length.map_or("0", |(_, value)| {
                str::from_utf8(value).expect("a length in digits")
            });
            // The answer to a HEAD ends before its body: another answer follows, or nothing.
            if !rest.starts_with(b"HTTP/1.1 ") {
                rest = &rest[rest.len().min(length.parse().expect("a number"))..];
            }
        }
        if !self.is_client {
            frames(rest, self.id);
        }
    }
}

/// Frames of a server (RFC 6455 §5), RSV1 on the first frame of a data message allowed.
fn frames(mut bytes: &[u8], id: SessionId) {
    let mut is_open = false;
    let mut has_closed = false;
    while let Some((header, size)) = Header::parse(bytes) {
        assert!(!has_closed, "{id}: a frame behind the Close");
        assert!(header.mask.is_none(), "{id}: a masked frame");
        if header.opcode.is_control() {
            assert!(header.fin && header.len <= 125, "{id}: {header:?}");
            assert_eq!(header.reserved, Reserved::NONE, "{id}");
        } else {
            let goes_on = header.opcode == OpCode::Continuation;
            assert_eq!(goes_on, is_open, "{id}: the order of fragments");
            assert!(matches!(header.reserved, Reserved(0) | Reserved::RSV1));
            is_open = !header.fin;
        }
        let Some(payload) = bytes.get(size..size + header.len as usize) else {
            return;
        };
        if header.opcode == OpCode::Close {
            has_closed = true;
            close(payload, id);
        }
        bytes = &bytes[size + payload.len()..];
    }
    assert!(bytes.len() < 14, "{id}: what is no frame");
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
