//! The encoder of level 1: a whole message to one block of fixed Huffman codes
//! (RFC 1951 §3.2.6), in one pass.
//!
//! It is here because zlib forgets a message by clearing 128 KiB of hash heads,
//! 3.9 µs, where the 512 bytes of a chat message take 0.35 µs to compress. This
//! table is never cleared: an entry counts only when it is not older than the
//! message. Matches point into the message itself, so there is no window to
//! fill or slide, and the output depends on nothing but the message and the
//! window size. It must never look back further than the agreed window.

/// log2 of the table's entries: 16 KiB of `u32`, which stay in the first-level cache.
const TABLE_BITS: u32 = 12;
/// The longest match that a length code can say (RFC 1951 §3.2.5).
const MAX_MATCH: usize = 258;
/// A match is worth its codes from four bytes: 25 bits at the furthest, against 32 of literals.
const MIN_MATCH: usize = 4;
/// A message that did not shrink within its first so many bytes is given up.
const TRIAL: usize = 16 * 1024;

/// Code bits in sending order (low bit first), and how many.
type Code = (u16, u8);

const fn reversed(code: u16, bits: u8) -> Code {
    (code.reverse_bits() >> (16 - bits), bits)
}

const LITERALS: [Code; 256] = {
    let mut codes = [(0, 0); 256];
    let mut byte = 0;
    while byte < 256 {
        codes[byte] = match byte {
            0..144 => reversed(0x30 + byte as u16, 8),
            _ => reversed(0x190 + byte as u16 - 144, 9),
        };
        byte += 1;
    }
    codes
};

/// The code of each length from 3 to 258, its extra bits behind it.
const LENGTHS: [Code; 256] = {
    let mut codes = [(0, 0); 256];
    let mut over = 0u16;
    while over < 256 {
        let (symbol, extra) = match over {
            0..8 => (257 + over, 0),
            255 => (285, 0),
            _ => {
                let log = over.ilog2() as u16;
                (257 + 4 * (log - 1) + (over >> (log - 2) & 3), log - 2)
            }
        };
        let (code, bits) = match symbol {
            257..280 => reversed(symbol - 256, 7),
            _ => reversed(0xC0 + symbol - 280, 8),
        };
        let rest = over & ((1 << extra) - 1);
        codes[over as usize] = (code | rest << bits, bits + extra as u8);
        over += 1;
    }
    codes
};

/// The bits of a distance from 1 to 32 768: five of code, then up to 13 extra.
fn distance_code(distance: u32) -> (u32, u32) {
    let over = distance - 1;
    let (symbol, extra) = match over {
        0..4 => (over, 0),
        _ => {
            let log = over.ilog2();
            (2 * log + (over >> (log - 1) & 1), log - 1)
        }
    };
    let code = symbol.reverse_bits() >> 27;
    let rest = over & ((1 << extra) - 1);
    (code | rest << 5, 5 + extra)
}

/// Writes bits into a slice that was made long enough.
struct BitWriter<'o> {
    to: &'o mut [u8],
    at: usize,
    bits: u64,
    held: u32,
}

impl BitWriter<'_> {
    /// Adds up to 31 bits; `false` when the slice is full.
    #[inline]
    fn put(&mut self, bits: u32, count: u32) -> bool {
        self.bits |= u64::from(bits) << self.held;
        self.held += count;
        if self.held < 32 {
            return true;
        }
        let Some(place) = self.to.get_mut(self.at..self.at + 4) else {
            return false;
        };
        place.copy_from_slice(&(self.bits as u32).to_le_bytes());
        self.at += 4;
        self.bits >>= 32;
        self.held -= 32;
        true
    }

    /// Pads to a byte; the length of everything, or `None` when the slice is full.
    fn finish(mut self) -> Option<usize> {
        let count = self.held.div_ceil(8) as usize;
        let place = self.to.get_mut(self.at..self.at + count)?;
        place.copy_from_slice(&self.bits.to_le_bytes()[..count]);
        self.at += count;
        Some(self.at)
    }
}

/// The encoder: a table of where each hash of four bytes was seen last.
#[derive(Debug)]
pub(super) struct Quick {
    /// `base` of its message plus the position there; empty until first used.
    table: Vec<u32>,
    /// Entries below this belong to earlier messages.
    base: u32,
}

impl Quick {
    pub(super) const fn new() -> Self {
        Self {
            table: Vec::new(),
            base: 1,
        }
    }

    /// Appends the message, compressed and without the `00 00 ff ff` at its end
    /// (RFC 7692 §7.2.1); `false`, and nothing appended, when that is not shorter.
    pub(super) fn encode(&mut self, payload: &[u8], window: u8, out: &mut Vec<u8>) -> bool {
        let Some(base) = self.start(payload.len()) else {
            return false;
        };
        let start = out.len();
        out.resize(start + payload.len(), 0);
        let writer = BitWriter {
            to: &mut out[start..],
            at: 0,
            bits: 0,
            held: 0,
        };
        let len = self.block(payload, 1 << window, base, writer);
        let shorter = len.filter(|&len| len < payload.len());
        out.truncate(start + shorter.unwrap_or(0));
        shorter.is_some()
    }

    /// Makes earlier entries old; `None` for a message too long for the table's positions.
    fn start(&mut self, len: usize) -> Option<u32> {
        let len = u32::try_from(len).ok().filter(|&len| len < u32::MAX / 2)?;
        if self.table.is_empty() || self.base.checked_add(len).is_none() {
            self.table.clear();
            self.table.resize(1 << TABLE_BITS, 0);
            self.base = 1;
        }
        let base = self.base;
        self.base += len;
        Some(base)
    }

    fn block(
        &mut self,
        payload: &[u8],
        window: u32,
        base: u32,
        mut writer: BitWriter<'_>,
    ) -> Option<usize> {
        let table = self
            .table
            .as_mut_slice()
            .first_chunk_mut::<{ 1 << TABLE_BITS }>()?;
        // BFINAL 0, BTYPE 01.
        writer.put(0b010, 3);
        let mut at = 0;
        while let Some(word) = word_at(payload, at) {
            if at >= TRIAL && writer.at >= at {
                return None;
            }
            let slot = (word.wrapping_mul(0x9E37_79B1) >> (32 - TABLE_BITS)) as usize;
            let here = base + at as u32;
            let seen = std::mem::replace(&mut table[slot], here);
            if seen >= base && here - seen <= window {
                let from = (seen - base) as usize;
                if word_at(payload, from) == Some(word) {
                    let len = match_length(payload, from, at);
                    put_match(&mut writer, len, here - seen)?;
                    at += len;
                    continue;
                }
            }
            put_literal(&mut writer, payload[at])?;
            at += 1;
        }
        for &byte in &payload[at..] {
            put_literal(&mut writer, byte)?;
        }
        // End of block, then the three header bits of the empty stored block
        // whose `00 00 ff ff` does not go over the wire.
        writer.put(0, 7 + 3).then_some(())?;
        writer.finish()
    }
}

#[inline]
fn word_at(payload: &[u8], at: usize) -> Option<u32> {
    let bytes = payload.get(at..)?.first_chunk()?;
    Some(u32::from_le_bytes(*bytes))
}

/// How far the bytes at `from` and at `at` are the same; the first four are known to be.
#[inline]
fn match_length(payload: &[u8], from: usize, at: usize) -> usize {
    let longest = MAX_MATCH.min(payload.len() - at);
    let later = &payload[at..at + longest];
    let earlier = &payload[from..from + longest];
    let mut len = MIN_MATCH;
    while let (Some(a), Some(b)) = (
        earlier[len..].first_chunk::<8>(),
        later[len..].first_chunk::<8>(),
    ) {
        let differing = u64::from_le_bytes(*a) ^ u64::from_le_bytes(*b);
        if differing != 0 {
            return len + (differing.trailing_zeros() / 8) as usize;
        }
        len += 8;
    }
    while len < longest && earlier[len] == later[len] {
        len += 1;
    }
    len
}

#[inline]
fn put_literal(writer: &mut BitWriter<'_>, byte: u8) -> Option<()> {
    let (bits, count) = LITERALS[usize::from(byte)];
    writer.put(bits.into(), count.into()).then_some(())
}

#[inline]
fn put_match(writer: &mut BitWriter<'_>, len: usize, distance: u32) -> Option<()> {
    let (bits, count) = LENGTHS[len - 3];
    let (far, far_count) = distance_code(distance);
    let count = u32::from(count);
    writer
        .put(u32::from(bits) | far << count, count + far_count)
        .then_some(())
}
