//! Accepting: as many as the budget allows, in turn from all listeners.
//!
//! Out of descriptors the loop neither spins nor falls silent: accepting pauses and is tried again,
//! and what waits longer than a pause is turned away one by one by means of a spare descriptor.

use super::budget::Step;
use super::io::{AcceptError, Io};
use super::order::Turn;
use crate::wire::work::price;
use std::io;

/// Out of descriptors: accepting pauses this long, in milliseconds.
const PAUSE_MS: u64 = 100;
/// So many connections in a row that were gone before they could be accepted are believed. A filter that
/// forbids the call itself answers the same for ever and takes nothing off the queue: accepting pauses then.
const GONE_IN_A_ROW: u32 = 256;

impl<I: Io> Turn<I> {
    /// Accepts what there is, within the budget.
    pub(super) fn accept(&mut self) {
        let now = self.hub.now().ms;
        self.accepting.tell(now);
        if !self.accepting.is_due(now) {
            return;
        }
        let granted = self.budget.grant(Step::Accept);
        let mut left = granted;
        while !left.is_spent()
            && let Some(&listener) = self.accepting.pending.first()
        {
            match self.io.accept(listener) {
                Ok((incoming, conn)) => {
                    left.charge(price::ACCEPT);
                    self.accepting.gone = 0;
                    self.resumed();
                    if let Some(id) = self.hub.accept(conn) {
                        self.ready.reset(id.index);
                        self.io.attach(id, incoming);
                        left.charge(self.read_first(id, left.left()));
                        if let Err(error) = self.io.watch(id) {
                            log::warn!("a connection cannot be polled: {error}");
                            self.hub.lost(id);
                        }
                    }
                }
                Err(AcceptError::Empty) => {
                    self.accepting.gone = 0;
                    self.accepting.pending.remove(0);
                }
                Err(AcceptError::Gone) => {
                    left.charge(price::ACCEPT);
                    self.accepting.gone += 1;
                    if self.accepting.gone >= GONE_IN_A_ROW {
                        self.accepting.gone = 0;
                        let error = "the system refuses one connection after another";
                        self.pause(listener, &io::Error::other(error));
                        break;
                    }
                }
                Err(AcceptError::Exhausted(error)) => {
                    self.pause(listener, &error);
                    break;
                }
            }
        }
        if self.accepting.pending.len() > 1 {
            self.accepting.pending.rotate_left(1);
        }
        self.budget.take(granted, left);
    }

    fn pause(&mut self, listener: usize, error: &io::Error) {
        if self.accepting.paused_until.is_some() {
            // It has waited for a whole pause: better a quick end than none.
            self.io.turn_away(listener);
        }
        let now = self.hub.now().ms;
        self.accepting.paused_until = Some(now + PAUSE_MS);
        self.accepting.why_paused = error.to_string();
        self.accepting.tell(now);
    }

    fn resumed(&mut self) {
        if self.accepting.paused_until.take().is_some() {
            self.accepting.tell(self.hub.now().ms);
        }
    }
}
