//! Rounds over those who have something to be read.

use super::ready::List;

/// A round over a list of the quiet or of the new: what is left of it, and what each may spend.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Round {
    pub(super) left: usize,
    pub(super) share: u32,
}

/// The lists that share a turn's reading, in the order in which they are served.
pub(super) const LISTS: [List; 4] = [List::Quiet, List::New, List::Busy, List::Ending];

/// What is remembered of them from turn to turn.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rounds {
    pub(super) quiet: Round,
    pub(super) new: Round,
    /// Which of [`LISTS`] got nothing in the last turn, though somebody waited.
    pub(super) starved: [bool; LISTS.len()],
}

impl Rounds {
    /// The round over this list, if its shares are those of rounds.
    pub(super) fn over(&mut self, list: List) -> Option<&mut Round> {
        match list {
            List::Quiet => Some(&mut self.quiet),
            List::New => Some(&mut self.new),
            List::Busy | List::Ending | List::Handshakes | List::First => None,
        }
    }
}
