//! Pushes, in the order of their ids: what a node delivers is what comes back, never what it sent.

use super::asked::Entrant;
use super::line::Frame;
use super::node::{Node, PUSHES};
use super::request::{Act, Push};
use super::room::Parked;
use crate::rooms::engine::{EngineEvent, Joined, Outcome, Place, Presence};
use crate::rooms::{Position, RoomError, RoomId, RoomMessage};
use std::rc::Rc;

impl Node {
    /// A frame arrived on the line of pushes.
    pub(super) fn pushed(&mut self, frame: Frame) {
        let Frame::Array(parts) = frame else {
            // The answer to a ping, or an error that an operator's ACL brings about.
            if let Frame::Error(_) = frame {
                self.tell_error(&frame);
                self.lose(PUSHES, "it refuses subscriptions");
            }
            return;
        };
        let mut parts = parts.into_iter();
        let (Some(Frame::BulkString(kind)), Some(Frame::BulkString(channel))) =
            (parts.next(), parts.next())
        else {
            return self.lose(PUSHES, "what it pushes is no push");
        };
        self.pushed = self.clock.now;
        self.probing = None;
        // It takes subscriptions: that line is good.
        self.lines[PUSHES].attempts = 0;
        let Some(room) = self.keys.room_of(&channel) else {
            return;
        };
        match (&*kind, parts.next()) {
            (b"message", Some(Frame::BulkString(payload))) => match Push::decode(&payload) {
                Some(push) => self.take(room, push),
                None => log::warn!("a push to room {room} is none: somebody else writes there"),
            },
            (b"subscribe", _) => self.confirmed(room),
            _ => {}
        }
    }

    /// A push of a room is delivered, or kept until it is known what came before it.
    fn take(&mut self, id: RoomId, push: Push) {
        let Some(room) = self.rooms.get_mut(&id) else {
            return;
        };
        if matches!(push, Push::Closed) {
            return self.is_gone(id);
        }
        let census = match &push {
            Push::Joined { census, .. } | Push::Left { census, .. } => Some(*census),
            _ => None,
        };
        if census.is_some_and(|census| !room.follows_on(census)) {
            self.want_mending(id);
        }
        let Some(room) = self.rooms.get_mut(&id) else {
            return;
        };
        let is_beyond = match &push {
            Push::Message { epoch, .. } => room.is_beyond(*epoch),
            _ => false,
        };
        if room.is_live() && is_beyond {
            // It is held first, and what begins another epoch is read.
            room.hold(push);
            self.want_mending(id);
        } else if room.is_live() {
            self.apply(id, push);
        } else if !room.hold(push) && room.at.is_some() {
            self.want_mending(id);
        }
    }

    /// Delivers what was kept, as far as nothing is missing.
    pub(super) fn deliver_held(&mut self, id: RoomId) {
        while let Some(room) = self.rooms.get_mut(&id)
            && room.is_live()
            && let Some(push) = room.next_held()
        {
            self.apply(id, push);
        }
        self.see_to_own(id);
        self.see_to_parked(id);
    }

    fn apply(&mut self, id: RoomId, push: Push) {
        let own = self.id;
        let Some(room) = self.rooms.get_mut(&id) else {
            return;
        };
        let Some(at) = room.at else {
            return;
        };
        let presence = |name: Rc<str>, (members, is_counted), place| Presence {
            room: id,
            name,
            members,
            is_counted,
            place,
        };
        match push {
            Push::Message {
                epoch,
                message,
                key,
            } => {
                if epoch != at.epoch || message.id <= at.id {
                    // It was delivered, or is older than the epoch: the beginning of one is pushed before all that
                    // belongs to it.
                } else if message.id == at.id + 1 {
                    self.deliver(id, Rc::new(message), Some(key));
                    self.see_to_parked(id);
                } else {
                    // Something is missing before it.
                    room.hold(Push::Message {
                        epoch,
                        message,
                        key,
                    });
                    self.want_mending(id);
                }
            }
            Push::Epoch(begun) if begun.epoch == at.epoch || room.was_in(begun.epoch) => {}
            Push::Epoch(begun) if begun.id > at.id => {
                // Messages of the epoch before are missing, or it was not the one before.
                room.hold(Push::Epoch(begun));
                self.want_mending(id);
            }
            Push::Epoch(begun) => self.begin_epoch(id, begun, begun.id),
            Push::Joined {
                name,
                at: place,
                census,
            } => {
                if place.node == own
                    && let Some(coming) = room.joining.get_mut(&place.place)
                {
                    // Those who are coming in are told of themselves when they are in.
                    coming.is_in = true;
                    return;
                }
                let place = if place.node == own { place.place } else { 0 };
                let arrived = presence(name, room.tell(census), place);
                self.events.push_back(EngineEvent::Arrived(arrived));
            }
            Push::Left {
                name,
                at: place,
                census,
            } => {
                let place = if place.node == own { place.place } else { 0 };
                if room
                    .members
                    .named(&name)
                    .is_some_and(|(_, member)| member.place == place)
                {
                    // Swept, while this node seemed to be gone: it is still in, and is said to be.
                    room.declares = true;
                    self.want_mending(id);
                    return;
                }
                if let Some(coming) = room.joining.get_mut(&place) {
                    coming.is_out = true;
                    return;
                }
                let departed = presence(name, room.tell(census), place);
                self.events.push_back(EngineEvent::Departed(departed));
            }
            Push::Moved { from, .. }
                if from.node == own && room.joining.contains_key(&from.place) =>
            {
                let coming = room.joining.entry(from.place).or_default();
                coming.has_moved = true;
            }
            Push::Moved { name, from } => {
                let known = room.members.named(&name);
                let number = known.filter(|(_, member)| member.place == from.place);
                if from.node == own
                    && let Some((number, _)) = number
                {
                    room.members.leave(number, from.place);
                    self.is_replaced(id, name, from.place);
                }
            }
            Push::Closed => self.is_gone(id),
        }
    }

    /// Ids behind this belong to another epoch.
    /// The one before holds up to `upto`.
    pub(super) fn begin_epoch(&mut self, id: RoomId, begun: Position, upto: u64) {
        let Some(room) = self.rooms.get_mut(&id) else {
            return;
        };
        room.begin_epoch(begun);
        self.stats.epochs += 1;
        // What had its place behind the beginning is lost, whatever was said of it.
        let is_lost = |at: &Option<(_, Rc<RoomMessage>)>| {
            at.as_ref()
                .is_some_and(|(epoch, message)| *epoch != begun.epoch && message.id > upto)
        };
        let lost = room.own.extract_if(.., |_, own| is_lost(&own.at));
        let lost: Vec<_> = lost.flat_map(|(_, own)| own.tokens).collect();
        for token in lost {
            self.done(token, Err(RoomError::Unavailable));
        }
        self.events
            .push_back(EngineEvent::Epoch { room: id, begun });
        self.see_to_parked(id);
    }

    /// The next message of a room, for everybody here.
    pub(super) fn deliver(&mut self, id: RoomId, message: Rc<RoomMessage>, key: Option<u128>) {
        let Some(room) = self.rooms.get_mut(&id) else {
            return;
        };
        let Some(at) = &mut room.at else {
            return;
        };
        at.id = message.id;
        let epoch = at.epoch;
        if room.under_way > 0 {
            room.recent.push(Rc::clone(&message));
        }
        let past = &room.past;
        let is_it = |own: &super::room::Own| {
            own.at.as_ref().is_some_and(|(of, said)| {
                said.id == message.id && (*of == epoch || past.contains(of))
            })
        };
        let key = key.or_else(|| {
            let found = room.own.iter().find(|(_, own)| is_it(own));
            found.map(|(key, _)| *key)
        });
        let own = key.and_then(|key| room.own.remove(&key));
        let mut tokens = own.into_iter().flat_map(|own| own.tokens);
        let own = tokens.next();
        self.events.push_back(EngineEvent::Message {
            room: id,
            epoch,
            message: Rc::clone(&message),
            own,
        });
        for token in tokens {
            let published = Outcome::Published(epoch, Rc::clone(&message));
            self.events
                .push_back(EngineEvent::Done(token, Ok(published)));
        }
    }

    /// Tells the outcome of what was published and delivered before its answer came.
    pub(super) fn see_to_own(&mut self, id: RoomId) {
        let Some(room) = self.rooms.get_mut(&id) else {
            return;
        };
        let Some(at) = room.at else {
            if room.under_way == 0 {
                // Nobody here listens after all: the answer is the receipt.
                self.tell_own(id);
            }
            return;
        };
        let (past, own) = (&room.past, &mut room.own);
        // Ids go on from epoch to epoch: what was said in an earlier one may be still to come.
        let is_behind = |of: &Option<(crate::rooms::Epoch, Rc<RoomMessage>)>| {
            of.as_ref().is_some_and(|(epoch, message)| {
                message.id <= at.id && (*epoch == at.epoch || past.contains(epoch))
            })
        };
        let done = own.extract_if(.., |_, own| is_behind(&own.at));
        let done: Vec<_> = done.map(|(_, own)| (own.tokens, own.at)).collect();
        for (tokens, said) in done {
            let Some((epoch, message)) = said else {
                continue;
            };
            for token in tokens {
                let published = Outcome::Published(epoch, Rc::clone(&message));
                self.done(token, Ok(published));
            }
        }
        self.let_go_if_idle(id);
    }

    /// Tells the outcome of all that was published and answered.
    fn tell_own(&mut self, id: RoomId) {
        let Some(room) = self.rooms.get_mut(&id) else {
            return;
        };
        let done = room.own.extract_if(.., |_, own| own.at.is_some());
        let done: Vec<_> = done.map(|(_, own)| (own.tokens, own.at)).collect();
        for (tokens, said) in done {
            for (token, (epoch, message)) in tokens.into_iter().zip(said.iter().cycle()) {
                let published = Outcome::Published(*epoch, Rc::clone(message));
                self.done(token, Ok(published));
            }
        }
        self.let_go_if_idle(id);
    }

    /// Lets those in for whom everything is delivered that their answers have told.
    pub(super) fn see_to_parked(&mut self, id: RoomId) {
        let Some(room) = self.rooms.get_mut(&id) else {
            return;
        };
        if room.parked.is_empty() || !room.is_live() {
            return;
        }
        let Some(at) = room.at else {
            return;
        };
        for parked in std::mem::take(&mut room.parked) {
            let Some(room) = self.rooms.get_mut(&id) else {
                return;
            };
            let (epoch, top) = (parked.excerpt.epoch, parked.excerpt.top);
            let is_delivered = epoch == at.epoch && top <= at.id;
            if is_delivered && room.recent.reaches(top) {
                self.let_in(parked);
            } else if is_delivered || room.was_in(epoch) {
                // Too much has come since, or the order that it tells of is over: once more.
                self.ask_anew(parked.entrant);
            } else {
                room.parked.push(parked);
            }
        }
        self.let_go_if_idle(id);
    }

    fn let_in(&mut self, parked: Parked) {
        let Parked {
            entrant: Entrant { asked, joined },
            mut excerpt,
            ..
        } = parked;
        let id = asked.room;
        let (Some((token, ask)), Some(room)) = (asked.entering(), self.rooms.get_mut(&id)) else {
            return;
        };
        room.catch_up(&mut excerpt, ask);
        room.is_told();
        let Some(joined) = joined else {
            return self.done(token, Ok(Outcome::Excerpt(excerpt)));
        };
        let coming = room.joining.remove(&joined.place).unwrap_or_default();
        let member = room.members.at(joined.member);
        let is_elsewhere = member.is_none_or(|member| member.place != joined.place);
        // More may have come and gone since it was answered, or what came before it was not told yet.
        let known = room.census.map(|known| known.changes);
        let is_ahead = known < Some(joined.census.changes);
        let newest = room.count(joined.census);
        let ahead_of = is_ahead.then(|| room.told_members().unwrap_or(newest.members));
        let outcome = Joined {
            excerpt,
            members: newest.members,
            ahead_of,
            member: joined.member,
            before: joined.before,
        };
        self.done(token, Ok(Outcome::Joined(outcome)));
        let (Some(room), Act::Join { name, .. }) = (self.rooms.get_mut(&id), asked.act) else {
            return;
        };
        if coming.is_in {
            let (members, is_counted) = room.tell(newest);
            let (name, place) = (
                Rc::clone(&name),
                if is_elsewhere { 0 } else { joined.place },
            );
            self.events.push_back(EngineEvent::Arrived(Presence {
                room: id,
                name,
                members,
                is_counted,
                place,
            }));
        }
        // Somebody may have come in under its name here, too, and was told so before it.
        if coming.has_moved || is_elsewhere {
            room.members.leave(joined.member, joined.place);
            self.is_replaced(id, name, joined.place);
        } else if coming.is_out {
            room.declares = true;
            self.want_mending(id);
        }
    }

    /// Somebody who was in here is in elsewhere, as was said. It may have come back since, by a request
    /// that was made twice, of which nobody here knows: the engine is to let that go.
    pub(super) fn is_replaced(&mut self, room: RoomId, name: Rc<str>, place: Place) {
        self.ask_to_leave(room, name, place);
        self.events.push_back(EngineEvent::Replaced { room, place });
        self.left(room);
    }
}
