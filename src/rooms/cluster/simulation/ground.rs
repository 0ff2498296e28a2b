//! What the worlds of the simulation have in common.

use crate::config::RoomLimits;
use rand::RngExt;
use rand::rngs::StdRng;

/// Milliseconds since 1970 when a run begins.
pub(super) const EPOCH: u64 = 1_800_000_000_000;
pub(super) const NODES: usize = 3;

pub(super) fn limits() -> RoomLimits {
    RoomLimits {
        history_messages: 40,
        message_rate: None,
        join_rate: None,
        ..RoomLimits::default()
    }
}

/// Whether something that happens once in so many times does.
pub(super) fn chance(random: &mut StdRng, one_in: u64) -> bool {
    random.random_range(0..one_in) == 0
}

/// How long bytes take.
pub(super) fn delay(random: &mut StdRng) -> u64 {
    if chance(random, 30) {
        random.random_range(0..1_500)
    } else {
        random.random_range(0..5)
    }
}
