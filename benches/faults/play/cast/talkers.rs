//! Those who hold a conversation and know what they must hear.

use super::super::program::ANSWERING;
use super::super::record::Shared;
use super::{Player, Setting, is_alive};
use dunlin::testing::{Conversation, Follower, Line, Received};
use dunlin::{CloseCode, OpCode, Reserved};
use rand::RngExt;
use rand::rngs::StdRng;
use std::collections::VecDeque;

/// Says something and gets the same back, in order.
pub(super) struct Echo {
    conversation: Conversation,
    number: u64,
    said: u64,
    waiting: VecDeque<String>,
    /// The rest of a message whose first part is sent.
    rest: Option<Vec<u8>>,
    is_closed: bool,
    checked: u64,
}

impl Echo {
    pub(super) fn new(line: &Line, number: u64, random: &mut StdRng) -> Self {
        let route = ANSWERING[random.random_range(0..ANSWERING.len())];
        Self {
            conversation: line.upgrade(route, &[]),
            number,
            said: 0,
            waiting: VecDeque::new(),
            rest: None,
            is_closed: false,
            checked: 0,
        }
    }

    fn text(&mut self, random: &mut StdRng) -> String {
        self.said += 1;
        let length = match random.random_range(0..20) {
            0 => 2000,
            1..4 => 200,
            _ => 8,
        };
        let (number, said) = (self.number, self.said);
        format!("e{number}.{said} {}", "님a".repeat(length / 4))
    }
}

impl Player for Echo {
    fn line(&self) -> &Line {
        &self.conversation
    }

    fn act(&mut self, random: &mut StdRng) {
        if !self.conversation.is_open() {
            return;
        }
        if let Some(rest) = self.rest.take() {
            let none = Reserved::NONE;
            self.conversation
                .send_frame(true, none, OpCode::Continuation, &rest);
            return;
        }
        match random.random_range(0..40) {
            0 => {
                self.conversation.close(CloseCode::NORMAL, "bye");
                self.is_closed = true;
            }
            1..4 => {
                let text = self.text(random);
                let cut = random.random_range(0..text.len());
                let (first, rest) = text.as_bytes().split_at(cut);
                let none = Reserved::NONE;
                self.conversation
                    .send_frame(false, none, OpCode::Text, first);
                self.rest = Some(rest.to_vec());
                self.waiting.push_back(text);
            }
            4..8 => self.conversation.ping(b"ping"),
            _ => {
                let text = self.text(random);
                self.conversation.send(&text);
                self.waiting.push_back(text);
            }
        }
    }

    fn look(&mut self) {
        for received in self.conversation.arrived() {
            match received {
                Received::Text(text) if text == "told by another" => {}
                Received::Text(text) if text.starts_with("rrr") => {}
                Received::Text(text) => {
                    assert_eq!(Some(text), self.waiting.pop_front(), "an echo is wrong");
                    self.checked += 1;
                }
                Received::Close { .. } => self.is_closed = true,
                Received::Ping(_) | Received::Pong(_) => {}
                Received::Binary(_) => panic!("a binary message that nobody sent"),
            }
        }
    }

    fn settled(&mut self) {
        let half = usize::from(self.rest.is_some());
        let is_here = self.conversation.is_open() && !self.is_closed && is_alive(self.line());
        if is_here && self.line().unread() == 0 {
            assert_eq!(self.waiting.len(), half, "echoes are missing");
        }
    }

    fn checked(&self) -> u64 {
        self.checked
    }
}

/// Is in a room, and hears all that is said there from its first moment on.
pub(super) struct Talker {
    conversation: Conversation,
    record: Shared,
    room: String,
    /// The number of what it must hear next.
    next: Option<usize>,
    is_closed: bool,
    checked: u64,
}

const ROOMS: [&str; 2] = ["a", "b"];

impl Talker {
    pub(super) fn new(line: &Line, setting: &Setting, random: &mut StdRng) -> Self {
        let room = ROOMS[random.random_range(0..ROOMS.len())].to_owned();
        Self {
            conversation: line.upgrade(&format!("/room?name={room}"), &[]),
            record: setting.record.clone(),
            room,
            next: None,
            is_closed: false,
            checked: 0,
        }
    }
}

/// What is heard must be what was said next.
fn hear(next: &mut usize, heard: &str, record: &Shared, room: &str) {
    let record = record.borrow();
    let said = record.said(room).get(*next).map(String::as_str);
    assert_eq!(
        said,
        Some(heard),
        "message {next} of room {room} is missing, or came twice"
    );
    *next += 1;
}

impl Player for Talker {
    fn line(&self) -> &Line {
        &self.conversation
    }

    fn act(&mut self, random: &mut StdRng) {
        if !self.conversation.is_open() {
            return;
        }
        let length = random.random_range(0..300);
        match random.random_range(0..30) {
            0 => {
                self.conversation.close(CloseCode::NORMAL, "bye");
                self.is_closed = true;
            }
            1..10 => {}
            _ => self.conversation.send("t".repeat(length)),
        }
    }

    fn look(&mut self) {
        for received in self.conversation.arrived() {
            let text = match received {
                Received::Text(text) => text,
                Received::Close { .. } => {
                    self.is_closed = true;
                    continue;
                }
                _ => continue,
            };
            // What others tell it by its id is not of the room.
            if text == "told by another" || text.starts_with("rrr") {
                continue;
            }
            match &mut self.next {
                None => {
                    let from = text
                        .strip_prefix("from ")
                        .and_then(|from| from.parse().ok());
                    self.next = Some(from.expect("a greeting"));
                }
                Some(next) => {
                    hear(next, &text, &self.record, &self.room);
                    self.checked += 1;
                }
            }
        }
    }

    fn settled(&mut self) {
        if let Some(next) = self.next
            && !self.is_closed
            && is_alive(self.line())
        {
            let said = self.record.borrow().said(&self.room).len();
            assert_eq!(next, said, "a member of room {} missed the end", self.room);
        }
    }

    fn checked(&self) -> u64 {
        self.checked
    }
}

/// Follows a room as an event stream.
pub(super) struct Reader {
    follower: Follower,
    record: Shared,
    room: String,
    next: Option<usize>,
    checked: u64,
}

impl Reader {
    pub(super) fn new(line: &Line, setting: &Setting, random: &mut StdRng) -> Self {
        let room = ROOMS[random.random_range(0..ROOMS.len())].to_owned();
        Self {
            follower: line.follow(&format!("/room/events?name={room}"), &[]),
            record: setting.record.clone(),
            room,
            next: None,
            checked: 0,
        }
    }
}

impl Player for Reader {
    fn line(&self) -> &Line {
        &self.follower
    }

    fn act(&mut self, random: &mut StdRng) {
        if random.random_ratio(1, 200) {
            self.follower.send_raw(b"GET / HTTP/1.1\r\n\r\n");
        }
    }

    fn look(&mut self) {
        for event in self.follower.arrived() {
            let text = event.data;
            if text == "told by another" || text.starts_with("rrr") {
                continue;
            }
            match &mut self.next {
                None => {
                    let from = text
                        .strip_prefix("from ")
                        .and_then(|from| from.parse().ok());
                    self.next = Some(from.expect("a greeting"));
                }
                Some(next) => {
                    assert_eq!(event.id, Some(next.to_string()), "the id of an event");
                    hear(next, &text, &self.record, &self.room);
                    self.checked += 1;
                }
            }
        }
    }

    fn settled(&mut self) {
        if let Some(next) = self.next
            && is_alive(self.line())
        {
            let said = self.record.borrow().said(&self.room).len();
            assert_eq!(next, said, "a reader of room {} missed the end", self.room);
        }
    }

    fn checked(&self) -> u64 {
        self.checked
    }
}
