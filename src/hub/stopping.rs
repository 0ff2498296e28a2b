//! The end of a server, and what it gives up when memory runs short.

use crate::hub::conn::phase::State;
use crate::hub::conn::slot::Slot;
use crate::hub::core::{Core, HubContext};
use crate::hub::time::ticks::ticks;
use crate::wire::close::CloseCode;
use crate::wire::error::{Error, ErrorKind};
use crate::wire::work::price;

/// What may stay of a connection that is given up: the rest of a frame and a Close.
const LAST_WORDS: usize = 1024;
/// The price of a look at a connection in search of the one that holds the most.
const LOOK: u32 = 5;

impl HubContext<'_> {
    /// Ends some of the connections that shutdown has not reached yet.
    pub(crate) fn stop_slice(&mut self) {
        while !self.core.work.is_spent() {
            let Some(key) = self.core.to_stop.pop_front() else {
                return;
            };
            self.core.work.charge(price::EVENT);
            if !self.core.slots.contains(key as usize) {
                continue;
            }
            // What was published before the shutdown still goes out.
            self.catch_up_open(key);
            let core = &mut *self.core;
            match core.slot(key).state() {
                State::Open => core.close(key, CloseCode::GOING_AWAY, "Server stopping"),
                State::Head => core.stop_http(key),
                State::Dialling => {
                    let message = "the server is stopping";
                    core.dial_failed(key, Error::new(ErrorKind::Closed, message));
                    continue;
                }
                State::Dead => continue,
                State::Closing | State::Ending | State::Lingering => {}
            }
            // All are cut when the time of the drain is over, however they were set.
            let last = core.tick + ticks(core.limits.drain);
            let deadline = core.deadlines.of(key, core.tick);
            let deadline = deadline.map_or(last, |at| at.min(last));
            core.deadlines.set(key, deadline, core.tick);
        }
    }
}

impl Core {
    /// Shutdown: every session gets Close 1001, in slices. The second call cuts what is left.
    pub(crate) fn stop(&mut self) {
        let keys: Vec<u32> = self.slots.iter().map(|(key, _)| key as u32).collect();
        if std::mem::replace(&mut self.stopping, true) {
            keys.into_iter().for_each(|key| self.lost(key));
            return;
        }
        self.to_stop.extend(keys);
    }

    /// Past the limit of buffered bytes the one that holds the most goes, until there is room or the
    /// work is spent. Nothing is read meanwhile.
    pub(crate) fn shed(&mut self) {
        let Some(max) = self.limits.max_buffered else {
            return;
        };
        self.is_shedding = false;
        while self.is_over_memory() {
            // Everybody is looked at.
            let looked_at = u32::try_from(self.slots.len()).unwrap_or(u32::MAX);
            self.work.charge(looked_at.saturating_mul(LOOK));
            let alive = |slot: &Slot| slot.state() != State::Dead && slot.held().memory > 0;
            let slots = self.slots.iter().filter(|(_, slot)| alive(slot));
            let Some((key, slot)) = slots.max_by_key(|(_, slot)| slot.held().memory) else {
                return;
            };
            let (key, id, peer, all) = (key as u32, slot.id(key as u32), slot.peer(), self.held());
            log::warn!(
                "{all} bytes are held, {max} may be: session {id} of {peer} holds the most and ends"
            );
            self.give_up(key);
            if self.work.is_spent() {
                self.is_shedding = self.is_over_memory();
                return;
            }
        }
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
