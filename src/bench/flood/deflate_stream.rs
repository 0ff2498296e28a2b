//! Deflate streams as peers may send them: what zlib makes, and what is put together bit by bit.

use flate2::{Compress, Compression, FlushCompress};

/// What ends a message before RFC 7692 §7.2.1 takes it off.
const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];

/// `plain` compressed as well as zlib can, without the tail: the payload of one message.
///
/// # Panics
/// When zlib does not do what it promises.
pub fn message(plain: &[u8]) -> Vec<u8> {
    let mut compress = Compress::new(Compression::best(), false);
    let mut out = Vec::with_capacity(plain.len() + 1024);
    compress
        .compress_vec(plain, &mut out, FlushCompress::Sync)
        .expect("zlib compresses anything");
    assert_eq!(compress.total_in(), plain.len() as u64, "room for all");
    assert!(
        out.ends_with(&TAIL),
        "a sync flush ends with an empty block"
    );
    out.truncate(out.len() - TAIL.len());
    out
}

/// Bits, the lowest of each byte first.
#[derive(Default)]
pub struct Bits {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// How many bits there are; the rest of the last byte is zeros.
    pub len: usize,
}

impl Bits {
    /// Appends the lowest `count` bits of `value`, the least significant first.
    pub fn put(&mut self, value: u32, count: usize) {
        for at in 0..count {
            if self.len.is_multiple_of(8) {
                self.bytes.push(0);
            }
            let bit = (value >> at & 1) as u8;
            self.bytes[self.len / 8] |= bit << (self.len % 8);
            self.len += 1;
        }
    }
}
