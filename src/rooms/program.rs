//! What a program asks of rooms, beside what their sessions do.

use super::digest::digest;
use super::engine::{Ask, Author, Operation, Outcome};
use super::id::random;
use super::sessions::MOST_MESSAGES;
use super::{Excerpt, Pass, Position, RoomError, RoomId, RoomInfo, RoomKey, Rooms, name, sessions};
use crate::app::Context;
use std::rc::Rc;

/// What a program does with rooms.
impl Rooms {
    /// Makes a room. Its name is trimmed; two rooms may have one name.
    ///
    /// # Errors
    /// `BadName`, `TooLong`; `TooManyRooms` past [`RoomLimits::max_rooms`](crate::config::RoomLimits::max_rooms), when no room has been
    /// unused for a minute that could give way.
    pub fn create(
        &self,
        context: &mut Context<'_>,
        name: &str,
        done: impl FnOnce(Result<(RoomInfo, RoomKey), RoomError>, &mut Context<'_>) + 'static,
    ) {
        let name = match name::name_of("the name of a room", name, self.limits.max_room_name) {
            Ok(name) => name,
            Err(error) => return done(Err(error), context),
        };
        let bits: [u8; 32] = random();
        let text: String = bits.iter().map(|byte| format!("{byte:02x}")).collect();
        let (room, key) = (RoomId::random(), digest(&[text.as_bytes()]));
        let key_text = RoomKey(text);
        let of = |outcome| match outcome {
            Outcome::Created(info) => Some((info, key_text)),
            _ => None,
        };
        self.ask(context, Operation::Create { room, name, key }, of, done);
    }

    /// Deletes a room by its key: whoever is in it is told, and out.
    ///
    /// # Errors
    /// `UnknownRoom`, `WrongKey`.
    pub fn delete(
        &self,
        context: &mut Context<'_>,
        room: RoomId,
        key: &str,
        done: impl FnOnce(Result<(), RoomError>, &mut Context<'_>) + 'static,
    ) {
        let key = digest(&[key.as_bytes()]);
        let of = |outcome| matches!(outcome, Outcome::Deleted).then_some(());
        self.ask(context, Operation::Delete { room, key }, of, done);
    }

    /// At most so many rooms in the order of their creation, behind this one; from the first on without.
    pub fn list(
        &self,
        context: &mut Context<'_>,
        behind: Option<&RoomInfo>,
        most: usize,
        done: impl FnOnce(Result<Vec<RoomInfo>, RoomError>, &mut Context<'_>) + 'static,
    ) {
        let after = behind.map_or(0, |room| room.number);
        let of = |outcome| match outcome {
            Outcome::List(rooms) => Some(rooms),
            _ => None,
        };
        self.ask(context, Operation::List { after, most }, of, done);
    }

    /// What is known of a room.
    ///
    /// # Errors
    /// `UnknownRoom`.
    pub fn describe(
        &self,
        context: &mut Context<'_>,
        room: RoomId,
        done: impl FnOnce(Result<RoomInfo, RoomError>, &mut Context<'_>) + 'static,
    ) {
        let of = |outcome| match outcome {
            Outcome::Room(info) => Some(info),
            _ => None,
        };
        self.ask(context, Operation::Describe { room }, of, done);
    }

    /// Says something in a room for somebody who is no member; its position is the receipt. The same
    /// mark of the same sender within 5 minutes is the same message.
    ///
    /// # Errors
    /// `UnknownRoom`, `Empty`, `BadName`, `TooLong`; `NameTaken`: a member has this name; `TooFast`: all who
    /// speak so in a room have [`RoomLimits::message_rate`](crate::config::RoomLimits::message_rate) together.
    pub fn publish(
        &self,
        context: &mut Context<'_>,
        room: RoomId,
        sender: &str,
        text: &str,
        reference: Option<&str>,
        done: impl FnOnce(Result<Position, RoomError>, &mut Context<'_>) + 'static,
    ) {
        let author = Author::Guest(sender.into());
        self.publish_by(context, room, author, text, reference, done);
    }

    /// The same for a user who is known, under the name of the pass and within the rate of that user.
    ///
    /// # Errors
    /// As [`Rooms::publish`], without `NameTaken`; `Forbidden`.
    pub fn publish_as(
        &self,
        context: &mut Context<'_>,
        room: RoomId,
        pass: &Pass,
        text: &str,
        reference: Option<&str>,
        done: impl FnOnce(Result<Position, RoomError>, &mut Context<'_>) + 'static,
    ) {
        let checked = pass.check_publish(room);
        if let Err(error) = checked.and_then(|()| self.takes_message_of(context, pass)) {
            return done(Err(error), context);
        }
        let author = Author::User(pass.name().into());
        self.publish_by(context, room, author, text, reference, done);
    }

    fn publish_by(
        &self,
        context: &mut Context<'_>,
        room: RoomId,
        author: Author,
        text: &str,
        reference: Option<&str>,
        done: impl FnOnce(Result<Position, RoomError>, &mut Context<'_>) + 'static,
    ) {
        let (kind, sender, is_known) = match &author {
            Author::User(name) => (&b"user"[..], name, true),
            Author::Guest(name) => (&b"guest"[..], name, false),
            Author::Member(..) => return done(Err(RoomError::NotEntered), context),
        };
        let checked = self.check_text(Some(text)).and_then(|()| {
            let name = name::name_of("the name of a sender", sender, self.limits.max_sender)?;
            let reference = match reference {
                Some(reference) => Some(sessions::reference_key(
                    &[kind, name.as_bytes()],
                    reference,
                )?),
                None => None,
            };
            if text.trim().is_empty() {
                Err(RoomError::Empty)
            } else {
                Ok((name, reference))
            }
        });
        let (name, reference) = match checked {
            Ok(checked) => checked,
            Err(error) => return done(Err(error), context),
        };
        let publish = Operation::Publish {
            room,
            author: if is_known {
                Author::User(name.into())
            } else {
                Author::Guest(name.into())
            },
            text: Some(text.to_owned()),
            reference,
        };
        let of = |outcome| match outcome {
            Outcome::Published(epoch, message) => Some(Position {
                epoch,
                id: message.id,
            }),
            _ => None,
        };
        self.ask(context, publish, of, done);
    }

    /// A part of a history: what comes behind `since`, or the newest; 100 messages at most.
    ///
    /// # Errors
    /// `UnknownRoom`.
    pub fn history(
        &self,
        context: &mut Context<'_>,
        room: RoomId,
        since: Option<Position>,
        most: usize,
        done: impl FnOnce(Result<Excerpt, RoomError>, &mut Context<'_>) + 'static,
    ) {
        let last = most.min(MOST_MESSAGES);
        let is_page = true;
        let ask = Ask {
            since,
            last,
            is_page,
        };
        let of = |outcome| match outcome {
            Outcome::Excerpt(excerpt) => Some(excerpt),
            _ => None,
        };
        self.ask(context, Operation::Read { room, ask }, of, done);
    }

    /// The next number of a counter of this name, from 0 on: never the same twice, over all nodes that share
    /// an engine.
    ///
    /// # Errors
    /// `Unavailable`.
    pub fn count(
        &self,
        context: &mut Context<'_>,
        name: &str,
        done: impl FnOnce(Result<u64, RoomError>, &mut Context<'_>) + 'static,
    ) {
        let of = |outcome| match outcome {
            Outcome::Number(number) => Some(number),
            _ => None,
        };
        let name = name.into();
        self.ask(context, Operation::Count { name }, of, done);
    }

    /// How many members a room has, and the names of so many of them, sorted.
    ///
    /// # Errors
    /// `UnknownRoom`.
    pub fn names(
        &self,
        context: &mut Context<'_>,
        room: RoomId,
        most: usize,
        done: impl FnOnce(Result<(usize, Vec<Rc<str>>), RoomError>, &mut Context<'_>) + 'static,
    ) {
        let of = |outcome| match outcome {
            Outcome::Names(members, names) => Some((members, names)),
            _ => None,
        };
        self.ask(context, Operation::Names { room, most }, of, done);
    }
}
