//! A world of rooms over a network in which much goes wrong, compared with a model.
//!
//! Members of the plain format and of `dunlin.v1`, and followers by event stream, come, speak, go, come
//! back, are cut, read slowly and take names over, while rooms are deleted and time passes. What each of
//! them must be told is foreseen by [`model`], which knows no server; whoever stays is told exactly that
//! and in that order. Who is slow is told the beginning of it, and whatever it misses it gets when it
//! comes back.
//!
//! `cargo test --test sim rooms::world` runs a small world; the whole one, of 500 rooms with 20 members each:
//! `DUNLIN_ROOMS=500 cargo test --test sim rooms::world`. `DUNLIN_SEED` sets one seed in place of the usual ones.

mod acts;
mod model;
mod peer;
mod returns;

use super::*;
use dunlin::Limits;
use dunlin::config::RoomLimits;
use dunlin::rooms::Rooms;
use model::{Ask, HISTORY, Room};
use peer::{Item, Peer, Way};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

const ROOMS: usize = 20;
/// Members and followers of a room when the world begins.
const CROWD: usize = 20;
const STEPS: usize = 1050;
/// Steps after which everybody reads, rests and is compared.
const CHECKPOINT: usize = 150;
const SEEDS: [u64; 3] = [1, 2, 6455];
/// How long the world waits until it looks again while time passes, milliseconds.
const LOOK: u64 = 100;
/// Rooms are looked at this long after something happened there.
const RECENT: u64 = 2500;

fn number_in(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// Somebody who was cut and may come back.
struct Ghost {
    room: usize,
    name: String,
    client: String,
    seen: u64,
}

struct World {
    sim: Sim,
    seed: u64,
    step: usize,
    random: StdRng,
    rooms: Vec<Room>,
    peers: Vec<Peer>,
    ghosts: Vec<Ghost>,
    /// Followers that were cut: the room, and the id of their last event.
    strays: Vec<(usize, u64)>,
    stalled: BTreeSet<usize>,
    /// Rooms in which something happened, and when.
    recent: BTreeMap<usize, u64>,
    marks: usize,
    /// What is told now may have come before what was told before.
    is_early: bool,
    restarts: usize,
    /// Where the rooms are kept over restarts.
    folder: Option<PathBuf>,
    /// How often somebody was told what, and who is forgotten by now.
    heard: BTreeMap<String, usize>,
}

/// A server with rooms in memory, or with those of a folder.
fn start(seed: u64, rooms: usize, folder: Option<&Path>) -> Sim {
    let mut limits = RoomLimits::default();
    limits.history_messages = HISTORY;
    (limits.message_rate, limits.join_rate) = (None, None);
    let shared = match folder {
        Some(folder) => Rooms::in_folder(folder, limits),
        None => Rooms::with_limits(limits),
    };
    let app = apps::rooms::mount_with(App::new(), &shared.expect("a good folder"));
    let app = app.map_settings(|settings| settings.backlog_mark(4 << 10).backlog_limit(12 << 10));
    let limits = Limits::default().max_connections(30 * rooms + 1000);
    let sim = Sim::with(app, limits, seed).expect("a good program");
    if seed.is_multiple_of(2) {
        sim.shake();
    }
    sim
}

impl World {
    fn new(seed: u64, rooms: usize, folder: Option<PathBuf>) -> Self {
        let sim = start(seed, rooms, folder.as_deref());
        let random = StdRng::seed_from_u64(seed);
        let mut world = Self {
            sim,
            seed,
            step: 0,
            random,
            rooms: Vec::new(),
            peers: Vec::new(),
            ghosts: Vec::new(),
            strays: Vec::new(),
            stalled: BTreeSet::new(),
            recent: BTreeMap::new(),
            marks: 0,
            is_early: false,
            restarts: 0,
            folder,
            heard: BTreeMap::new(),
        };
        for room in 0..rooms {
            world.found();
            for _ in 0..CROWD {
                world.newcomer(room);
                world.sim.drive();
            }
        }
        world.sim.drive();
        world
    }

    fn below(&mut self, n: usize) -> usize {
        self.random.random_range(0..n)
    }

    fn now(&self) -> u64 {
        self.sim.now().as_millis() as u64
    }

    fn at(&self) -> String {
        format!(
            "seed {}, step {}, at {} ms",
            self.seed,
            self.step,
            self.now()
        )
    }

    /// Makes a room.
    fn found(&mut self) -> usize {
        let made = self.sim.request(Method::Post, "/chat?name=den").send();
        let id = made.json::<Value>()["roomId"]
            .as_str()
            .expect("an id")
            .to_owned();
        let read = self
            .sim
            .get(&format!("/chat/{id}/messages"))
            .json::<Value>();
        self.rooms.push(Room {
            id,
            key: made.field("room-key").expect("a key").to_owned(),
            epoch: read["epoch"].as_str().expect("an epoch").to_owned(),
            ..Room::default()
        });
        self.rooms.len() - 1
    }

    fn touch(&mut self, room: usize) {
        let now = self.now();
        self.recent.insert(room, now);
    }

    /// Everybody who hears a room, and how it is put.
    fn tell(&mut self, room: usize, mut words: impl FnMut(&Room, &Peer, usize) -> Option<Value>) {
        self.touch(room);
        let of = &self.rooms[room];
        for peer in of.members.values().chain(&of.followers) {
            if let Some(told) = words(of, &self.peers[*peer], *peer) {
                self.peers[*peer].expect(told, self.is_early);
            }
        }
    }

    /// The members of the plain format hear a sentence.
    fn sentence(&mut self, room: usize, kind: &str, name: &str) {
        self.tell(room, |of, peer, _| {
            peer.is_plain().then(|| of.sentence(kind, name))
        });
    }

    /// Somebody is in no more.
    fn went(&mut self, peer: usize, room: usize) {
        let name = self.peers[peer].name.clone();
        let now = self.now();
        let of = &mut self.rooms[room];
        self.peers[peer].rooms.remove(&room);
        if of.members.get(&name) == Some(&peer) {
            of.members.remove(&name);
            of.went.insert(name.clone(), now);
            self.sentence(room, "LEAVE", &name);
        }
        self.touch(room);
    }

    /// A peer is over, whatever it was to hear.
    fn gone(&mut self, peer: usize, code: Option<u16>) {
        let of = &mut self.peers[peer];
        (of.is_gone, of.code) = (true, of.code.or(code));
        // In which order it leaves its rooms is not promised, nor when exactly who is slow is ended.
        self.is_early = true;
        for room in std::mem::take(&mut of.rooms) {
            self.rooms[room].followers.remove(&peer);
            self.went(peer, room);
        }
        self.is_early = false;
    }

    /// What the server did to those who are slow: it may have ended them.
    fn settle(&mut self) {
        let is_slow = |peer: &usize| self.peers[*peer].session().is_some();
        let slow: Vec<_> = self.stalled.iter().copied().filter(is_slow).collect();
        for peer in slow {
            let Some(room) = self.peers[peer].rooms.first().copied() else {
                continue;
            };
            let names = self.names(room);
            if !names.contains(&self.peers[peer].name) {
                self.gone(peer, Some(1008));
            }
        }
    }

    /// Names of those in a room, by the server's word.
    fn names(&self, room: usize) -> BTreeSet<String> {
        let target = format!("/chat/{}/members", self.rooms[room].id);
        let list = self.sim.get(&target).json::<Value>();
        let names = list["names"].as_array().expect("names");
        names
            .iter()
            .map(|name| name.as_str().expect("a name").to_owned())
            .collect()
    }

    /// Everybody in the rooms in which something happened has been told what it had to be told.
    fn check(&mut self) {
        self.settle();
        let (now, at) = (self.now(), self.at());
        self.recent.retain(|_, time| *time + RECENT > now);
        let rooms = self.recent.keys().map(|room| &self.rooms[*room]);
        let peers: BTreeSet<_> = rooms
            .flat_map(|room| room.members.values().chain(&room.followers))
            .copied()
            .collect();
        for peer in peers {
            self.peers[peer].check(&self.rooms, now, &at);
        }
    }

    /// Everybody reads what is left for it.
    fn read_all(&mut self) {
        for peer in &self.stalled {
            self.peers[*peer].line().resume();
        }
        self.sim.drive();
        self.settle();
        let (now, at) = (self.now(), self.at());
        for peer in 0..self.peers.len() {
            self.peers[peer].check(&self.rooms, now, &at);
            if self.peers[peer].is_gone {
                self.gone(peer, None);
            }
        }
        for peer in std::mem::take(&mut self.stalled) {
            self.peers[peer].is_stalled = false;
            self.peers[peer].check(&self.rooms, now, &at);
        }
    }

    /// Everybody rests, and all there is to know is compared.
    fn compare(&mut self) {
        self.read_all();
        self.pass(2400);
        let at = self.at();
        let list = self.sim.get("/chat").json::<Value>();
        let counts = list.as_array().expect("a list").iter();
        let counts: Vec<_> = counts
            .map(|room| {
                (
                    room["roomId"].as_str().unwrap(),
                    room["sessions"].as_u64().unwrap() as usize,
                )
            })
            .collect();
        let rooms = self.rooms.iter().filter(|room| !room.is_deleted);
        let known: Vec<_> = rooms.map(|room| (&*room.id, room.members.len())).collect();
        assert_eq!(counts, known, "{at}");
        for number in 0..self.rooms.len() {
            let room = &self.rooms[number];
            if room.is_deleted {
                continue;
            }
            assert_eq!(self.names(number), room.names(), "{at}");
            for peer in room.members.values().chain(&room.followers) {
                self.peers[*peer].check_view(room, number, &at);
            }
            let read = self
                .sim
                .get(&format!("/chat/{}/messages", room.id))
                .json::<Value>();
            let ids = read["messages"].as_array().expect("messages").iter();
            let ids: Vec<_> = ids.map(|message| message["id"].as_u64().unwrap()).collect();
            let wanted = room.excerpt(Ask::Last(100), self.now());
            assert_eq!((ids, &read["id"]), (wanted.ids, &room.top().into()), "{at}");
        }
    }

    /// Time passes, and is looked at.
    fn pass(&mut self, mut millis: u64) {
        while millis > 0 {
            let step = millis.min(LOOK);
            self.sim.advance(Duration::from_millis(step));
            self.check();
            millis -= step;
        }
    }

    fn run(&mut self, steps: usize) {
        for step in 1..=steps {
            self.step = step;
            self.act();
            self.sim.drive();
            self.check();
            if step % CHECKPOINT == 0 {
                self.compare();
            }
        }
        self.compare();
    }

    /// The server ends in order and starts again from its folder: whoever was in is out.
    fn restart(&mut self) {
        self.read_all();
        for peer in 0..self.peers.len() {
            self.remember(peer);
        }
        // Whoever holds a line holds the server.
        self.forget_peers();
        self.recent.clear();
        self.restarts += 1;
        self.sim = Sim::new(App::new()).expect("nothing");
        self.sim = start(self.seed, self.rooms.len(), self.folder.as_deref());
        for room in &mut self.rooms {
            room.restart();
        }
    }

    fn forget_peers(&mut self) {
        for peer in std::mem::take(&mut self.peers) {
            for (kind, times) in peer.heard {
                *self.heard.entry(kind).or_default() += times;
            }
        }
    }

    /// Everybody goes, and nothing is left behind. Enough has happened of everything, and of what is rare.
    fn finish(mut self, messages: usize, times: usize, rare: usize) {
        self.sim.remote().shutdown().expect("it runs");
        self.sim.advance(Duration::from_secs(30));
        let stats = self.sim.stats();
        assert_eq!(
            (stats.opened - stats.closed, stats.buffered),
            (0, 0),
            "{}",
            self.at()
        );
        assert_eq!(self.sim.topics(), 0, "{}", self.at());
        self.forget_peers();
        for (kind, wanted) in [
            ("TALK", messages),
            ("JOINED", times),
            ("LEFT", times),
            ("ENTER", times),
            ("LEAVE", times),
            ("ENTERED", times),
            ("GAP", rare),
            ("ERROR", rare),
            ("replaced", rare),
            ("Room closed", rare),
            ("1008", rare),
        ] {
            let heard = self.heard.get(kind).copied().unwrap_or_default();
            assert!(heard >= wanted, "{}: {kind} only {heard} times", self.at());
        }
    }
}

#[test]
fn everybody_in_a_world_of_rooms_is_told_what_the_model_foresees() {
    let rooms = number_in("DUNLIN_ROOMS").map_or(ROOMS, |rooms| rooms as usize);
    let seeds = number_in("DUNLIN_SEED").map_or(SEEDS.to_vec(), |seed| vec![seed]);
    for seed in seeds {
        let mut world = World::new(seed, rooms, None);
        world.run(STEPS.max(4 * rooms));
        // One seed alone may bring less of what is rare.
        let rare = usize::from(number_in("DUNLIN_SEED").is_none());
        world.finish(5000, 50, rare);
    }
}

#[test]
fn rooms_in_a_folder_go_on_where_they_were_after_a_restart() {
    let seeds = number_in("DUNLIN_SEED").map_or(vec![11, 12], |seed| vec![seed]);
    for seed in seeds {
        let name = format!("rooms-{}-{seed}", std::process::id());
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let mut world = World::new(seed, 8, Some(folder.clone()));
        for _ in 0..4 {
            world.run(CHECKPOINT);
            world.restart();
            world.compare();
        }
        world.run(CHECKPOINT);
        world.finish(1000, 50, 0);
        std::fs::remove_dir_all(&folder).expect("the folder of the test");
    }
}
