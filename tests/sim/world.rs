//! A thousand random clients in one room, over a network in which everything goes wrong.
//!
//! After every turn the simulation checks its promises; here the room's are
//! checked: whoever stays gets every message exactly once and in order, from the
//! moment it joined. `DUNLIN_SEED` sets another seed than the usual one.

use crate::chat::{Chat, Record, Shared};
use crate::followers::Readers;
use dunlin::Limits;
use dunlin::testing::{Conversation, Received, Sim};
use dunlin::{App, CloseCode, Settings};
use dunlin::{OpCode, Reserved};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::rc::Rc;
use std::time::Duration;

const CLIENTS: usize = 1000;
const STEPS: usize = 10_000;
const SEED: u64 = 6455;

fn seed() -> u64 {
    let seed = std::env::var("DUNLIN_SEED").ok();
    seed.and_then(|seed| seed.parse().ok()).unwrap_or(SEED)
}

/// One client, and how much of the room it has seen.
struct Client {
    conversation: Conversation,
    token: String,
    /// The number of the next message it must get, once it is in the room.
    next: Option<usize>,
    is_stalled: bool,
    /// It did something that ends it.
    is_leaving: bool,
    /// The second half of the message that has begun.
    rest: Option<Vec<u8>>,
    has_closed: bool,
}

struct World {
    sim: Sim,
    record: Shared,
    random: StdRng,
    clients: Vec<Client>,
    readers: Readers,
    born: usize,
    checked: usize,
}

impl World {
    fn new(seed: u64) -> Self {
        let record = Rc::new(std::cell::RefCell::new(Record::default()));
        let settings = Settings::default()
            .backlog_mark(16 << 10)
            .backlog_limit(32 << 10);
        let chat = Rc::new(std::cell::RefCell::new(Chat::new(Rc::clone(&record))));
        let app = App::new()
            .ws_with("/chat", settings.clone(), Rc::clone(&chat))
            .sse("/chat/events", settings, chat);
        let limits = Limits::default().max_connections(CLIENTS + 200);
        let sim = Sim::with(app, limits, seed).expect("the program is right");
        sim.shake();
        Self {
            sim,
            record,
            random: StdRng::seed_from_u64(seed),
            clients: Vec::new(),
            readers: Readers::default(),
            born: 0,
            checked: 0,
        }
    }

    fn one_in(&mut self, n: u32) -> bool {
        self.random.random_ratio(1, n)
    }

    fn connect(&mut self) {
        let token = format!("t{}", self.born);
        self.born += 1;
        let line = self.sim.connect();
        line.set_capacity(self.random.random_range(200..8000));
        if self.one_in(4) {
            line.trickle(self.random.random_range(1..60));
        }
        let conversation = line.upgrade(&format!("/chat?token={token}"), &[]);
        if self.one_in(10) {
            line.manual();
        }
        self.clients.push(Client {
            conversation,
            token,
            next: None,
            is_stalled: false,
            is_leaving: false,
            rest: None,
            has_closed: false,
        });
    }

    /// Something happens to somebody.
    fn act(&mut self) {
        self.readers.act(&self.sim, &mut self.random);
        if self.clients.len() < CLIENTS && self.one_in(3) {
            self.connect();
        }
        if self.clients.is_empty() {
            return;
        }
        let chosen = self.random.random_range(0..self.clients.len());
        let action = self.random.random_range(0..1000);
        let length = self.random.random_range(0..300);
        let client = &mut self.clients[chosen];
        if client.is_leaving {
            return;
        }
        let peer = &client.conversation;
        let text = format!("{action} {}", "님a".repeat(length / 4));
        match action {
            0..400 if client.rest.is_none() => peer.send(&text),
            400..550 => client.fragment(&text),
            550..650 => peer.ping(text.as_bytes().get(..length.min(125)).unwrap_or(b"")),
            650..700 => client.stall(true),
            700..800 => client.stall(false),
            800..815 => {
                peer.close(CloseCode::NORMAL, "bye");
                client.is_leaving = true;
            }
            815..830 => {
                peer.cut();
                client.is_leaving = true;
            }
            830..835 => {
                peer.half_close();
                client.is_leaving = true;
            }
            835..840 => {
                peer.send_raw(text.as_bytes());
                client.is_leaving = true;
            }
            840..842 => {
                peer.send_frame(true, Reserved::RSV3, OpCode::Text, b"junk");
                client.is_leaving = true;
            }
            842..850 if client.rest.is_none() => peer.send(&[1, 2, 3][..]),
            _ => {}
        }
    }

    /// Compares what one client got with what the room said.
    fn check_client(&mut self, index: usize) {
        let client = &mut self.clients[index];
        let record = self.record.borrow();
        for received in client.conversation.arrived() {
            let text = match received {
                Received::Text(text) => text,
                Received::Close { .. } => {
                    client.has_closed = true;
                    continue;
                }
                Received::Ping(_) | Received::Pong(_) => continue,
                other => panic!("{} got {other:?}", client.token),
            };
            let Some(next) = &mut client.next else {
                assert!(text.starts_with("You are connected! There are "), "{text}");
                client.next = Some(record.stays[&client.token].from);
                continue;
            };
            assert_eq!(
                Some(&text),
                record.published.get(*next),
                "{} missed or repeated message {next}",
                client.token
            );
            *next += 1;
            self.checked += 1;
        }
        if let (Some(next), Some(stay)) = (client.next, record.stays.get(&client.token))
            && let Some(until) = stay.until
        {
            assert!(next <= until, "{} got more than there was", client.token);
        }
    }

    /// Takes those away that are over.
    fn reap(&mut self) {
        let mut index = 0;
        while index < self.clients.len() {
            if self.clients[index].conversation.is_over() {
                self.check_client(index);
                self.clients.swap_remove(index);
            } else {
                index += 1;
            }
        }
    }

    fn run(&mut self) {
        for step in 0..STEPS {
            for _ in 0..self.random.random_range(0..4) {
                self.act();
            }
            self.sim.step();
            let now = step % self.clients.len().max(1);
            if now < self.clients.len() {
                self.check_client(now);
            }
            if self.one_in(50) {
                let millis = self.random.random_range(1..3000);
                self.sim.jump(Duration::from_millis(millis));
            }
            if step % 64 == 0 {
                self.readers.check(&self.record.borrow());
                self.reap();
            }
        }
    }

    /// Everybody reads to the end; then everybody is stopped.
    fn finish(&mut self) {
        for index in 0..self.clients.len() {
            let client = &mut self.clients[index];
            client.stall(false);
            if client.rest.is_some() {
                client.fragment("");
                self.sim.drive();
            }
        }
        self.readers.resume();
        self.sim.drive();
        let (mut members, mut stayed) = (0, 0);
        for index in 0..self.clients.len() {
            self.check_client(index);
            let client = &self.clients[index];
            let record = self.record.borrow();
            let is_member = |stay: &crate::chat::Stay| stay.until.is_none();
            let is_member = record.stays.get(&client.token).is_some_and(is_member);
            members += usize::from(is_member);
            // A member that was told to go may still owe its Close.
            if is_member && !client.has_closed {
                assert_eq!(
                    client.next,
                    Some(record.published.len()),
                    "{} stayed and has not got everything",
                    client.token
                );
                stayed += 1;
            }
        }
        let readers = self.readers.finish(&self.record.borrow());
        assert!(readers > 20, "only {readers} readers stayed");
        assert_eq!(members + readers, self.record.borrow().members);
        assert!(stayed > 100, "only {stayed} stayed");
        assert_eq!(self.sim.stats().buffered, 0, "everybody is idle");
        self.sim.remote().shutdown().expect("it runs");
        self.sim.advance(Duration::from_secs(30));
        assert!(self.sim.is_empty());
        assert_eq!(self.record.borrow().members, 0);
        assert_eq!(self.sim.topics(), 0);
        let stats = self.sim.stats();
        assert_eq!(stats.opened, stats.closed);
        assert_eq!(stats.buffered, 0);
    }
}

impl Client {
    fn stall(&mut self, is_stalled: bool) {
        if is_stalled {
            self.conversation.stall();
        } else {
            self.conversation.resume();
        }
        self.is_stalled = is_stalled;
    }

    /// Sends the first half of a message, or the second of the one that has begun. The cut may
    /// go through a character.
    fn fragment(&mut self, text: &str) {
        let (fin, opcode, payload) = match self.rest.take() {
            Some(rest) => (true, OpCode::Continuation, rest),
            None => {
                let (first, rest) = text.as_bytes().split_at(text.len() / 2);
                self.rest = Some(rest.to_vec());
                (false, OpCode::Text, first.to_vec())
            }
        };
        let none = Reserved::NONE;
        self.conversation.send_frame(fin, none, opcode, &payload);
    }
}

#[test]
fn everybody_who_stays_gets_every_message_exactly_once_and_in_order() {
    let mut world = World::new(seed());
    world.run();
    world.finish();
    assert!(world.checked > 100_000, "{} messages", world.checked);
    let events = world.readers.checked;
    assert!(events > 10_000, "{events} events");
}

#[test]
fn a_seed_replays_a_run_exactly() {
    let run = || {
        let mut world = World::new(7);
        for _ in 0..2000 {
            world.act();
            world.sim.step();
        }
        (
            world.sim.stats(),
            std::mem::take(&mut *world.record.borrow_mut()).published,
        )
    };
    assert_eq!(run(), run());
}
