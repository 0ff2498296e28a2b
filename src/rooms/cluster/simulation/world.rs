//! Nodes, an engine, the lines between them, and what goes wrong with each.

use super::super::address::EngineAddress;
use super::super::keys::Keys;
use super::super::line::Phase;
use super::super::node::{COMMANDS, Node, PUSHES};
use super::super::server::{ClientId, Data, Server};
use super::Seen;
use super::witness::{Listener, Who, Witness};
use crate::config::RoomLimits;
use crate::rooms::engine::{
    Ask, Author, Clock, Engine, EngineEvent, MemberNumber, Operation, Outcome, Place, Token,
};
use crate::rooms::{Position, RoomError, RoomId};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::rc::Rc;

/// Milliseconds since 1970 when a run begins.
const EPOCH: u64 = 1_800_000_000_000;
const NODES: usize = 3;
const ROOMS: usize = 2;
const NAMES: u64 = 9;

/// A connection: bytes on their way, and when they arrive.
struct Wire {
    client: Option<ClientId>,
    up: VecDeque<(u64, Vec<u8>)>,
    down: VecDeque<(u64, Vec<u8>)>,
    /// When it is made.
    made_at: Option<u64>,
}

enum Wanted {
    Create,
    Join {
        room: RoomId,
        place: Place,
        since: Option<Position>,
        text: Option<Box<str>>,
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
struct Living {
    life: u32,
    node: Node,
    wires: [Option<Wire>; 2],
    next_token: Token,
    next_place: Place,
    wanted: HashMap<Token, Wanted>,
    /// Who is in which room, and as which member.
    members: BTreeMap<(RoomId, Place), MemberNumber>,
    followers: BTreeSet<(RoomId, Place)>,
    /// It stands still until then.
    still_until: u64,
    ticks_at: u64,
}

pub(super) struct World {
    random: StdRng,
    now: u64,
    server: Server,
    /// What a replica has: the engine's data of a while ago.
    replica: Data,
    /// The engine cannot be reached until then, or stands still until then.
    away_until: u64,
    still_until: u64,
    nodes: Vec<Option<Living>>,
    lives: u32,
    rooms: Vec<RoomId>,
    witness: Witness,
    /// What those remember who left: they come back with it.
    memories: HashMap<(RoomId, u64), Listener>,
    texts: u64,
    seen: Seen,
    /// Everything is written down.
    traces: bool,
}

fn limits() -> RoomLimits {
    RoomLimits {
        history_messages: 40,
        message_rate: None,
        join_rate: None,
        ..RoomLimits::default()
    }
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let server = Server::new(random.random(), EPOCH);
        let replica = server.snapshot();
        let mut world = Self {
            random,
            now: 0,
            server,
            replica,
            away_until: 0,
            still_until: 0,
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

    fn life(&mut self) -> Living {
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

    fn chance(&mut self, one_in: u64) -> bool {
        self.random.random_range(0..one_in) == 0
    }

    fn clock(&self) -> Clock {
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
            if self.now > 10_000 {
                return Err("no room could be made".to_owned());
            }
        }
        self.now = 0;
        Ok(())
    }

    fn submit(&mut self, at: usize, operation: Operation, wanted: Wanted) {
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
        self.away_until = self.away_until.min(self.now);
        self.still_until = self.still_until.min(self.now);
        self.server.is_readonly = false;
        self.server.is_loading = false;
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
        self.server.now = EPOCH + self.now;
        if in_trouble {
            self.disturb();
        }
        if in_trouble || self.now < super::TROUBLE + super::PEACE / 2 {
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

    /// Something goes wrong.
    fn disturb(&mut self) {
        if self.chance(30) {
            self.replica = self.server.snapshot();
        }
        match self.random.random_range(0..900) {
            0..12 => {
                let (at, which) = (
                    self.random.random_range(0..NODES),
                    self.random.random_range(0..2),
                );
                self.cut(at, which);
            }
            12..15 => {
                // It dies, and a replica takes its place, or it comes back with what it had.
                let before = self.count_messages();
                let data = if self.chance(2) {
                    self.replica.clone()
                } else if self.chance(12) {
                    Data::default()
                } else {
                    self.server.snapshot()
                };
                for at in 0..NODES {
                    self.cut(at, COMMANDS);
                    self.cut(at, PUSHES);
                }
                self.server.restore(data);
                self.server.is_readonly = false;
                self.server.is_loading = self.chance(4);
                self.replica = self.server.snapshot();
                self.seen.failovers += 1;
                self.seen.lost += before.saturating_sub(self.count_messages());
                self.away_until = self.now + self.random.random_range(0..4_000);
            }
            15..18 => {
                self.still_until = self.now + self.random.random_range(0..9_000);
                self.seen.pauses += 1;
            }
            18..21 => {
                let (at, most) = (
                    self.random.random_range(0..NODES),
                    self.random.random_range(1..25_000),
                );
                if let Some(living) = &mut self.nodes[at] {
                    living.still_until = self.now + most;
                    self.seen.pauses += 1;
                }
            }
            21..24 => {
                let at = self.random.random_range(0..NODES);
                if let Some(living) = self.nodes[at].take() {
                    self.seen.kills += 1;
                    self.witness.died(living.life);
                    for wire in living.wires.into_iter().flatten() {
                        if let Some(client) = wire.client {
                            self.server.disconnect(client);
                        }
                    }
                }
            }
            24..40 => {
                let at = self.random.random_range(0..NODES);
                if self.nodes[at].is_none() {
                    self.nodes[at] = Some(self.life());
                }
            }
            40..42 => self.server.forget_scripts(),
            42..44 => self.server.is_readonly = !self.server.is_readonly,
            44..50 => {
                self.server.is_readonly = false;
                self.server.is_loading = false;
            }
            _ => {}
        }
    }

    fn count_messages(&self) -> u64 {
        let rooms = self.rooms.iter();
        let newest = rooms.map(|room| {
            self.server
                .data()
                .rooms
                .room(*room)
                .map_or(0, |it| it.newest)
        });
        newest.sum()
    }

    fn cut(&mut self, at: usize, which: usize) {
        let clock = self.clock();
        let Some(living) = &mut self.nodes[at] else {
            return;
        };
        if let Some(wire) = living.wires[which].take() {
            self.seen.cuts += 1;
            if let Some(client) = wire.client {
                self.server.disconnect(client);
            }
            living.node.disconnected(which, "cut", clock);
        }
    }

    /// Somebody on a node does something.
    fn act(&mut self, at: usize) {
        let room = self.rooms[self.random.random_range(0..self.rooms.len())];
        let Some(living) = &self.nodes[at] else {
            return;
        };
        if living.still_until > self.now {
            return;
        }
        let here: Vec<_> = living
            .members
            .iter()
            .filter(|((of, _), _)| *of == room)
            .collect();
        let member = (!here.is_empty()).then(|| *here[self.random.random_range(0..here.len())].0);
        let number = member.and_then(|key| living.members.get(&key).copied());
        match self.random.random_range(0..20) {
            0..5 => self.join(at, room),
            5..7 => {
                if let (Some((_, place)), Some(member)) = (member, number) {
                    self.leave(at, room, place, member);
                }
            }
            7 => self.follow(at, room),
            8 => {
                let found = self.nodes[at].as_mut().and_then(|living| {
                    let key = living.followers.iter().next().copied()?;
                    living.followers.remove(&key);
                    living.node.unfollow(key.0);
                    Some((living.life, key))
                });
                if let Some((life, (room, place))) = found {
                    self.witness.left((life, place), room);
                }
            }
            _ => {
                let author = match (member, number) {
                    (Some((_, place)), Some(number)) => Author::Member(place, number),
                    _ => Author::User(Rc::from("script")),
                };
                self.texts += 1;
                let text = Some(format!("text {}", self.texts));
                let reference = self.chance(2).then(|| u128::from(self.texts));
                let publish = Operation::Publish {
                    room,
                    author,
                    text,
                    reference,
                };
                self.submit(at, publish, Wanted::Publish { room });
            }
        }
    }

    fn join(&mut self, at: usize, room: RoomId) {
        let who = self.random.random_range(0..NAMES);
        let Some(living) = &mut self.nodes[at] else {
            return;
        };
        let place = living.next_place;
        living.next_place += 1;
        let memory = self.memories.get(&(room, who)).cloned();
        let since = memory.as_ref().map(|memory| memory.at);
        let join = Operation::Join {
            room,
            name: format!("user{who}").into(),
            // Two of three have a secret, and take their name over wherever they are.
            identity: if who % 3 == 0 {
                place ^ u64::from(living.life) << 40
            } else {
                who
            },
            place,
            ask: Ask {
                since,
                last: if since.is_some() { 100 } else { 5 },
                is_page: false,
            },
        };
        let text = memory.and_then(|memory| memory.text);
        let wanted = Wanted::Join {
            room,
            place,
            since,
            text,
        };
        self.submit(at, join, wanted);
    }

    fn leave(&mut self, at: usize, room: RoomId, place: Place, member: MemberNumber) {
        let Some(living) = &mut self.nodes[at] else {
            return;
        };
        let name = living.node.name(room, member).unwrap_or_default();
        let who = name
            .strip_prefix("user")
            .and_then(|number| number.parse().ok());
        living.members.remove(&(room, place));
        let life = living.life;
        if let (Some(listener), Some(who)) = (self.witness.left((life, place), room), who) {
            self.memories.insert((room, who), listener);
        }
        let leave = Operation::Leave {
            room,
            member,
            place,
        };
        self.submit(at, leave, Wanted::Other);
    }

    fn follow(&mut self, at: usize, room: RoomId) {
        let Some(living) = &mut self.nodes[at] else {
            return;
        };
        let place = living.next_place;
        living.next_place += 1;
        living.followers.insert((room, place));
        let ask = Ask {
            since: None,
            last: 0,
            is_page: false,
        };
        self.submit(
            at,
            Operation::Follow { room, ask },
            Wanted::Follow { room, place },
        );
    }

    /// Bytes move.
    fn carry(&mut self) {
        let (now, is_here) = (self.now, self.now >= self.away_until);
        let is_still = now < self.still_until;
        for at in 0..NODES {
            for which in [COMMANDS, PUSHES] {
                let Some(living) = &mut self.nodes[at] else {
                    continue;
                };
                let Some(wire) = &mut living.wires[which] else {
                    continue;
                };
                if wire.client.is_none() {
                    if wire.made_at.is_some_and(|made| now >= made) && is_here && !is_still {
                        wire.client = Some(self.server.connect());
                    }
                    continue;
                }
                while !is_still
                    && let Some(client) = wire.client
                    && let Some((_, bytes)) = wire.up.pop_front_if(|(due, _)| *due <= now)
                {
                    if self.traces {
                        println!("{now:>6} {client} says {}", bytes.escape_ascii());
                    }
                    self.server.receive(client, &bytes);
                }
            }
        }
        // What one asked may be pushed to all.
        for at in 0..NODES {
            for which in [COMMANDS, PUSHES] {
                let delay = self.delay();
                let Some(living) = &mut self.nodes[at] else {
                    continue;
                };
                let Some(wire) = &mut living.wires[which] else {
                    continue;
                };
                let Some(client) = wire.client else {
                    continue;
                };
                let bytes = self.server.take_output(client);
                if self.traces && !bytes.is_empty() {
                    println!("{now:>6} {client} hears {}", bytes.escape_ascii());
                }
                if !bytes.is_empty() {
                    let behind = wire.down.back().map_or(0, |(due, _)| *due);
                    let split = self.random.random_range(0..=bytes.len());
                    let due = behind.max(now + delay);
                    wire.down.push_back((due, bytes[..split].to_vec()));
                    wire.down
                        .push_back((due + delay / 2, bytes[split..].to_vec()));
                }
            }
        }
    }

    fn delay(&mut self) -> u64 {
        if self.chance(30) {
            self.random.random_range(0..1_500)
        } else {
            self.random.random_range(0..5)
        }
    }

    /// A node does what it can.
    fn live(&mut self, at: usize) -> Result<(), String> {
        let (now, clock) = (self.now, self.clock());
        let is_here = now >= self.away_until;
        for which in [COMMANDS, PUSHES] {
            let delay = self.delay();
            let is_refused = !is_here && self.chance(2);
            let Some(living) = &mut self.nodes[at] else {
                return Ok(());
            };
            if living.still_until > now {
                return Ok(());
            }
            if let Phase::Down { retry_at } = living.node.lines[which].phase {
                if let Some(wire) = living.wires[which].take()
                    && let Some(client) = wire.client
                {
                    self.server.disconnect(client);
                }
                if now >= retry_at {
                    living.node.lines[which].phase = Phase::Dialling { since: now };
                    living.wires[which] = Some(Wire {
                        client: None,
                        up: VecDeque::new(),
                        down: VecDeque::new(),
                        made_at: Some(now + delay),
                    });
                    if is_refused {
                        living.wires[which] = None;
                        living.node.disconnected(which, "refused", clock);
                    }
                }
                continue;
            }
            let Some(wire) = &mut living.wires[which] else {
                continue;
            };
            if wire.client.is_some() && wire.made_at.take().is_some() {
                living.node.connected(which, clock);
            }
            while let Some((_, bytes)) = wire.down.pop_front_if(|(due, _)| *due <= now) {
                living.node.lines[which].feed(&bytes, now);
            }
        }
        loop {
            let worked = self.nodes[at]
                .as_mut()
                .is_some_and(|it| it.node.work(clock));
            self.hear(at)?;
            if !worked {
                break;
            }
        }
        if let Some(living) = &mut self.nodes[at]
            && now >= living.ticks_at
        {
            let after = living.node.tick(clock).unwrap_or(1000);
            living.ticks_at = now + after;
        }
        self.hear(at)?;
        for which in [COMMANDS, PUSHES] {
            let delay = self.delay();
            let Some(living) = &mut self.nodes[at] else {
                return Ok(());
            };
            if let Some(bytes) = living.node.lines[which].take_output()
                && let Some(wire) = &mut living.wires[which]
            {
                let behind = wire.up.back().map_or(0, |(due, _)| *due);
                let split = self.random.random_range(0..=bytes.len());
                let due = behind.max(now + delay);
                wire.up.push_back((due, bytes[..split].to_vec()));
                wire.up
                    .push_back((due + delay / 2, bytes[split..].to_vec()));
            }
        }
        Ok(())
    }

    /// What a node tells.
    fn hear(&mut self, at: usize) -> Result<(), String> {
        while let Some(living) = &mut self.nodes[at]
            && let Some(event) = living.node.poll()
        {
            let life = living.life;
            if self.traces {
                println!("{:>6} node {life}: {event:?}", self.now);
            }
            match event {
                EngineEvent::Done(token, outcome) => self.done(at, token, outcome)?,
                EngineEvent::Message {
                    room,
                    epoch,
                    message,
                    own,
                } => {
                    let count = self.witness.delivered(life, room, epoch, &message)?;
                    self.seen.deliveries += count;
                    if let Some(token) = own {
                        self.done(at, token, Ok(Outcome::Published(epoch, message)))?;
                    }
                }
                EngineEvent::Epoch { room, begun } => {
                    self.seen.epochs += 1;
                    self.witness.began(life, room, begun);
                }
                EngineEvent::Gap { room, from, upto } => {
                    self.seen.gaps += 1;
                    self.witness.gap(life, room, from, upto)?;
                }
                EngineEvent::Replaced { room, place } => {
                    living.members.remove(&(room, place));
                    self.witness.left((life, place), room);
                }
                EngineEvent::Closed { room, .. } => {
                    living.members.retain(|(of, _), _| *of != room);
                    // Their sessions are closed, and say so.
                    let all = std::mem::take(&mut living.followers);
                    for (of, place) in all {
                        if of == room {
                            living.node.unfollow(of);
                        } else {
                            living.followers.insert((of, place));
                        }
                    }
                    self.witness.closed(life, room);
                }
                EngineEvent::Arrived(_) | EngineEvent::Departed(_) => {}
            }
        }
        Ok(())
    }

    fn done(
        &mut self,
        at: usize,
        token: Token,
        outcome: Result<Outcome, RoomError>,
    ) -> Result<(), String> {
        let Some(living) = &mut self.nodes[at] else {
            return Ok(());
        };
        let life = living.life;
        let Some(wanted) = living.wanted.remove(&token) else {
            return Err(format!("token {token} has a second outcome: {outcome:?}"));
        };
        if matches!(outcome, Err(RoomError::Unavailable)) {
            self.seen.refused += 1;
        }
        match (wanted, outcome) {
            (Wanted::Create, Ok(Outcome::Created(info))) => self.rooms.push(info.id),
            (
                Wanted::Join {
                    room,
                    place,
                    since,
                    text,
                },
                Ok(Outcome::Joined(joined)),
            ) => {
                if let Some(before) = joined.before {
                    living.members.remove(&(room, before));
                    self.witness.left((life, before), room);
                }
                living.members.insert((room, place), joined.member);
                let excerpt = &joined.excerpt;
                let who: Who = (life, place);
                self.witness.entered(who, room, since, excerpt)?;
                self.check_resumed(room, since, text, excerpt.recovered)?;
            }
            (Wanted::Follow { room, place }, Ok(Outcome::Excerpt(excerpt))) => {
                if living.followers.contains(&(room, place)) {
                    self.witness.entered((life, place), room, None, &excerpt)?;
                }
            }
            (Wanted::Follow { room, place }, Err(_)) => {
                // Its session is closed for that, and says so.
                if living.followers.remove(&(room, place)) {
                    living.node.unfollow(room);
                }
            }
            (Wanted::Publish { room }, Ok(Outcome::Published(epoch, message))) => {
                self.seen.receipts += 1;
                self.witness.receipted(room, epoch, &message)?;
            }
            (Wanted::Other, Ok(Outcome::Left)) | (_, Err(_)) => {}
            (_, outcome) => return Err(format!("an outcome of something else: {outcome:?}")),
        }
        Ok(())
    }

    /// Who is told that nothing is missing has seen what the engine has.
    fn check_resumed(
        &mut self,
        room: RoomId,
        since: Option<Position>,
        text: Option<Box<str>>,
        recovered: bool,
    ) -> Result<(), String> {
        let Some(since) = since else {
            return Ok(());
        };
        if !recovered {
            self.seen.unresumed += 1;
            return Ok(());
        }
        self.seen.resumed += 1;
        // The engine may have lost it since it answered: then the room has another epoch by now, or will.
        let Some(known) = self.server.data().rooms.room(room) else {
            return Ok(());
        };
        let kept = known.messages.iter().find(|message| message.id == since.id);
        if let (Some(kept), Some(text)) = (kept, text)
            && known.run_is(self.server.run_id())
            && kept.text.as_ref() != Some(&text)
        {
            let kept = &kept.text;
            return Err(format!(
                "recovered at {since}, where it saw {text:?} and the engine has {kept:?}"
            ));
        }
        Ok(())
    }

    /// All is quiet: everything is as it should be.
    pub(super) fn settle(&mut self) -> Result<(), String> {
        for living in self.nodes.iter().flatten() {
            if !living.node.is_ready() {
                return Err(format!("node {} has no engine", living.life));
            }
            if !living.wanted.is_empty() {
                let node = &living.node;
                let rooms: Vec<_> = node.rooms.iter().collect();
                return Err(format!(
                    "node {} was not answered: {rooms:?}, {} to mend, {} being mended",
                    living.life,
                    node.to_mend.len(),
                    node.mends
                ));
            }
        }
        for room in &self.rooms {
            let Some(known) = self.server.data().rooms.room(*room) else {
                // It was lost with nobody in it, or for good.
                if self.witness.listeners.keys().any(|(_, of)| of == room) {
                    return Err(format!("room {room} is gone, and somebody is in it"));
                }
                continue;
            };
            let mut wanted: Vec<(String, u64, Place)> = Vec::new();
            for living in self.nodes.iter().flatten() {
                for ((of, place), member) in &living.members {
                    if of == room {
                        let name = living.node.name(*room, *member).unwrap_or("?");
                        wanted.push((name.to_owned(), living.node.id, *place));
                    }
                }
            }
            wanted.sort();
            let there = known.members.iter();
            let there: Vec<_> = there
                .map(|(name, (at, _))| (name.to_string(), at.node, at.place))
                .collect();
            if there != wanted {
                return Err(format!(
                    "members of {room} are {wanted:?}; the engine has {there:?}"
                ));
            }
            for ((who, of), listener) in &self.witness.listeners {
                let newest = Position {
                    epoch: known.epoch,
                    id: known.newest,
                };
                if of == room && listener.at != newest {
                    return Err(format!(
                        "{who:?} is at {}, the room at {newest}",
                        listener.at
                    ));
                }
            }
            for (of, position, text) in &self.witness.receipts {
                if of != room || position.epoch != known.epoch {
                    continue;
                }
                let kept = known
                    .messages
                    .iter()
                    .find(|message| message.id == position.id);
                let is_it = kept.is_none_or(|kept| kept.text.as_deref() == Some(text));
                if position.id > known.newest || !is_it {
                    return Err(format!(
                        "the receipt {position} for {text:?} is of no message"
                    ));
                }
            }
        }
        Ok(())
    }
}
