//! People: they come, talk, go, lose their line, and come back by another server.

use super::super::witness::Listener;
use super::person::Visit;
use super::world::World;
use crate::rooms::RoomId;
use rand::RngExt;
use serde_json::json;
use std::collections::BTreeMap;

impl World {
    /// Somebody does something.
    pub(super) fn act(&mut self, who: usize) {
        let room = self.rooms[self.random.random_range(0..self.rooms.len())];
        let Some(visit) = &self.people[who].visit else {
            if self.random.random_range(0..15) == 0 {
                self.come(who);
            }
            return;
        };
        if !visit.conversation.is_open() || visit.asked.contains_key(&room) {
            return;
        }
        let is_in = visit.rooms.contains_key(&room);
        match self.random.random_range(0..60) {
            0..20 if !is_in => self.enter(who, room),
            0..20 => self.talk(who, room),
            20..22 if is_in => self.leave(who, room),
            22 => self.go(who),
            23 => self.leave_behind(who),
            24..26 => self.say_again(who),
            _ => {}
        }
    }

    fn come(&mut self, who: usize) {
        let at = self.random.random_range(0..self.hubs.len());
        let Some(hub) = &self.hubs[at] else {
            return;
        };
        self.visits += 1;
        self.people[who].visit = Some(Visit {
            number: self.visits,
            life: hub.life,
            conversation: hub.open(),
            rooms: BTreeMap::new(),
            asked: BTreeMap::new(),
        });
    }

    fn enter(&mut self, who: usize, room: RoomId) {
        let person = &mut self.people[who];
        let Some(visit) = &mut person.visit else {
            return;
        };
        let memory = person.memories.get(&room).cloned();
        let mut enter = json!({"type": "ENTER", "roomId": room, "sender": person.name});
        if let Some(secret) = &person.secret {
            enter["client"] = json!(secret);
        }
        match &memory {
            Some(Listener { at, .. }) => {
                enter["since"] = json!({"epoch": at.epoch, "id": at.id});
            }
            None => enter["last"] = json!(5),
        }
        visit.say(&enter);
        visit.asked.insert(room, memory);
    }

    fn talk(&mut self, who: usize, room: RoomId) {
        self.texts += 1;
        let (text, mark) = (format!("text {}", self.texts), self.texts.to_string());
        let person = &mut self.people[who];
        if let Some(visit) = &person.visit {
            let talk = json!({"type": "TALK", "roomId": room, "message": text, "ref": mark});
            visit.say(&talk);
            person.unsaid.push((room, text, mark));
        }
    }

    /// What has no receipt is said once more.
    pub(super) fn say_again(&mut self, who: usize) {
        let person = &self.people[who];
        let Some(visit) = &person.visit else {
            return;
        };
        for (room, text, mark) in &person.unsaid {
            if visit.rooms.contains_key(room) {
                visit.say(&json!({"type": "TALK", "roomId": room, "message": text, "ref": mark}));
            }
        }
    }

    fn leave(&mut self, who: usize, room: RoomId) {
        let person = &mut self.people[who];
        let Some(visit) = &mut person.visit else {
            return;
        };
        visit.say(&json!({"type": "LEAVE", "roomId": room}));
        visit.rooms.remove(&room);
        if let Some(listener) = self.witness.left((visit.number, 0), room) {
            person.memories.insert(room, listener);
        }
    }

    /// Its line breaks, or it closes.
    fn go(&mut self, who: usize) {
        if let Some(visit) = &self.people[who].visit {
            if self.random.random() {
                visit.conversation.cut();
            } else {
                visit.conversation.close(1001, "");
            }
        }
        self.people[who].forget_visit(&mut self.witness);
    }

    /// It begins anew, and what was before nobody ends.
    fn leave_behind(&mut self, who: usize) {
        let person = &mut self.people[who];
        let Some(visit) = &person.visit else {
            return;
        };
        visit.conversation.stall();
        let left_behind = (visit.life, visit.conversation.clone());
        person.forget_visit(&mut self.witness);
        if let Some((_, before)) = self.people[who].left_behind.replace(left_behind) {
            before.cut();
        }
        self.come(who);
    }

    /// Sessions that were left behind break at last.
    pub(super) fn end_left_behind(&mut self) {
        for person in &mut self.people {
            if let Some((life, conversation)) = person.left_behind.take()
                && self.hubs.iter().flatten().any(|hub| hub.life == life)
            {
                conversation.cut();
            }
        }
    }
}
