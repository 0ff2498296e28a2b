//! Masking and unmasking of payloads (RFC 6455 §5.3), eight bytes at a step.
//!
//! The loop over whole words is left plain so that the compiler vectorises it;
//! nothing here may depend on how the payload is aligned.

/// XORs `payload` with the mask key; `phase` is how many bytes of the frame's
/// payload came before this slice. Masking and unmasking are the same.
#[inline]
pub fn apply_mask(payload: &mut [u8], mut key: [u8; 4], phase: usize) {
    key.rotate_left(phase % 4);
    let short = u32::from_ne_bytes(key);
    let long = u64::from(short) << 32 | u64::from(short);
    let (words, tail) = payload.as_chunks_mut::<8>();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ long).to_ne_bytes();
    }
    let (half, tail) = tail.as_chunks_mut::<4>();
    for word in half {
        *word = (u32::from_ne_bytes(*word) ^ short).to_ne_bytes();
    }
    for (byte, key) in tail.iter_mut().zip(key) {
        *byte ^= key;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

    fn byte_by_byte(payload: &mut [u8], phase: usize) {
        for (at, byte) in payload.iter_mut().enumerate() {
            *byte ^= KEY[(phase + at) % 4];
        }
    }

    #[test]
    fn the_example_of_the_rfc_is_unmasked() {
        // RFC 6455 §5.7: a single-frame masked text message.
        let mut payload = [0x7f, 0x9f, 0x4d, 0x51, 0x58];
        apply_mask(&mut payload, KEY, 0);
        assert_eq!(&payload, b"Hello");
    }

    #[test]
    fn every_length_and_phase_agrees_with_the_definition() {
        for len in 0..70 {
            for phase in 0..9 {
                let mut payload: Vec<u8> = (0..len).collect();
                let mut expected = payload.clone();
                apply_mask(&mut payload, KEY, phase);
                byte_by_byte(&mut expected, phase);
                assert_eq!(payload, expected, "length {len}, phase {phase}");
            }
        }
    }

    #[test]
    fn a_payload_unmasked_in_pieces_equals_the_whole() {
        let mut whole: Vec<u8> = (0..100).collect();
        let original = whole.clone();
        apply_mask(&mut whole, KEY, 0);
        for cut in 0..=100 {
            let mut pieces = original.clone();
            let (left, right) = pieces.split_at_mut(cut);
            apply_mask(left, KEY, 0);
            apply_mask(right, KEY, cut);
            assert_eq!(pieces, whole, "cut at {cut}");
        }
    }
}
