//! Rooms: what is dear to read, to do and to tell.

use crate::bytes::frame;
use crate::clock::Clock;
use crate::hub::{World, upgrade};
use crate::row::Row;
use dunlin::config::RoomLimits;
use dunlin::rooms::Rooms;
use dunlin::{App, Limits, SessionId, apps};
use std::cell::{Cell, RefCell};

/// The history of a room: so many texts of so many bytes.
const KEPT: usize = 98;
const LENGTH: usize = 2500;
/// Rooms in a list.
const ROOMS: usize = 10_000;
/// Names in a list.
const NAMES: usize = 500;
/// Rooms that a session is in that leaves.
const ENTERED: usize = 20;

const V1: &str = "Sec-WebSocket-Protocol: dunlin.v1\r\n";

pub(crate) fn rows(clock: Clock) -> Vec<Row> {
    let letters = "x".repeat(LENGTH);
    let escaped = "\\u0001".repeat(LENGTH / 6);
    let keys = format!(r#"{{"type":"TALK"{}}}"#, r#","":0"#.repeat(66_000));
    let list = format!(r#"{{"type":"TALK","x":[0{}]}}"#, ",0".repeat(190_000));
    let mut rows = vec![
        history(clock, "enter, a history of 245 KB", &letters),
        history(clock, "the same, all of it escaped", &escaped),
    ];
    for (input, text) in [("66 000 keys", keys), ("190 000 numbers", list)] {
        let mut all = Chat::new();
        rows.push(all.row(clock, "ROOM + JSON", input, |_| text.clone()));
    }
    for (input, length) in [("talk, 20 B", 20), ("talk, 60 KiB", 60 << 10)] {
        let mut all = Chat::new();
        let text = "x".repeat(length);
        rows.push(all.row(clock, "ROOM + JSON + LISTED", input, |room| {
            format!(r#"{{"type":"TALK","roomId":"{room}","message":"{text}"}}"#)
        }));
    }
    let mut all = Chat::new();
    rows.push(
        all.row(clock, "ROOM + JSON", "a type that is none", |room| {
            format!(r#"{{"type":"LEAV","roomId":"{room}"}}"#)
        }),
    );
    rows.push(asked(
        clock,
        "ROOM_MADE",
        "a room made, then refused",
        "POST /chat?name=x",
        |_| {},
    ));
    rows.push(asked(
        clock,
        "REQUEST + LISTED",
        "a list of 10 000 rooms, its first piece",
        "GET /chat",
        |all| {
            for _ in 0..ROOMS {
                all.ask(
                    "POST /chat?name=nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn",
                    "",
                );
            }
        },
    ));
    rows.push(asked(
        clock,
        "REQUEST + LISTED",
        "500 names",
        "GET /chat/{room}/members",
        |all| {
            for at in 0..NAMES {
                all.enter(&format!("{at:064}"), "");
            }
        },
    ));
    rows.push(leaving(clock));
    rows
}

/// A server of rooms with one room and one session in it.
struct Chat {
    world: World,
    room: String,
    session: SessionId,
}

impl Chat {
    fn new() -> Self {
        let mut limits = RoomLimits::default();
        (limits.message_rate, limits.join_rate) = (None, None);
        let rooms = Rooms::with_limits(limits).expect("good limits");
        let app = apps::rooms::mount_with(App::new(), &rooms);
        let mut world = World::of(app, Limits::default());
        let session = world.accept();
        let mut all = Self {
            world,
            room: String::new(),
            session,
        };
        all.room = all.make();
        all.session = all.enter("kim", "");
        all
    }

    fn make(&mut self) -> String {
        let answer = self.ask("POST /chat?name=den", "");
        let id = answer.split("roomId\":\"").nth(1).expect("a room");
        id[..36].to_owned()
    }

    /// Asks and reads the answer, on a connection of its own.
    fn ask(&mut self, line: &str, body: &str) -> String {
        let id = self.world.accept();
        self.world.taker.kept = Some(Vec::new());
        self.world.give(id, &mut request(line, body));
        let answer = self.world.taker.kept.take().expect("an answer");
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// A session that enters the room.
    fn enter(&mut self, name: &str, more: &str) -> SessionId {
        let id = self.world.accept();
        self.world.give(id, &mut upgrade("/ws/chat", V1));
        let room = &self.room;
        let enter = format!(r#"{{"type":"ENTER","roomId":"{room}","sender":"{name}"{more}}}"#);
        self.world.give(id, &mut frame(0x81, enter.as_bytes()));
        self.world.deliver();
        id
    }

    /// What a text of the session costs.
    fn row(&mut self, clock: Clock, item: &str, input: &str, text: impl Fn(&str) -> String) -> Row {
        let stream = frame(0x81, text(&self.room).as_bytes());
        let (mut buffer, mut units) = (stream.clone(), 0.0);
        let ns = clock.per_call(|| {
            buffer.copy_from_slice(&stream);
            units = self.world.give(self.session, &mut buffer);
            self.world.deliver();
        });
        Row::whole(item, input, units, ns)
    }
}

fn request(line: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("{line} HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{body}").into_bytes()
}

/// Entering a room whose history is full of this text, as JSON writes it.
fn history(clock: Clock, input: &str, text: &str) -> Row {
    let mut all = Chat::new();
    for _ in 0..KEPT {
        let room = &all.room;
        let talk = format!(r#"{{"type":"TALK","roomId":"{room}","message":"{text}"}}"#);
        all.world
            .give(all.session, &mut frame(0x81, talk.as_bytes()));
        all.world.deliver();
    }
    all.row(clock, "LISTED + bytes", input, |room| {
        format!(r#"{{"type":"ENTER","roomId":"{room}","sender":"kim","last":100}}"#)
    })
}

/// What an answer over HTTP costs.
fn asked(clock: Clock, item: &str, input: &str, line: &str, prepare: impl Fn(&mut Chat)) -> Row {
    let mut all = Chat::new();
    prepare(&mut all);
    let stream = request(&line.replace("{room}", &all.room), "");
    let id = all.world.accept();
    let (mut buffer, mut units) = (stream.clone(), 0.0);
    let is_list = line == "GET /chat";
    let (ids, all) = (Cell::new(id), RefCell::new(all));
    let ns = clock.per_batch(
        || {
            // A list ends its connection's turn: each is asked for on its own.
            if is_list {
                ids.set(all.borrow_mut().world.accept());
            }
        },
        |()| {
            let mut all = all.borrow_mut();
            buffer.copy_from_slice(&stream);
            all.world.begin();
            let World { hub, taker, .. } = &mut all.world;
            hub.received(taker, ids.get(), &mut buffer);
            units = all.world.spent();
        },
    );
    Row::whole(item, input, units, ns)
}

/// A session that leaves twenty rooms.
fn leaving(clock: Clock) -> Row {
    let mut all = Chat::new();
    let rooms: Vec<String> = (0..ENTERED).map(|_| all.make()).collect();
    let (all, mut units) = (RefCell::new(all), 0.0);
    let ns = clock.per_batch(
        || {
            let mut all = all.borrow_mut();
            let id = all.world.accept();
            all.world.give(id, &mut upgrade("/ws/chat", V1));
            for room in &rooms {
                let enter = format!(r#"{{"type":"ENTER","roomId":"{room}","sender":"lee"}}"#);
                all.world.give(id, &mut frame(0x81, enter.as_bytes()));
            }
            all.world.begin();
            id
        },
        |id| {
            let mut all = all.borrow_mut();
            all.world.hub.lost(id);
            all.world.reap();
            units = all.world.spent();
        },
    );
    Row::whole(
        "CLOSE + ROOM × 20",
        "a session in 20 rooms is gone",
        units,
        ns,
    )
}
