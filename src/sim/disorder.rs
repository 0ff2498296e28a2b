//! Polls that tell late, twice, in pieces, in another order or of the wrong connection, and calls that
//! fail: what the virtual network does about a fault, so that the rest of a kernel's contract holds.

use super::faults::{Disorder, Fault, MOST_TURNS_LATE, Operation};
use super::network::{Edge, Network, Upstream};
use crate::hub::Lost;
use crate::turn::errno::{Hindrance, of_accept};
use crate::turn::{AcceptError, Event};

/// So many keys that were let go are remembered.
const OLD_KEYS: usize = 16;

fn event(key: u32, edge: Edge) -> Event {
    Event::Connection {
        key,
        readable: edge.readable || edge.ended,
        writable: edge.writable,
        ended: edge.ended,
    }
}

impl Network {
    /// A call for this line is made: what goes wrong with it. An interrupted one is made again at once.
    pub(super) fn ask(&mut self, line: usize, operation: Operation) -> Option<Fault> {
        if self.lines[line].is_spared {
            return None;
        }
        loop {
            match self.faults.ask(operation) {
                Some(fault) if fault.is_interrupt() => {}
                fault => return fault,
            }
        }
    }

    /// A read or a send has failed.
    ///
    /// # Errors
    /// The connection is broken, for its peer as well.
    pub(super) fn transfer_failed(
        &mut self,
        line: usize,
        hindrance: Hindrance,
    ) -> Result<(), Lost> {
        if hindrance == Hindrance::Lost {
            self.reset(line);
            return Err(Lost);
        }
        self.tell_later(line);
        Ok(())
    }

    /// Nothing was accepted.
    pub(super) fn accept_failed(&mut self, fault: Fault) -> AcceptError {
        if fault.takes_off_the_queue()
            && let Some(line) = self.incoming.pop_front()
        {
            self.accepted(line, None);
        }
        let error = of_accept(fault.error());
        if let AcceptError::Empty = error {
            let late = 1 + self.faults.below(MOST_TURNS_LATE as usize) as u64;
            self.late_incoming = Some(self.turn + late);
        }
        error
    }

    /// Whoever was told to wait without a reason is told to go on, some turns later.
    pub(super) fn tell_later(&mut self, line: usize) {
        let turn = self.turn + 1 + self.faults.below(MOST_TURNS_LATE as usize) as u64;
        let edge = Edge {
            readable: true,
            writable: true,
            ended: self.lines[line].upstream != Upstream::Open,
        };
        self.late.push((turn, line, edge));
    }

    /// Whether a line will be told something that was withheld.
    pub(super) fn is_late(&self, line: usize) -> bool {
        self.late.iter().any(|late| late.1 == line)
    }

    /// What was withheld is due.
    pub(super) fn tell_late(&mut self) {
        let turn = self.turn;
        let late = std::mem::take(&mut self.late);
        for (at, line, edge) in late {
            if at > turn {
                self.late.push((at, line, edge));
                continue;
            }
            self.tell(line, |known| {
                known.readable |= edge.readable;
                known.writable |= edge.writable;
                known.ended |= edge.ended;
            });
        }
        if self.late_incoming.is_some_and(|at| at <= turn) {
            self.late_incoming = None;
            self.has_incoming = true;
        }
    }

    /// Whether this poll keeps the edge of a line for a later one.
    pub(super) fn withholds(&mut self, line: usize) -> bool {
        let withholds = !self.lines[line].is_spared && self.faults.disturbs(Disorder::Late);
        if withholds {
            self.edges.push_back(line);
        }
        withholds
    }

    /// Tells an edge: once as a rule.
    pub(super) fn push_event(&mut self, key: u32, edge: Edge, events: &mut Vec<Event>) {
        if self.faults.disturbs(Disorder::Split) {
            let none = Edge::default();
            let parts = [
                Edge {
                    ended: edge.ended,
                    ..none
                },
                Edge {
                    writable: edge.writable,
                    ..none
                },
                Edge {
                    readable: edge.readable,
                    ..none
                },
            ];
            let parts = parts.into_iter().filter(|part| !part.is_none());
            events.extend(parts.map(|part| event(key, part)));
        } else {
            events.push(event(key, edge));
        }
        if self.faults.disturbs(Disorder::Doubled) {
            events.push(event(key, edge));
        }
    }

    /// What is told without a reason, and in which order.
    pub(super) fn disorder(&mut self, events: &mut Vec<Event>) {
        if self.faults.disturbs(Disorder::Spurious) {
            let key = self.faults.below(self.keys.len());
            let edge = self.any_edge();
            if self.keys.get(key).copied().flatten().is_some() {
                events.push(event(key as u32, edge));
            }
        }
        if self.faults.disturbs(Disorder::Stale) && !self.old_keys.is_empty() {
            let key = self.old_keys[self.faults.below(self.old_keys.len())];
            let mut edge = self.any_edge();
            // That a peer has ended is never told of another one: a kernel forgets the events of a
            // descriptor that is closed. Of a key that nobody has it does not matter.
            edge.ended = self.keys[key as usize].is_none() && self.faults.below(2) == 1;
            events.push(event(key, edge));
        }
        if self.faults.disturbs(Disorder::Reordered) {
            for index in 1..events.len() {
                let other = self.faults.below(index + 1);
                events.swap(index, other);
            }
        }
    }

    fn any_edge(&mut self) -> Edge {
        let which = self.faults.below(3);
        Edge {
            readable: which != 1,
            writable: which != 0,
            ended: false,
        }
    }

    /// A key is free: events of it may still come.
    pub(super) fn remember_old(&mut self, key: u32) {
        self.old_keys.truncate(OLD_KEYS - 1);
        self.old_keys.push_front(key);
    }
}
