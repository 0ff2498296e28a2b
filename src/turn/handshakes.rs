//! The costly steps of TLS handshakes, a few a turn, and what was encrypted and waits to be sent.
//!
//! A step of a handshake signs or checks a signature: 50 µs to 1 ms that cannot be divided. So none is gone
//! when its bytes arrive. The connections that could go one wait in a list, in turn, and are served at the
//! end of the turn from a credit: what the turn has left, and never less than an eighth of a turn. A step
//! may pass the credit, which later turns make up for. Ten thousand clients that come at once delay
//! everybody else by one step a turn and no more.

use super::budget::TURN;
use super::io::Io;
use super::order::Turn;
use super::ready::List;
use crate::app::SessionId;
use crate::wire::error::{Error, ErrorKind};
use crate::wire::work::{Work, price};

/// Steps in one turn, whatever they cost by the list.
const MOST_STEPS: usize = 4;
/// What handshakes may spend in a turn that has nothing left for them.
const LEAST_CREDIT: i64 = TURN as i64 / 8;

impl<I: Io> Turn<I> {
    /// Goes steps of handshakes, while there is credit.
    pub(super) fn handshakes(&mut self) {
        let count = self.ready.len(List::Handshakes);
        if count == 0 {
            // Nothing is saved up for a crowd, and nothing is owed by it for ever.
            self.handshake_credit = 0;
            return;
        }
        if self.hub.is_over_memory() {
            return;
        }
        let left = i64::from(TURN) - self.budget.spent();
        let credit = self.handshake_credit + left.max(LEAST_CREDIT);
        self.handshake_credit = credit.min(i64::from(TURN));
        for _ in 0..count.min(MOST_STEPS) {
            if self.handshake_credit <= 0 {
                return;
            }
            let Some(id) = self.ready.next(List::Handshakes) else {
                return;
            };
            if self.hub.knows(id) {
                self.ready.taken(id.index);
                self.handshake(id);
            }
        }
    }

    fn handshake(&mut self, id: SessionId) {
        let step = self.io.handshake(id.index);
        self.handshake_credit -= i64::from(step.work);
        if step.is_lost {
            return self.broke(id);
        }
        if step.is_done && self.hub.is_dialling(id) {
            let granted = Work::new(0);
            self.hub.set_work(granted);
            self.hub.connected(&mut self.io, id);
            self.handshake_credit += self.hub.work().left();
            if self.hub.is_link(id) {
                self.ready.set_first(id.index);
            }
        }
        // What came behind the handshake is told by no further event.
        self.ready.add(id);
    }

    /// A connection broke; whoever called it is told why.
    pub(super) fn broke(&mut self, id: SessionId) {
        match self.io.why_lost(id.index) {
            Some(why) if self.hub.is_calling(id) => {
                let message = format!("TLS cannot be agreed on: {why}");
                self.hub.dial_failed(id, Error::new(ErrorKind::Io, message));
            }
            Some(why) => {
                log::debug!("TLS of connection {id}: {why}");
                self.hub.lost(id);
            }
            None => self.hub.lost(id),
        }
    }

    /// Remembers that a connection takes bytes again, if some wait below the hub.
    pub(super) fn note_writable(&mut self, id: SessionId) {
        if self.io.wants_flush(id.index) {
            self.unsent.push_back(id);
        }
    }

    /// Sends what waits below the hub, while the work lasts.
    pub(super) fn flush_unsent(&mut self) {
        while !self.hub.work().is_spent()
            && let Some(id) = self.unsent.pop_front()
        {
            if !self.hub.knows(id) {
                continue;
            }
            self.hub.charge(price::SEND);
            match self.io.flush(id.index) {
                Ok(sent) => self.hub.charge((sent / price::BYTES_SENT) as u32),
                Err(_) => self.broke(id),
            }
        }
    }
}
