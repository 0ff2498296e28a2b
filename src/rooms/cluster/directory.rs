//! Which rooms there are: making them, and listing them in the order of their numbers.

use super::answer::room_id;
use super::asked::{Creating, Listing, Sent, Then};
use super::line::Frame;
use super::node::Node;
use super::request::{Act, Answer};
use crate::rooms::engine::Outcome;
use crate::rooms::{RoomError, RoomId, RoomInfo};
use std::rc::Rc;

/// Rooms of a full directory that are looked at.
const LOOKED_AT: usize = 64;

impl Node {
    pub(super) fn counted(&mut self, creating: Rc<Creating>, frame: &Frame) {
        let most = self.limits.max_rooms;
        match frame {
            Frame::Integer(count) if (*count as usize) < most => {
                let number = self.keys.number();
                self.command(&[b"INCR", &*number], Sent::Number(creating));
            }
            Frame::Integer(_) => {
                self.prune();
                self.done(creating.token, Err(RoomError::TooManyRooms { most }));
            }
            other => {
                self.tell_error(other);
                self.done(creating.token, Err(RoomError::Unavailable));
            }
        }
    }

    pub(super) fn numbered(&mut self, creating: &Rc<Creating>, frame: &Frame) {
        let Frame::Integer(number) = frame else {
            self.tell_error(frame);
            return self.done(creating.token, Err(RoomError::Unavailable));
        };
        let create = Act::Create {
            name: Rc::clone(&creating.name),
            key: creating.key,
            number: *number as u64,
        };
        self.ask(creating.room, create, Then::Create(Rc::clone(creating)));
    }

    pub(super) fn created(&mut self, creating: &Creating, number: u64) {
        self.list_room(creating.room, number);
        let info = RoomInfo::new(creating.room, Rc::clone(&creating.name), 0, number);
        self.done(creating.token, Ok(Outcome::Created(info)));
    }

    /// Puts a room into the directory.
    pub(super) fn list_room(&mut self, room: RoomId, number: u64) {
        let (directory, id) = (self.keys.rooms(), room.to_string());
        let number = number.to_string();
        let parts = [b"ZADD", &*directory, number.as_bytes(), id.as_bytes()];
        self.command(&parts, Sent::Ignored);
    }

    pub(super) fn rooms_listed(&mut self, id: u32, frame: &Frame) {
        let Frame::Array(page) = frame else {
            self.tell_error(frame);
            return self.listing_failed(id);
        };
        let Some(listing) = self.listings.get_mut(&id) else {
            return;
        };
        let (page, _) = page.as_chunks::<2>();
        // Behind the last of the page it goes on, whether that is there or gone.
        let Some(last) = page.last().and_then(|[_, number]| score(number)) else {
            return self.listed(id);
        };
        listing.after = last;
        let rooms: Vec<RoomId> = page.iter().filter_map(|[id, _]| room_id(id)).collect();
        listing.awaited = rooms.len();
        if rooms.is_empty() {
            return self.list_more(id);
        }
        for room in rooms {
            self.ask(room, Act::Describe, Then::Listed(id));
        }
    }

    pub(super) fn described(&mut self, id: u32, room: RoomId, answer: Answer) {
        let info = info(room, answer);
        if info.is_none() {
            // Its time is over: the engine has let it go.
            let (directory, id) = (self.keys.rooms(), room.to_string());
            self.command(&[b"ZREM", &*directory, id.as_bytes()], Sent::Ignored);
        }
        let Some(listing) = self.listings.get_mut(&id) else {
            return;
        };
        listing.awaited -= 1;
        listing.rooms.extend(info);
        if listing.awaited > 0 {
            return;
        }
        if listing.rooms.len() < listing.most {
            return self.list_more(id);
        }
        self.listed(id);
    }

    fn listed(&mut self, id: u32) {
        let Some(listing) = self.listings.remove(&id) else {
            return;
        };
        match listing.token {
            Some(token) => self.done(token, Ok(Outcome::List(listing.rooms))),
            // Looked at for those that are gone; the next time from here on.
            None if listing.rooms.len() < listing.most => self.pruned = 0,
            None => self.pruned = listing.after,
        }
    }

    /// Asks for the next ids of a list.
    pub(super) fn list_more(&mut self, id: u32) {
        let Some(listing) = self.listings.get(&id) else {
            return;
        };
        let after = format!("({}", listing.after);
        let most = listing.most.saturating_sub(listing.rooms.len()).to_string();
        let directory = self.keys.rooms();
        let parts: [&[u8]; 8] = [
            b"ZRANGEBYSCORE",
            &directory,
            after.as_bytes(),
            b"+inf",
            b"WITHSCORES",
            b"LIMIT",
            b"0",
            most.as_bytes(),
        ];
        self.command(&parts, Sent::Rooms(id));
    }

    pub(super) fn listing_failed(&mut self, id: u32) {
        let listing = self.listings.remove(&id);
        if let Some(token) = listing.and_then(|listing| listing.token) {
            self.done(token, Err(RoomError::Unavailable));
        }
    }

    /// Takes rooms out of the directory that the engine has let go: of a full one some are looked at.
    fn prune(&mut self) {
        let id = self.next_listing;
        if self.listings.is_empty() {
            self.next_listing = id.wrapping_add(1);
            let listing = Listing {
                token: None,
                most: LOOKED_AT,
                after: self.pruned,
                awaited: 0,
                rooms: Vec::new(),
            };
            self.listings.insert(id, listing);
            self.list_more(id);
        }
    }
}

/// The number of a room in the directory.
fn score(frame: &Frame) -> Option<u64> {
    match frame {
        Frame::BulkString(bytes) => std::str::from_utf8(bytes).ok()?.parse().ok(),
        _ => None,
    }
}

pub(super) fn info(room: RoomId, answer: Answer) -> Option<RoomInfo> {
    match answer {
        Answer::Room {
            name,
            number,
            members,
            ..
        } => Some(RoomInfo::new(room, name.into(), members, number)),
        _ => None,
    }
}
