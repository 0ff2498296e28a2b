//! Somebody, and a session of theirs.

use super::super::witness::{Listener, Witness};
use crate::rooms::RoomId;
use crate::sim::Conversation;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};

/// Somebody.
pub(super) struct Person {
    pub(super) name: String,
    /// What only this one knows, if it is to have its name wherever it comes in.
    pub(super) secret: Option<String>,
    pub(super) visit: Option<Visit>,
    /// A session that was left behind, and nobody reads; and the life of its server.
    pub(super) left_behind: Option<(u32, Conversation)>,
    /// What it saw last of each room.
    pub(super) memories: HashMap<RoomId, Listener>,
    /// What it said, under which `ref`, and has no receipt for.
    pub(super) unsaid: Vec<(RoomId, String, String)>,
}

/// A session.
pub(super) struct Visit {
    /// Its number, of all that there were.
    pub(super) number: u32,
    /// The life of its server.
    pub(super) life: u32,
    pub(super) conversation: Conversation,
    /// Rooms that it is in.
    pub(super) rooms: BTreeMap<RoomId, Known>,
    /// Rooms that it asked to enter, and what it remembered of them.
    pub(super) asked: BTreeMap<RoomId, Option<Listener>>,
}

/// What somebody knows of a room.
pub(super) struct Known {
    /// How many are in.
    pub(super) members: u64,
    /// The ids of the messages that it was told when it came in.
    pub(super) past: Vec<u64>,
}

impl Person {
    pub(super) fn new(number: u64) -> Self {
        Self {
            name: format!("user{number}"),
            // Two of three.
            secret: (!number.is_multiple_of(3)).then(|| format!("a secret of user {number:04}")),
            visit: None,
            left_behind: None,
            memories: HashMap::new(),
            unsaid: Vec::new(),
        }
    }

    /// What its session saw is remembered, and the session over.
    pub(super) fn forget_visit(&mut self, witness: &mut Witness) {
        let Some(visit) = self.visit.take() else {
            return;
        };
        for room in visit.rooms.keys() {
            if let Some(listener) = witness.left((visit.number, 0), *room) {
                self.memories.insert(*room, listener);
            }
        }
        witness.died(visit.number);
        if self.secret.is_none() {
            // Without a secret a `ref` is one of its session.
            self.unsaid.clear();
        }
    }
}

impl Visit {
    pub(super) fn say(&self, what: &Value) {
        self.conversation.send(&*what.to_string());
    }
}
