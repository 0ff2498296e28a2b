//! What a session does in rooms.

use super::digest::{digest, first_bytes};
use super::engine::{Ask, Operation, ReferenceKey};
use super::member::Rates;
use super::state::{Pending, State};
use super::{FormatId, Member, Pass, Position, RoomError, RoomId, Rooms, Told, name};
use crate::app::{Context, Session};
use crate::wire::rate::Rate;
use std::rc::Rc;

/// Messages that an answer holds at most.
pub(super) const MOST_MESSAGES: usize = 100;

/// The most bytes of a client's own mark.
pub(super) const MOST_REFERENCE: usize = 64;

/// How a session enters a room.
#[derive(Clone, Debug, Default)]
pub struct Enter<'a> {
    /// The name that it wants.
    pub name: &'a str,
    /// A secret of 16 to 64 characters by which it is known when it comes again.
    pub client: Option<&'a str>,
    /// Behind which message it goes on.
    pub since: Option<Position>,
    /// It wants the newest so many messages, 100 at most.
    pub last: usize,
}

/// The mark of a message, told from those of everybody else.
pub(super) fn reference_key(of: &[&[u8]], reference: &str) -> Result<ReferenceKey, RoomError> {
    if reference.len() > MOST_REFERENCE {
        return Err(RoomError::TooLong {
            what: "a ref",
            given: reference.len(),
            most: MOST_REFERENCE,
        });
    }
    let parts: Vec<&[u8]> = of.iter().copied().chain([reference.as_bytes()]).collect();
    Ok(u128::from_le_bytes(first_bytes(&digest(&parts))))
}

/// What a session does in rooms, for handlers with a protocol of their own.
///
/// What is refused at once is the error that is returned; what the engine refuses is told to the
/// session as [`Told::Error`].
impl Rooms {
    /// A session takes part from now on, and is told in this format.
    pub fn admit(&self, session: &Session<'_>, format: FormatId) -> Member {
        self.admit_as(session, format, None)
    }

    /// The same as somebody who is known: it has one name in every room, may do what its pass is for, and
    /// has its rates together with all other sessions of that user.
    pub fn admit_as(&self, session: &Session<'_>, format: FormatId, pass: Option<Pass>) -> Member {
        let pass = pass.map(Rc::new);
        let mut state = self.state.borrow_mut();
        Member::new(state.members.add(session.id(), format, pass))
    }

    /// What a session may do, where that is limited.
    fn pass_of(&self, member: &Member) -> Option<Rc<Pass>> {
        let mut state = self.state.borrow_mut();
        state.members.find(member.place())?.pass.clone()
    }

    /// A session is over: it leaves every room. For its close event.
    pub fn depart(&self, context: &mut Context<'_>, member: &Member) {
        self.with(context, |state, context| {
            state.depart(context, member.place())
        });
    }

    /// Counts a message of a session against its rate. `false`: it is closed, perhaps with 1008 for going
    /// on too fast; the message is not to be looked at.
    ///
    /// # Errors
    /// `TooFast`: it is to be told so, and the message does nothing.
    pub fn takes_message(
        &self,
        context: &mut Context<'_>,
        member: &Member,
    ) -> Result<bool, RoomError> {
        let most = self.limits.message_rate;
        self.takes(context, member, "messages", most, |rates| {
            &mut rates.messages
        })
    }

    /// Counts a message that a user says in another way than by a session, against the same rate.
    ///
    /// # Errors
    /// `TooFast`.
    pub fn takes_message_of(
        &self,
        context: &mut Context<'_>,
        pass: &Pass,
    ) -> Result<(), RoomError> {
        let (what, most) = ("messages", self.limits.message_rate);
        let now = context.now();
        let mut state = self.state.borrow_mut();
        if state.users.at(pass.user(), now).messages.admits(most, now) {
            return Ok(());
        }
        context.count_limited();
        let most = most.unwrap_or_default();
        Err(RoomError::TooFast { what, most })
    }

    fn takes(
        &self,
        context: &mut Context<'_>,
        member: &Member,
        what: &'static str,
        most: Option<usize>,
        rate: impl FnOnce(&mut Rates) -> &mut Rate,
    ) -> Result<bool, RoomError> {
        let now = context.now();
        let mut state = self.state.borrow_mut();
        let State { members, users, .. } = &mut *state;
        let Some(taking) = members.find(member.place()) else {
            return Ok(false);
        };
        let session = taking.session;
        let rate = rate(match &taking.pass {
            Some(pass) => users.at(pass.user(), now),
            None => &mut taking.rates,
        });
        if rate.admits(most, now) {
            return Ok(true);
        }
        context.count_limited();
        if rate.is_flooding(most) {
            context.close(session, 1008, "Too many messages");
            return Ok(false);
        }
        let most = most.unwrap_or_default();
        Err(RoomError::TooFast { what, most })
    }

    /// A session enters a room.
    ///
    /// # Errors
    /// `BadName`, `TooLong`, `TooFast`, `TooManyMemberships`, `BadMessage` for a `client` that is none;
    /// `Forbidden` and `OtherName` for what its pass is not for.
    pub fn enter(
        &self,
        context: &mut Context<'_>,
        member: &Member,
        room: RoomId,
        enter: &Enter<'_>,
    ) -> Result<(), RoomError> {
        let name = self.name_with(self.pass_of(member).as_deref(), room, enter.name)?;
        let identity = match enter.client {
            None => None,
            Some(client) if (16..=64).contains(&client.chars().count()) => {
                let digest = digest(&[b"client", client.as_bytes()]);
                Some(u64::from_le_bytes(first_bytes(&digest)))
            }
            Some(_) => {
                let problem = "a client is a secret of 16 to 64 characters";
                return Err(RoomError::BadMessage(problem.to_owned()));
            }
        };
        if !self.takes(context, member, "ENTERs", self.limits.join_rate, |taking| {
            &mut taking.joins
        })? {
            return Ok(());
        }
        let most = self.limits.max_rooms_per_session;
        let identity = {
            let mut state = self.state.borrow_mut();
            let Some(taking) = state.members.find(member.place()) else {
                return Ok(());
            };
            if taking.membership(room).is_none() && taking.memberships().count() >= most {
                return Err(RoomError::TooManyMemberships { most });
            }
            if let Some(known) = state.name_in(member.place(), room)
                && *known != *name
            {
                return Err(RoomError::OtherName(known.to_owned()));
            }
            identity.unwrap_or_else(|| state.members.own_identity(member.place()))
        };
        let last = if enter.since.is_some() {
            MOST_MESSAGES
        } else {
            enter.last.min(MOST_MESSAGES)
        };
        let place = member.place();
        let join = Operation::Join {
            room,
            name: name.into(),
            identity,
            place,
            ask: Ask {
                since: enter.since,
                last,
                is_page: false,
            },
        };
        let pending = Pending::Enter {
            room,
            place,
            identity,
            done: None,
        };
        self.submit(context, join, pending);
        Ok(())
    }

    /// Under which name a room is entered: where there is a pass, its own, which need not be given.
    fn name_with(
        &self,
        pass: Option<&Pass>,
        room: RoomId,
        given: &str,
    ) -> Result<String, RoomError> {
        let Some(pass) = pass else {
            return self.name(given);
        };
        pass.check_room(room)?;
        let own = self.name(pass.name())?;
        if given.is_empty() || self.name(given)? == own {
            Ok(own)
        } else {
            Err(RoomError::OtherName(own))
        }
    }

    /// A session speaks in a room that it is in.
    ///
    /// # Errors
    /// `NotEntered`, `TooLong`, `Forbidden`.
    pub fn talk(
        &self,
        context: &mut Context<'_>,
        member: &Member,
        room: RoomId,
        text: Option<&str>,
        reference: Option<&str>,
    ) -> Result<(), RoomError> {
        self.check_text(text)?;
        if let Some(pass) = self.pass_of(member) {
            pass.check_publish(room)?;
        }
        let place = member.place();
        let (author, identity) = {
            let mut state = self.state.borrow_mut();
            state.author(place, room).ok_or(RoomError::NotEntered)?
        };
        let key = match reference {
            Some(reference) => Some(reference_key(
                &[b"member", &identity.to_le_bytes()],
                reference,
            )?),
            None => None,
        };
        let publish = Operation::Publish {
            room,
            author,
            text: text.map(str::to_owned),
            reference: key,
        };
        let reference = reference.map(Into::into);
        self.submit(
            context,
            publish,
            Pending::Talk {
                room,
                place,
                reference,
            },
        );
        Ok(())
    }

    /// A session leaves a room.
    ///
    /// # Errors
    /// `NotEntered`.
    pub fn leave(
        &self,
        context: &mut Context<'_>,
        member: &Member,
        room: RoomId,
    ) -> Result<(), RoomError> {
        let place = member.place();
        let left = self
            .state
            .borrow_mut()
            .members
            .find(place)
            .and_then(|taking| {
                let membership = taking.remove(room)?;
                Some((taking.session, taking.format, membership.member))
            });
        let (session, format, member) = left.ok_or(RoomError::NotEntered)?;
        context.leave(session, &format.topic(room));
        self.submit(
            context,
            Operation::Leave {
                room,
                member,
                place,
            },
            Pending::Leave,
        );
        Ok(())
    }

    /// Messages to a session were dropped, for a backlog policy: it is out of all its rooms, told so with
    /// the reason `slow`, and gets what it missed when it enters again.
    pub fn lost(&self, context: &mut Context<'_>, member: &Member) {
        let mut rooms = Vec::new();
        if let Some(taking) = self.state.borrow_mut().members.find(member.place()) {
            rooms.extend(taking.memberships().map(|membership| membership.room));
        }
        for room in rooms {
            let reason = "slow";
            self.tell(context, member, Some(room), &Told::Closed { reason });
            let _ = self.leave(context, member, room);
        }
    }

    /// Refuses a text that cannot be a message within its limit, before it is parsed.
    ///
    /// # Errors
    /// `TooLong`.
    pub fn check_json(&self, text: &str) -> Result<(), RoomError> {
        let (what, given, most) = ("a message", text.len(), self.limits.most_json());
        if given > most {
            return Err(RoomError::TooLong { what, given, most });
        }
        Ok(())
    }

    /// The name that somebody who gives this one has: trimmed and composed.
    ///
    /// # Errors
    /// `BadName`, `TooLong`.
    pub fn name(&self, given: &str) -> Result<String, RoomError> {
        name::name_of("a name", given, self.limits.max_sender)
    }

    /// In which format a session is told.
    pub fn format_of(&self, member: &Member) -> Option<FormatId> {
        let mut state = self.state.borrow_mut();
        state
            .members
            .find(member.place())
            .map(|taking| taking.format)
    }

    /// As whom a session is in a room.
    pub fn name_in(&self, member: &Member, room: RoomId) -> Option<String> {
        let mut state = self.state.borrow_mut();
        state.name_in(member.place(), room).map(str::to_owned)
    }

    /// As whom a session is in the first of its rooms.
    pub fn name_of(&self, member: &Member) -> Option<String> {
        let mut state = self.state.borrow_mut();
        let room = state
            .members
            .find(member.place())?
            .memberships()
            .next()?
            .room;
        state.name_in(member.place(), room).map(str::to_owned)
    }

    /// Tells a session something in the words of its format.
    pub fn tell(
        &self,
        context: &mut Context<'_>,
        member: &Member,
        room: Option<RoomId>,
        told: &Told<'_>,
    ) {
        self.state
            .borrow_mut()
            .tell(context, member.place(), room, told);
    }

    /// Sends a session that only listens what it missed of a room, and everything from now on.
    pub fn follow(&self, session: &mut Session<'_>, room: RoomId, since: Option<Position>) {
        let id = session.id();
        let last = if since.is_some() { MOST_MESSAGES } else { 0 };
        let read = Operation::Follow {
            room,
            ask: Ask {
                since,
                last,
                is_page: false,
            },
        };
        self.submit(
            session.context(),
            read,
            Pending::Follow {
                room,
                session: id,
                format: FormatId::V1,
                done: None,
            },
        );
    }

    /// A session that followed a room is over. For its close event, once for each [`Rooms::follow`].
    pub fn unfollow(&self, context: &mut Context<'_>, room: RoomId) {
        self.with(context, |state, _| state.unfollow(room));
    }

    pub(super) fn check_text(&self, text: Option<&str>) -> Result<(), RoomError> {
        let (given, most) = (text.map_or(0, str::len), self.limits.max_text);
        let what = "a message";
        if given > most {
            Err(RoomError::TooLong { what, given, most })
        } else {
            Ok(())
        }
    }
}
