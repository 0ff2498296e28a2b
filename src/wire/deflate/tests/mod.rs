//! Tests of permessage-deflate, by subject.

mod encoder;
mod hostile;
mod messages;
mod negotiation;
mod round_trip;
mod sharing;
mod vectors;

use super::{Deflate, NAME, compress};
use crate::wire::extension::{DecodeError, Extension, FrameInfo, Offer, Transform};
use crate::wire::frame::{OpCode, Reserved};
use crate::wire::work::Work;

/// A cap that no honest message of these tests meets.
const CAP: usize = 1 << 20;

/// An element from the text that stands in the header.
fn element(text: &str) -> Offer {
    let mut parts = text.split(';').map(str::trim);
    Offer {
        name: parts.next().unwrap().to_owned(),
        params: parts
            .map(|param| match param.split_once('=') {
                Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
                None => (param.to_owned(), None),
            })
            .collect(),
    }
}

/// The server's side of a connection whose client offered this behind the name.
fn server(deflate: &Deflate, params: &str) -> Box<dyn Transform> {
    deflate
        .accept(&element(&format!("{NAME}{params}")))
        .unwrap()
        .transform
}

/// A server's side with takeover both ways.
fn with_takeover() -> Box<dyn Transform> {
    server(&Deflate::new().context_takeover(true), "")
}

/// Decodes a frame: `first` frames carry RSV1, others are continuations.
fn frame(
    transform: &mut dyn Transform,
    first: bool,
    fin: bool,
    payload: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), DecodeError> {
    let (opcode, reserved) = if first {
        (OpCode::Text, Reserved::RSV1)
    } else {
        (OpCode::Continuation, Reserved::NONE)
    };
    let info = FrameInfo {
        fin,
        reserved,
        opcode,
    };
    let cap = CAP - out.len();
    transform.decode(info, payload, cap, out)
}

/// Decodes a message of one frame.
fn decode(transform: &mut dyn Transform, payload: &[u8]) -> Result<Vec<u8>, DecodeError> {
    let mut out = Vec::new();
    frame(transform, true, true, payload, &mut out).map(|()| out)
}

/// Encodes a message, which must come out compressed.
fn encode(transform: &mut dyn Transform, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let reserved = transform.encode(OpCode::Text, payload, &mut Work::unlimited(), &mut out);
    assert_eq!(reserved, Some(Reserved::RSV1), "sent plain");
    out
}

/// A message of any length by zlib at its level 6, without the tail.
fn deflated(plain: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    assert!(compress::always(
        &mut compress::compressor(6, 15),
        plain,
        &mut out
    ));
    out
}

/// JSON lines like those of a chat, this many bytes.
fn chat(len: usize) -> Vec<u8> {
    let mut text = String::new();
    for number in 0.. {
        if text.len() >= len {
            break;
        }
        let other = number * 7919 % 1000;
        text += &format!(r#"{{"type":"TALK","sender":"user{other}","message":"hello {number}"}}"#);
    }
    text.truncate(len);
    text.into_bytes()
}
