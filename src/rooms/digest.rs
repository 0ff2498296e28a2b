//! Secrets are kept as digests, and marks compared as such.

use super::engine::KeyDigest;
use sha1::{Digest, Sha1};

/// The key by which a room can be deleted: 256 random bits, written as 64 hexadecimal digits. It is told
/// once, and kept as a digest.
#[derive(Clone)]
pub struct RoomKey(pub(super) String);

impl RoomKey {
    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

pub(super) fn digest(parts: &[&[u8]]) -> KeyDigest {
    let mut hash = Sha1::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

pub(super) fn first_bytes<const N: usize>(digest: &KeyDigest) -> [u8; N] {
    std::array::from_fn(|at| digest[at])
}
