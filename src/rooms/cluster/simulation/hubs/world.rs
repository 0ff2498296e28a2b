//! Servers, people, an engine, and what goes wrong with each.

use super::super::super::keys::Keys;
use super::super::super::line::command_bytes;
use super::super::super::request::{Act, Request};
use super::super::super::script::{command, load};
use super::super::super::server::Server;
use super::super::fate::{Fate, Trouble};
use super::super::ground::{EPOCH, NODES, chance, limits};
use super::super::seen::{PEACE, Seen, TROUBLE};
use super::super::witness::Witness;
use super::person::Person;
use super::place::Hub;
use crate::rooms::{Epoch, RoomId};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

const ROOMS: usize = 2;
const PEOPLE: u64 = 9;

pub(super) struct World {
    pub(super) random: StdRng,
    pub(super) now: u64,
    pub(super) fate: Fate,
    pub(super) hubs: Vec<Option<Hub>>,
    lives: u32,
    pub(super) people: Vec<Person>,
    pub(super) visits: u32,
    pub(super) rooms: Vec<RoomId>,
    pub(super) witness: Witness,
    pub(super) texts: u64,
    pub(super) seen: Seen,
    /// Everything is written down.
    pub(super) traces: bool,
}

/// Rooms on an engine, made by nobody in particular.
fn make_rooms(server: &mut Server, random: &mut StdRng) -> Vec<RoomId> {
    let client = server.connect();
    let keys = Keys::new(Keys::DEFAULT).expect("a prefix");
    let run = u64::from_str_radix(&server.run_id()[..16], 16).expect("digits");
    for words in load() {
        server.receive(client, &command_bytes(&words));
    }
    let made = (0..ROOMS as u64).map(|number| {
        // Of version 4: another one belongs to an application.
        let room = RoomId::of_bits(random.random::<u128>() & !(0xf << 76) | 0x4 << 76);
        let request = Request {
            room,
            run,
            fresh: Epoch::of_bits(random.random()),
            seen: None,
            act: Act::Create {
                name: "room".into(),
                key: [7; 20],
                number: number + 1,
            },
        };
        let words = command(&request, &keys, &limits());
        server.receive(client, &command_bytes(&words));
        room
    });
    let rooms = made.collect();
    server.disconnect(client);
    rooms
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let mut server = Server::new(random.random(), EPOCH);
        let rooms = make_rooms(&mut server, &mut random);
        let mut world = Self {
            random,
            now: 0,
            fate: Fate::new(server),
            hubs: Vec::new(),
            lives: 0,
            people: (0..PEOPLE).map(Person::new).collect(),
            visits: 0,
            rooms,
            witness: Witness::default(),
            texts: 0,
            seen: Seen::default(),
            traces: std::env::var_os("DUNLIN_TRACE").is_some(),
        };
        for _ in 0..NODES {
            let hub = world.life();
            world.hubs.push(Some(hub));
        }
        world
    }

    fn life(&mut self) -> Hub {
        self.lives += 1;
        Hub::new(self.lives, self.now, &mut self.random)
    }

    fn disturb(&mut self) {
        let (random, seen) = (&mut self.random, &mut self.seen);
        let trouble = self.fate.disturb(random, self.now, &self.rooms, seen);
        if self.traces && !matches!(trouble, Trouble::Nothing) {
            println!("{:>6} {trouble:?}", self.now);
        }
        match trouble {
            Trouble::Nothing => {}
            Trouble::Cut { at, which } => {
                if let Some(hub) = &mut self.hubs[at] {
                    self.seen.cuts += hub.cut(Some(which), &mut self.fate);
                }
            }
            Trouble::CutAll => {
                for hub in self.hubs.iter_mut().flatten() {
                    self.seen.cuts += hub.cut(None, &mut self.fate);
                }
            }
            Trouble::Still { at, most } => {
                if let Some(hub) = &mut self.hubs[at] {
                    hub.still_until = self.now + most;
                    self.seen.pauses += 1;
                }
            }
            Trouble::Kill { at } => {
                if let Some(hub) = self.hubs[at].take() {
                    self.seen.kills += 1;
                    hub.end(&mut self.fate);
                }
            }
            Trouble::Begin { at } => {
                if self.hubs[at].is_none() {
                    self.hubs[at] = Some(self.life());
                }
            }
        }
    }

    pub(super) fn make_peace(&mut self) {
        self.fate.make_peace(self.now);
        for at in 0..NODES {
            if self.hubs[at].is_none() {
                self.hubs[at] = Some(self.life());
            }
            if let Some(hub) = &mut self.hubs[at] {
                hub.still_until = self.now;
            }
        }
        self.end_left_behind();
    }

    /// A moment passes.
    pub(super) fn step(&mut self, in_trouble: bool) -> Result<(), String> {
        self.seen.steps += 1;
        self.now += if in_trouble {
            self.random.random_range(1..=40)
        } else {
            25
        };
        self.fate.server.now = EPOCH + self.now;
        if in_trouble && chance(&mut self.random, 3) {
            self.disturb();
        }
        if in_trouble || self.now < TROUBLE + PEACE / 2 {
            for who in 0..self.people.len() {
                if chance(&mut self.random, 2) {
                    self.act(who);
                }
            }
        }
        if self.now >= TROUBLE {
            self.end_left_behind();
        }
        for hub in self.hubs.iter_mut().flatten() {
            hub.carry_up(self.now, &mut self.fate, self.traces);
        }
        // What one asked may be pushed to all.
        for hub in self.hubs.iter_mut().flatten() {
            hub.carry_down(self.now, &mut self.fate, &mut self.random, self.traces);
        }
        for hub in self.hubs.iter_mut().flatten() {
            if hub.still_until <= self.now {
                hub.live(self.now, &mut self.fate, &mut self.random);
            }
        }
        for who in 0..self.people.len() {
            self.hear(who)?;
        }
        Ok(())
    }

    /// All is quiet: everything is as it should be.
    pub(super) fn settle(&self) -> Result<(), String> {
        for hub in self.hubs.iter().flatten() {
            let metrics = hub.sim.metrics();
            if !metrics.engine.is_some_and(|engine| engine.is_ready) {
                return Err(format!("server {} has no engine", hub.life));
            }
        }
        for room in &self.rooms {
            let mut wanted = Vec::new();
            for person in &self.people {
                let Some(visit) = &person.visit else {
                    continue;
                };
                if visit.asked.contains_key(room) {
                    return Err(format!("session {} was not answered", visit.number));
                }
                if let Some(known) = visit.rooms.get(room) {
                    wanted.push((&*person.name, visit.number, known.members));
                }
            }
            let Some(known) = self.fate.server.data().rooms.room(*room) else {
                // It was lost with nobody in it, or for good.
                if !wanted.is_empty() {
                    return Err(format!("room {room} is gone, and in it are {wanted:?}"));
                }
                continue;
            };
            let there: Vec<_> = known.members.keys().map(|name| &**name).collect();
            if !there.iter().eq(wanted.iter().map(|(name, _, _)| name)) {
                return Err(format!(
                    "members of {room} are {wanted:?}; the engine has {there:?}"
                ));
            }
            let count = there.len() as u64;
            if let Some((name, number, told)) = wanted.iter().find(|(.., told)| *told != count) {
                return Err(format!(
                    "{name} by session {number} knows of {told} in {room}, and there are {there:?}"
                ));
            }
            self.witness.check(*room, known)?;
        }
        Ok(())
    }
}
