//! Nodes, an engine, the lines between them, and what goes wrong with each.

use super::super::address::EngineAddress;
use super::super::keys::Keys;
use super::super::node::Node;
use super::super::server::Server;
use super::fate::Fate;
use super::ground::{EPOCH, NODES, chance, limits};
use super::seen::{PEACE, Seen, TROUBLE};
use super::wire::Wire;
use super::witness::{Listener, Witness};
use crate::rooms::RoomId;
use crate::rooms::engine::{Clock, Engine, MemberNumber, Operation, Place, Token};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::collections::{BTreeMap, BTreeSet, HashMap};

const ROOMS: usize = 2;
pub(super) const NAMES: u64 = 9;

pub(super) enum Wanted {
    Create,
    Join {
        room: RoomId,
        place: Place,
        /// What it saw last, if it comes back.
        memory: Option<Listener>,
    },
    Follow {
        room: RoomId,
        place: Place,
    },
    Publish {
        room: RoomId,
    },
    Other,
}

/// A node in one of its lives.
pub(super) struct Living {
    pub(super) life: u32,
    pub(super) node: Node,
    pub(super) wires: [Option<Wire>; 2],
    pub(super) next_token: Token,
    pub(super) next_place: Place,
    pub(super) wanted: HashMap<Token, Wanted>,
    /// Who is in which room, and as which member.
    pub(super) members: BTreeMap<(RoomId, Place), MemberNumber>,
    pub(super) followers: BTreeSet<(RoomId, Place)>,
    /// How many are in a room, as was told last.
    pub(super) counts: BTreeMap<RoomId, usize>,
    /// It stands still until then.
    pub(super) still_until: u64,
    pub(super) ticks_at: u64,
}

pub(super) struct World {
    pub(super) random: StdRng,
    pub(super) now: u64,
    pub(super) fate: Fate,
    pub(super) nodes: Vec<Option<Living>>,
    pub(super) lives: u32,
    pub(super) rooms: Vec<RoomId>,
    pub(super) witness: Witness,
    /// What those remember who left: they come back with it.
    pub(super) memories: HashMap<(RoomId, u64), Listener>,
    pub(super) texts: u64,
    pub(super) seen: Seen,
    /// Everything is written down.
    pub(super) traces: bool,
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let server = Server::new(random.random(), EPOCH);
        let mut world = Self {
            random,
            now: 0,
            fate: Fate::new(server),
            nodes: Vec::new(),
            lives: 0,
            rooms: Vec::new(),
            witness: Witness::default(),
            memories: HashMap::new(),
            texts: 0,
            seen: Seen::default(),
            traces: std::env::var_os("DUNLIN_TRACE").is_some(),
        };
        for _ in 0..NODES {
            let living = world.life();
            world.nodes.push(Some(living));
        }
        world
    }

    pub(super) fn life(&mut self) -> Living {
        let address: EngineAddress = "redis://127.0.0.1".parse().expect("an address");
        let keys = Keys::new(Keys::DEFAULT).expect("a prefix");
        let node = Node::new(address, keys, limits(), self.random.random());
        self.lives += 1;
        Living {
            life: self.lives,
            node,
            wires: [None, None],
            next_token: 0,
            next_place: 1,
            wanted: HashMap::new(),
            members: BTreeMap::new(),
            followers: BTreeSet::new(),
            counts: BTreeMap::new(),
            still_until: 0,
            ticks_at: 0,
        }
    }

    pub(super) fn now(&self) -> u64 {
        self.now
    }

    pub(super) fn seen(&self) -> Seen {
        self.seen
    }

    pub(super) fn chance(&mut self, one_in: u64) -> bool {
        chance(&mut self.random, one_in)
    }

    pub(super) fn clock(&self) -> Clock {
        Clock {
            now: self.now,
            unix: EPOCH + self.now,
        }
    }

    /// Makes the rooms.
    pub(super) fn begin(&mut self) -> Result<(), String> {
        while self.rooms.len() < ROOMS {
            self.step(false)?;
            let is_ready = self.nodes[0].as_ref().is_some_and(|it| it.node.is_ready());
            let is_asking = self.nodes[0]
                .as_ref()
                .is_some_and(|it| !it.wanted.is_empty());
            if is_ready && !is_asking {
                let bits = self.random.random();
                let create = Operation::Create {
                    room: RoomId::of_bits(bits),
                    name: "room".to_owned(),
                    key: [7; 20],
                };
                self.submit(0, create, Wanted::Create);
            }
            if self.now > 60_000 {
                return Err("no room could be made".to_owned());
            }
        }
        self.now = 0;
        Ok(())
    }

    pub(super) fn submit(&mut self, at: usize, operation: Operation, wanted: Wanted) {
        let clock = self.clock();
        if let Some(living) = &mut self.nodes[at] {
            let token = living.next_token;
            living.next_token += 1;
            living.wanted.insert(token, wanted);
            if self.traces {
                println!(
                    "{:>6} node {}: {token} {operation:?}",
                    self.now, living.life
                );
            }
            living.node.submit(token, operation, clock);
        }
    }

    pub(super) fn make_peace(&mut self) {
        self.fate.make_peace(self.now);
        for at in 0..NODES {
            if self.nodes[at].is_none() {
                self.nodes[at] = Some(self.life());
            }
            if let Some(living) = &mut self.nodes[at] {
                living.still_until = self.now;
            }
        }
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
        if in_trouble {
            self.disturb();
        }
        if in_trouble || self.now < TROUBLE + PEACE / 2 {
            for at in 0..NODES {
                if !self.rooms.is_empty() && self.chance(3) {
                    self.act(at);
                }
            }
        }
        self.carry();
        for at in 0..NODES {
            self.live(at)?;
        }
        Ok(())
    }
}
