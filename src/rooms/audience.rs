//! Who listens to a room: they hear of each other, followers begin, and all end with their room or when
//! somebody takes their place.

use super::engine::{EngineEvent, Place, Presence};
use super::format::Telling;
use super::member::Ending;
use super::presence::News;
use super::state::{AT_ONCE, ROOM_CLOSED, State, charge, clock};
use super::{Excerpt, FormatId, Position, RoomId, Told};
use crate::app::{Context, SessionId};
use crate::wire::close::CloseCode;
use crate::wire::work::price;

impl State {
    /// The same member is somewhere else now.
    pub(super) fn replaced(&mut self, context: &mut Context<'_>, room: RoomId, before: Place) {
        let Some(taking) = self.members.find(before) else {
            return;
        };
        if taking.remove(room).is_none() {
            return;
        }
        let (session, format) = (taking.session, taking.format);
        context.leave(session, &format.topic(room));
        let reason = "replaced";
        self.tell(context, before, Some(room), &Told::Closed { reason });
    }

    /// What only an engine elsewhere tells.
    pub(super) fn happened_elsewhere(&mut self, context: &mut Context<'_>, event: &EngineEvent) {
        match event {
            EngineEvent::Counted { room, members } => self.counted_anew(context, *room, *members),
            EngineEvent::Replaced { room, place } => self.replaced(context, *room, *place),
            EngineEvent::Epoch { room, begun } => {
                self.tell_all(context, *room, &Told::Epoch(*begun), Some(*begun), None);
            }
            EngineEvent::Gap { room, from, upto } => {
                let (from, to) = (*from, upto.id);
                self.tell_all(context, *room, &Told::Gap { from, to }, Some(*upto), None);
            }
            _ => {}
        }
    }

    /// A room is gone: whoever is in it is told, and out. A crowd is let go part by part.
    pub(super) fn closed(&mut self, context: &mut Context<'_>, room: RoomId, places: Vec<Place>) {
        self.damper.forget(room);
        let reason = ROOM_CLOSED;
        self.tell_all(context, room, &Told::Closed { reason }, None, None);
        self.ending.push_back(Ending { room, places });
        if self.ending.len() == 1 {
            self.end_some(context, AT_ONCE);
        }
    }

    /// Lets so many members of rooms go that are gone.
    pub(super) fn end_some(&mut self, context: &mut Context<'_>, most: usize) {
        let mut left = most;
        while left > 0
            && let Some(ending) = self.ending.front_mut()
        {
            left -= 1;
            let room = ending.room;
            let Some(place) = ending.places.pop() else {
                self.ending.pop_front();
                // Who is left follows the room without being in it.
                for format in (0..self.formats.len()).filter_map(FormatId::new) {
                    self.closing.extend(context.members(&format.topic(room)));
                }
                continue;
            };
            let Some(taking) = self.members.find(place) else {
                continue;
            };
            if taking.remove(room).is_none() {
                continue;
            }
            context.charge(price::ROOM);
            let (session, format) = (taking.session, taking.format);
            if self.formats[format.index()].ends_with_room() {
                self.closing.push_back(session);
            }
            context.leave(session, &format.topic(room));
        }
    }

    /// Sends a follower what it missed, and everything from now on.
    pub(super) fn follows(
        &self,
        context: &mut Context<'_>,
        room: RoomId,
        (session, format): (SessionId, FormatId),
        excerpt: &Excerpt,
    ) {
        let words = &self.formats[format.index()];
        let position = |id| {
            Some(Position {
                epoch: excerpt.epoch,
                id,
            })
        };
        let mut send = |told: &Told<'_>, id| {
            let Some(text) = words.encode(Some(room), told) else {
                return true;
            };
            charge(context, told, text.len());
            let (event, position) = (words.event(told), position(id));
            let telling = Telling {
                text,
                event,
                position,
            };
            telling.send(context, session).is_queued()
        };
        // In the order of ids: who comes back with the last of them has missed nothing.
        let mut gaps = excerpt.gaps_before_news().into_iter().peekable();
        let mut is_sent = true;
        for message in &excerpt.messages {
            while let Some((from, to)) = gaps.next_if(|(_, to)| *to < message.id) {
                is_sent = is_sent && send(&Told::Gap { from, to }, to);
            }
            let reference = None;
            is_sent = is_sent && send(&Told::Message { message, reference }, message.id);
        }
        for (from, to) in gaps {
            is_sent = is_sent && send(&Told::Gap { from, to }, to);
        }
        if !is_sent {
            // It comes back with what it has got by then, and gets the rest.
            return context.close(session, CloseCode::TRY_AGAIN, "More is to come");
        }
        context.join(session, &format.topic(room));
    }

    /// Somebody is in, who was told so just before if `was_told`.
    pub(super) fn arrived(
        &mut self,
        context: &mut Context<'_>,
        presence: &Presence,
        was_told: bool,
    ) {
        let name = &presence.name;
        let told = Told::Arrived { name };
        self.tell_all(context, presence.room, &told, None, None);
        let now = clock(context).now;
        if let Some(news) = self.damper.arrived(presence, now) {
            let newcomer = self.members.find(presence.place);
            let except = newcomer.map(|taking| (taking.session, taking.format));
            self.tell_news(context, &news, except);
            if !was_told {
                // It may have heard another number since it came in.
                let (room, members) = (news.room, news.members);
                let told = Told::Joined {
                    name: None,
                    members,
                };
                self.tell(context, presence.place, Some(room), &told);
            }
        }
    }

    pub(super) fn departed(&mut self, context: &mut Context<'_>, presence: &Presence) {
        let name = &presence.name;
        let told = Told::Departed { name };
        self.tell_all(context, presence.room, &told, None, None);
        self.damper.departed(presence, clock(context).now);
    }

    /// Who came and went was missed: those who are in are told the number.
    fn counted_anew(&mut self, context: &mut Context<'_>, room: RoomId, members: usize) {
        let news = self.damper.counted_anew(room, members, clock(context).now);
        self.tell_news(context, &news, None);
    }

    pub(super) fn tell_news(
        &self,
        context: &mut Context<'_>,
        news: &News,
        except: Option<(SessionId, FormatId)>,
    ) {
        let (name, members) = (news.name.as_deref(), news.members);
        let told = if news.is_in {
            Told::Joined { name, members }
        } else {
            Told::Left { name, members }
        };
        self.tell_all(context, news.room, &told, None, except);
    }
}
