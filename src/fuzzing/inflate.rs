//! Compressed messages, in and out.

use super::bytes::{Bytes, Cuts};
use crate::wire::deflate::Deflate;
use crate::wire::extension::{DecodeError, Extension, FrameInfo, FramePart, Transform};
use crate::wire::frame::{OpCode, Reserved};
use crate::wire::work::{CODEC_STEP, Work};
use flate2::{Decompress, FlushDecompress, Status};

/// What no step may cost more than, in units of work.
const STEP: i64 = CODEC_STEP as i64;
/// What no buffer may pass its cap by: a step of inflation.
const SLACK: usize = 16 * 1024;

/// A byte of settings, one of level, two of cap, cuts, then bytes that are taken twice: as
/// compressed messages of a peer, and as plain ones to send.
///
/// # Panics
/// When more than the cap comes out, when fragments change what a message is, when what was
/// compressed does not come back, or when it looks back further than its window.
pub fn inflate(data: &[u8]) {
    let mut bytes = Bytes::new(data);
    let flags = bytes.byte();
    let level = bytes.byte() % 10;
    let cap = usize::from(bytes.short()) << (flags >> 6 & 3);
    let cuts = bytes.cuts();
    let stream = bytes.rest();
    let window = 9 + flags % 7;
    let takeover = flags & 0x10 != 0;
    let deflate = Deflate::new()
        .level(level)
        .min_size(0)
        .context_takeover(takeover)
        .server_max_window_bits(window)
        .client_max_window_bits(window);
    hostile(&deflate, stream, cap, &cuts);
    round_trip(&deflate, window, takeover, stream, &cuts);
}

/// A client and a server that agreed.
fn pair(deflate: &Deflate) -> [Box<dyn Transform>; 2] {
    let agreement = deflate.accept(&deflate.offers()[0]);
    let agreement = agreement.expect("its own offer is taken");
    let client = deflate.confirm(&agreement.response);
    [client.expect("its own answer fits"), agreement.transform]
}

/// Bytes of anybody as a message, whole and in fragments.
fn hostile(deflate: &Deflate, stream: &[u8], cap: usize, cuts: &Cuts) {
    let [_, mut transform] = pair(deflate);
    let whole = decode(&mut *transform, stream, cap, &Cuts::whole());
    let [_, mut transform] = pair(deflate);
    let cut = decode(&mut *transform, stream, cap, cuts);
    let [_, mut transform] = pair(deflate);
    let parts = decode_parts(&mut *transform, stream, cap, cuts);
    for other in [&cut, &parts] {
        match (&whole, other) {
            (Ok(whole), Ok(other)) => assert!(whole == other, "other content in pieces"),
            (Err(_), Err(_)) => {}
            _ => panic!("{whole:?} whole, {other:?} in pieces of {cuts:?}"),
        }
    }
}

/// Decodes a message of one frame in parts, with meters that are spent all the time.
fn decode_parts(
    transform: &mut dyn Transform,
    payload: &[u8],
    cap: usize,
    cuts: &Cuts,
) -> Result<Vec<u8>, DecodeError> {
    let info = FrameInfo {
        fin: true,
        reserved: Reserved::RSV1,
        opcode: OpCode::Binary,
    };
    let mut out = Vec::new();
    let (mut at, mut first) = (0, true);
    loop {
        let end = cuts.ends(payload.len()).find(|end| *end > at);
        let end = end.unwrap_or(payload.len());
        let part = FramePart {
            info,
            first,
            last: end == payload.len(),
            payload: &payload[at..end],
        };
        let mut work = Work::new(end as u32 % 700 + 1);
        let before = work.left();
        let progress = transform.decode_part(part, cap - out.len(), &mut work, &mut out)?;
        assert!(out.len() <= cap, "{} bytes past {cap}", out.len());
        assert!(before - work.left() <= STEP, "a step of {work:?}");
        (at, first) = (at + progress.taken, false);
        if at == payload.len() && progress.done {
            return Ok(out);
        }
    }
}

/// Decodes a message; what it grew to was never past its cap.
fn decode(
    transform: &mut dyn Transform,
    payload: &[u8],
    cap: usize,
    cuts: &Cuts,
) -> Result<Vec<u8>, DecodeError> {
    let mut out = Vec::new();
    let mut at = 0;
    loop {
        let end = cuts.ends(payload.len()).find(|end| *end > at);
        let end = end.unwrap_or(payload.len());
        let first = at == 0;
        let info = FrameInfo {
            fin: end == payload.len(),
            reserved: if first {
                Reserved::RSV1
            } else {
                Reserved::NONE
            },
            opcode: if first {
                OpCode::Binary
            } else {
                OpCode::Continuation
            },
        };
        let decoded = transform.decode(info, &payload[at..end], cap - out.len(), &mut out);
        assert!(out.len() <= cap, "{} bytes past {cap}", out.len());
        assert!(out.capacity() <= 2 * cap + SLACK, "{} kept", out.capacity());
        decoded?;
        if info.fin {
            return Ok(out);
        }
        at = end;
    }
}

/// What one side sends is what the other gets, message after message and both ways.
fn round_trip(deflate: &Deflate, window: u8, takeover: bool, stream: &[u8], cuts: &Cuts) {
    let [mut client, mut server] = pair(deflate);
    for (number, plain) in stream.chunks(stream.len() / 3 + 1).enumerate() {
        let (from, to) = match number % 2 {
            0 => (&mut client, &mut server),
            _ => (&mut server, &mut client),
        };
        for _ in 0..2 {
            let mut payload = Vec::new();
            if from
                .encode(OpCode::Binary, plain, &mut Work::unlimited(), &mut payload)
                .is_none()
            {
                assert!(payload.is_empty());
                continue;
            }
            assert!(takeover || payload.len() < plain.len(), "grew");
            let back = decode(&mut **to, &payload, plain.len(), cuts);
            assert!(back.as_deref() == Ok(plain), "{back:?} came back");
            if !takeover {
                within_window(&payload, plain, window);
            }
        }
    }
}

/// Inflates byte by byte, with no more history than was agreed on.
fn within_window(payload: &[u8], plain: &[u8], window: u8) {
    let mut inflater = Decompress::new_with_window_bits(false, window);
    let mut left = payload;
    for (at, byte) in plain.iter().enumerate() {
        let mut out = [0];
        let was = inflater.total_in();
        let status = inflater.decompress(left, &mut out, FlushDecompress::None);
        assert!(matches!(status, Ok(Status::Ok)), "{status:?} at {at}");
        left = &left[(inflater.total_in() - was) as usize..];
        assert_eq!(out[0], *byte, "at {at}");
    }
}
