//! One turn: its steps in their order, and what is remembered between two.

use super::budget::{Budget, Step, TURN};
use super::io::{Event, Io};
use super::listeners::Accepting;
use super::ready::Ready;
use super::round::Rounds;
use crate::app::remote::{Inbox, Remote, SharedStats, Wake};
use crate::app::{App, SessionId};
use crate::config::Limits;
use crate::hub::Hub;
use crate::wire::error::Result;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// The loop's receive buffer: big enough for thousands of small messages, small enough for the cache.
pub(super) const BUFFER: usize = 64 << 10;

/// Room for so many events is kept from turn to turn.
const KEPT_EVENTS: usize = 4096;

/// The hub, the world, and who is to be served next.
pub struct Turn<I: Io> {
    /// Every connection, topic and timer.
    pub hub: Hub,
    /// Sockets and a clock, or the likeness of them.
    pub io: I,
    pub(super) ready: Ready,
    pub(super) accepting: Accepting,
    pub(super) events: Vec<Event>,
    pub(super) buffer: Box<[u8]>,
    pub(super) inbox: Inbox,
    pub(super) stats: Arc<SharedStats>,
    pub(super) rounds: Rounds,
    pub(super) budget: Budget,
    /// Connections whose bytes wait below the hub and can be sent.
    pub(super) unsent: VecDeque<SessionId>,
    /// What handshakes may spend; below zero: what they owe to the turns to come.
    pub(super) handshake_credit: i64,
    pub(super) has_more: bool,
}

/// What asks for a turn from another thread, where no thread does.
struct NobodyWakes;

impl Wake for NobodyWakes {
    fn wake(&self) {}
}

impl<I: Io> Turn<I> {
    /// Turns over this world.
    pub(crate) fn new(hub: Hub, io: I, inbox: Inbox, stats: Arc<SharedStats>) -> Self {
        Self {
            hub,
            io,
            ready: Ready::default(),
            accepting: Accepting::default(),
            events: Vec::new(),
            buffer: vec![0; BUFFER].into(),
            inbox,
            stats,
            rounds: Rounds::default(),
            budget: Budget::new(),
            unsent: VecDeque::new(),
            handshake_credit: 0,
            has_more: true,
        }
    }

    /// A program over this world that no other thread wakes: for benchmarks of turns. `seed` decides
    /// every random choice.
    ///
    /// # Errors
    /// The first wrong pattern or setting of the program, or the first limit out of bounds.
    pub fn alone(app: App, limits: Limits, seed: [u8; 32], io: I) -> Result<Self> {
        let (remote, inbox, stats) = Remote::new(Arc::new(NobodyWakes));
        let hub = Hub::new(app, limits, seed, remote)?;
        Ok(Self::new(hub, io, inbox, stats))
    }

    /// Waits for something to do, at most this long, and makes one turn.
    ///
    /// # Errors
    /// The poll failed for good.
    pub fn step(&mut self, wait_at_most: Option<Duration>) -> std::io::Result<()> {
        let wait = match (self.poll_timeout(), wait_at_most) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        self.events.clear();
        self.events.shrink_to(KEPT_EVENTS);
        self.io.poll(wait, &mut self.events)?;
        let now = self.io.now();
        self.hub.advance(now);
        self.budget = Budget::new();
        self.ready.begin_turn(now.ms);
        self.hub.set_held_below(self.io.held());
        self.note_events();
        self.accept();
        self.read();
        let ready = &self.ready;
        let granted = self.budget.grant(Step::Timers);
        self.hub.set_work(granted);
        self.hub
            .run_events_while(&mut self.io, &|key| ready.is_listed(key));
        self.budget.take(granted, self.hub.work());
        self.commands();
        // What waits goes before what is new: else members that read as fast as they are sent to would
        // fall behind by as much as a turn can deliver.
        self.flush();
        self.work(Step::Deliver, Hub::deliver);
        self.hub.set_held_below(self.io.held());
        self.work(Step::Reap, Hub::reap);
        self.handshakes();
        // Who was stopped and may go on has been busy, or it would not have been stopped.
        while let Some(id) = self.hub.next_resumed() {
            self.ready.add_busy(id);
        }
        let paused = self.accepting.paused_until.is_some();
        self.hub.set_accept_paused(paused);
        self.hub
            .end_turn(self.io.turn_time(), self.budget.spent(), TURN);
        self.stats.update(|shared| self.hub.publish_metrics(shared));
        if self.hub.is_stopping() {
            let open = self.hub.open_listeners();
            self.io.stop_listening(open);
            self.accepting.keep(open);
        }
        self.has_more = self.has_more_work();
        Ok(())
    }

    /// Whether the server has stopped: nothing is left to do, ever.
    pub(crate) fn is_over(&self) -> bool {
        self.hub.is_stopping() && self.hub.is_empty()
    }

    /// There will be no further turn: other threads are told so when they ask for something.
    pub(crate) fn end(&mut self) {
        self.inbox.close();
    }

    /// Whether another turn should follow at once.
    pub fn is_busy(&self) -> bool {
        self.has_more
    }

    /// When a turn is needed next if nothing happens, in milliseconds since the start.
    pub fn next_deadline(&self) -> Option<u64> {
        let accepting = [self.accepting.resumes(), self.accepting.tells()];
        let all = accepting.into_iter().chain([self.hub.next_deadline()]);
        all.flatten().min()
    }

    /// What the last turn spent, in units of work.
    pub fn spent(&self) -> i64 {
        self.budget.spent()
    }

    /// Whether this connection waits to be read.
    pub(crate) fn is_ready(&self, key: u32) -> bool {
        self.ready.is_listed(key)
    }

    /// How long to wait for events; `None`: until there is one.
    pub(crate) fn poll_timeout(&mut self) -> Option<Duration> {
        if self.has_more {
            return Some(Duration::ZERO);
        }
        let now = self.io.now().ms;
        let next = self.next_deadline();
        let next = next.map(|at| Duration::from_millis(at.saturating_sub(now)));
        match (next, self.io.retries_within()) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    /// Remembers what the poll told: it tells each only once.
    fn note_events(&mut self) {
        for index in 0..self.events.len() {
            match self.events[index] {
                Event::Incoming(listener) => self.accepting.add(listener),
                Event::Connection {
                    key,
                    readable,
                    writable,
                    ended,
                } => {
                    let Some(id) = self.hub.id_at(key) else {
                        continue;
                    };
                    if writable {
                        self.note_writable(id);
                    }
                    if self.hub.is_dialling(id) && !self.is_dialled(id) {
                        continue;
                    }
                    if writable {
                        self.hub.writable(id);
                    }
                    if ended {
                        self.ready.add_ending(id);
                    } else if readable {
                        self.ready.add(id);
                    }
                }
            }
        }
    }

    /// Sends what waits, below the hub and in it.
    fn flush(&mut self) {
        let granted = self.budget.grant(Step::Flush);
        self.hub.set_work(granted);
        self.flush_unsent();
        self.hub.flush(&mut self.io);
        self.budget.take(granted, self.hub.work());
    }

    /// One step of the hub within its part of the budget.
    fn work(&mut self, step: Step, run: impl FnOnce(&mut Hub, &mut dyn crate::hub::Transport)) {
        let granted = self.budget.grant(step);
        self.hub.set_work(granted);
        run(&mut self.hub, &mut self.io);
        self.budget.take(granted, self.hub.work());
    }

    fn has_more_work(&self) -> bool {
        !self.ready.is_empty()
            || !self.unsent.is_empty()
            || self.hub.has_work()
            || self.hub.has_dials()
            || self.has_commands()
            || self.accepting.is_due(self.hub.now().ms)
    }
}
