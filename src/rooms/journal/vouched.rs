//! How far a journal stands in for the ids of a room.

/// How far the ids of a room are vouched for.
#[derive(Debug, Default)]
pub(in crate::rooms) struct Vouched {
    /// What is written, or would be lost together with the room or its epoch.
    pub(super) sure: u64,
    /// What was asked for, and the place of that record among all bytes.
    pub(super) asked: u64,
    pub(super) asked_at: u64,
    /// How many are asked for at a time.
    pub(super) ahead: u64,
    /// A message was not kept: the room is to be written as it is.
    pub(super) is_lossy: bool,
}

impl Vouched {
    /// From this id on, for what is not on disk yet: with it, its ids would be lost as well.
    pub(super) fn upto(next: u64, ahead: u64) -> Self {
        let asked = next + ahead;
        Self {
            sure: asked,
            asked,
            ahead,
            ..Self::default()
        }
    }
}
