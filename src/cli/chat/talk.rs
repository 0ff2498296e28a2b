//! Messages of a room, and how those that were told already are known again under another epoch.
//!
//! Within an epoch the id alone says what is new. A new epoch gives ids again that the server has lost: behind
//! such an id may stand another message, which is news, or the same one that its sender has sent again.

use serde_json::Value;
use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};

/// How many are known: twice as many as an answer of the server has.
const MOST: usize = 200;

/// A message of the room.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Talk {
    pub(super) sender: String,
    pub(super) text: String,
    pub(super) id: Option<u64>,
    pub(super) date: Option<u64>,
}

impl Talk {
    /// A message as `dunlin.v1` writes it; what is missing is empty.
    pub(super) fn read(message: &Value) -> Self {
        let word = |key: &str| message[key].as_str().unwrap_or_default().to_owned();
        Self {
            sender: word("sender"),
            text: word("message"),
            id: message["id"].as_u64(),
            date: message["date"].as_u64(),
        }
    }
}

struct Known {
    id: u64,
    date: Option<u64>,
    /// Of sender and text, which may be long.
    digest: u64,
    /// The server has lost it: its id is given again.
    is_lost: bool,
}

/// The newest messages that were told, the newest last.
#[derive(Default)]
pub(super) struct KnownMessages {
    list: VecDeque<Known>,
    hasher: RandomState,
}

impl KnownMessages {
    /// This one is told.
    pub(super) fn note(&mut self, talk: &Talk) {
        let Some(id) = talk.id else {
            return;
        };
        if self.list.len() == MOST {
            self.list.pop_front();
        }
        self.list.push_back(Known {
            id,
            date: talk.date,
            digest: self.digest(talk),
            is_lost: false,
        });
    }

    /// A new epoch began: the server has lost what it told behind this id.
    pub(super) fn lose_behind(&mut self, id: u64) {
        for known in &mut self.list {
            known.is_lost |= known.id > id;
        }
    }

    /// Whether this is a message that was told: one that the server had lost and has again in its place, or,
    /// in the history of another epoch, one with the same date.
    pub(super) fn recall(&mut self, talk: &Talk, is_of_another_epoch: bool) -> bool {
        let digest = self.digest(talk);
        let known = self.list.iter_mut().find(|known| {
            let has_same_date = known.date.is_some() && known.date == talk.date;
            Some(known.id) == talk.id
                && known.digest == digest
                && (known.is_lost || (is_of_another_epoch && has_same_date))
        });
        let is_known = known.is_some();
        if let Some(known) = known {
            (known.date, known.is_lost) = (talk.date, false);
        }
        is_known
    }

    fn digest(&self, talk: &Talk) -> u64 {
        self.hasher.hash_one((&talk.sender, &talk.text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn talk(id: u64, text: &str, date: u64) -> Talk {
        Talk {
            sender: "a".to_owned(),
            text: text.to_owned(),
            id: Some(id),
            date: Some(date),
        }
    }

    #[test]
    fn only_what_was_lost_is_known_again_within_a_conversation() {
        let mut known = KnownMessages::default();
        for id in 1..=3 {
            known.note(&talk(id, "m", id));
        }
        known.lose_behind(2);
        assert!(!known.recall(&talk(2, "m", 9), false), "it was not lost");
        assert!(!known.recall(&talk(3, "n", 3), false), "another text");
        assert!(!known.recall(&talk(4, "m", 3), false), "another place");
        assert!(known.recall(&talk(3, "m", 9), false));
        assert!(!known.recall(&talk(3, "m", 9), false), "it is there again");
    }

    #[test]
    fn in_a_history_the_date_tells_a_message_from_one_of_another_time() {
        let mut known = KnownMessages::default();
        known.note(&talk(1, "m", 5));
        assert!(known.recall(&talk(1, "m", 5), true));
        assert!(!known.recall(&talk(1, "m", 6), true));
        assert!(!known.recall(&talk(1, "m", 5), false));
    }

    #[test]
    fn it_is_bounded_and_forgets_the_oldest() {
        let mut known = KnownMessages::default();
        for id in 0..1000 {
            known.note(&talk(id, "m", id));
        }
        assert_eq!(known.list.len(), MOST);
        known.lose_behind(0);
        assert!(!known.recall(&talk(1, "m", 1), false));
        assert!(known.recall(&talk(999, "m", 1), false));
    }
}
