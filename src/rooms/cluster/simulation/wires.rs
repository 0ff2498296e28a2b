//! How bytes move between nodes and the engine.

use super::super::line::Phase;
use super::super::node::{COMMANDS, PUSHES};
use super::super::server::{ClientId, Server};
use super::fate::{Fate, chance};
use super::world::{NODES, World};
use crate::rooms::engine::Engine;
use rand::RngExt;
use rand::rngs::StdRng;
use std::collections::VecDeque;

/// Bytes on their way, and when they arrive.
type Way = VecDeque<(u64, Vec<u8>)>;

/// A connection between a node and the engine.
pub(super) struct Wire {
    pub(super) client: Option<ClientId>,
    pub(super) up: Way,
    pub(super) down: Way,
    /// When it is made.
    pub(super) made_at: Option<u64>,
}

/// How long bytes take.
pub(super) fn delay(random: &mut StdRng) -> u64 {
    if chance(random, 30) {
        random.random_range(0..1_500)
    } else {
        random.random_range(0..5)
    }
}

/// Sends bytes on their way, in two parts.
pub(super) fn send(way: &mut Way, bytes: &[u8], now: u64, delay: u64, random: &mut StdRng) {
    let behind = way.back().map_or(0, |(due, _)| *due);
    let split = random.random_range(0..=bytes.len());
    let due = behind.max(now + delay);
    way.push_back((due, bytes[..split].to_vec()));
    way.push_back((due + delay / 2, bytes[split..].to_vec()));
}

impl Wire {
    pub(super) fn new(made_at: u64) -> Self {
        Self {
            client: None,
            up: VecDeque::new(),
            down: VecDeque::new(),
            made_at: Some(made_at),
        }
    }

    /// It is cut.
    pub(super) fn end(self, server: &mut Server) {
        if let Some(client) = self.client {
            server.disconnect(client);
        }
    }

    /// What has arrived at the engine is heard there.
    pub(super) fn carry_up(&mut self, fate: &mut Fate, now: u64, traces: bool) {
        let is_still = now < fate.still_until;
        let Some(client) = self.client else {
            let is_made = self.made_at.is_some_and(|made| now >= made);
            if is_made && now >= fate.away_until && !is_still {
                self.client = Some(fate.server.connect());
            }
            return;
        };
        while !is_still && let Some((_, bytes)) = self.up.pop_front_if(|(due, _)| *due <= now) {
            if traces {
                println!("{now:>6} {client} says {}", bytes.escape_ascii());
            }
            fate.server.receive(client, &bytes);
        }
    }

    /// What the engine says begins its way.
    pub(super) fn carry_down(
        &mut self,
        fate: &mut Fate,
        now: u64,
        delay: u64,
        random: &mut StdRng,
        traces: bool,
    ) {
        let Some(client) = self.client else {
            return;
        };
        let bytes = fate.server.take_output(client);
        if bytes.is_empty() {
            return;
        }
        if traces {
            println!("{now:>6} {client} hears {}", bytes.escape_ascii());
        }
        send(&mut self.down, &bytes, now, delay, random);
    }
}

impl World {
    /// Bytes move.
    pub(super) fn carry(&mut self) {
        for living in self.nodes.iter_mut().flatten() {
            for wire in living.wires.iter_mut().flatten() {
                wire.carry_up(&mut self.fate, self.now, self.traces);
            }
        }
        // What one asked may be pushed to all.
        for at in 0..NODES {
            for which in [COMMANDS, PUSHES] {
                let delay = delay(&mut self.random);
                if let Some(living) = &mut self.nodes[at]
                    && let Some(wire) = &mut living.wires[which]
                {
                    let (fate, random) = (&mut self.fate, &mut self.random);
                    wire.carry_down(fate, self.now, delay, random, self.traces);
                }
            }
        }
    }

    /// A node does what it can.
    pub(super) fn live(&mut self, at: usize) -> Result<(), String> {
        let (now, clock) = (self.now, self.clock());
        let is_here = now >= self.fate.away_until;
        for which in [COMMANDS, PUSHES] {
            let delay = delay(&mut self.random);
            let is_refused = !is_here && self.chance(2);
            let Some(living) = &mut self.nodes[at] else {
                return Ok(());
            };
            if living.still_until > now {
                return Ok(());
            }
            if let Phase::Down { retry_at } = living.node.lines[which].phase {
                if let Some(wire) = living.wires[which].take() {
                    wire.end(&mut self.fate.server);
                }
                if now >= retry_at {
                    living.node.lines[which].phase = Phase::Dialling { since: now };
                    living.wires[which] = Some(Wire::new(now + delay));
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
            let delay = delay(&mut self.random);
            let Some(living) = &mut self.nodes[at] else {
                return Ok(());
            };
            if let Some(bytes) = living.node.lines[which].take_output()
                && let Some(wire) = &mut living.wires[which]
            {
                send(&mut wire.up, &bytes, now, delay, &mut self.random);
            }
        }
        Ok(())
    }
}
