//! What people on the nodes do.

use super::world::{NAMES, Wanted, World};
use crate::rooms::RoomId;
use crate::rooms::engine::{Ask, Author, Engine, MemberNumber, Operation, Place};
use rand::RngExt;
use std::rc::Rc;

impl World {
    /// Somebody on a node does something.
    pub(super) fn act(&mut self, at: usize) {
        let room = self.rooms[self.random.random_range(0..self.rooms.len())];
        let Some(living) = &self.nodes[at] else {
            return;
        };
        if living.still_until > self.now {
            return;
        }
        let here: Vec<_> = living
            .members
            .iter()
            .filter(|((of, _), _)| *of == room)
            .collect();
        let member = (!here.is_empty()).then(|| *here[self.random.random_range(0..here.len())].0);
        let number = member.and_then(|key| living.members.get(&key).copied());
        match self.random.random_range(0..20) {
            0..5 => self.join(at, room),
            5..7 => {
                if let (Some((_, place)), Some(member)) = (member, number) {
                    self.leave(at, room, place, member);
                }
            }
            7 => self.follow(at, room),
            8 => {
                let found = self.nodes[at].as_mut().and_then(|living| {
                    let key = living.followers.iter().next().copied()?;
                    living.followers.remove(&key);
                    living.node.unfollow(key.0);
                    Some((living.life, key))
                });
                if let Some((life, (room, place))) = found {
                    self.witness.left((life, place), room);
                }
            }
            _ => {
                let author = match (member, number) {
                    (Some((_, place)), Some(number)) => Author::Member(place, number),
                    _ => Author::User(Rc::from("script")),
                };
                self.texts += 1;
                let text = Some(format!("text {}", self.texts));
                let reference = self.chance(2).then(|| u128::from(self.texts));
                let publish = Operation::Publish {
                    room,
                    author,
                    text,
                    reference,
                };
                self.submit(at, publish, Wanted::Publish { room });
            }
        }
    }

    fn join(&mut self, at: usize, room: RoomId) {
        let who = self.random.random_range(0..NAMES);
        let Some(living) = &mut self.nodes[at] else {
            return;
        };
        let place = living.next_place;
        living.next_place += 1;
        let memory = self.memories.get(&(room, who)).cloned();
        let since = memory.as_ref().map(|memory| memory.at);
        let join = Operation::Join {
            room,
            name: format!("user{who}").into(),
            // Two of three have a secret, and take their name over wherever they are.
            identity: if who % 3 == 0 {
                place ^ u64::from(living.life) << 40
            } else {
                who
            },
            place,
            ask: Ask {
                since,
                last: if since.is_some() { 100 } else { 5 },
                is_page: false,
            },
        };
        let wanted = Wanted::Join {
            room,
            place,
            memory,
        };
        self.submit(at, join, wanted);
    }

    fn leave(&mut self, at: usize, room: RoomId, place: Place, member: MemberNumber) {
        let Some(living) = &mut self.nodes[at] else {
            return;
        };
        let name = living.node.name(room, member).unwrap_or_default();
        let who = name
            .strip_prefix("user")
            .and_then(|number| number.parse().ok());
        living.members.remove(&(room, place));
        let life = living.life;
        if let (Some(listener), Some(who)) = (self.witness.left((life, place), room), who) {
            self.memories.insert((room, who), listener);
        }
        let leave = Operation::Leave {
            room,
            member,
            place,
        };
        self.submit(at, leave, Wanted::Other);
    }

    fn follow(&mut self, at: usize, room: RoomId) {
        let Some(living) = &mut self.nodes[at] else {
            return;
        };
        let place = living.next_place;
        living.next_place += 1;
        living.followers.insert((room, place));
        let ask = Ask {
            since: None,
            last: 0,
            is_page: false,
        };
        self.submit(
            at,
            Operation::Follow { room, ask },
            Wanted::Follow { room, place },
        );
    }
}
