//! What rooms are within one server: sessions, what they asked for, and an engine that answers.

use super::engine::{
    Author, Clock, Engine, EngineEvent, Identity, Joined, Operation, Outcome, Place, Token,
};
use super::format::Telling;
use super::id::random;
use super::member::{Ending, Members, Membership, Rates};
use super::presence::Damper;
use super::{Epoch, Format, FormatId, Position, RoomError, RoomId, RoomMessage, Told};
use crate::app::{Context, SessionId};
use crate::config::RoomLimits;
use crate::wire::rate::RateTable;
use crate::wire::work::price;
use slab::Slab;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::SystemTime;

/// Sessions that are closed in one tick, as many members let go, and as many arrivals and departures told:
/// a tick is a fraction of a millisecond, and the next one comes after one.
pub(super) const AT_ONCE: usize = 64;

/// The reason of a room that was deleted.
pub(super) const ROOM_CLOSED: &str = "Room closed";

/// What a program asked for, called with the outcome.
pub(super) type Reply = Box<dyn FnOnce(Result<Outcome, RoomError>, &mut Context<'_>)>;

/// What came of an operation that a program asked for.
pub(super) type Answered = (Reply, Result<Outcome, RoomError>);

/// Tells programs what came of what they asked for. Nothing of the rooms is borrowed meanwhile: they may
/// ask for more.
pub(super) fn run_answered(answered: Vec<Answered>, context: &mut Context<'_>) {
    for (reply, outcome) in answered {
        reply(outcome, context);
    }
}

/// What is to be done when an operation is.
pub(super) enum Pending {
    Enter {
        room: RoomId,
        place: Place,
        identity: Identity,
        /// Who is told that it is in, or why not, in place of the session.
        done: Option<Reply>,
    },
    Talk {
        room: RoomId,
        place: Place,
        reference: Option<Box<str>>,
    },
    Leave,
    Follow {
        room: RoomId,
        session: SessionId,
        format: FormatId,
        /// As for `Enter`.
        done: Option<Reply>,
    },
    Reply(Reply),
}

pub(super) struct State {
    pub(super) limits: RoomLimits,
    pub(super) engine: Box<dyn Engine>,
    pub(super) formats: Vec<Box<dyn Format>>,
    pending: Slab<Pending>,
    pub(super) members: Members,
    /// The rates of users who are known, over all their sessions.
    pub(super) users: RateTable<Rates>,
    pub(super) damper: Damper,
    /// Who was told just now that it is in.
    newcomer: Option<(RoomId, Place)>,
    /// Rooms that are gone, with members that do not know yet.
    pub(super) ending: VecDeque<Ending>,
    /// Sessions whose room is gone.
    pub(super) closing: VecDeque<SessionId>,
    /// Arrivals and departures that are due and were not told in the last tick.
    has_news: bool,
    /// Whether the engine knows how much it may keep.
    is_bounded: bool,
    /// In how many milliseconds the engine has something to do, if it has.
    engine_wants: Option<u64>,
    /// When a tick is on its way for, milliseconds of the server's clock.
    pub(super) ticks_at: Option<u64>,
    /// Outcomes that programs wait for, to be told when nothing here is borrowed.
    pub(super) answered: Vec<Answered>,
    /// The connections to an engine elsewhere.
    #[cfg(feature = "cluster")]
    pub(super) lines: super::cluster::Lines,
}

/// The time that an operation happens at.
pub(super) fn clock(context: &Context<'_>) -> Clock {
    Clock {
        now: context.now().as_millis() as u64,
        unix: unix(),
    }
}

/// Milliseconds since 1970, UTC.
pub(super) fn unix() -> u64 {
    let unix = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    unix.unwrap_or_default().as_millis() as u64
}

/// Takes the price of what is told: its bytes are written to memory of their own.
pub(super) fn charge(context: &mut Context<'_>, told: &Told<'_>, bytes: usize) {
    let listed = match told {
        Told::Entered { excerpt, .. } => excerpt.messages.len(),
        _ => 1,
    };
    context.charge(price::LISTED * listed as u32 + (bytes / price::BYTES_FRESH) as u32);
}

impl State {
    pub(super) fn new(limits: RoomLimits, engine: Box<dyn Engine>, v1: Box<dyn Format>) -> Self {
        Self {
            limits,
            engine,
            formats: vec![v1],
            pending: Slab::new(),
            members: Members::new(),
            users: RateTable::new(u64::from_le_bytes(random())),
            damper: Damper::default(),
            newcomer: None,
            ending: VecDeque::new(),
            closing: VecDeque::new(),
            has_news: false,
            is_bounded: false,
            engine_wants: Some(1000),
            ticks_at: None,
            answered: Vec::new(),
            #[cfg(feature = "cluster")]
            lines: super::cluster::Lines::default(),
        }
    }

    pub(super) fn add_format(&mut self, format: Box<dyn Format>) -> FormatId {
        let id = FormatId::new(self.formats.len());
        let id = id.expect("a program has a handful of formats");
        self.formats.push(format);
        id
    }

    /// Gives an operation to the engine, and tells what came of everything that is done.
    pub(super) fn submit(
        &mut self,
        context: &mut Context<'_>,
        operation: Operation,
        pending: Pending,
    ) {
        if !self.is_bounded {
            self.is_bounded = true;
            let most = self.limits.history_total.unwrap_or_else(|| {
                let buffered = context.stats().max_buffered;
                buffered.map_or(64 << 20, |bytes| (bytes / 4) as usize)
            });
            self.engine.limit_history(most);
        }
        self.engine_wants.get_or_insert(1000);
        let token = self.pending.insert(pending) as Token;
        self.engine.submit(token, operation, clock(context));
        self.pump(context);
    }

    /// Tells what the engine has to tell.
    pub(super) fn pump(&mut self, context: &mut Context<'_>) {
        while let Some(event) = self.engine.poll() {
            let newcomer = self.newcomer.take();
            match event {
                EngineEvent::Done(token, outcome) => {
                    let pending = self.pending.remove(token as usize);
                    self.done(context, pending, outcome);
                }
                EngineEvent::Message {
                    room,
                    epoch,
                    message,
                    own,
                } => {
                    let own = own.map(|token| self.pending.remove(token as usize));
                    self.message(context, room, epoch, &message, own);
                }
                EngineEvent::Arrived(presence) => {
                    let was_told = newcomer == Some((presence.room, presence.place));
                    self.arrived(context, &presence, was_told);
                }
                EngineEvent::Departed(presence) => self.departed(context, &presence),
                EngineEvent::Closed { room, places } => self.closed(context, room, places),
                other => self.happened_elsewhere(context, &other),
            }
        }
        self.newcomer = None;
        #[cfg(feature = "cluster")]
        self.see_to_lines(context);
    }

    /// One who followed a room is gone.
    pub(super) fn unfollow(&mut self, room: RoomId) {
        self.engine.unfollow(room);
    }

    /// Tells one session in its own words.
    pub(super) fn tell(
        &mut self,
        context: &mut Context<'_>,
        place: Place,
        room: Option<RoomId>,
        told: &Told<'_>,
    ) {
        let Some(taking) = self.members.find(place) else {
            return;
        };
        let format = &self.formats[taking.format.index()];
        if let Some(text) = format.encode(room, told) {
            charge(context, told, text.len());
            context.send_owned(taking.session, text);
        }
    }

    /// Tells everybody in a room, each in the words of its format, but for one session.
    pub(super) fn tell_all(
        &self,
        context: &mut Context<'_>,
        room: RoomId,
        told: &Told<'_>,
        position: Option<Position>,
        except: Option<(SessionId, FormatId)>,
    ) {
        for (number, format) in self.formats.iter().enumerate() {
            let Some(id) = FormatId::new(number) else {
                return;
            };
            let topic = id.topic(room);
            if context.subscribers(&topic) == 0 {
                continue;
            }
            let Some(text) = format.encode(Some(room), told) else {
                continue;
            };
            charge(context, told, text.len());
            let event = format.event(told);
            let telling = Telling {
                text,
                event,
                position,
            };
            let except = except.filter(|(_, format)| *format == id);
            telling.publish(context, &topic, except.map(|(session, _)| session));
        }
    }

    pub(super) fn entered(
        &mut self,
        context: &mut Context<'_>,
        room: RoomId,
        place: Place,
        identity: Identity,
        joined: &Joined,
    ) {
        let member = joined.member;
        let Some(taking) = self.members.find(place) else {
            // It has left meanwhile, and leaves the room as well.
            let leave = Operation::Leave {
                room,
                member,
                place,
            };
            let token = self.pending.insert(Pending::Leave) as Token;
            return self.engine.submit(token, leave, clock(context));
        };
        let (session, format) = (taking.session, taking.format);
        taking.add(Membership {
            room,
            member,
            identity,
        });
        let name = self.engine.name(room, member).unwrap_or_default();
        let name = &*name.to_owned();
        if let Some(before) = joined.before
            && before != place
        {
            self.replaced(context, room, before);
        }
        let told = Told::Entered {
            name,
            members: joined.members,
            excerpt: &joined.excerpt,
        };
        self.tell(context, place, Some(room), &told);
        self.newcomer = Some((room, place));
        for (from, to) in joined.excerpt.gaps_before_news() {
            self.tell(context, place, Some(room), &Told::Gap { from, to });
        }
        context.join(session, &format.topic(room));
        if let Some(told) = joined.ahead_of {
            self.damper
                .is_ahead(room, told, joined.members, clock(context).now);
        } else if joined.before.is_some() {
            self.damper.counted(room, joined.members);
        }
        if joined.before == Some(place) {
            // It has said again that it is here: in words that tell of that, everybody hears it.
            let told = Told::Arrived { name };
            self.tell_all(context, room, &told, None, None);
        }
    }

    fn message(
        &mut self,
        context: &mut Context<'_>,
        room: RoomId,
        epoch: Epoch,
        message: &Rc<RoomMessage>,
        own: Option<Pending>,
    ) {
        let position = Some(Position {
            epoch,
            id: message.id,
        });
        let told = |reference| Told::Message { message, reference };
        let (mut except, mut receipt) = (None, None);
        match own {
            Some(Pending::Talk {
                place,
                reference: Some(reference),
                ..
            }) => {
                if let Some(taking) = self.members.find(place) {
                    except = Some((taking.session, taking.format));
                    receipt = Some((place, reference));
                }
            }
            Some(Pending::Reply(reply)) => {
                let published = Outcome::Published(epoch, Rc::clone(message));
                self.answered.push((reply, Ok(published)));
            }
            _ => {}
        }
        self.tell_all(context, room, &told(None), position, except);
        if let Some((place, reference)) = receipt {
            self.tell(context, place, Some(room), &told(Some(&reference)));
        }
    }

    /// Does what is due.
    pub(super) fn tick(&mut self, context: &mut Context<'_>) {
        let clock = clock(context);
        self.engine_wants = self.engine.tick(clock);
        self.pump(context);
        let mut told = 0;
        while told < AT_ONCE
            && let Some(news) = self.damper.next(clock.now)
        {
            self.tell_news(context, &news, None);
            told += 1;
        }
        self.has_news = told == AT_ONCE;
        self.end_some(context, AT_ONCE);
        let count = self.closing.len().min(AT_ONCE);
        for session in self.closing.drain(..count) {
            context.close(session, 1000, ROOM_CLOSED);
        }
    }

    /// Within how many milliseconds there is something to do, if at all.
    pub(super) fn wants_tick(&self) -> Option<u64> {
        let own = if self.has_news || !self.ending.is_empty() || !self.closing.is_empty() {
            Some(1)
        } else {
            (!self.damper.is_settled()).then_some(100)
        };
        own.into_iter().chain(self.engine_wants).min()
    }

    /// A session is over: it leaves every room.
    pub(super) fn depart(&mut self, context: &mut Context<'_>, place: Place) {
        let Some(taking) = self.members.remove(place) else {
            return;
        };
        for Membership { room, member, .. } in taking.memberships().copied() {
            let leave = Operation::Leave {
                room,
                member,
                place,
            };
            context.charge(price::ROOM);
            self.submit(context, leave, Pending::Leave);
        }
    }

    /// As whom a member speaks in a room, and whose its marks are.
    pub(super) fn author(&mut self, place: Place, room: RoomId) -> Option<(Author, Identity)> {
        let membership = self.members.find(place)?.membership(room)?;
        Some((
            Author::Member(place, membership.member),
            membership.identity,
        ))
    }

    /// As whom a session is in a room.
    pub(super) fn name_in(&mut self, place: Place, room: RoomId) -> Option<&str> {
        let membership = *self.members.find(place)?.membership(room)?;
        self.engine.name(room, membership.member)
    }
}
