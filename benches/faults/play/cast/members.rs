//! A room of the ready applications: every message has an id, one more than the one before, and whoever
//! says something is told its id, once.

use super::{Player, is_alive};
use dunlin::Method;
use dunlin::testing::{Conversation, Line, Received, Sim};
use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::Value;
use std::collections::BTreeSet;

/// A room with history.
pub(crate) struct Den {
    id: String,
    key: String,
}

impl Den {
    pub(crate) fn new(sim: &Sim) -> Self {
        let made = sim.request(Method::Post, "/chat?name=den").send();
        let id = made.json::<Value>()["roomId"].clone();
        Self {
            id: id.as_str().expect("an id").to_owned(),
            key: made.field("room-key").expect("a key").to_owned(),
        }
    }

    /// The room is gone.
    pub(crate) fn delete(&self, sim: &Sim) {
        let request = sim.request(Method::Delete, &format!("/chat/{}", self.id));
        let answer = request.header("Room-Key", &self.key).send();
        assert_eq!(answer.status().code(), 204, "{}", answer.text());
    }
}

pub(super) struct Member {
    conversation: Conversation,
    name: String,
    room: String,
    has_asked: bool,
    /// The id that must come next, once it is in the room.
    next: Option<u64>,
    /// Marks of what it has said and that nobody has confirmed.
    unconfirmed: BTreeSet<String>,
    said: u64,
    is_closed: bool,
    checked: u64,
}

impl Member {
    pub(super) fn new(line: &Line, number: u64, den: Option<&Den>) -> Self {
        let fields = [("Sec-WebSocket-Protocol", "dunlin.v1")];
        Self {
            conversation: line.upgrade("/ws/chat", &fields),
            name: format!("member{number}"),
            room: den.map(|den| den.id.clone()).unwrap_or_default(),
            has_asked: false,
            next: None,
            unconfirmed: BTreeSet::new(),
            said: 0,
            is_closed: false,
            checked: 0,
        }
    }

    fn heard(&mut self, told: &Value) {
        match told["type"].as_str() {
            Some("ENTERED") => {
                self.next = Some(told["id"].as_u64().expect("an id") + 1);
            }
            Some("TALK") => {
                let id = told["id"].as_u64();
                assert_eq!(id, self.next, "an id is missing, or came twice: {told}");
                self.next = id.map(|id| id + 1);
                if let Some(mark) = told["ref"].as_str() {
                    let was_waiting = self.unconfirmed.remove(mark);
                    assert!(was_waiting, "the receipt of {mark} came twice");
                }
                self.checked += 1;
            }
            Some("GAP") => self.next = told["to"].as_u64().map(|to| to + 1),
            Some("ERROR") => {
                if let Some(mark) = told["ref"].as_str() {
                    self.unconfirmed.remove(mark);
                }
            }
            _ => {}
        }
    }
}

impl Player for Member {
    fn line(&self) -> &Line {
        &self.conversation
    }

    fn act(&mut self, random: &mut StdRng) {
        if !self.conversation.is_open() {
            return;
        }
        let (room, name) = (&self.room, &self.name);
        if !std::mem::replace(&mut self.has_asked, true) {
            self.conversation.send(format!(
                r#"{{"type":"ENTER","roomId":"{room}","sender":"{name}"}}"#
            ));
        } else if self.next.is_some() && random.random_ratio(1, 3) {
            self.said += 1;
            let mark = format!("m{}", self.said);
            self.conversation.send(format!(
                r#"{{"type":"TALK","roomId":"{room}","message":"hi","ref":"{mark}"}}"#
            ));
            self.unconfirmed.insert(mark);
        }
    }

    fn look(&mut self) {
        for received in self.conversation.arrived() {
            match received {
                Received::Text(text) => {
                    let told: Value = serde_json::from_str(&text).expect("JSON");
                    self.heard(&told);
                }
                Received::Close { .. } => self.is_closed = true,
                _ => {}
            }
        }
    }

    fn settled(&mut self) {
        if self.next.is_some() && !self.is_closed && is_alive(self.line()) {
            let left = &self.unconfirmed;
            assert!(left.is_empty(), "nobody has confirmed {left:?}");
        }
    }

    fn checked(&self) -> u64 {
        self.checked
    }
}
