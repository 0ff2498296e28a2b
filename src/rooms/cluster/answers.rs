//! What the engine answers, and what comes of it.

use super::asked::{Asked, Entrant, ParkedJoin, Said, Sent, Then};
use super::cure::with_cure;
use super::directory::info;
use super::excerpt::told;
use super::line::Frame;
use super::node::{COMMANDS, Node, unexpected};
use super::request::{Act, Answer, RawExcerpt, Where};
use super::room::{Facts, Parked};
use crate::rooms::engine::{EngineEvent, Identity, Outcome, Place};
use crate::rooms::occupants::Occupant;
use crate::rooms::{Position, RoomError, RoomId, RoomMessage};
use std::rc::Rc;

/// Errors after which a line is of no use: its process takes no writes, or none of ours.
const USELESS: [&str; 6] = [
    "READONLY",
    "LOADING",
    "MASTERDOWN",
    "NOAUTH",
    "NOREPLICAS",
    "CLUSTERDOWN",
];
/// Milliseconds between two lines about errors of the engine.
const QUIET_MS: u64 = 1_000;

impl Node {
    /// An answer arrived on the line of commands.
    pub(super) fn answered(&mut self, frame: Frame) {
        self.unanswered = self.clock.now;
        let Some(sent) = self.sent.pop_front() else {
            return self.lose(COMMANDS, "it answered what nobody asked");
        };
        if let Frame::Error(error) = &frame
            && USELESS.iter().any(|useless| error.starts_with(useless))
        {
            let error = error.clone();
            self.sent.push_front(sent);
            return self.lose(COMMANDS, &error);
        }
        match sent {
            Sent::Script(asked, bytes) => {
                self.sent_bytes -= bytes;
                self.script_answered(*asked, frame);
            }
            Sent::Count(creating) => self.counted(creating, &frame),
            Sent::Number(creating) => self.numbered(&creating, &frame),
            Sent::Rooms(listing) => self.rooms_listed(listing, &frame),
            Sent::Lease(asked) => self.lease_answered(asked, &frame),
            Sent::Counter(token) => match frame {
                Frame::Integer(number) if number > 0 => {
                    self.done(token, Ok(Outcome::Number(number as u64 - 1)));
                }
                other => {
                    self.tell_error(&other);
                    self.done(token, Err(RoomError::Unavailable));
                }
            },
            Sent::Ignored => {
                if let Frame::Error(_) = &frame {
                    self.tell_error(&frame);
                }
            }
        }
    }

    /// Says what the engine could not do, once a second at most.
    pub(super) fn tell_error(&mut self, frame: &Frame) {
        if self.clock.now < self.quiet_until {
            return;
        }
        self.quiet_until = self.clock.now + QUIET_MS;
        match frame {
            Frame::Error(error) => {
                log::error!("the engine at {} says: {}", self.address, with_cure(error))
            }
            _ => log::error!("the engine at {} answered something odd", self.address),
        }
    }

    fn script_answered(&mut self, asked: Asked, frame: Frame) {
        if let Frame::Error(error) = &frame {
            if error.starts_with("NOSCRIPT") {
                // It was emptied: what follows has to come behind the scripts.
                self.load_scripts();
                return self.send(asked);
            }
            self.tell_error(&frame);
            return self.refuse(asked);
        }
        let waited = self.clock.now.saturating_sub(asked.since);
        self.stats.answers += 1;
        self.stats.waited_ms += waited;
        self.stats.longest_ms = self.stats.longest_ms.max(waited);
        match super::answer::answer(&asked.act, frame) {
            Ok(answer) => self.act_on(asked, answer),
            Err(broken) => {
                log::error!("the engine at {}: {broken}", self.address);
                self.refuse(asked);
            }
        }
    }

    fn act_on(&mut self, asked: Asked, answer: Answer) {
        let room = asked.room;
        let is_unknown = answer == Answer::Refused(RoomError::UnknownRoom);
        if is_unknown && is_for_somebody(&asked.then) && self.is_to_be_restored(room) {
            return self.refuse(asked);
        }
        let outcome = match (asked.then.clone(), answer) {
            (Then::Mend(number), Answer::Excerpt(excerpt)) => {
                return self.mended(room, number, excerpt);
            }
            (Then::Mend(number), Answer::Refused(RoomError::UnknownRoom)) => {
                return self.restore(room, number);
            }
            (Then::Restore(number), Answer::Created { number: place }) => {
                return self.restored(room, number, place);
            }
            (Then::Restore(number), Answer::Refused(_)) => return self.is_deleted(room, number),
            (Then::Declare, Answer::Declared { lost }) => {
                return self.declared(room, &asked.act, &lost);
            }
            (Then::Audit, Answer::Audited { members }) => return self.audited(room, &members),
            (Then::Sweep(node), answer) => return self.swept(node, room, &answer),
            (
                Then::Facts,
                Answer::Room {
                    name, key, number, ..
                },
            ) => {
                let name = name.into();
                if let Some(known) = self.rooms.get_mut(&room) {
                    known.facts = Some(Facts { name, key, number });
                }
                return;
            }
            (Then::Leave, _) => return self.has_left(room),
            (Then::Facts | Then::Declare | Then::Audit, _) => return,
            (Then::Listed(id), answer) => return self.described(id, room, answer),
            (Then::Create(creating), Answer::Created { number }) => {
                return self.created(&creating, number);
            }
            (Then::Create(creating), _) => (creating.token, Err(RoomError::Unavailable)),
            (Then::Publish(said), Answer::Refused(error)) => {
                return self.publish_failed(room, said, error);
            }
            (
                Then::Join {
                    place, identity, ..
                },
                Answer::Joined {
                    excerpt, before, ..
                },
            ) => {
                // A join that went out twice finds itself.
                let own = Where {
                    node: self.id,
                    place,
                };
                let before = before.filter(|before| !(asked.is_again && *before == own));
                let join = Join {
                    place,
                    identity,
                    before,
                };
                return self.joined(asked, excerpt, join);
            }
            (Then::Again(entrant), Answer::Excerpt(raw)) => return self.park(*entrant, raw),
            (Then::Again(entrant), _) => return self.refuse_entrant(*entrant),
            (Then::Join { token, place, .. }, Answer::Refused(error)) => {
                if let Some(known) = self.rooms.get_mut(&room) {
                    known.joining.remove(&place);
                    known.is_told();
                }
                self.done(token, Err(error));
                return self.left(room);
            }
            (Then::Follow { .. }, Answer::Excerpt(raw)) => {
                let joined = None;
                return self.park(Entrant { asked, joined }, raw);
            }
            (Then::Follow { token, .. }, Answer::Refused(error)) => {
                if let Some(known) = self.rooms.get_mut(&room) {
                    known.is_told();
                }
                self.done(token, Err(error));
                return self.let_go_if_idle(room);
            }
            (Then::Publish(said), answer) => {
                return self.published(room, said, &asked.act, answer);
            }
            (
                Then::Delete(token)
                | Then::Describe(token)
                | Then::Names(token)
                | Then::Read { token, .. },
                Answer::Refused(error),
            ) => (token, Err(error)),
            (Then::Delete(token), Answer::Deleted) => {
                let directory = self.keys.rooms();
                let id = room.to_string();
                self.command(&[b"ZREM", &*directory, id.as_bytes()], Sent::Ignored);
                (token, Ok(Outcome::Deleted))
            }
            (Then::Describe(token), answer) => match info(room, answer) {
                Some(info) => (token, Ok(Outcome::Room(info))),
                None => (token, Err(RoomError::UnknownRoom)),
            },
            (Then::Read { token, ask }, Answer::Excerpt(raw)) => {
                (token, Ok(Outcome::Excerpt(told(raw, ask))))
            }
            (Then::Names(token), Answer::Names { members, mut names }) => {
                names.sort_unstable();
                (token, Ok(Outcome::Names(members, names)))
            }
            (_, answer) => {
                unexpected(&answer);
                return self.refuse(asked);
            }
        };
        self.done(outcome.0, outcome.1);
    }

    fn joined(&mut self, asked: Asked, raw: RawExcerpt, join: Join) {
        let room = asked.room;
        let Act::Join { name, .. } = &asked.act else {
            return;
        };
        let own = self.id;
        let Some(known) = self.rooms.get_mut(&room) else {
            return self.refuse(asked);
        };
        if !known.joining.contains_key(&join.place) {
            // The room was gone meanwhile, and those who were coming in with it.
            return self.refuse(asked);
        }
        // Whoever had this name here before is out: the engine has said so, or is about to.
        if let Some((number, known_as)) = known.members.named(name)
            && known_as.identity != join.identity
            && known_as.place != join.place
        {
            let place = known_as.place;
            known.members.leave(number, place);
            self.events.push_back(EngineEvent::Replaced { room, place });
        }
        let occupant = Occupant {
            name: (&**name).into(),
            identity: join.identity,
            place: join.place,
        };
        let Ok((member, local)) = known.members.enter(occupant) else {
            return;
        };
        // A place of another node is none here.
        let elsewhere = |before: Where| if before.node == own { before.place } else { 0 };
        let before = local.or(join.before.map(elsewhere));
        let joined = Some(ParkedJoin {
            census: raw.census,
            member,
            place: join.place,
            before,
        });
        self.park(Entrant { asked, joined }, raw);
    }

    /// An answer to somebody who listens from now on waits until all before it is delivered.
    fn park(&mut self, mut entrant: Entrant, raw: RawExcerpt) {
        let room = entrant.asked.room;
        let Some((token, ask)) = entrant.asked.entering() else {
            return;
        };
        let Some(known) = self.rooms.get_mut(&room) else {
            return self.done(token, Err(RoomError::UnknownRoom));
        };
        let since = self.clock.now;
        if let Some(joined) = &mut entrant.joined {
            // An answer of before may be that of an engine whose numbers are over.
            joined.census = raw.census;
        }
        let excerpt = told(raw, ask);
        let at = Position {
            epoch: excerpt.epoch,
            id: excerpt.top,
        };
        known.parked.push(Parked {
            entrant,
            excerpt,
            since,
        });
        if known.at.is_none() {
            // The first who listens: everything behind this is new.
            known.at = Some(at);
            if known.declares {
                self.want_mending(room);
            }
            return self.deliver_held(room);
        }
        let is_beyond = known.is_beyond(at.epoch);
        self.see_to_parked(room);
        if is_beyond {
            // No push may ever tell of it: that of an epoch which somebody elsewhere has begun by making the room anew.
            self.want_mending(room);
        }
    }

    fn published(&mut self, room: RoomId, said: Said, act: &Act, answer: Answer) {
        let (
            Act::Publish { sender, text, .. },
            Answer::Published {
                epoch,
                id,
                date,
                known: before,
            },
        ) = (act, answer)
        else {
            return self.publish_failed(room, said, RoomError::Unavailable);
        };
        let message = before.unwrap_or_else(|| {
            let text = text.as_deref().map(Box::from);
            RoomMessage::new(id, date, Rc::clone(sender), text)
        });
        let message = Rc::new(message);
        if !said.comes_back {
            return self.done(said.token, Ok(Outcome::Published(epoch, message)));
        }
        // Where it is gone it has come back, and that was its receipt.
        let known = self.rooms.get_mut(&room);
        if let Some(own) = known.and_then(|known| known.own.get_mut(&said.key)) {
            own.at = Some((epoch, message));
            self.see_to_own(room);
        }
    }

    pub(super) fn publish_failed(&mut self, room: RoomId, said: Said, error: RoomError) {
        if !said.comes_back {
            return self.done(said.token, Err(error));
        }
        let known = self.rooms.get_mut(&room);
        let own = known.and_then(|known| known.own.remove(&said.key));
        for token in own.into_iter().flat_map(|own| own.tokens) {
            self.done(token, Err(error.clone()));
        }
        self.let_go_if_idle(room);
    }
}

/// Whether somebody waits for the answer who would take it that there is no such room.
fn is_for_somebody(then: &Then) -> bool {
    matches!(
        then,
        Then::Delete(_)
            | Then::Describe(_)
            | Then::Join { .. }
            | Then::Publish(_)
            | Then::Read { .. }
            | Then::Follow { .. }
            | Then::Names(_)
    )
}

/// The answer to a join.
struct Join {
    place: Place,
    identity: Identity,
    before: Option<Where>,
}
