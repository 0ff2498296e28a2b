//! Rooms that applications with words of their own stand on, such as `/flow`: what several servers have in common
//! by an engine.
//!
//! The room of an application has one id on all servers, is made by whoever needs it first, and is for no client:
//! neither listed nor reached by its id. What is asked for here is not limited by rates or lengths of rooms; the
//! settings of the application's own route are what bounds it.

use super::digest::{digest, first_bytes};
use super::engine::{Ask, Author, Operation, Outcome};
use super::id::{APPLICATION, random};
use super::state::{Pending, Reply};
use super::{FormatId, Member, Position, RoomError, RoomId, Rooms};
use crate::app::{Context, SessionId};

impl RoomId {
    /// The room of an application: the same wherever this is asked for.
    pub(crate) fn of_application(name: &str) -> Self {
        let digest = digest(&[b"dunlin relay", name.as_bytes()]);
        let bits = u128::from_be_bytes(first_bytes(&digest));
        Self::of_bits(bits & !(0xf << 76) & !(0b11 << 62) | APPLICATION << 76 | 0b10 << 62)
    }
}

/// Nothing of a history.
const NOTHING: Ask = Ask {
    since: None,
    last: 0,
    is_page: false,
};

impl Rooms {
    /// Makes the room of an application unless it is there.
    ///
    /// # Errors
    /// `Unavailable`, `TooManyRooms`.
    pub(crate) fn prepare(
        &self,
        context: &mut Context<'_>,
        name: &'static str,
        done: impl FnOnce(Result<RoomId, RoomError>, &mut Context<'_>) + 'static,
    ) {
        let (rooms, room) = (self.clone(), RoomId::of_application(name));
        self.describe(context, room, move |found, context| match found {
            Ok(_) => done(Ok(room), context),
            Err(RoomError::UnknownRoom) => {
                let create = Operation::Create {
                    room,
                    name: name.to_owned(),
                    // No key has this digest that anybody knows.
                    key: random(),
                };
                let of = move |outcome| matches!(outcome, Outcome::Created(_)).then_some(room);
                rooms.ask(context, create, of, done);
            }
            Err(error) => done(Err(error), context),
        });
    }

    /// A session enters the room of an application, under a name that nobody else has.
    pub(crate) fn enter_relay(
        &self,
        context: &mut Context<'_>,
        member: &Member,
        room: RoomId,
        name: &str,
        done: impl FnOnce(Result<(), RoomError>, &mut Context<'_>) + 'static,
    ) {
        let place = member.place();
        let identity = self.state.borrow().members.own_identity(place);
        let join = Operation::Join {
            room,
            name: name.into(),
            identity,
            place,
            ask: NOTHING,
        };
        let pending = Pending::Enter {
            room,
            place,
            identity,
            done: Some(reply(done)),
        };
        self.submit(context, join, pending);
    }

    /// A session hears the room of an application from now on, in this format, and what it missed before.
    /// Whatever comes of it, [`Rooms::unfollow`] belongs to it.
    pub(crate) fn follow_relay(
        &self,
        context: &mut Context<'_>,
        (session, format): (SessionId, FormatId),
        room: RoomId,
        since: Option<Position>,
        done: impl FnOnce(Result<(), RoomError>, &mut Context<'_>) + 'static,
    ) {
        let last = since.map_or(0, |_| super::sessions::MOST_MESSAGES);
        let ask = Ask {
            since,
            last,
            ..NOTHING
        };
        let pending = Pending::Follow {
            room,
            session,
            format,
            done: Some(reply(done)),
        };
        self.submit(context, Operation::Follow { room, ask }, pending);
    }

    /// A member says something in the room of an application; without one, the application itself does.
    pub(crate) fn say_relay(
        &self,
        context: &mut Context<'_>,
        room: RoomId,
        member: Option<&Member>,
        text: &str,
        done: impl FnOnce(Result<(), RoomError>, &mut Context<'_>) + 'static,
    ) {
        let author = match member {
            None => Author::User("relay".into()),
            Some(member) => {
                let author = self.state.borrow_mut().author(member.place(), room);
                match author {
                    Some((author, _)) => author,
                    None => return done(Err(RoomError::NotEntered), context),
                }
            }
        };
        let publish = Operation::Publish {
            room,
            author,
            text: Some(text.to_owned()),
            reference: None,
        };
        self.submit(context, publish, Pending::Reply(reply(done)));
    }
}

fn reply(done: impl FnOnce(Result<(), RoomError>, &mut Context<'_>) + 'static) -> Reply {
    Box::new(|outcome, context| done(outcome.map(|_| ()), context))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_room_of_an_application_is_always_the_same_and_for_no_client() {
        let room = RoomId::of_application("chat");
        assert_eq!(room, RoomId::of_application("chat"));
        assert_ne!(room, RoomId::of_application("flow"));
        assert!(room.is_of_application());
        let text = room.to_string();
        assert_eq!(RoomId::of_client(&text), Err(RoomError::UnknownRoom));
        assert_eq!(
            text.parse(),
            Ok(room),
            "on the engine it is read as any other"
        );
        let other = RoomId::random();
        assert_eq!(RoomId::of_client(&other.to_string()), Ok(other));
    }
}
