//! What goes wrong.

use super::super::node::{COMMANDS, PUSHES};
use super::fate::Trouble;
use super::ground::NODES;
use super::world::World;

impl World {
    /// Something goes wrong.
    pub(super) fn disturb(&mut self) {
        let trouble = self
            .fate
            .disturb(&mut self.random, self.now, &self.rooms, &mut self.seen);
        match trouble {
            Trouble::Nothing => {}
            Trouble::Cut { at, which } => self.cut(at, which),
            Trouble::CutAll => {
                for at in 0..NODES {
                    self.cut(at, COMMANDS);
                    self.cut(at, PUSHES);
                }
            }
            Trouble::Still { at, most } => {
                if let Some(living) = &mut self.nodes[at] {
                    living.still_until = self.now + most;
                    self.seen.pauses += 1;
                }
            }
            Trouble::Kill { at } => {
                if let Some(living) = self.nodes[at].take() {
                    self.seen.kills += 1;
                    self.witness.died(living.life);
                    for wire in living.wires.into_iter().flatten() {
                        wire.end(&mut self.fate.server);
                    }
                }
            }
            Trouble::Begin { at } => {
                if self.nodes[at].is_none() {
                    self.nodes[at] = Some(self.life());
                }
            }
        }
    }

    fn cut(&mut self, at: usize, which: usize) {
        let clock = self.clock();
        let Some(living) = &mut self.nodes[at] else {
            return;
        };
        if let Some(wire) = living.wires[which].take() {
            self.seen.cuts += 1;
            wire.end(&mut self.fate.server);
            living.node.disconnected(which, "cut", clock);
        }
    }
}
