//! What was delivered while somebody comes in: its answer is older than that, and is completed by it.

use crate::rooms::RoomMessage;
use std::collections::VecDeque;
use std::rc::Rc;

/// Messages that are kept, and their bytes. Whoever would need more reads the history once more.
const MOST: usize = 4096;
const MOST_BYTES: usize = 4 << 20;

/// The newest messages of a room, without a gap.
#[derive(Debug, Default)]
pub(super) struct Recent {
    messages: VecDeque<Rc<RoomMessage>>,
    bytes: usize,
    /// The newest that was delivered in this time and is not kept any more.
    dropped: u64,
}

impl Recent {
    /// The next message is delivered.
    pub(super) fn push(&mut self, message: Rc<RoomMessage>) {
        self.bytes += message.held();
        self.messages.push_back(message);
        while (self.messages.len() > MOST || self.bytes > MOST_BYTES)
            && let Some(oldest) = self.messages.pop_front()
        {
            self.bytes -= oldest.held();
            self.dropped = oldest.id;
        }
    }

    /// What was behind this never was: another epoch has begun.
    pub(super) fn end_at(&mut self, id: u64) {
        while let Some(newest) = self.messages.pop_back_if(|newest| newest.id > id) {
            self.bytes -= newest.held();
        }
        self.dropped = self.dropped.min(id);
    }

    /// Whether all that was delivered behind this is kept.
    pub(super) fn reaches(&self, id: u64) -> bool {
        id >= self.dropped
    }

    /// What was delivered behind this.
    pub(super) fn behind(&self, id: u64) -> impl Iterator<Item = &Rc<RoomMessage>> {
        self.messages.iter().filter(move |message| message.id > id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(id: u64, length: usize) -> Rc<RoomMessage> {
        let text = "x".repeat(length).into_boxed_str();
        Rc::new(RoomMessage::new(id, 0, "ada".into(), Some(text)))
    }

    fn ids(recent: &Recent, behind: u64) -> Vec<u64> {
        recent.behind(behind).map(|message| message.id).collect()
    }

    #[test]
    fn so_many_are_kept_and_one_more_drops_the_oldest() {
        let mut recent = Recent::default();
        for id in 1..=MOST as u64 {
            recent.push(message(id, 1));
        }
        assert!(recent.reaches(0));
        assert_eq!(ids(&recent, 4094), [4095, 4096]);
        recent.push(message(4097, 1));
        assert!(!recent.reaches(0));
        assert!(recent.reaches(1));
        assert_eq!(ids(&recent, 1).len(), MOST);
    }

    #[test]
    fn so_many_bytes_are_kept_and_one_more_drops_the_oldest() {
        let rest = message(1, 0).held();
        let mut recent = Recent::default();
        recent.push(message(1, MOST_BYTES / 2 - rest));
        recent.push(message(2, MOST_BYTES / 2 - rest));
        assert!(recent.reaches(0));
        assert_eq!(ids(&recent, 0), [1, 2]);
        let mut recent = Recent::default();
        recent.push(message(1, MOST_BYTES / 2 - rest));
        recent.push(message(2, MOST_BYTES / 2 - rest + 1));
        assert!(!recent.reaches(0));
        assert_eq!(ids(&recent, 1), [2]);
        // One that is longer than all is not kept at all.
        recent.push(message(3, MOST_BYTES));
        assert!(!recent.reaches(2));
        assert!(recent.reaches(3));
        assert_eq!(recent.bytes, 0);
    }

    #[test]
    fn what_is_behind_the_end_of_an_epoch_is_gone() {
        let mut recent = Recent::default();
        for id in 1..=MOST as u64 + 10 {
            recent.push(message(id, 1));
        }
        recent.end_at(4100);
        assert_eq!(ids(&recent, 4098), [4099, 4100]);
        assert!(!recent.reaches(9));
        // All that is left of it was dropped: what comes next is kept anew.
        recent.end_at(5);
        assert_eq!(recent.bytes, 0);
        recent.push(message(6, 1));
        assert!(recent.reaches(5));
        assert_eq!(ids(&recent, 5), [6]);
    }
}
