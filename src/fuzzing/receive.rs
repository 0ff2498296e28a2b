//! The receive lanes.

use crate::wire::deflate::Deflate;
use crate::wire::extension::{Extension, Offer, Transform};
use crate::wire::frame::{Header, OpCode, Reserved};
use crate::wire::mask::apply_mask;
use crate::wire::receive::differential::{compare, compare_cuts};
use flate2::{Decompress, FlushDecompress, Status};

/// A byte of rules, cuts, then what a peer sends. The upper three bits of the first byte choose:
/// none set compares with tungstenite, 0x20 receives with permessage-deflate, 0x40 with its
/// context takeover, 0x80 raw frames.
///
/// # Panics
/// When the lanes and tungstenite, the lanes and a plain inflation, or cut and whole disagree.
pub fn receive(data: &[u8]) {
    let flags = data.first().copied().unwrap_or(0);
    if flags & 0xE0 == 0 {
        return compare(data);
    }
    let takeover = flags & 0x40 != 0;
    let raw = flags & 0x80 != 0;
    let deflate = Deflate::new().context_takeover(takeover);
    let heard = compare_cuts(data, raw, || {
        (flags & 0x60 != 0).then(|| transform(&deflate))
    });
    if !raw {
        let cuts = usize::from(data.get(1).map_or(0, |cuts| cuts & 0x0F));
        inflated_otherwise(data.get(2 + cuts..).unwrap_or_default(), takeover, &heard);
    }
}

fn transform(deflate: &Deflate) -> Box<dyn Transform> {
    let offer = Offer {
        name: deflate.name().to_owned(),
        params: Vec::new(),
    };
    let agreement = deflate.accept(&offer);
    agreement.expect("a plain offer is taken").transform
}

/// The same messages by a decompressor that knows nothing of fragments, steps and limits.
fn inflated_otherwise(stream: &[u8], takeover: bool, heard: &[(bool, Vec<u8>)]) {
    let mut inflater = Decompress::new(false);
    let mut frames = Frames(stream);
    for (number, (text, message)) in heard.iter().enumerate() {
        let Some((is_text, is_compressed, payload)) = frames.message() else {
            panic!("message {number} was heard and not sent");
        };
        assert_eq!(*text, is_text, "message {number}");
        // A compressed message of no bytes at all is taken as an empty one.
        if !is_compressed || payload.is_empty() {
            assert!(*message == payload, "message {number} came out otherwise");
            continue;
        }
        if !takeover {
            inflater.reset(false);
        }
        match inflate(&mut inflater, &payload, message.len()) {
            Some(plain) => assert!(*message == plain, "message {number} inflates otherwise"),
            // Behind a final block the stream starts anew: for the lanes alone to follow.
            None => return,
        }
    }
}

fn inflate(inflater: &mut Decompress, payload: &[u8], len: usize) -> Option<Vec<u8>> {
    let mut input = payload.to_vec();
    input.extend_from_slice(&[0x00, 0x00, 0xff, 0xff]);
    let mut plain = Vec::with_capacity(len + 64);
    let status = inflater.decompress_vec(&input, &mut plain, FlushDecompress::Sync);
    (status.ok()? != Status::StreamEnd).then_some(plain)
}

/// Frames that are known to be good, as far as they were heard.
struct Frames<'s>(&'s [u8]);

impl Frames<'_> {
    fn next(&mut self) -> Option<(Header, Vec<u8>)> {
        let (header, size) = Header::parse(self.0)?;
        let end = size + usize::try_from(header.len).ok()?;
        let mut payload = self.0.get(size..end)?.to_vec();
        apply_mask(&mut payload, header.mask.unwrap_or_default(), 0);
        self.0 = &self.0[end..];
        Some((header, payload))
    }

    /// The next data message: text, compressed, and its payload as it came.
    fn message(&mut self) -> Option<(bool, bool, Vec<u8>)> {
        let mut kind = (false, false);
        let mut message = Vec::new();
        loop {
            let (header, payload) = self.next()?;
            if header.opcode.is_control() {
                continue;
            }
            if header.opcode != OpCode::Continuation {
                let compressed = header.reserved.intersects(Reserved::RSV1);
                kind = (header.opcode == OpCode::Text, compressed);
            }
            message.extend(payload);
            if header.fin {
                return Some((kind.0, kind.1, message));
            }
        }
    }
}
