//! What peers send: frames, and texts of several kinds.

use dunlin::wire::frame::{OpCode, Reserved, write_frame};

/// A mask that changes nothing, so that what was unmasked in place can be given again; it costs as
/// much as any other.
const MASK: [u8; 4] = [0; 4];

/// A masked frame; `first` is its first byte.
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_frame(
        &mut bytes,
        true,
        OpCode::Text,
        Reserved::NONE,
        payload,
        Some(MASK),
    );
    bytes[0] = first;
    bytes
}

/// Letters.
pub(crate) fn letters(len: usize) -> Vec<u8> {
    (0..len).map(|at| b'a' + (at % 26) as u8).collect()
}

/// The worst text to check: a word of one, two, three and four bytes a letter, again and again.
pub(crate) fn mixed(len: usize) -> Vec<u8> {
    let mut text = "aé€😀".repeat(len / 10).into_bytes();
    text.resize(len, b'a');
    text
}

/// Messages of a chat as JSON.
pub(crate) fn json(len: usize) -> Vec<u8> {
    let mut text = String::new();
    let mut number = 0;
    while text.len() < len {
        let user = number * 7919 % 97;
        text += &format!(
            r#"{{"type":"TALK","sender":"user{user}","message":"hello {}"}}"#,
            number * 31
        );
        number += 1;
    }
    text.truncate(len);
    text.into_bytes()
}

/// Letters out of an alphabet of `kinds`, by chance: with few of them every place looks like many before.
pub(crate) fn chance(len: usize, kinds: u32) -> Vec<u8> {
    let mut state = 1u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) % kinds
    };
    (0..len)
        .map(|_| {
            let value = next() as u8;
            if kinds <= 26 { b'a' + value } else { value }
        })
        .collect()
}

/// Runs of one letter that a chance letter ends after `run` bytes: long chains of long matches.
pub(crate) fn runs(len: usize, run: usize) -> Vec<u8> {
    let ends = chance(len / run + 1, 26);
    (0..len)
        .map(|at| {
            if at % run == run - 1 {
                ends[at / run]
            } else {
                b'a'
            }
        })
        .collect()
}
