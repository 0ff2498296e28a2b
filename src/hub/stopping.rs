//! The end of a server.

use crate::hub::conn::phase::State;
use crate::hub::core::{Core, HubContext};
use crate::hub::time::ticks::ticks;
use crate::wire::close::CloseCode;
use crate::wire::error::{Error, ErrorKind};
use crate::wire::work::price;

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
            let slot = self.core.slot(key);
            if slot.state() == State::Open && slot.is_event_stream() {
                self.catch_up_some(key);
                if self.core.owes(key) {
                    // Its events are not written yet.
                    self.core.to_stop.push_back(key);
                    continue;
                }
            }
            self.catch_up_open(key);
            let core = &mut *self.core;
            match core.slot(key).state() {
                State::Open => core.close(key, CloseCode::GOING_AWAY, "Server stopping"),
                State::Head => core.stop_http(key),
                State::Waiting => core.refuse_waiting(key),
                // Without its last chunk: the peer sees that something is missing.
                State::Streaming => core.finish_http(key),
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
}
