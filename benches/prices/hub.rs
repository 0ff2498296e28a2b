//! Through the hub, to a peer that takes everything: events, requests, timers, deadlines.

use crate::bytes::{self, frame};
use crate::clock::Clock;
use crate::row::Row;
use dunlin::app::ConnInfo;
use dunlin::hub::{Hub, Limits, Lost, Now, Transport};
use dunlin::wire::work::{Work, price};
use dunlin::{
    App, Handler, Message, Open, Peer, Request, Response, Server, Session, SessionId, Settings,
};
use std::cell::Cell;
use std::hint::black_box;
use std::time::Duration;

/// Messages, requests and timers at a time.
const MANY: usize = 64;
/// Sessions that send one message in turn.
const SCATTERED: usize = 16_000;
/// Sessions whose deadline comes at once.
const CROWD: usize = 256;

/// A peer that takes everything. It costs nothing, so what a send is charged is left out.
#[derive(Default)]
pub(crate) struct Taker {
    charged: usize,
    /// It takes nothing.
    pub(crate) is_full: bool,
    /// What was sent, where somebody wants to read it.
    pub(crate) kept: Option<Vec<u8>>,
}

impl Transport for Taker {
    fn send(&mut self, _: u32, bytes: &[u8]) -> Result<usize, Lost> {
        self.charged += price::SEND as usize + bytes.len() / price::BYTES_SENT;
        let len = black_box(bytes).len();
        if let Some(kept) = &mut self.kept {
            kept.extend_from_slice(bytes);
        }
        Ok(if self.is_full { 0 } else { len })
    }

    fn shutdown_write(&mut self, _: u32) {}

    fn close(&mut self, _: u32) {}
}

/// A program with a timer: each message sets as many as it has bytes.
struct Clockwork;

impl Handler for Clockwork {
    type Data = ();

    fn open(&mut self, _: &Request<'_>, _: &mut Session<'_>) -> Open<()> {
        Open::Accept(())
    }

    fn message(&mut self, (): &mut (), session: &mut Session<'_>, message: Message<'_>) {
        for token in 0..message.len() {
            session.set_timer(Duration::from_millis(1), token as u64);
        }
    }

    fn timer(&mut self, (): &mut (), _: &mut Session<'_>, token: u64) {
        black_box(token);
    }
}

/// A program with a room, whose members are answered too.
struct Room;

impl Handler for Room {
    type Data = ();

    fn open(&mut self, _: &Request<'_>, session: &mut Session<'_>) -> Open<()> {
        session.join("room");
        Open::Accept(())
    }

    fn message(&mut self, (): &mut (), session: &mut Session<'_>, message: Message<'_>) {
        let _ = session.send(message);
    }
}

/// A hub and its clock.
pub(crate) struct World {
    pub(crate) hub: Hub,
    pub(crate) taker: Taker,
    ms: u64,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(Limits::default())
    }

    pub(crate) fn with(limits: Limits) -> Self {
        let often = || Settings::default().ping_period(Duration::from_secs(5));
        let app = App::new()
            .on_message("/silent", |_, message| {
                black_box(message);
            })
            .on_message("/echo", |session, message| {
                let _ = session.send(message);
            })
            .on_message("/publish", |session, message| {
                session.publish("room", message);
            })
            .ws("/room", Room)
            .ws_with("/timers", often(), Clockwork)
            .get("/", |_, _| Response::ok("text/plain", b"hello".as_slice()))
            .post("/", |request, _| {
                Response::ok("text/plain", request.body().len().to_string().into_bytes())
            });
        Self::of(app, limits)
    }

    pub(crate) fn of(app: App, limits: Limits) -> Self {
        let remote = Server::new(App::new()).remote();
        let hub = Hub::new(app, limits, [7; 32], remote).expect("a good program");
        let taker = Taker::default();
        Self { hub, taker, ms: 0 }
    }

    pub(crate) fn accept(&mut self) -> SessionId {
        self.hub
            .accept(ConnInfo::new(Peer::Unix))
            .expect("no limit")
    }

    pub(crate) fn session(&mut self, path: &str) -> SessionId {
        let id = self.accept();
        self.give(id, &mut upgrade(path, ""));
        id
    }

    /// Bytes of a peer; the units that they cost.
    pub(crate) fn give(&mut self, id: SessionId, bytes: &mut [u8]) -> f64 {
        self.begin();
        self.hub.received(&mut self.taker, id, bytes);
        let is_done = self.hub.wants_read(id) && !self.hub.has_pending(id);
        assert!(is_done, "a connection that ends or waits measures nothing");
        self.spent()
    }

    fn wait(&mut self, ms: u64) {
        self.ms += ms;
        self.hub.advance(Now {
            ms: self.ms,
            unix: 0,
        });
        self.begin();
    }

    pub(crate) fn begin(&mut self) {
        self.hub.set_work(Work::unlimited());
        self.taker.charged = 0;
    }

    fn run_events(&mut self) {
        self.hub.run_events(&mut self.taker);
    }

    pub(crate) fn deliver(&mut self) {
        self.hub.deliver(&mut self.taker);
    }

    pub(crate) fn reap(&mut self) {
        self.hub.reap(&mut self.taker);
    }

    pub(crate) fn spent(&self) -> f64 {
        let all = Work::unlimited().left() - self.hub.work().left();
        all as f64 - self.taker.charged as f64
    }
}

/// The request of a session.
pub(crate) fn upgrade(path: &str, more: &str) -> Vec<u8> {
    format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{more}\r\n"
    )
    .into_bytes()
}

pub(crate) fn rows(clock: Clock) -> Vec<Row> {
    let mut rows = events(clock);
    rows.extend(requests(clock));
    rows.push(upgrades(clock));
    rows.extend(timers(clock));
    rows
}

fn events(clock: Clock) -> Vec<Row> {
    let kinds = [
        (
            "EVENT",
            "/silent",
            frame(0x82, b"hello"),
            "binary messages of 5 B",
        ),
        ("EVENT", "/silent", frame(0x81, b"hello"), "texts of 5 B"),
        ("EVENT", "/silent", frame(0x81, b""), "empty texts"),
        (
            "EVENT",
            "/echo",
            frame(0x81, b"hello"),
            "texts of 5 B, echoed",
        ),
        (
            "EVENT + FRAME + FED",
            "/silent",
            frame(0x89, b"hello"),
            "pings of 5 B",
        ),
        (
            "EVENT + FRAME",
            "/silent",
            frame(0x8a, b"hello"),
            "pongs of 5 B",
        ),
    ];
    let of_kind = |(item, path, message, input): (&str, &str, Vec<u8>, &str)| {
        let mut world = World::new();
        let id = world.session(path);
        let stream = message.repeat(MANY);
        let mut buffer = stream.clone();
        let units = Cell::new(0.0);
        let ns = clock.per_call(|| {
            buffer.copy_from_slice(&stream);
            units.set(world.give(id, &mut buffer));
        });
        let many = MANY as f64;
        Row::whole(item, input, units.get() / many, ns / many)
    };
    let mut rows: Vec<Row> = kinds.into_iter().map(of_kind).collect();
    rows.push(scattered(clock));
    rows
}

/// One message of each of many: nothing of a session is in the nearest cache.
fn scattered(clock: Clock) -> Row {
    let mut world = World::new();
    let ids: Vec<SessionId> = (0..SCATTERED).map(|_| world.session("/echo")).collect();
    let mut message = frame(0x81, b"hello");
    let mut ids = (0..SCATTERED).map(|at| ids[at * 7919 % SCATTERED]).cycle();
    let units = Cell::new(0.0);
    let ns = clock.per_call(|| {
        if let Some(id) = ids.next() {
            units.set(world.give(id, &mut message));
        }
    });
    Row::whole(
        "EVENT",
        "texts of 5 B of 16 000 sessions, echoed",
        units.get(),
        ns,
    )
}

/// Requests on a connection that is kept: one short, and the heads that cost most for their length.
fn requests(clock: Clock) -> Vec<Row> {
    let head = |fields: &str| format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
    let browser = "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n\
        Accept-Language: de,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br\r\nDNT: 1\r\n\
        User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n";
    let ask = |head: &str| {
        let mut world = World::new();
        let id = world.accept();
        let stream = head.repeat(MANY).into_bytes();
        let mut buffer = stream.clone();
        let ns = clock.per_call(|| {
            buffer.copy_from_slice(&stream);
            world.give(id, &mut buffer);
        });
        ns / MANY as f64
    };
    let short = head("");
    let short_ns = ask(&short);
    let request = f64::from(price::REQUEST);
    let a_byte = f64::from(price::HEAD);
    let units = request + a_byte * short.len() as f64;
    let mut rows = vec![
        Row::new("REQUEST", "GET, 27 B, with its bytes", request, short_ns),
        Row::whole("REQUEST + HEAD × 27", "GET, 27 B", units, short_ns),
    ];
    for (input, fields) in [
        ("fields of a browser", browser.to_owned()),
        ("90 fields of 6 B", "A: b\r\n".repeat(90)),
        (
            "a field of 8 KiB",
            format!("A: {}\r\n", "b".repeat(8 << 10)),
        ),
    ] {
        let more = fields.len() as f64;
        let ns = (ask(&head(&fields)) - short_ns) / more;
        rows.push(Row::new("HEAD", input, a_byte, ns));
    }
    rows.push(body(clock, short_ns));
    rows
}

/// A body in chunks of one byte.
fn body(clock: Clock, short_ns: f64) -> Row {
    let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    let chunks = "1\r\na\r\n".repeat(4096) + "0\r\n\r\n";
    let mut world = World::new();
    let id = world.accept();
    let stream = (head.to_owned() + &chunks).into_bytes();
    let mut buffer = stream.clone();
    let ns = clock.per_call(|| {
        buffer.copy_from_slice(&stream);
        world.give(id, &mut buffer);
    });
    let ns = (ns - short_ns) / chunks.len() as f64;
    Row::new("BODY", "chunks of 1 B", f64::from(price::BODY), ns)
}

fn upgrades(clock: Clock) -> Row {
    let offers =
        "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n".repeat(8);
    let request = upgrade("/silent", &offers);
    let mut world = World::new();
    let units = Cell::new(0.0);
    let count = Cell::new(0);
    let mut old: Vec<SessionId> = Vec::new();
    let ns = {
        let world = std::cell::RefCell::new(&mut world);
        clock.per_batch(
            || {
                let mut world = world.borrow_mut();
                for id in old.drain(..) {
                    world.hub.lost(id);
                }
                world.wait(0);
                world.reap();
                let ids: Vec<_> = (0..MANY).map(|_| world.accept()).collect();
                old.clone_from(&ids);
                ids.into_iter()
                    .map(|id| (id, request.clone()))
                    .collect::<Vec<_>>()
            },
            |connections| {
                let mut world = world.borrow_mut();
                for (id, mut bytes) in connections {
                    units.set(world.give(id, &mut bytes));
                    count.set(count.get() + 1);
                }
            },
        )
    };
    let input = "upgrades with 8 offers";
    Row::whole("REQUEST + HEAD × n", input, units.get(), ns / MANY as f64)
}

fn timers(clock: Clock) -> Vec<Row> {
    let units = Cell::new(0.0);
    let world = std::cell::RefCell::new(World::new());
    let id = world.borrow_mut().session("/timers");
    let set = frame(0x82, &bytes::letters(MANY));
    let ns = clock.per_batch(
        || {
            let mut world = world.borrow_mut();
            world.give(id, &mut set.clone());
            world.wait(2);
        },
        |()| {
            let mut world = world.borrow_mut();
            world.run_events();
            units.set(world.spent());
        },
    );
    let many = MANY as f64;
    let input = "timers of one session";
    let mut rows = vec![Row::whole(
        "TIMER + EVENT",
        input,
        units.get() / many,
        ns / many,
    )];
    let ns = clock.per_batch(
        || {
            let mut world = World::new();
            for _ in 0..CROWD {
                world.session("/timers");
            }
            world.wait(10_000);
            world
        },
        |mut world| {
            world.run_events();
            units.set(world.spent());
        },
    );
    let crowd = CROWD as f64;
    let input = "deadlines: a ping each, not sent";
    rows.push(Row::new("TIMER", input, units.get() / crowd, ns / crowd));
    rows
}
