//! Handlers over rooms: for clients that speak `dunlin.v1`, for those that only listen, and for the
//! passing of time.

use super::receive::receive;
use super::{FormatId, Member, Pass, Position, RoomError, RoomId, RoomInfo, Rooms};
use crate::app::{Handler, Open, OpenTicket, Request, Response, Session};
use crate::wire::close::CloseReason;
use crate::wire::message::Message;
use crate::wire::response::Status;
use std::cell::RefCell;
use std::rc::Rc;

impl Rooms {
    /// A handler whose clients speak `dunlin.v1`, for a route with this protocol among its
    /// [`Settings::protocols`](crate::Settings::protocols): [`Rooms::settings`] has it.
    pub fn handler(&self) -> RoomsHandler {
        RoomsHandler::new(self.clone())
    }

    /// A handler for sessions that only listen, for a route of [`App::sse`](crate::App::sse) whose path has a `{roomId}`: each
    /// message of the room is an event with its position as its id and the text of `dunlin.v1` as its data.
    pub fn followers(&self) -> Follow {
        Follow::new(self.clone())
    }
}

/// A handler whose clients speak `dunlin.v1`; from [`Rooms::handler`].
pub struct RoomsHandler {
    rooms: Rooms,
}

impl RoomsHandler {
    pub(super) fn new(rooms: Rooms) -> Self {
        Self { rooms }
    }
}

impl Handler for RoomsHandler {
    type Data = Member;

    fn open(&mut self, request: &Request<'_>, session: &mut Session<'_>) -> Open<Member> {
        let pass = Pass::of_request(request);
        Open::Accept(self.rooms.admit_as(session, FormatId::V1, pass))
    }

    fn message(&mut self, member: &mut Member, session: &mut Session<'_>, message: Message<'_>) {
        match message {
            Message::Text(text) => receive(&self.rooms, member, session, text),
            Message::Binary(_) => session.close(1003, "Only text is taken"),
        }
    }

    fn drain(&mut self, member: &mut Member, session: &mut Session<'_>, dropped: u64) {
        if dropped > 0 {
            self.rooms.lost(session.context(), member);
        }
    }

    fn close(&mut self, member: Member, session: &mut Session<'_>, _reason: &CloseReason) {
        self.rooms.depart(session.context(), &member);
    }
}

/// A handler for sessions that only listen to a room; from [`Rooms::followers`]. The room is the
/// parameter `roomId` of the path.
pub struct Follow {
    rooms: Rooms,
}

impl Follow {
    pub(super) fn new(rooms: Rooms) -> Self {
        Self { rooms }
    }
}

/// Which room is followed, and from where on.
#[derive(Clone, Copy, Debug)]
pub struct Followed(RoomId, Option<Position>);

/// Whether a room is there, when that is known.
#[derive(Default)]
enum Looked {
    #[default]
    NotYet,
    Known(Result<(), RoomError>),
    Awaited(OpenTicket<Followed>, Followed),
}

fn not_found() -> Response {
    Response::refusal(Status::NOT_FOUND)
}

/// An event source does not come back after another answer than 200: who is told to try again is told when.
fn unavailable() -> Response {
    Response::refusal(Status::SERVICE_UNAVAILABLE).field("Retry-After", "1")
}

fn refusal(error: &RoomError) -> Response {
    match error {
        RoomError::Unavailable => unavailable(),
        _ => not_found(),
    }
}

impl Looked {
    fn found(&mut self, found: Result<RoomInfo, RoomError>) {
        let found = found.map(|_| ());
        match (std::mem::replace(self, Self::Known(found.clone())), found) {
            (Self::Awaited(ticket, followed), Ok(())) => {
                ticket.accept(followed);
            }
            (Self::Awaited(ticket, _), Err(error)) => {
                ticket.refuse(refusal(&error));
            }
            _ => {}
        }
    }
}

impl Handler for Follow {
    type Data = Followed;

    fn open(&mut self, request: &Request<'_>, session: &mut Session<'_>) -> Open<Followed> {
        let room = request.param("roomId").map(RoomId::of_client);
        let Some(Ok(room)) = room else {
            return Open::Refuse(not_found());
        };
        if Pass::of_request(request).is_some_and(|pass| !pass.allows(room)) {
            return Open::Refuse(Response::refusal(Status::FORBIDDEN));
        }
        let since = request.last_event_id();
        // An id that is none of ours is one of an epoch that is gone.
        let since = since.map(|since| since.parse().unwrap_or(Position::NOWHERE));
        let followed = Followed(room, since);
        let looked = Rc::new(RefCell::new(Looked::NotYet));
        let found = Rc::clone(&looked);
        let context = session.context();
        self.rooms
            .describe(context, room, move |room, _| found.borrow_mut().found(room));
        let mut looked = looked.borrow_mut();
        match &*looked {
            Looked::Known(Ok(())) => {
                self.rooms.follow(session, room, since);
                Open::Accept(followed)
            }
            Looked::Known(Err(error)) => Open::Refuse(refusal(error)),
            _ => {
                let (open, ticket) = Open::later(session);
                *looked = Looked::Awaited(ticket, followed);
                open
            }
        }
    }

    fn accepted(&mut self, followed: &mut Followed, session: &mut Session<'_>) {
        let Followed(room, since) = *followed;
        self.rooms.follow(session, room, since);
    }

    fn message(&mut self, _: &mut Followed, _session: &mut Session<'_>, _message: Message<'_>) {}

    fn close(&mut self, followed: Followed, session: &mut Session<'_>, _reason: &CloseReason) {
        self.rooms.unfollow(session.context(), followed.0);
    }

    fn drain(&mut self, _: &mut Followed, session: &mut Session<'_>, dropped: u64) {
        if dropped > 0 {
            // It comes back for what was dropped behind the last that it got. What was dropped before that, under a
            // policy that drops, its id no longer tells: by default such a stream ends at once.
            session.close(1013, "Messages were dropped");
        }
    }
}
