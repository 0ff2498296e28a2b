//! The end of a turn: close events that are owed, and sockets that can go.

use crate::hub::conn::flags::Flags;
use crate::hub::core::Hub;
use crate::hub::ledger::Held;
use crate::hub::transport::Transport;
use crate::hub::ws::events::call;
use crate::wire::close::CloseReason;
use crate::wire::work::price;

impl Hub {
    /// Gives up who holds the most where more is held than may be, runs the close events that are
    /// owed, then lets sockets go, while the work lasts.
    pub fn reap(&mut self, io: &mut dyn Transport) {
        self.core.shed(io);
        while !self.core.work.is_spent()
            && let Some(id) = self.core.close_events.pop_front()
        {
            if let Some(key) = self.core.key_of(id) {
                self.close_event(io, key);
            }
        }
        while !self.core.work.is_spent()
            && let Some(key) = self.core.closing.pop_front()
        {
            self.core.work.charge(price::CLOSE);
            self.close_event(io, key);
            self.tell_failure(io, key);
            let slot = &mut self.core.slots[key as usize];
            self.core.ledger.change(slot.held(), Held::default());
            if let Some(cold) = &mut slot.cold {
                self.core.retired.extend(cold.outbox.take_long());
            }
            io.close(key);
            self.core.free(key);
        }
        self.give_memory_back();
    }

    /// The close event, once.
    fn close_event(&mut self, io: &mut dyn Transport, key: u32) {
        let slot = self.core.slot(key);
        if !slot.flags.has(Flags::OPENED) {
            return;
        }
        slot.flags.clear(Flags::OPENED);
        let id = slot.id(key);
        let reason = slot.cold.as_ref().and_then(|cold| cold.close.clone());
        let reason = reason.unwrap_or_else(CloseReason::lost);
        self.core.timers.cancel_all(id);
        self.core.work.charge(price::EVENT);
        self.core.metrics.on_closed(reason.code);
        call(
            &mut self.core,
            &mut self.routes,
            io,
            key,
            |route, data, session| {
                route.close(data, session, &reason);
            },
        );
    }
}
