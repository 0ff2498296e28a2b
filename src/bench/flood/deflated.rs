//! Deflate streams that cost the one who inflates them more than the one who sends them.
//!
//! Each is the payload of one message, without the four bytes that RFC 7692 §7.2.1 takes off its end.

use super::deflate_stream::Bits;

/// The head of the stored block whose length is the tail (RFC 7692 §7.2.3.4).
const HEAD_OF_TAIL: u8 = 0x00;

/// About `length` bytes of blocks that hold nothing and each claim to be the last one.
pub fn final_blocks(length: usize) -> Vec<u8> {
    let mut bytes = [0x03, 0x00].repeat(length / 2);
    bytes.push(HEAD_OF_TAIL);
    bytes
}

/// About `length` bytes of stored blocks that hold nothing.
pub fn stored_blocks(length: usize) -> Vec<u8> {
    let mut bytes = [0x00, 0x00, 0x00, 0xff, 0xff].repeat(length / 5);
    bytes.push(HEAD_OF_TAIL);
    bytes
}

/// About `length` bytes of blocks that bring Huffman tables of their own, and nothing that is coded with them.
pub fn tables(length: usize) -> Vec<u8> {
    let mut bits = Bits::default();
    // RFC 1951 §3.2.7. One code for the end of the block, and no distance codes.
    const LENGTHS_OF_CODE_LENGTHS: [u32; 18] =
        [0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2];
    while bits.bytes.len() < length {
        bits.put(0b100, 3);
        bits.put(0, 5);
        bits.put(0, 5);
        bits.put(14, 4);
        for value in LENGTHS_OF_CODE_LENGTHS {
            bits.put(value, 3);
        }
        // 138 and 118 lengths of zero, length 1 for symbol 256, and none for the one distance code.
        for zeros in [138, 118] {
            bits.put(0b0, 1);
            bits.put(zeros - 11, 7);
        }
        bits.put(0b11, 2);
        bits.put(0b01, 2);
        // The end of the block.
        bits.put(0b0, 1);
    }
    // An empty stored block brings the stream back to a whole byte; its length is the tail.
    bits.put(0, 3);
    bits.bytes
}
