//! How bytes move between nodes and the engine.

use super::super::line::Phase;
use super::super::node::{COMMANDS, PUSHES};
use super::world::{NODES, Wire, World};
use crate::rooms::engine::Engine;
use rand::RngExt;
use std::collections::VecDeque;

impl World {
    /// Bytes move.
    pub(super) fn carry(&mut self) {
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
    pub(super) fn live(&mut self, at: usize) -> Result<(), String> {
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
}
