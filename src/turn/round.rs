//! A round over those who have something to be read.

/// A round over the list of the quiet: what is left of it, and what each may spend.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Round {
    pub(super) left: usize,
    pub(super) share: u32,
    /// Whether the quiet, the busy and the ending got nothing in the last turn, though somebody waited.
    pub(super) starved: [bool; 3],
}
