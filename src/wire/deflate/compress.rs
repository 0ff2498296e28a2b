//! Whole messages through zlib: the levels from 2 up, and all levels with takeover.

use super::super::work::price as prices;
use flate2::{Compress, Compression, FlushCompress};

/// What a synchronous flush ends with and the wire leaves out (RFC 7692 §7.2.1).
pub(super) const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];

/// What compressing this many bytes at this level costs, in units of work.
pub(super) fn price(level: u8, bytes: usize) -> u32 {
    let per_byte = prices::DEFLATE[usize::from(level.min(9))];
    u32::try_from(bytes).map_or(u32::MAX, |bytes| bytes.saturating_mul(per_byte))
}

/// Whether that is little enough for one step; what is longer goes out plain.
pub(super) fn is_affordable(level: u8, bytes: usize) -> bool {
    price(level, bytes) <= prices::DEFLATE_MOST
}

/// What a compressor holds, in bytes: zlib-rs with its tables, and four times the window.
pub(super) fn held_bytes(window: u8) -> usize {
    (249 << 10) + (4 << window.clamp(9, 15))
}

/// A raw deflate stream; `window` is 9 to 15.
pub(super) fn compressor(level: u8, window: u8) -> Compress {
    let level = Compression::new(level.min(9).into());
    Compress::new_with_window_bits(level, false, window.clamp(9, 15))
}

/// Appends the message without its tail if that is shorter than plain;
/// otherwise `false`, nothing appended, and the stream is only good for a reset.
pub(super) fn shorter(stream: &mut Compress, payload: &[u8], out: &mut Vec<u8>) -> bool {
    let start = out.len();
    let (was_in, was_out) = (stream.total_in(), stream.total_out());
    // One call: what does not fit here is not shorter. Room beyond the tail keeps
    // zlib from writing the flush marker twice.
    out.reserve(payload.len() + 16);
    let done = stream.compress_vec(payload, out, FlushCompress::Sync);
    let len = (stream.total_out() - was_out) as usize;
    let all_in = stream.total_in() - was_in == payload.len() as u64;
    let fits = done.is_ok() && all_in && len < payload.len() + TAIL.len();
    let tailed = fits && out.ends_with(&TAIL);
    out.truncate(if tailed {
        start + len - TAIL.len()
    } else {
        start
    });
    tailed
}

/// Appends the message without its tail, whatever its length; `false`, and
/// nothing appended, if zlib fails, after which the stream is to be dropped.
pub(super) fn always(stream: &mut Compress, payload: &[u8], out: &mut Vec<u8>) -> bool {
    let start = out.len();
    let mut rest = payload;
    loop {
        // The fixed codes spend at most nine bits a byte.
        out.reserve(rest.len() + rest.len() / 8 + 64);
        let was_in = stream.total_in();
        if stream.compress_vec(rest, out, FlushCompress::Sync).is_err() {
            out.truncate(start);
            return false;
        }
        rest = &rest[(stream.total_in() - was_in) as usize..];
        if rest.is_empty() && out.len() < out.capacity() {
            break;
        }
    }
    let tailed = out[start..].ends_with(&TAIL);
    out.truncate(if tailed {
        out.len() - TAIL.len()
    } else {
        start
    });
    tailed
}
