//! What people are told, held against what must be true.

use super::person::Known;
use super::world::World;
use crate::rooms::{Excerpt, Position, RoomId, RoomMessage};
use crate::sim::Received;
use serde_json::Value;
use std::rc::Rc;

/// A part of what was told, as this.
fn part<T: std::str::FromStr>(told: &Value, name: &str) -> Result<T, String> {
    let text = match &told[name] {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let read = text.and_then(|text| text.parse().ok());
    read.ok_or_else(|| format!("no {name} in {told}"))
}

fn message(told: &Value) -> Result<Rc<RoomMessage>, String> {
    let text: String = part(told, "message")?;
    let sender: String = part(told, "sender")?;
    Ok(Rc::new(RoomMessage::new(
        part(told, "id")?,
        part(told, "date")?,
        sender.into(),
        Some(text.into()),
    )))
}

fn excerpt(told: &Value) -> Result<Excerpt, String> {
    let messages = told["messages"].as_array();
    let messages = messages.ok_or_else(|| format!("no messages in {told}"))?;
    Ok(Excerpt {
        epoch: part(told, "epoch")?,
        top: part(told, "id")?,
        recovered: told["recovered"] == true,
        gaps: Vec::new(),
        messages: messages.iter().map(message).collect::<Result<_, _>>()?,
    })
}

impl World {
    /// Somebody hears what has arrived.
    pub(super) fn hear(&mut self, who: usize) -> Result<(), String> {
        let Some(visit) = &self.people[who].visit else {
            return Ok(());
        };
        let is_there = self.hubs.iter().flatten().any(|hub| hub.life == visit.life);
        if !is_there {
            self.people[who].forget_visit(&mut self.witness);
            return Ok(());
        }
        let number = visit.number;
        for received in visit.conversation.arrived() {
            match received {
                Received::Text(text) => {
                    if self.traces {
                        println!("{:>6} session {number} hears {text}", self.now);
                    }
                    let told = serde_json::from_str(&text).map_err(|error| error.to_string())?;
                    self.told(who, number, &told)
                        .map_err(|problem| format!("session {number}: {problem}"))?;
                }
                Received::Close { code, reason } => {
                    return Err(format!("session {number} was closed: {code} {reason}"));
                }
                other => return Err(format!("session {number} was told {other:?}")),
            }
        }
        Ok(())
    }

    fn told(&mut self, who: usize, number: u32, told: &Value) -> Result<(), String> {
        let person = &mut self.people[who];
        let Some(visit) = &mut person.visit else {
            return Ok(());
        };
        let kind: String = part(told, "type")?;
        let room: RoomId = part(told, "roomId")?;
        match &*kind {
            "ENTERED" => {
                let excerpt = excerpt(told)?;
                let Some(memory) = visit.asked.remove(&room) else {
                    return Err(format!("it asked for nothing: {told}"));
                };
                let known = Known {
                    members: part(told, "members")?,
                    past: excerpt.messages.iter().map(|message| message.id).collect(),
                };
                visit.rooms.insert(room, known);
                let since = memory.as_ref().map(|memory| memory.at);
                self.witness.entered((number, 0), room, since, &excerpt)?;
                if let Some(memory) = memory {
                    let (recovered, seen) = (excerpt.recovered, &mut self.seen);
                    self.fate.check_resumed(room, &memory, recovered, seen)?;
                }
                self.say_again(who);
            }
            "ERROR" => self.refused(who, room, told)?,
            _ => return self.told_inside(who, number, room, told),
        }
        Ok(())
    }

    fn told_inside(
        &mut self,
        who: usize,
        number: u32,
        room: RoomId,
        told: &Value,
    ) -> Result<(), String> {
        let person = &mut self.people[who];
        let known = person
            .visit
            .as_mut()
            .and_then(|visit| visit.rooms.get_mut(&room));
        let listener = self.witness.listeners.get(&((number, 0), room));
        let (Some(known), Some(listener)) = (known, listener) else {
            // It has left meanwhile.
            return Ok(());
        };
        let Position { epoch, id } = listener.at;
        match &*part::<String>(told, "type")? {
            "TALK" => {
                let message = message(told)?;
                let mark = part::<String>(told, "ref");
                // What was said twice is answered twice, the second time perhaps with what it has seen.
                if mark.is_err() || message.id > id {
                    self.seen.deliveries +=
                        self.witness.delivered(number, room, epoch, &message)?;
                }
                if let Ok(mark) = mark {
                    if *message.sender != *person.name {
                        return Err(format!("a receipt for somebody else: {told}"));
                    }
                    self.seen.receipts += 1;
                    self.witness.receipted(room, epoch, &message)?;
                    person.unsaid.retain(|(_, _, of)| *of != mark);
                }
            }
            "JOINED" | "LEFT" => {
                known.members = part(told, "members")?;
            }
            "GAP" => {
                self.seen.gaps += 1;
                let (from, to) = (part(told, "from")?, part(told, "to")?);
                if to > id {
                    let upto = Position { epoch, id: to };
                    self.witness.gap(number, room, from, upto)?;
                } else if known.past.iter().any(|id| (from..=to).contains(id)) {
                    return Err(format!("a gap where it was told something: {told}"));
                }
            }
            "EPOCH" => {
                self.seen.epochs += 1;
                let (epoch, id) = (part(told, "epoch")?, part(told, "id")?);
                self.witness.began(number, room, Position { epoch, id });
            }
            "CLOSED" => {
                self.witness.left((number, 0), room);
                if let Some(visit) = &mut person.visit {
                    visit.rooms.remove(&room);
                }
            }
            _ => return Err(format!("nobody knows {told}")),
        }
        Ok(())
    }

    fn refused(&mut self, who: usize, room: RoomId, told: &Value) -> Result<(), String> {
        let person = &mut self.people[who];
        let Some(visit) = &mut person.visit else {
            return Ok(());
        };
        let code: String = part(told, "code")?;
        if code == "engine-unavailable" {
            self.seen.refused += 1;
        }
        match part::<String>(told, "ref") {
            // It is said again later.
            Ok(_) if code == "engine-unavailable" => {}
            Ok(mark) => person.unsaid.retain(|(_, _, of)| *of != mark),
            Err(_) => {
                visit.asked.remove(&room);
            }
        }
        let known = [
            "engine-unavailable",
            "unknown-room",
            "not-entered",
            "name-taken",
        ];
        if !known.contains(&&*code) {
            return Err(format!("an error that nothing explains: {told}"));
        }
        Ok(())
    }
}
