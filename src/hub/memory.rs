//! Memory: who is given up when it runs short, and what is given back when a crowd has left.

use crate::hub::conn::phase::State;
use crate::hub::conn::slot::Slot;
use crate::hub::core::{Core, Hub};
use crate::hub::transport::Transport;
use crate::wire::close::CloseCode;
use crate::wire::work::price;

/// What may stay of a connection that is given up: the rest of a frame and a Close.
const LAST_WORDS: usize = 1024;
/// One line in so many milliseconds tells of it.
const QUIET_MS: u64 = 1_000;
/// From how many connections on their leaving is followed by giving memory back.
const CROWD: usize = 64;

impl Core {
    /// Past the limit of buffered bytes the one that holds the most goes, until there is room, or until most
    /// of what is held is not for sessions, or the work is spent. Nothing is read meanwhile.
    pub(crate) fn shed(&mut self, io: &mut dyn Transport) {
        let Some(max) = self.limits.max_buffered else {
            return;
        };
        self.is_shedding = false;
        while self.is_over_memory() {
            // Everybody is looked at.
            let looked_at = u32::try_from(self.slots.len()).unwrap_or(u32::MAX);
            self.work.charge(looked_at.saturating_mul(price::LOOK));
            let (mut going, mut largest) = (0, None::<(usize, usize)>);
            for (key, slot) in &self.slots {
                let held = slot.held().memory;
                if slot.state() == State::Dead {
                    going += held;
                } else if held > 0 && largest.is_none_or(|(most, _)| held >= most) {
                    largest = Some((held, key));
                }
            }
            let topics = self.topics.held().memory;
            let sessions = self.ledger.held().memory + self.held_below - going;
            // What is held for those who are gone already goes with them, and what topics have not
            // delivered yet goes out in the next turns, because nobody is read before. To end sessions
            // that hold next to nothing would help neither.
            if sessions + topics <= max || sessions <= max / 2 {
                return;
            }
            if let Some((key, below)) = io.most_held()
                && below > largest.map_or(0, |(most, _)| most)
            {
                self.give_up_below(io, key);
            } else {
                let Some((_, key)) = largest else {
                    return;
                };
                let (key, all) = (key as u32, self.held());
                self.tell_shortage(key, all);
                self.give_up(key);
            }
            if self.work.is_spent() {
                self.is_shedding = self.is_over_memory();
                return;
            }
        }
    }

    /// Whether more is held than may be, and connections hold so much of it that giving them up helps;
    /// what topics hold becomes less by being delivered.
    pub(crate) fn sheds_first(&self) -> bool {
        let max = self.limits.max_buffered;
        let of_connections = self.ledger.held().memory + self.held_below;
        max.is_some_and(|max| self.is_over_memory() && of_connections > max / 2)
    }

    /// Ends a connection for what the driver holds of it. It has no Close: that could not be sent either.
    fn give_up_below(&mut self, io: &mut dyn Transport, key: u32) {
        let all = self.held();
        io.discard(key);
        self.held_below = io.held();
        if self.slots.contains(key as usize) {
            self.tell_shortage(key, all);
            self.lost(key);
        }
    }

    /// Says who ends for lack of memory; a crowd of slow readers must not drown the log.
    fn tell_shortage(&mut self, key: u32, all: usize) {
        self.metrics.on_short_of_memory(self.now.ms);
        let (quiet_until, left_out) = self.memory_lines;
        if self.now.ms < quiet_until {
            self.memory_lines.1 += 1;
            return;
        }
        self.memory_lines = (self.now.ms + QUIET_MS, 0);
        let slot = &self.slots[key as usize];
        let (id, peer) = (slot.id(key), slot.peer());
        let max = self.limits.max_buffered.unwrap_or(usize::MAX);
        log::warn!(
            connection:% = id;
            "{all} bytes are held, {max} may be: session {id} of {peer} holds the most and \
             ends; {left_out} ended so before without a line"
        );
    }

    /// Ends a connection for its memory: with a Close, if little is left of it then.
    fn give_up(&mut self, key: u32) {
        if self.slot(key).is_live() {
            self.drop_unbegun(key);
            let receiver = self.keep(key, Slot::forget_received);
            self.retired_receivers.extend(receiver);
            self.fail(key, CloseCode::POLICY, "Out of memory");
            if self.slot(key).held().memory <= LAST_WORDS {
                return;
            }
        }
        self.lost(key);
        let (receiver, outbox) = self.keep(key, |slot| {
            let cold = slot.cold.as_mut();
            let outbox = cold.map(|cold| std::mem::take(&mut cold.outbox));
            (slot.forget_received(), outbox)
        });
        self.retired_receivers.extend(receiver);
        let long = outbox.into_iter().flat_map(|mut outbox| outbox.take_long());
        self.retired.extend(long);
    }
}

impl Hub {
    /// Bytes of memory that the driver holds.
    pub(crate) fn set_held_below(&mut self, bytes: usize) {
        self.core.held_below = bytes;
    }

    /// Frees what was long, in slices, and what a crowd that is gone has left.
    pub(crate) fn give_memory_back(&mut self) {
        for receiver in self.core.retired_receivers.drain(..) {
            self.lanes.release(receiver);
        }
        for message in self.core.retired.drain(..) {
            self.lanes.retire(message);
        }
        self.has_garbage = self.lanes.free_some(&mut self.core.work);
        let (now, most) = (self.core.slots.len(), self.most_connections);
        self.most_connections = most.max(now);
        if most >= CROWD && now <= most / 8 && !self.has_garbage && self.core.closing.is_empty() {
            self.most_connections = now;
            self.lanes.shrink();
            self.core.shrink();
        }
    }
}
