//! One server, and its lines to the engine.

use super::super::super::node::PUSHES;
use super::super::fate::Fate;
use super::super::ground::{delay, limits};
use super::super::wire::{Wire, send};
use crate::app::App;
use crate::config::Limits;
use crate::rooms::cluster::{Cluster, EngineAddress};
use crate::rooms::{PROTOCOL, Rooms};
use crate::sim::{Conversation, Line, Sim};
use rand::RngExt;
use rand::rngs::StdRng;
use std::time::Duration;

/// Where rooms are.
const PATH: &str = "/rooms";

/// A server in one of its lives.
pub(super) struct Hub {
    pub(super) life: u32,
    pub(super) sim: Sim,
    /// When it began.
    since: u64,
    lines: Vec<(Line, Wire)>,
    /// It stands still until then.
    pub(super) still_until: u64,
    /// What is pushed arrives then at the earliest.
    pub(super) pushed_at: u64,
}

impl Hub {
    pub(super) fn new(life: u32, now: u64, random: &mut StdRng) -> Self {
        let address: EngineAddress = "redis://127.0.0.1".parse().expect("an address");
        let node = Cluster::new(address).node(&limits(), random.random());
        let rooms = Rooms::over(limits(), node.expect("good settings"));
        let app = rooms.mount(App::new()).ws_with(
            PATH,
            rooms.settings(crate::config::Settings::default()),
            rooms.handler(),
        );
        let sim = Sim::with(app, Limits::default(), random.random()).expect("a good program");
        if random.random() {
            sim.shake();
        }
        Self {
            life,
            sim,
            since: now,
            lines: Vec::new(),
            still_until: 0,
            pushed_at: 0,
        }
    }

    /// Somebody asks for a session.
    pub(super) fn open(&self) -> Conversation {
        let fields = [("Sec-WebSocket-Protocol", PROTOCOL)];
        self.sim.connect().upgrade(PATH, &fields)
    }

    /// It does what is to be done until now.
    pub(super) fn live(&mut self, now: u64, fate: &mut Fate, random: &mut StdRng) {
        let is_away = now < fate.away_until;
        self.sim.set_unreachable(is_away && random.random());
        let left = now - self.since - self.sim.now().as_millis() as u64;
        if left > 100 {
            // It stood still.
            self.sim.jump(Duration::from_millis(left));
        } else {
            self.sim.advance(Duration::from_millis(left));
        }
        while let Some((_, line)) = self.sim.next_call_raw() {
            self.lines.push((line, Wire::new(now + delay(random))));
        }
        for (which, (line, wire)) in self.lines.iter_mut().enumerate() {
            let is_held = which == PUSHES && now < self.pushed_at;
            let bytes = line.arrived_raw();
            if !bytes.is_empty() {
                send(&mut wire.up, &bytes, now, delay(random), random);
            }
            while !is_held && let Some((_, bytes)) = wire.down.pop_front_if(|(due, _)| *due <= now)
            {
                line.send_raw(&bytes);
            }
            if wire
                .client
                .is_some_and(|client| !fate.server.is_open(client))
            {
                line.cut();
            }
        }
        for (_, wire) in self.lines.extract_if(.., |(line, _)| line.end().is_some()) {
            wire.end(&mut fate.server);
        }
        self.sim.drive();
    }

    /// What it said arrives at the engine.
    pub(super) fn carry_up(&mut self, now: u64, fate: &mut Fate, traces: bool) {
        for (_, wire) in &mut self.lines {
            wire.carry_up(fate, now, traces);
        }
    }

    /// What the engine says begins its way.
    pub(super) fn carry_down(
        &mut self,
        now: u64,
        fate: &mut Fate,
        random: &mut StdRng,
        traces: bool,
    ) {
        for (_, wire) in &mut self.lines {
            let delay = delay(random);
            wire.carry_down(fate, now, delay, random, traces);
        }
    }

    /// One of its lines is cut, or all are; how many.
    pub(super) fn cut(&mut self, which: Option<usize>, fate: &mut Fate) -> u64 {
        let mut count = 0;
        for (at, (line, wire)) in self.lines.iter().enumerate() {
            if which.is_none_or(|which| which == at) {
                line.cut();
                if let Some(client) = wire.client {
                    fate.server.disconnect(client);
                }
                count += 1;
            }
        }
        count
    }

    /// It is killed.
    pub(super) fn end(self, fate: &mut Fate) {
        for (_, wire) in self.lines {
            wire.end(&mut fate.server);
        }
    }
}
