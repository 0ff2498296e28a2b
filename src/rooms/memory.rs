//! The engine in the memory of this process: it answers at once.

use super::counters::Counters;
use super::engine::{
    Ask, Author, Clock, Engine, EngineEvent, Joined, KeyDigest, MemberNumber, Operation, Outcome,
    Place, Presence, Token,
};
use super::journal::{Journal, Saved};
use super::occupants::Occupant;
use super::room::Room;
use super::{RoomError, RoomId, RoomMessage};
use crate::config::RoomLimits;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::rc::Rc;

/// Rooms that one tick looks at.
const SWEPT: usize = 256;

/// A room that nobody has used gives way to a new one after this time, when there are too many.
const UNUSED: i64 = 60_000;

/// Messages and marks that one operation or tick forgets at most: more than one operation can add.
const FORGOTTEN: usize = 512;

/// All rooms.
pub(super) struct Memory {
    limits: RoomLimits,
    rooms: HashMap<RoomId, Room>,
    /// By their numbers, which grow.
    order: BTreeMap<u64, RoomId>,
    /// Numbers of rooms that nobody has entered or spoken in.
    unused: BTreeSet<u64>,
    next: u64,
    /// The number at which the next sweep begins.
    swept: u64,
    /// Bytes of all histories and marks, and the most there may be.
    held: usize,
    most: usize,
    /// Rooms that remember something, by how much: bytes, and the number of the room.
    by_size: BTreeSet<(usize, u64)>,
    counters: Counters,
    events: VecDeque<EngineEvent>,
    journal: Option<Journal>,
}

impl Memory {
    pub(super) fn new(limits: RoomLimits) -> Self {
        Self {
            limits,
            rooms: HashMap::new(),
            order: BTreeMap::new(),
            unused: BTreeSet::new(),
            next: 1,
            swept: 0,
            held: 0,
            most: usize::MAX,
            by_size: BTreeSet::new(),
            counters: Counters::default(),
            events: VecDeque::new(),
            journal: None,
        }
    }

    /// The same with a journal, and what it had kept.
    pub(super) fn with_journal(
        limits: RoomLimits,
        mut journal: Journal,
        saved: Vec<Saved>,
        clock: Clock,
    ) -> Self {
        let mut memory = Self::new(limits);
        for saved in saved {
            let (id, number) = (saved.id, saved.number);
            memory.next = memory.next.max(number + 1);
            memory.order.insert(number, id);
            let mut room = Room::restore(saved, clock);
            journal.restored(id, &mut room, clock);
            if room.top == 0 {
                memory.unused.insert(number);
            }
            memory.resized(number, 0, room.held());
            memory.rooms.insert(id, room);
            memory.cut(id, clock);
        }
        journal.settle();
        memory.journal = Some(journal);
        memory
    }

    fn room(&mut self, id: RoomId) -> Result<&mut Room, RoomError> {
        self.rooms.get_mut(&id).ok_or(RoomError::UnknownRoom)
    }

    fn create(
        &mut self,
        id: RoomId,
        name: String,
        key: KeyDigest,
        clock: Clock,
    ) -> Result<Outcome, RoomError> {
        let most = self.limits.max_rooms;
        if self.rooms.len() >= most && !self.drop_unused(clock) {
            return Err(RoomError::TooManyRooms { most });
        }
        let number = self.next;
        self.next += 1;
        let mut room = Room::new(number, name, key, clock);
        if let Some(journal) = &mut self.journal {
            journal.created(id, &mut room, clock);
        }
        let info = room.info(id);
        self.order.insert(number, id);
        self.unused.insert(number);
        self.rooms.insert(id, room);
        Ok(Outcome::Created(info))
    }

    /// Makes a place where the oldest room was never used; whether there is one now.
    fn drop_unused(&mut self, clock: Clock) -> bool {
        let oldest = self.unused.first();
        let Some(id) = oldest.and_then(|number| self.order.get(number)).copied() else {
            return false;
        };
        let is_old = self
            .rooms
            .get(&id)
            .is_some_and(|room| room.used + UNUSED <= clock.now as i64);
        if !is_old || self.remove(id).is_none() {
            return false;
        }
        // Nobody is in it, but somebody may follow it.
        let places = Vec::new();
        self.events
            .push_back(EngineEvent::Closed { room: id, places });
        true
    }

    /// The history of a room takes as many bytes now.
    fn resized(&mut self, number: u64, before: usize, now: usize) {
        if before == now {
            return;
        }
        self.held = self.held - before + now;
        self.by_size.remove(&(before, number));
        if now > 0 {
            self.by_size.insert((now, number));
        }
    }

    fn remove(&mut self, id: RoomId) -> Option<Room> {
        let room = self.rooms.remove(&id)?;
        self.order.remove(&room.number);
        self.unused.remove(&room.number);
        self.resized(room.number, room.held(), 0);
        if let Some(journal) = &mut self.journal {
            journal.deleted(id);
        }
        Some(room)
    }

    fn delete(&mut self, id: RoomId, key: &KeyDigest) -> Result<EngineEvent, RoomError> {
        let room = self.room(id)?;
        // Constant time: neither where keys differ nor whether shows in how long it takes.
        let differ = room
            .key
            .iter()
            .zip(key)
            .fold(0, |sum, (a, b)| sum | (a ^ b));
        if std::hint::black_box(differ) != 0 {
            return Err(RoomError::WrongKey);
        }
        let places = self.remove(id).map(|room| room.places());
        let places = places.unwrap_or_default();
        Ok(EngineEvent::Closed { room: id, places })
    }

    fn list(&self, after: u64, most: usize) -> Outcome {
        let rooms = self.order.range(after + 1..).take(most);
        let info = |(_, id): (&u64, &RoomId)| self.rooms.get(id).map(|room| room.info(*id));
        Outcome::List(rooms.filter_map(info).collect())
    }

    /// Whether a new member came in by this, who is told of behind the outcome.
    fn join(
        &mut self,
        id: RoomId,
        occupant: Occupant,
        ask: Ask,
        clock: Clock,
    ) -> Result<(Joined, Option<Presence>), RoomError> {
        self.cut(id, clock);
        let room = self.room(id)?;
        let (member, before) = room.members.enter(occupant)?;
        room.used = clock.now as i64;
        let excerpt = room.excerpt(ask);
        let (members, number) = (room.members.len(), room.number);
        let is_new = before.is_none();
        let newcomer = room.members.at(member).filter(|_| is_new);
        let arrived = newcomer.map(|newcomer| room.presence(id, newcomer));
        self.unused.remove(&number);
        let joined = Joined {
            excerpt,
            members,
            ahead_of: None,
            member,
            before,
        };
        Ok((joined, arrived))
    }

    fn leave(
        &mut self,
        id: RoomId,
        member: MemberNumber,
        place: Place,
        clock: Clock,
    ) -> Result<Presence, RoomError> {
        let room = self.room(id)?;
        let left = room.members.leave(member, place);
        let left = left.ok_or(RoomError::NotEntered)?;
        room.used = clock.now as i64;
        Ok(room.presence(id, &left))
    }

    fn publish(
        &mut self,
        token: Token,
        id: RoomId,
        author: Author,
        text: Option<String>,
        reference: Option<u128>,
        clock: Clock,
    ) -> Result<EngineEvent, RoomError> {
        let now = clock.now as i64;
        self.cut(id, clock);
        let room = self.rooms.get_mut(&id).ok_or(RoomError::UnknownRoom)?;
        let sender = room.sender(author, self.limits.message_rate, clock)?;
        let held = room.held();
        if let Some(known) = reference.and_then(|key| room.receipts.find(key)) {
            let kept = room.history.after(known - 1, 1).pop();
            // Where the history has it no longer, what is sent again tells what was said.
            let message = kept.filter(|kept| kept.id == known).unwrap_or_else(|| {
                let text = text.map(String::into_boxed_str);
                Rc::new(RoomMessage::new(known, clock.unix, sender, text))
            });
            let published = Outcome::Published(room.epoch, message);
            return Ok(EngineEvent::Done(token, Ok(published)));
        }
        if let Some(journal) = &mut self.journal {
            journal.vouch(id, room);
        }
        room.top += 1;
        room.used = now;
        let text = text.map(String::into_boxed_str);
        let message = Rc::new(RoomMessage::new(room.top, clock.unix, sender, text));
        if let Some(key) = reference {
            room.receipts.remember(now, key, room.top);
        }
        if let Some(journal) = &mut self.journal {
            journal.published(id, room, &message, reference, clock);
        }
        room.history.push(now, Rc::clone(&message));
        let (epoch, number, now) = (room.epoch, room.number, room.held());
        self.resized(number, held, now);
        self.unused.remove(&number);
        self.cut(id, clock);
        self.bound_all(Some(number));
        Ok(EngineEvent::Message {
            room: id,
            epoch,
            message,
            own: Some(token),
        })
    }

    /// Keeps the history of a room and its marks within their bounds.
    fn cut(&mut self, id: RoomId, clock: Clock) {
        let limits = &self.limits;
        let oldest = clock.now as i64 - limits.history_time.as_millis() as i64;
        if let Some(room) = self.rooms.get_mut(&id) {
            let held = room.held();
            let (most, bytes) = (limits.history_messages, limits.history_bytes);
            room.history.cut(most, bytes, oldest);
            room.forget_holes();
            room.receipts.expire(clock.now as i64);
            let (number, now) = (room.number, room.held());
            self.resized(number, held, now);
        }
    }

    /// Keeps all rooms together within their bound, by a bounded number of steps: the one that holds most
    /// gives way, so that a room that speaks much does not make the others forget; but not the only message of
    /// the room that spoke now, while there is another.
    fn bound_all(&mut self, spoke: Option<u64>) {
        for _ in 0..FORGOTTEN {
            if self.held <= self.most {
                return;
            }
            let is_all = |number: u64| {
                let room = self.order.get(&number).and_then(|id| self.rooms.get(id));
                room.is_some_and(|room| room.history.first() == room.history.last())
            };
            let mut longest = self.by_size.iter().rev().map(|(_, number)| *number);
            let first = longest.next();
            let is_last_of_it = first.is_some() && first == spoke && spoke.is_some_and(is_all);
            let chosen = longest.next().filter(|_| is_last_of_it).or(first);
            let id = chosen.and_then(|number| self.order.get(&number)).copied();
            let Some(room) = id.and_then(|id| self.rooms.get_mut(&id)) else {
                return;
            };
            let held = room.held();
            room.forget_oldest();
            let (number, now) = (room.number, room.held());
            self.resized(number, held, now);
        }
    }

    /// Does an operation; what came of it, and what is told behind that.
    fn operate(
        &mut self,
        token: Token,
        operation: Operation,
        clock: Clock,
    ) -> Result<(EngineEvent, Option<EngineEvent>), RoomError> {
        let done = |outcome| EngineEvent::Done(token, Ok(outcome));
        let event = match operation {
            Operation::Create { room, name, key } => done(self.create(room, name, key, clock)?),
            Operation::Delete { room, key } => {
                let closed = self.delete(room, &key)?;
                return Ok((done(Outcome::Deleted), Some(closed)));
            }
            Operation::List { after, most } => done(self.list(after, most)),
            Operation::Describe { room: id } => {
                let info = self.room(id)?.info(id);
                done(Outcome::Room(info))
            }
            Operation::Join {
                room,
                name,
                identity,
                place,
                ask,
            } => {
                let occupant = Occupant {
                    name: name.into(),
                    identity,
                    place,
                };
                let (joined, arrived) = self.join(room, occupant, ask, clock)?;
                let arrived = arrived.map(EngineEvent::Arrived);
                return Ok((done(Outcome::Joined(joined)), arrived));
            }
            Operation::Leave {
                room,
                member,
                place,
            } => {
                let departed = self.leave(room, member, place, clock)?;
                return Ok((done(Outcome::Left), Some(EngineEvent::Departed(departed))));
            }
            Operation::Publish {
                room,
                author,
                text,
                reference,
            } => self.publish(token, room, author, text, reference, clock)?,
            Operation::Read { room, ask } | Operation::Follow { room, ask } => {
                self.cut(room, clock);
                done(Outcome::Excerpt(self.room(room)?.excerpt(ask)))
            }
            Operation::Names { room, most } => done(self.room(room)?.named(most)),
            Operation::Count { name } => done(self.counters.next(name)),
        };
        Ok((event, None))
    }
}

impl Engine for Memory {
    fn submit(&mut self, token: Token, operation: Operation, clock: Clock) {
        match self.operate(token, operation, clock) {
            Ok((event, behind)) => self.events.extend([event].into_iter().chain(behind)),
            Err(error) => self.events.push_back(EngineEvent::Done(token, Err(error))),
        }
    }

    fn name(&self, room: RoomId, member: MemberNumber) -> Option<&str> {
        let member = self.rooms.get(&room)?.members.at(member)?;
        Some(&member.name)
    }

    fn poll(&mut self) -> Option<EngineEvent> {
        self.events.pop_front()
    }

    fn tick(&mut self, clock: Clock) -> Option<u64> {
        let now = clock.now as i64;
        let rooms = self.order.range(self.swept + 1..).take(SWEPT);
        let rooms: Vec<RoomId> = rooms.map(|(_, id)| *id).collect();
        let last = rooms.last().and_then(|id| self.rooms.get(id));
        self.swept = last
            .filter(|_| rooms.len() == SWEPT)
            .map_or(0, |room| room.number);
        let empty_for = self
            .limits
            .empty_room_hours
            .map(|hours| hours as i64 * 3_600_000);
        for id in rooms {
            self.cut(id, clock);
            let Some(room) = self.rooms.get_mut(&id) else {
                continue;
            };
            if room.members.len() == 0 && empty_for.is_some_and(|time| room.used + time <= now) {
                self.remove(id);
                let places = Vec::new();
                self.events
                    .push_back(EngineEvent::Closed { room: id, places });
            }
        }
        self.bound_all(None);
        (!self.rooms.is_empty()).then_some(1000)
    }

    fn limit_history(&mut self, bytes: usize) {
        self.most = bytes;
    }

    #[cfg(feature = "cluster")]
    fn as_any(&mut self) -> &mut dyn std::any::Any {
        self
    }
}

impl Drop for Memory {
    /// The server is over: what is to be kept is on disk when this returns.
    fn drop(&mut self) {
        if let Some(journal) = self.journal.take() {
            journal.finish(self.rooms.iter());
        }
    }
}

#[cfg(test)]
mod tests;
