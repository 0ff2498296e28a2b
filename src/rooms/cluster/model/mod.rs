//! What the scripts mean: the same in plain data, for the tests and the simulation.
//!
//! A room on an engine has an epoch, the newest id, a bounded history, members and, for five minutes, the
//! keys of what was said. Every process of the engine begins an epoch in a room before anything else is
//! done in it, and so does one that is behind what a node has seen: a replica that was promoted, or an
//! engine that started anew, may lack what was receipted, and gives the same ids again.

mod room;
#[cfg(test)]
mod tests;

use super::request::{Act, Answer, NodeId, Push, Request, Speaker};
use super::retention::{DELETED_FOR, KNOWN_FOR, Retention};
use crate::rooms::{Position, RoomError, RoomId, RoomMessage};
pub(super) use room::Room;
use std::collections::BTreeMap;

/// What becomes of the list of rooms that a node is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Noted {
    /// The room is on it now, and the node on the list of nodes.
    In(NodeId),
    /// The room is not on it.
    Out(NodeId),
}

/// What an answered request changes in these lists.
pub(super) fn noted(act: &Act, answer: &Answer) -> Option<Noted> {
    match (act, answer) {
        (Act::Join { at, .. }, Answer::Joined { .. }) => Some(Noted::In(at.node)),
        (Act::Declare { node, members }, Answer::Declared { lost }) => {
            (members.len() > lost.len()).then_some(Noted::In(*node))
        }
        (
            Act::Sweep { node, .. },
            Answer::Swept { has_more: false } | Answer::Refused(RoomError::UnknownRoom),
        ) => Some(Noted::Out(*node)),
        _ => None,
    }
}

/// What was said under a key.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Said {
    position: Position,
    date: u64,
    expires: u64,
}

/// All rooms on an engine.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Model {
    rooms: BTreeMap<RoomId, Room>,
    said: BTreeMap<(RoomId, u128), Said>,
    /// Rooms that were deleted, and until when that is known.
    deleted: BTreeMap<RoomId, u64>,
}

impl Model {
    /// A room, if there is one.
    pub(super) fn room(&self, id: RoomId) -> Option<&Room> {
        self.rooms.get(&id)
    }

    /// Whether it is known that a room was deleted.
    pub(super) fn is_deleted(&self, id: RoomId) -> bool {
        self.deleted.contains_key(&id)
    }

    /// Does what is asked for, at this time in milliseconds since 1970: what is answered, and what every
    /// node is told, in this order.
    pub(super) fn run(
        &mut self,
        request: &Request,
        retention: &Retention,
        now: u64,
    ) -> (Answer, Vec<Push>) {
        let id = request.room;
        let expired = |room: &Room| room.expires.is_some_and(|at| at < now);
        if self.rooms.get(&id).is_some_and(expired) {
            self.rooms.remove(&id);
        }
        let mut pushes = Vec::new();
        let answer = self.answer(request, retention, now, &mut pushes);
        (answer.unwrap_or_else(Answer::Refused), pushes)
    }

    fn answer(
        &mut self,
        request: &Request,
        retention: &Retention,
        now: u64,
        pushes: &mut Vec<Push>,
    ) -> Result<Answer, RoomError> {
        let id = request.room;
        self.deleted.retain(|_, until| *until >= now);
        if let Act::Create { name, key, number } = &request.act {
            if self.deleted.contains_key(&id) {
                return Err(RoomError::UnknownRoom);
            }
            let room = self.rooms.entry(id).or_insert_with(|| {
                let mut room = Room::new(name.clone(), *key, *number, request.fresh, request.run);
                room.expire_if_empty(retention, now);
                room
            });
            let number = room.number;
            return Ok(Answer::Created { number });
        }
        let room = self.rooms.get_mut(&id).ok_or(RoomError::UnknownRoom)?;
        pushes.extend(room.begin(request.run, request.fresh, request.seen));
        match &request.act {
            Act::Create { .. } => unreachable!("answered above"),
            Act::Delete { key } if *key != room.key => Err(RoomError::WrongKey),
            Act::Delete { .. } => {
                self.rooms.remove(&id);
                self.deleted.insert(id, now + DELETED_FOR);
                pushes.push(Push::Closed);
                Ok(Answer::Deleted)
            }
            Act::Describe => Ok(Answer::Room {
                name: room.name.to_string(),
                key: room.key,
                number: room.number,
                members: room.members.len(),
            }),
            Act::Join {
                name,
                identity,
                at,
                ask,
            } => {
                let (before, push) = room.join(name, *identity, *at)?;
                pushes.extend(push);
                Ok(Answer::Joined {
                    excerpt: room.excerpt(*ask, retention, now),
                    before,
                })
            }
            Act::Leave { name, at } => {
                pushes.push(room.leave(name, *at)?);
                room.expire_if_empty(retention, now);
                let members = room.members.len();
                Ok(Answer::Left { members })
            }
            Act::Publish { .. } => self.publish(request, retention, now, pushes),
            Act::Read { ask } => Ok(Answer::Excerpt(room.excerpt(*ask, retention, now))),
            Act::Names { most } => Ok(Answer::Names {
                members: room.members.len(),
                names: room.members.keys().take(*most).cloned().collect(),
            }),
            Act::Declare { node, members } => {
                let lost = room.declare(*node, members, pushes);
                Ok(Answer::Declared { lost })
            }
            Act::Audit { node } => {
                let members = room.of_node(*node);
                let members = members.map(|(name, at)| (name.clone(), at.place)).collect();
                Ok(Answer::Audited { members })
            }
            Act::Sweep { node, most } => {
                let found: Vec<_> = room.of_node(*node).take(*most).collect();
                let found: Vec<_> = found
                    .iter()
                    .map(|(name, at)| ((*name).clone(), *at))
                    .collect();
                for (name, at) in found {
                    pushes.push(room.leave(&name, at)?);
                }
                room.expire_if_empty(retention, now);
                let has_more = room.of_node(*node).next().is_some();
                Ok(Answer::Swept { has_more })
            }
        }
    }

    fn publish(
        &mut self,
        request: &Request,
        retention: &Retention,
        now: u64,
        pushes: &mut Vec<Push>,
    ) -> Result<Answer, RoomError> {
        let room = self.rooms.get_mut(&request.room);
        let room = room.ok_or(RoomError::UnknownRoom)?;
        let Act::Publish {
            speaker,
            sender,
            text,
            key,
        } = &request.act
        else {
            unreachable!("asked for by nothing else");
        };
        let there = room.members.get(sender).map(|(at, _)| *at);
        match speaker {
            Speaker::Member(at) if there != Some(*at) => return Err(RoomError::NotEntered),
            Speaker::Guest if there.is_some() => return Err(RoomError::NameTaken),
            Speaker::Member(_) | Speaker::Guest | Speaker::User => {}
        }
        let key = (request.room, *key);
        self.said.retain(|_, said| said.expires >= now);
        if let Some(Said { position, date, .. }) = self.said.get(&key).copied() {
            // The same id in another order of messages is another message.
            let known = room.is_here(position).then(|| room.message(position.id));
            return Ok(Answer::Published {
                epoch: position.epoch,
                id: position.id,
                date,
                known: known.flatten(),
            });
        }
        room.newest += 1;
        let (epoch, id, date) = (room.epoch, room.newest, now);
        let text = text.as_deref().map(Box::from);
        let message = RoomMessage::new(id, date, sender.clone(), text);
        room.messages.push_back(message.clone());
        let said = Said {
            position: Position { epoch, id },
            date,
            expires: now + KNOWN_FOR,
        };
        self.said.insert(key, said);
        let key = key.1;
        pushes.push(Push::Message {
            epoch,
            message,
            key,
        });
        room.cut(retention, now);
        room.expire_if_empty(retention, now);
        Ok(Answer::Published {
            epoch,
            id,
            date,
            known: None,
        })
    }
}
