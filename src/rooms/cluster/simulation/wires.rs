//! How bytes move between nodes and the engine.

use super::super::line::Phase;
use super::super::node::{COMMANDS, PUSHES};
use super::ground::{NODES, delay};
use super::wire::{Wire, send};
use super::world::World;
use crate::rooms::engine::Engine;

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
