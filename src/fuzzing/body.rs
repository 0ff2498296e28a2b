//! Request bodies.

use super::bytes::{Bytes, Cuts};
use crate::wire::body::BodyReader;
use crate::wire::head::BodyLength;
use crate::wire::refusal::Refusal;

/// How reading ended: bytes of the stream that belonged to the body, and whether it was complete.
type Read = Result<(usize, bool), Refusal>;

/// A byte of framing, two of limit, cuts, then what follows a head.
///
/// # Panics
/// When content or end hang on the cuts, when a limit is passed, or when another reader of
/// chunks disagrees.
pub fn body(data: &[u8]) {
    let mut bytes = Bytes::new(data);
    let flags = bytes.byte();
    let max = u64::from(bytes.short());
    let length = match flags & 3 {
        0 => BodyLength::Length(u64::from(bytes.short())),
        _ => BodyLength::Chunked,
    };
    let cuts = bytes.cuts();
    let stream = bytes.rest();
    let whole = read(length, max, stream, &Cuts::whole());
    assert_eq!(whole, read(length, max, stream, &cuts), "cut at {cuts:?}");
    assert_eq!(whole, read(length, max, stream, &Cuts::single()));
    let (end, content) = whole;
    assert!(content.len() as u64 <= max, "{} past {max}", content.len());
    if let (BodyLength::Chunked, Ok((taken, true))) = (length, end) {
        assert_eq!(chunks(&stream[..taken]), Some(content));
    }
    round_trip(stream, &cuts);
}

fn read(length: BodyLength, max: u64, stream: &[u8], cuts: &Cuts) -> (Read, Vec<u8>) {
    let mut content = Vec::new();
    let mut reader = match BodyReader::new(length, max) {
        Ok(reader) => reader,
        Err(refusal) => return (Err(refusal), content),
    };
    let mut taken = 0;
    for piece in cuts.pieces(stream) {
        match reader.feed(piece, &mut content) {
            Ok((count, false)) => {
                assert_eq!(count, piece.len(), "left something of an open body");
                taken += count;
            }
            Ok((count, true)) => {
                assert_eq!(reader.feed(b"next", &mut content), Ok((0, true)));
                return (Ok((taken + count, true)), content);
            }
            Err(refusal) => return (Err(refusal), content),
        }
    }
    (Ok((taken, reader.is_complete())), content)
}

/// The content of a complete chunked body, read in another way.
fn chunks(mut body: &[u8]) -> Option<Vec<u8>> {
    let mut content = Vec::new();
    loop {
        let Ok(httparse::Status::Complete((start, size))) = httparse::parse_chunk_size(body) else {
            return None;
        };
        let size = usize::try_from(size).ok()?;
        body = &body[start..];
        if size == 0 {
            break;
        }
        content.extend_from_slice(body.get(..size)?);
        body = body.get(size..)?.strip_prefix(b"\r\n")?;
    }
    // Trailers, and the blank line.
    (body == b"\r\n" || body.ends_with(b"\r\n\r\n")).then_some(content)
}

/// What is sent in chunks arrives, and not a byte more is taken.
fn round_trip(content: &[u8], cuts: &Cuts) {
    let mut stream = Vec::new();
    for piece in cuts.pieces(content) {
        stream.extend(format!("{:x}\r\n", piece.len()).bytes());
        stream.extend_from_slice(piece);
        stream.extend_from_slice(b"\r\n");
    }
    stream.extend_from_slice(b"0\r\n\r\n");
    let len = stream.len();
    stream.extend_from_slice(content);
    let max = content.len() as u64;
    let (end, arrived) = read(BodyLength::Chunked, max, &stream, cuts);
    assert_eq!(end, Ok((len, true)));
    assert!(arrived == content, "other content came out");
    let (end, _) = read(BodyLength::Length(max), max, content, cuts);
    assert_eq!(end, Ok((content.len(), true)));
}
