//! A session of an application over rooms, from its opening to its end, whatever is slow in between.

use crate::rooms::{Member, RoomError, RoomId, Rooms};
use crate::wire::work::price;
use crate::{CloseCode, Context, Open, Response, Session, SessionId, Status};
use std::cell::RefCell;
use std::rc::Rc;

/// Texts, and their bytes, that are kept of who speaks before it is in.
pub(super) const MOST_EARLY: usize = 64;
pub(super) const MOST_EARLY_BYTES: usize = 256 << 10;
/// Texts of one session that the engine has not answered yet: who says more is too fast for it. Without this bound
/// one could take all that the engine is asked at a time.
pub(super) const MOST_UNANSWERED: usize = 512;

#[derive(Default)]
struct Standing {
    /// Its open event is over, and has accepted it.
    is_open: bool,
    /// It cannot stay, or is gone.
    is_over: bool,
    /// Where it is, once it is there.
    room: Option<RoomId>,
    early: Vec<String>,
    early_bytes: usize,
    unanswered: usize,
}

/// A session of an application over rooms.
pub(super) struct Attendee {
    pub(super) rooms: Rooms,
    pub(super) session: SessionId,
    /// As whom it is in the room, where it is in and does not only listen.
    pub(super) member: Option<Member>,
    standing: RefCell<Standing>,
}

impl Attendee {
    pub(super) fn new(rooms: &Rooms, session: &Session<'_>, member: Option<Member>) -> Rc<Self> {
        Rc::new(Self {
            rooms: rooms.clone(),
            session: session.id(),
            member,
            standing: RefCell::default(),
        })
    }

    /// The end of its open event: it is in or waits to be, unless rooms have refused it already.
    pub(super) fn opened(self: Rc<Self>) -> Open<Rc<Self>> {
        let mut standing = self.standing.borrow_mut();
        if standing.is_over {
            let status = Status::SERVICE_UNAVAILABLE;
            return Open::Refuse(Response::refusal(status).field("Retry-After", "1"));
        }
        standing.is_open = true;
        drop(standing);
        Open::Accept(self)
    }

    /// It is over; nothing that is still to come does anything.
    pub(super) fn end(&self) {
        self.standing.borrow_mut().is_over = true;
    }

    /// What rooms answered, while there is somebody to go on for; who is refused is closed.
    pub(super) fn goes_on<T>(
        &self,
        answer: Result<T, RoomError>,
        context: &mut Context<'_>,
    ) -> Option<T> {
        let mut standing = self.standing.borrow_mut();
        if standing.is_over {
            return None;
        }
        match answer {
            Ok(answer) => Some(answer),
            Err(error) => {
                log::debug!("session {} is refused: {error}", self.session);
                standing.is_over = true;
                if standing.is_open {
                    let reason = "The rooms do not answer now";
                    context.close(self.session, CloseCode::TRY_AGAIN, reason);
                }
                None
            }
        }
    }

    /// It is in the room, and what it said before is said now.
    pub(super) fn arrived(self: &Rc<Self>, room: RoomId, context: &mut Context<'_>) {
        let early = {
            let mut standing = self.standing.borrow_mut();
            standing.room = Some(room);
            std::mem::take(&mut standing.early)
        };
        for text in early {
            self.say(&text, context);
        }
    }

    /// It says something, now or as soon as it is in.
    pub(super) fn say(self: &Rc<Self>, text: &str, context: &mut Context<'_>) {
        let room = {
            let mut standing = self.standing.borrow_mut();
            if standing.is_over {
                return;
            }
            let is_full = standing.early.len() == MOST_EARLY
                || standing.early_bytes + text.len() > MOST_EARLY_BYTES;
            match standing.room {
                None if !is_full => {
                    standing.early_bytes += text.len();
                    return standing.early.push(text.to_owned());
                }
                Some(room) if standing.unanswered < MOST_UNANSWERED => {
                    standing.unanswered += 1;
                    room
                }
                _ => {
                    standing.is_over = true;
                    return context.close(self.session, 1008, "Too many messages");
                }
            }
        };
        context.charge(price::ROOM + (text.len() / price::BYTES_FRESH) as u32);
        let own = Rc::clone(self);
        let said = move |said: Result<(), RoomError>, context: &mut Context<'_>| {
            own.standing.borrow_mut().unanswered -= 1;
            own.goes_on(said, context);
        };
        let member = self.member.as_ref();
        self.rooms.say_relay(context, room, member, text, said);
    }
}
