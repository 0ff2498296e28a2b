//! The end of a server, and what it gives up when memory runs short.

use super::core::Core;
use super::slot::State;
use super::ticks::ticks;
use crate::wire::close::CloseCode;
use crate::wire::error::{Error, ErrorKind};

impl Core {
    /// Shutdown: every session gets Close 1001, in slices. The second call cuts what is left.
    pub(super) fn stop(&mut self) {
        let places: Vec<u32> = self.slots.iter().map(|(place, _)| place as u32).collect();
        if std::mem::replace(&mut self.stopping, true) {
            places.into_iter().for_each(|place| self.lost(place));
            return;
        }
        self.to_stop.extend(places);
    }

    /// Ends some of the connections that shutdown has not reached yet.
    pub(super) fn stop_slice(&mut self, budget: usize) {
        for _ in 0..budget {
            let Some(place) = self.to_stop.pop_front() else {
                return;
            };
            if !self.slots.contains(place as usize) {
                continue;
            }
            match self.slot(place).state {
                State::Open => self.close(place, CloseCode::GOING_AWAY, "Server stopping"),
                State::Head => self.stop_http(place),
                State::Dialling => self.dial_failed(
                    place,
                    Error::new(ErrorKind::Closed, "the server is stopping"),
                ),
                _ => continue,
            }
            // All are cut when the time of the drain is over, however they were set.
            let wait = ticks(self.limits.drain);
            let deadline = self.deadlines.of(place, self.tick);
            let deadline = deadline.map_or(self.tick + wait, |at| at.min(self.tick + wait));
            self.deadlines.set(place, deadline, self.tick);
        }
    }

    /// Past the limit of buffered bytes the one that holds the most goes, until there is room.
    pub(super) fn shed(&mut self) {
        let max = self.limits.max_buffered;
        while max > 0 && self.buffered > max {
            let held = |slot: &super::slot::Slot| slot.backlog() + slot.receiver.buffered();
            let largest = self
                .slots
                .iter()
                .filter(|(_, slot)| slot.state != State::Dead && held(slot) > 0)
                .max_by_key(|(_, slot)| held(slot));
            let Some((place, slot)) = largest else { return };
            let (place, id, before) = (place as u32, slot.id(place as u32), self.buffered);
            log::warn!(
                "{before} bytes are buffered, {max} may be: session {id} holds the most and ends"
            );
            self.drop_unbegun(place);
            self.fail(place, CloseCode::POLICY, "Out of memory");
            if self.buffered == before || self.slot(place).state == State::Head {
                // Nothing could be freed politely.
                self.lost(place);
                return;
            }
        }
    }
}
