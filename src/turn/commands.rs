//! What other threads ask for, and the connections that the program makes.

use super::budget::Step;
use super::io::Io;
use super::order::Turn;
use crate::app::SessionId;
use crate::wire::error::{Error, ErrorKind};
use crate::wire::work::price;
use std::io;

impl<I: Io> Turn<I> {
    /// Takes commands of other threads in their order, and begins connections. While a topic that
    /// they publish to is behind, they wait as any publisher does; a shutdown never waits.
    pub(super) fn commands(&mut self) {
        let granted = self.budget.grant(Step::Commands);
        self.hub.set_work(granted);
        while !self.hub.work().is_spent() && !self.hub.holds_remote() {
            let Some(command) = self.inbox.take() else {
                break;
            };
            self.hub.charge(price::EVENT);
            self.hub.command(&mut self.io, command);
        }
        for _ in 0..self.inbox.shutdowns(self.hub.holds_remote()) {
            self.hub.shut_down();
        }
        self.dial();
        self.budget.take(granted, self.hub.work());
    }

    /// Whether commands wait that may be taken now. The one that woke the loop may have been the
    /// first of many: without this answer the rest would sleep with the loop.
    pub(super) fn has_commands(&self) -> bool {
        !self.hub.holds_remote() && !self.inbox.is_empty()
    }

    /// Begins the connections that the hub asks for.
    fn dial(&mut self) {
        while !self.hub.work().is_spent()
            && let Some((id, ends)) = self.hub.next_dial()
        {
            self.hub.charge(price::ACCEPT);
            if !self.hub.knows(id) {
                continue;
            }
            self.ready.reset(id.index);
            if let Err(error) = self.io.dial(id, ends) {
                self.dial_failed(id, error);
            }
        }
    }

    /// Something happened to a connection that is being made; whether it is made.
    pub(super) fn is_dialled(&mut self, id: SessionId) -> bool {
        match self.io.is_connected(id.index) {
            Ok(true) if !self.io.is_secured(id.index) => {
                // The handshake comes first, and begins by being read.
                self.ready.add(id);
                false
            }
            Ok(true) => {
                self.hub.connected(&mut self.io, id);
                if self.hub.is_link(id) {
                    self.ready.set_first(id.index);
                }
                // What arrived together with the connection is told by no further event.
                self.ready.add(id);
                true
            }
            Ok(false) => false,
            Err(error) => {
                self.dial_failed(id, error);
                false
            }
        }
    }

    fn dial_failed(&mut self, id: SessionId, error: io::Error) {
        let error = Error::new(ErrorKind::Io, "the connection cannot be made").with_source(error);
        self.hub.dial_failed(id, error);
    }
}
