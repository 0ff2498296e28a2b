//! What a room promises, as a model that knows no server: a list of what was said, and who is in.

use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Messages that a room of this world keeps.
pub(super) const HISTORY: usize = 25;
/// How long a message and a mark are kept, milliseconds.
const KEPT: u64 = 300_000;
/// Who has left so long ago is said to be gone; with the time between two looks of the server.
const PAUSE: u64 = 1300;

/// One message. Its id is its place in the log, counted from 1.
pub(super) struct Said {
    pub(super) sender: String,
    pub(super) text: String,
    at: u64,
}

/// What of the history somebody asks for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ask {
    Last(usize),
    Since(u64),
    /// A position of an order that is not the room's.
    Elsewhere,
}

/// What is to come back.
pub(super) struct Excerpt {
    pub(super) recovered: bool,
    pub(super) gap: Option<(u64, u64)>,
    pub(super) ids: Vec<u64>,
}

/// One room.
#[derive(Default)]
pub(super) struct Room {
    pub(super) id: String,
    pub(super) key: String,
    pub(super) epoch: String,
    pub(super) is_deleted: bool,
    pub(super) log: Vec<Said>,
    /// The newest id when its server started.
    pub(super) first_top: u64,
    /// Names, and the peers that have them.
    pub(super) members: BTreeMap<String, usize>,
    pub(super) followers: BTreeSet<usize>,
    /// Marks of somebody, with the id of the message and its time.
    pub(super) marks: HashMap<(String, String), (u64, u64)>,
    /// When a name came and went last.
    pub(super) came: HashMap<String, u64>,
    pub(super) went: HashMap<String, u64>,
}

impl Room {
    pub(super) fn top(&self) -> u64 {
        self.log.len() as u64
    }

    pub(super) fn say(&mut self, sender: &str, text: &str, at: u64) -> u64 {
        self.log.push(Said {
            sender: sender.to_owned(),
            text: text.to_owned(),
            at,
        });
        self.top()
    }

    /// The message that was sent under this mark less than five minutes ago.
    pub(super) fn marked(&self, of: &str, mark: &str, now: u64) -> Option<u64> {
        let (id, at) = self.marks.get(&(of.to_owned(), mark.to_owned()))?;
        (now < at + KEPT).then_some(*id)
    }

    pub(super) fn mark(&mut self, of: &str, mark: &str, id: u64, now: u64) {
        let key = (of.to_owned(), mark.to_owned());
        self.marks.insert(key, (id, now));
    }

    /// The oldest id that the history has now; one past the newest when it has none.
    fn first(&self, now: u64) -> u64 {
        let young = self.log.iter().position(|said| said.at + KEPT >= now);
        let by_age = young.unwrap_or(self.log.len());
        by_age.max(self.log.len().saturating_sub(HISTORY)) as u64 + 1
    }

    pub(super) fn excerpt(&self, ask: Ask, now: u64) -> Excerpt {
        let (first, top) = (self.first(now), self.top());
        match ask {
            Ask::Last(most) => Excerpt {
                recovered: true,
                gap: None,
                ids: (first.max((top + 1).saturating_sub(most as u64))..=top).collect(),
            },
            Ask::Since(id) => {
                let gap = Some((id + 1, first - 1)).filter(|(from, to)| from <= to);
                Excerpt {
                    recovered: gap.is_none(),
                    gap,
                    ids: (first.max(id + 1)..=top).collect(),
                }
            }
            Ask::Elsewhere => Excerpt {
                recovered: false,
                gap: None,
                ids: (first..=top).collect(),
            },
        }
    }

    /// A message as `dunlin.v1` writes it, without its date.
    pub(super) fn talk(&self, id: u64, mark: Option<&str>) -> Value {
        let said = &self.log[id as usize - 1];
        let mut talk = json!({
            "type": "TALK", "roomId": self.id, "sender": said.sender, "message": said.text, "id": id,
        });
        if let Some(mark) = mark {
            talk["ref"] = mark.into();
        }
        talk
    }

    /// The same in the plain format.
    pub(super) fn plain(&self, id: u64) -> Value {
        let said = &self.log[id as usize - 1];
        json!({
            "type": "TALK", "roomId": self.id, "sender": said.sender, "message": said.text,
        })
    }

    pub(super) fn entered(&self, name: &str, excerpt: &Excerpt) -> Value {
        let talks = excerpt.ids.iter().map(|id| self.talk(*id, None));
        json!({
            "type": "ENTERED", "roomId": self.id, "name": name, "epoch": self.epoch,
            "id": self.top(), "recovered": excerpt.recovered, "members": self.members.len(),
            "messages": talks.collect::<Vec<_>>(),
        })
    }

    pub(super) fn gap(&self, (from, to): (u64, u64)) -> Value {
        json!({"type": "GAP", "roomId": self.id, "from": from, "to": to})
    }

    /// How the plain format tells of who comes and goes.
    pub(super) fn sentence(&self, kind: &str, name: &str) -> Value {
        let verb = if kind == "ENTER" { "입장" } else { "퇴장" };
        let text = format!("{name}님이 {verb}했습니다.");
        json!({"type": kind, "roomId": self.id, "sender": name, "message": text})
    }

    /// Names of those who have left and may be back before that is told.
    pub(super) fn leaving(&self, now: u64) -> BTreeSet<String> {
        let recent = self.went.iter().filter(|(_, at)| **at + PAUSE > now);
        recent.map(|(name, _)| name.clone()).collect()
    }

    /// Its server has ended and begun again: nobody is in, and what it remembers has the age that it has by
    /// the clock on the wall, nearly none. The marks of this world are others from now on.
    pub(super) fn restart(&mut self) {
        self.first_top = self.top();
        self.members.clear();
        self.followers.clear();
        self.came.clear();
        self.went.clear();
        for said in &mut self.log {
            said.at = 0;
        }
        self.marks.clear();
    }

    pub(super) fn names(&self) -> BTreeSet<String> {
        self.members.keys().cloned().collect()
    }
}
