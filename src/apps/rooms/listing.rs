//! All rooms as JSON, written piece by piece.

use super::problem::{JSON, refused};
use crate::rooms::{Pass, RoomError, RoomId, RoomInfo, Rooms};
use crate::wire::work::price;
use crate::{Answer, Context, Piece, Request, Response, SessionId};
use serde::Serialize;
use std::cell::RefCell;
use std::rc::Rc;

/// Rooms in one piece of the list.
const LISTED: usize = 128;

/// A room as these answers write it.
#[derive(Serialize)]
pub(super) struct Room<'a> {
    #[serde(rename = "roomId")]
    id: RoomId,
    name: &'a str,
    sessions: usize,
}

impl<'a> Room<'a> {
    pub(super) fn new(info: &'a RoomInfo) -> Self {
        Self {
            id: info.id,
            name: &info.name,
            sessions: info.members,
        }
    }
}

/// What rooms answered to one question.
type Page = Result<Vec<RoomInfo>, RoomError>;

/// A list of rooms that is written piece by piece: thousands are not written in one turn.
struct Listing {
    rooms: Rooms,
    /// Which of them may be seen.
    pass: Option<Pass>,
    /// What the last question brought.
    page: Rc<RefCell<Option<Page>>>,
    last: Option<RoomInfo>,
    is_asked: bool,
    is_first: bool,
    is_over: bool,
}

impl Listing {
    fn ask(&mut self, context: &mut Context<'_>) {
        let page = Rc::clone(&self.page);
        let caller = context.caller();
        self.is_asked = true;
        self.rooms.list(
            context,
            self.last.as_ref(),
            LISTED,
            move |rooms, context| {
                let listed = rooms.as_ref().map_or(0, Vec::len);
                context.charge(2 * price::LISTED * listed as u32);
                *page.borrow_mut() = Some(rooms);
                wake(context, caller);
            },
        );
    }

    /// The next bytes of the list, if they are there.
    ///
    /// # Errors
    /// The rooms do not answer: the list is over, and is not whole.
    fn next(&mut self) -> Option<Result<Vec<u8>, RoomError>> {
        let page = match self.page.borrow_mut().take()? {
            Ok(page) => page,
            Err(error) => {
                self.is_over = true;
                return Some(Err(error));
            }
        };
        self.is_asked = false;
        self.is_over = page.len() < LISTED;
        let mut bytes = if self.is_first {
            b"[".to_vec()
        } else {
            Vec::new()
        };
        let pass = self.pass.as_ref();
        let is_allowed = |id| pass.is_none_or(|pass| pass.allows(id));
        let is_seen = |info: &&RoomInfo| !info.id.is_of_application() && is_allowed(info.id);
        for info in page.iter().filter(is_seen) {
            if !std::mem::take(&mut self.is_first) {
                bytes.push(b',');
            }
            let _ = serde_json::to_writer(&mut bytes, &Room::new(info));
        }
        self.is_first = false;
        if self.is_over {
            bytes.push(b']');
        }
        self.last = page.into_iter().next_back();
        Some(Ok(bytes))
    }

    fn piece(&mut self, context: &mut Context<'_>) -> Piece {
        if self.is_over {
            return Piece::End;
        }
        if !self.is_asked {
            self.ask(context);
        }
        match self.next() {
            None => Piece::Wait,
            Some(Ok(bytes)) => Piece::Bytes(bytes),
            // The array stays open: nobody takes a part of the list for all of it.
            Some(Err(_)) => Piece::End,
        }
    }
}

fn wake(context: &mut Context<'_>, waiter: Option<SessionId>) {
    if let Some(waiter) = waiter {
        context.resume(waiter);
    }
}

pub(super) fn list(rooms: &Rooms, request: &Request<'_>, context: &mut Context<'_>) -> Answer {
    let mut listing = Listing {
        pass: Pass::of_request(request),
        rooms: rooms.clone(),
        page: Rc::default(),
        last: None,
        is_asked: false,
        is_first: true,
        is_over: false,
    };
    listing.ask(context);
    let first = listing.next();
    match first {
        Some(Err(error)) => refused(&error, "/chat").into(),
        Some(Ok(bytes)) if listing.is_over => Response::ok(JSON, bytes).into(),
        first => {
            let mut first = first.and_then(Result::ok);
            Answer::stream(Response::ok(JSON, b""), move |context| match first.take() {
                Some(bytes) => Piece::Bytes(bytes),
                None => listing.piece(context),
            })
        }
    }
}
