//! Which run of the machine this is.

use crate::rooms::RoomId;

/// What tells one run of the machine from another; `None` where nothing does.
pub(super) fn boot_id() -> Option<[u8; 16]> {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let id: RoomId = text.trim().parse().ok()?;
    Some(id.bits().to_le_bytes())
}
