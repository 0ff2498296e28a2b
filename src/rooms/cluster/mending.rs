//! What was missed meanwhile: after a line was lost, the history of each room that somebody here listens to is
//! read behind what was delivered last, a few rooms at a time. Nobody is disconnected for it; members get a
//! gap only for what the engine has no longer.

use super::asked::{Entrant, Then};
use super::excerpt::gaps;
use super::node::{COMMANDS, Node};
use super::request::{Act, Census, Declared, RawExcerpt};
use super::room::{Mending, NodeRoom};
use crate::rooms::engine::{Ask, EngineEvent, Place};
use crate::rooms::{Position, RoomId};
use std::rc::Rc;

/// Rooms that are mended at a time.
pub(super) const MENDED_AT_ONCE: usize = 8;
/// Messages that are read at a time.
const PAGE: usize = 64;
/// Members that are told to the engine in one request.
pub(super) const DECLARED_AT_ONCE: usize = 128;

impl Node {
    /// Something of a room may be missing.
    pub(super) fn want_mending(&mut self, id: RoomId) {
        let Some(room) = self.rooms.get_mut(&id) else {
            return;
        };
        match room.mending {
            Mending::No => {
                room.mending = Mending::Wanted;
                self.to_mend.push_back(id);
            }
            Mending::Reading { number, .. } => {
                let again = true;
                room.mending = Mending::Reading { number, again };
            }
            Mending::Wanted => {}
        }
    }

    /// Everything may be missing, and who is in is to be said again.
    pub(super) fn declare_all(&mut self) {
        let mut rooms = Vec::with_capacity(self.rooms.len());
        for (id, room) in &mut self.rooms {
            room.declares = true;
            rooms.push(*id);
        }
        for id in rooms {
            self.want_mending(id);
        }
    }

    /// Reads the histories of some rooms.
    pub(super) fn mend_some(&mut self) {
        while self.mends < MENDED_AT_ONCE
            && self.lines[COMMANDS].is_up()
            && self.again.is_empty()
            && let Some(id) = self.to_mend.pop_front()
        {
            let Some(room) = self.rooms.get_mut(&id) else {
                continue;
            };
            if room.mending != Mending::Wanted {
                continue;
            }
            if !room.is_subscribed {
                // It comes back when it is subscribed to.
                room.mending = Mending::No;
                continue;
            }
            if room.at.is_none() {
                // Nothing was delivered yet, so nothing is missing; but it may be that members are.
                room.mending = Mending::No;
                continue;
            }
            let (number, again) = (self.next_mend, false);
            self.next_mend += 1;
            room.mending = Mending::Reading { number, again };
            self.mends += 1;
            self.stats.mended += 1;
            self.read_on(id, number);
        }
    }

    fn read_on(&mut self, id: RoomId, number: u64) {
        let since = self.rooms.get(&id).and_then(|room| room.at);
        let ask = Ask {
            since,
            last: PAGE,
            is_page: true,
        };
        self.ask(id, Act::Read { ask }, Then::Mend(number));
    }

    /// Whether a room is being mended under this number. If not, that is over: it was let go meanwhile, or is
    /// gone.
    fn is_mending(&mut self, id: RoomId, number: u64) -> bool {
        let room = self.rooms.get(&id);
        let is_it = room.is_some_and(
            |room| matches!(room.mending, Mending::Reading { number: of, .. } if of == number),
        );
        if !is_it {
            self.mends = self.mends.saturating_sub(1);
        }
        is_it
    }

    /// A part of the history of a room arrived that is being mended.
    pub(super) fn mended(&mut self, id: RoomId, number: u64, raw: RawExcerpt) {
        if !self.is_mending(id, number) {
            return;
        }
        let Some(room) = self.rooms.get_mut(&id) else {
            return;
        };
        let Some(at) = room.at else {
            return self.is_mended(id, raw.census);
        };
        let RawExcerpt {
            epoch,
            top,
            is_here,
            upto,
            messages,
            census,
        } = raw;
        if room.was_in(epoch) {
            // A push has told of a newer epoch meanwhile.
            return self.read_on(id, number);
        }
        if epoch != at.epoch {
            // What was delivered behind the end of its epoch is lost to the engine. Of an epoch that it does not
            // know, it has lost all: what is there now is new.
            let common = if is_here {
                at.id
            } else {
                upto.unwrap_or(0).min(at.id)
            };
            let begun = Position { epoch, id: common };
            let ended = if is_here {
                upto.unwrap_or(at.id)
            } else {
                common
            };
            self.begin_epoch(id, begun, ended);
            if !is_here {
                if let Some(room) = self.rooms.get_mut(&id) {
                    // Who is in here may be lost with it.
                    room.declares = true;
                }
                return self.read_on(id, number);
            }
        }
        let messages: Vec<_> = messages.into_iter().map(Rc::new).collect();
        let last = messages.last().map(|message| message.id);
        let behind = self.rooms.get(&id).and_then(|room| room.at);
        let behind = behind.map_or(0, |at| at.id);
        let upto = if messages.len() < PAGE {
            top
        } else {
            last.unwrap_or(top)
        };
        let mut missing = gaps(behind, &messages, upto).into_iter().peekable();
        for message in messages {
            while let Some(gap) = missing.next_if(|(_, to)| *to < message.id) {
                self.is_lost(id, gap);
            }
            if message.id > behind {
                self.stats.mended_messages += 1;
                self.deliver(id, message, None);
            }
        }
        for gap in missing {
            self.is_lost(id, gap);
        }
        if upto < top {
            return self.read_on(id, number);
        }
        self.is_mended(id, census);
    }

    /// These ids will not come.
    fn is_lost(&mut self, id: RoomId, (from, to): (u64, u64)) {
        let Some(room) = self.rooms.get_mut(&id) else {
            return;
        };
        let Some(at) = &mut room.at else {
            return;
        };
        at.id = to;
        let upto = *at;
        self.stats.lost_ids += to + 1 - from;
        let room = id;
        self.events.push_back(EngineEvent::Gap { room, from, upto });
    }

    fn is_mended(&mut self, id: RoomId, census: Census) {
        self.mends = self.mends.saturating_sub(1);
        let Some(room) = self.rooms.get_mut(&id) else {
            return;
        };
        let is_over = !matches!(room.mending, Mending::Reading { again: true, .. });
        room.mending = Mending::No;
        // A reading that was asked for before the room was subscribed to anew is not the last one: what is said of
        // its members meanwhile is missed.
        if is_over && room.is_subscribed && std::mem::take(&mut room.declares) {
            self.declare(id);
        }
        if !is_over {
            return self.want_mending(id);
        }
        self.count(id, census);
        self.deliver_held(id);
        self.tell_number_if_untold(id);
    }

    /// What was read tells how many are in. Where pushes were missed that told it, members here are told.
    fn count(&mut self, id: RoomId, census: Census) {
        let Some(room) = self.rooms.get_mut(&id) else {
            return;
        };
        room.count(census);
        if std::mem::take(&mut room.has_missed) {
            self.tell_number(id);
        }
    }

    /// Tells members here how many are in, where they were told less than is known.
    pub(super) fn tell_number_if_untold(&mut self, id: RoomId) {
        if self.rooms.get(&id).is_some_and(NodeRoom::has_untold) {
            self.tell_number(id);
        }
    }

    fn tell_number(&mut self, id: RoomId) {
        if let Some(room) = self.rooms.get_mut(&id)
            && let Some(newest) = room.census
        {
            let (members, _) = room.tell(newest);
            self.events
                .push_back(EngineEvent::Counted { room: id, members });
        }
    }

    /// The history cannot be read now: it is tried again.
    pub(super) fn mend_failed(&mut self, id: RoomId, number: u64) {
        if self.is_mending(id, number) {
            self.mends = self.mends.saturating_sub(1);
            if let Some(room) = self.rooms.get_mut(&id) {
                room.mending = Mending::Wanted;
                self.to_mend.push_back(id);
            }
        }
    }

    /// Tells the engine who is in a room of those here, and asks whom it takes for such.
    fn declare(&mut self, id: RoomId) {
        let Some(room) = self.rooms.get(&id) else {
            return;
        };
        let members = room.members.iter().map(|member| Declared {
            name: Rc::from(&*member.name),
            identity: member.identity,
            place: member.place,
        });
        let members: Vec<_> = members.collect();
        let node = self.id;
        for members in members.chunks(DECLARED_AT_ONCE) {
            let members = members.to_vec();
            self.ask(id, Act::Declare { node, members }, Then::Declare);
        }
        self.ask(id, Act::Audit { node }, Then::Audit);
    }

    /// Names of members here that somebody else has now.
    pub(super) fn declared(&mut self, id: RoomId, act: &Act, lost: &[Rc<str>]) {
        let Act::Declare { members, .. } = act else {
            return;
        };
        let is_lost = |member: &&Declared| lost.contains(&member.name);
        for Declared { name, place, .. } in members.iter().filter(is_lost) {
            let Some(room) = self.rooms.get_mut(&id) else {
                return;
            };
            let Some((number, member)) = room.members.named(name) else {
                continue;
            };
            let place = *place;
            if member.place != place {
                // It has come in again here since it was said.
                continue;
            }
            room.members.leave(number, place);
            self.is_replaced(id, Rc::clone(name), place);
        }
    }

    /// Whom the engine takes for members here: those who are none leave.
    pub(super) fn audited(&mut self, id: RoomId, members: &[(Rc<str>, Place)]) {
        for (name, place) in members {
            let known = self.rooms.get(&id);
            let is_in = known.is_some_and(|room| {
                let member = room.members.named(name);
                room.joining.contains_key(place)
                    || member.is_some_and(|(_, member)| member.place == *place)
            });
            if !is_in {
                self.ask_to_leave(id, Rc::clone(name), *place);
            }
        }
        self.forget_if_left(id);
    }

    /// Whether a room that the engine does not know is one that members are in here. It is made anew, or is closed
    /// because it was deleted: until that is known nobody is told that there is none.
    pub(super) fn is_to_be_restored(&mut self, id: RoomId) -> bool {
        let room = self.rooms.get(&id);
        let is_known = room.is_some_and(|room| {
            room.at.is_some() && room.facts.is_some() && room.members.len() > 0
        });
        if is_known {
            self.want_mending(id);
        }
        is_known
    }

    /// The engine does not know a room that somebody here is in: it has lost it, or it was deleted meanwhile.
    /// In the first case it is made anew, with its name and its key; in the other the engine refuses that.
    pub(super) fn restore(&mut self, id: RoomId, number: u64) {
        if !self.is_mending(id, number) {
            return;
        }
        let facts = self.rooms.get(&id).and_then(|room| room.facts.clone());
        let Some(facts) = facts else {
            return self.is_deleted(id, number);
        };
        let create = Act::Create {
            name: facts.name,
            key: facts.key,
            number: facts.number,
        };
        self.ask(id, create, Then::Restore(number));
    }

    pub(super) fn restored(&mut self, id: RoomId, number: u64, place: u64) {
        self.list_room(id, place);
        if self.is_mending(id, number)
            && let Some(room) = self.rooms.get_mut(&id)
        {
            room.declares = true;
            self.read_on(id, number);
        }
    }

    /// A room that was being mended is gone for good.
    pub(super) fn is_deleted(&mut self, id: RoomId, number: u64) {
        if self.is_mending(id, number) {
            self.mends = self.mends.saturating_sub(1);
            self.is_gone(id);
        }
    }

    /// Reads again for somebody whose answer is of an order that is over. One who came in is in already: to
    /// come in again might take its place from where it is by now.
    pub(super) fn ask_anew(&mut self, entrant: Entrant) {
        if let Some((_, ask)) = entrant.asked.entering() {
            let room = entrant.asked.room;
            self.ask(room, Act::Read { ask }, Then::Again(Box::new(entrant)));
        }
    }
}
