//! How a test asks for faults of the system: for the tests and benches of this crate.

use super::calls::IncomingCall;
use super::conversation::Line;
use super::faults::{Fault, FaultRates, Operation};
use super::http::HttpClient;
use super::simulation::Sim;
use std::collections::BTreeMap;
use std::rc::Rc;

/// The name a report gives to what went wrong, and how often it did: the call, or `poll`, and the error.
pub type FaultCounts = BTreeMap<(&'static str, &'static str), u64>;

#[doc(hidden)]
impl Sim {
    /// From now on calls of the system go wrong by chance.
    pub fn start_faults(&self, rates: FaultRates, seed: u64) {
        self.world.borrow_mut().turn.io.faults.start(rates, seed);
    }

    /// From now on nothing goes wrong, and descriptors are there for everybody. What was withheld is told.
    pub fn stop_faults(&self) {
        let mut world = self.world.borrow_mut();
        world.turn.io.faults.stop();
        world.turn.io.descriptors = usize::MAX;
    }

    /// From now on the calls that could go wrong are noted, and nothing does.
    pub fn count_calls(&self) {
        self.world.borrow_mut().turn.io.faults.count();
    }

    /// The calls that were noted.
    pub fn counted_calls(&self) -> Vec<Operation> {
        self.world.borrow().turn.io.faults.counted().to_vec()
    }

    /// The call number `at` from now on, counted from 0, goes wrong in this way, and no other.
    pub fn fail_call(&self, at: usize, fault: Fault) {
        self.world.borrow_mut().turn.io.faults.fail(at, fault);
    }

    /// What went wrong so far.
    pub fn fault_counts(&self) -> FaultCounts {
        self.world.borrow().turn.io.faults.counts().clone()
    }

    /// A filter of the system forbids every accept from now on, and takes nothing off the queue; or no longer.
    pub fn forbid_accept(&self, forbids: bool) {
        self.world.borrow_mut().turn.io.forbids_accept = forbids;
    }

    /// Moves the wall clock against the other one, as when somebody sets it.
    pub fn set_wall_clock(&self, off_by_seconds: i64) {
        self.world.borrow_mut().turn.io.unix_offset = off_by_seconds;
    }

    /// The next call of the program to another server whose request is there, whole; the server does not
    /// run. Those that the program gave up before are passed over.
    #[track_caller]
    pub fn take_call(&self) -> Option<IncomingCall> {
        loop {
            let mut world = self.world.borrow_mut();
            let &line = world.turn.io.calls.front()?;
            let state = &world.turn.io.lines[line];
            let is_whole = state.client.raw().ends_with(b"\r\n\r\n");
            if !is_whole && state.end.is_none() {
                return None;
            }
            let (peer, is_over) = (state.peer, state.end.is_some());
            world.turn.io.calls.pop_front();
            drop(world);
            let world = Rc::clone(&self.world);
            if !is_over && let Some(call) = IncomingCall::read(Line { world, line }, peer) {
                return Some(call);
            }
        }
    }

    /// A client for requests in plain HTTP on this connection.
    pub fn http_on(&self, line: Line) -> HttpClient {
        HttpClient(line)
    }

    /// Checks that connections which are all gone have left nothing behind.
    ///
    /// # Errors
    /// What they left, in words.
    pub fn check_nothing_left(&self) -> Result<(), String> {
        self.world.borrow().turn.hub.check_nothing_left()
    }

    /// Whether more is held than may be, so that nobody is read.
    pub fn is_over_memory(&self) -> bool {
        self.world.borrow().turn.hub.is_over_memory()
    }
}

#[doc(hidden)]
impl Line {
    /// Throws away what arrived and is not part of frames; the server does not run.
    pub fn forget_raw(&self) {
        self.world.borrow_mut().turn.io.lines[self.line]
            .client
            .take_raw();
    }

    /// Nothing of what the system does wrong happens to this connection, except that it may be accepted
    /// late: it is a bystander.
    pub fn spare(&self) {
        self.world.borrow_mut().turn.io.lines[self.line].is_spared = true;
    }
}
