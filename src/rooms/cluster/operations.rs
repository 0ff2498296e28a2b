//! What rooms ask for, as requests to the engine.

use super::asked::{Asked, Creating, Listing, Said, Sent, Then};
use super::node::Node;
use super::request::{Act, Speaker, Where};
use super::room::{Coming, Own};
use crate::rooms::engine::{Author, MemberNumber, Operation, Outcome, Place, Token};
use crate::rooms::{RoomError, RoomId};
use rand::RngExt;
use std::rc::Rc;
use std::time::Duration;

impl Node {
    pub(super) fn operate(&mut self, token: Token, operation: Operation) {
        let operation = match operation {
            // It is out already, whatever the engine says.
            Operation::Leave {
                room,
                member,
                place,
            } => return self.leave(token, room, member, place),
            other => other,
        };
        if let Operation::Follow { room, .. } = &operation {
            // Whatever comes of it, it is let go by `unfollow`.
            self.room_for(*room).followers += 1;
        }
        if !self.takes() {
            return self.done(token, Err(RoomError::Unavailable));
        }
        match operation {
            Operation::Create { room, name, key } => {
                let name = name.into();
                let creating = Rc::new(Creating {
                    token,
                    room,
                    name,
                    key,
                });
                let rooms = self.keys.rooms();
                self.command(&[b"ZCARD", &*rooms], Sent::Count(creating));
            }
            Operation::Delete { room, key } => {
                self.ask(room, Act::Delete { key }, Then::Delete(token));
            }
            Operation::List { after, most } => {
                let id = self.next_listing;
                self.next_listing = id.wrapping_add(1);
                let listing = Listing {
                    token: Some(token),
                    most,
                    after,
                    awaited: 0,
                    rooms: Vec::new(),
                };
                self.listings.insert(id, listing);
                self.list_more(id);
            }
            Operation::Describe { room } => {
                self.ask(room, Act::Describe, Then::Describe(token));
            }
            Operation::Join {
                room,
                name,
                identity,
                place,
                ask,
            } => {
                let at = Where {
                    node: self.id,
                    place,
                };
                let name = Rc::from(&*name);
                let join = Act::Join {
                    name,
                    identity,
                    at,
                    ask,
                };
                let known = self.room_for(room);
                known.under_way += 1;
                known.joining.insert(place, Coming::default());
                let then = Then::Join {
                    token,
                    place,
                    identity,
                    ask,
                };
                self.when_subscribed(room, join, then);
            }
            Operation::Leave { .. } => {}
            Operation::Publish {
                room,
                author,
                text,
                reference,
            } => {
                let key = reference.unwrap_or_else(|| self.random.random());
                match self.speaker(room, author) {
                    Ok((speaker, sender)) => {
                        let text = text.map(Rc::from);
                        let publish = Act::Publish {
                            speaker,
                            sender,
                            text,
                            key,
                        };
                        self.publish(token, room, publish, key);
                    }
                    Err(error) => self.done(token, Err(error)),
                }
            }
            Operation::Read { room, ask } => {
                self.ask(room, Act::Read { ask }, Then::Read { token, ask });
            }
            Operation::Follow { room, ask } => {
                let known = self.room_for(room);
                known.under_way += 1;
                self.when_subscribed(room, Act::Read { ask }, Then::Follow { token, ask });
            }
            Operation::Count { name } => {
                let counter = self.keys.counter(&name);
                self.command(&[b"INCR", &*counter], Sent::Counter(token));
            }
            Operation::Names { room, most } => {
                self.ask(room, Act::Names { most }, Then::Names(token));
            }
        }
    }

    /// Asks when pushes of the room arrive: what is published behind the answer is not missed then.
    fn when_subscribed(&mut self, room: RoomId, act: Act, then: Then) {
        let asked = Asked {
            room,
            act,
            then,
            since: self.clock.now,
            is_again: false,
        };
        let known = self.room_for(room);
        if known.is_subscribed {
            self.begin(asked);
        } else {
            known.waiting.push(asked);
        }
    }

    /// A join or a follow goes out.
    pub(super) fn begin(&mut self, asked: Asked) {
        let room = asked.room;
        self.send(asked);
        if self.room_for(room).facts.is_none() {
            self.ask(room, Act::Describe, Then::Facts);
        }
    }

    fn leave(&mut self, token: Token, room: RoomId, member: MemberNumber, place: Place) {
        let known = self.rooms.get_mut(&room);
        let left = known.and_then(|known| known.members.leave(member, place));
        let Some(left) = left else {
            return self.done(token, Err(RoomError::NotEntered));
        };
        self.done(token, Ok(Outcome::Left));
        self.ask_to_leave(room, Rc::from(&*left.name), place);
        self.left(room);
    }

    /// Nobody of this node is, or stays, in a room under this name.
    pub(super) fn ask_to_leave(&mut self, room: RoomId, name: Rc<str>, place: Place) {
        *self.leaving.entry(room).or_default() += 1;
        let at = Where {
            node: self.id,
            place,
        };
        self.ask(room, Act::Leave { name, at }, Then::Leave);
    }

    /// The engine has let somebody go.
    pub(super) fn has_left(&mut self, room: RoomId) {
        self.leave_is_over(room);
        self.forget_if_left(room);
        self.tell_number_if_untold(room);
    }

    /// Whether the engine has let somebody go is known, or never will be.
    pub(super) fn leave_is_over(&mut self, room: RoomId) {
        if let Some(leaving) = self.leaving.get_mut(&room) {
            *leaving -= 1;
            if *leaving == 0 {
                self.leaving.remove(&room);
            }
        }
    }

    /// Somebody of this node is out of a room.
    pub(super) fn left(&mut self, room: RoomId) {
        self.forget_if_left(room);
        self.see_to_own(room);
        self.let_go_if_idle(room);
    }

    fn speaker(&mut self, room: RoomId, author: Author) -> Result<(Speaker, Rc<str>), RoomError> {
        match author {
            Author::Member(place, number) => {
                let known = self.rooms.get(&room);
                let member = known.and_then(|known| known.members.at(number));
                let member = member.filter(|member| member.place == place);
                let member = member.ok_or(RoomError::NotEntered)?;
                let at = Where {
                    node: self.id,
                    place,
                };
                Ok((Speaker::Member(at), Rc::from(&*member.name)))
            }
            Author::User(name) => Ok((Speaker::User, name)),
            Author::Guest(name) => {
                let now = Duration::from_millis(self.clock.now);
                let rate = self.limits.message_rate;
                let who = room.bits() as u64;
                if self.guests.at(who, now).messages.admits(rate, now) {
                    return Ok((Speaker::Guest, name));
                }
                let what = "messages of guests in this room";
                let most = rate.unwrap_or_default();
                Err(RoomError::TooFast { what, most })
            }
        }
    }

    fn publish(&mut self, token: Token, room: RoomId, act: Act, key: u128) {
        let mut comes_back = false;
        if let Some(known) = self.rooms.get_mut(&room) {
            comes_back = true;
            if let Some(own) = known.own.get_mut(&key) {
                // The same once more, before it has come back: they share one outcome.
                return own.tokens.push(token);
            }
            known.own.insert(key, Own::new(token, self.clock.now));
        }
        let said = Said {
            token,
            key,
            comes_back,
        };
        self.ask(room, act, Then::Publish(said));
    }
}
