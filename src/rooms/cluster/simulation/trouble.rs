//! What goes wrong.

use super::super::node::{COMMANDS, PUSHES};
use super::super::server::Data;
use super::world::{NODES, World};
use rand::RngExt;

impl World {
    /// Something goes wrong.
    pub(super) fn disturb(&mut self) {
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
}
