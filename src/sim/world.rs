//! The loop of the simulation: one turn is what the driver of real sockets does in one.

use super::network::{Network, Upstream};
use crate::app::remote::{Inbox, Remote, SharedStats, Wake};
use crate::app::{App, Peer, SessionId};
use crate::hub::{Hub, Limits, Now};
use crate::wire::error::Result;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// What one read takes at most.
const READ_BYTES: usize = 64 << 10;
const ACCEPTS_A_TURN: usize = 64;
const COMMANDS_A_TURN: usize = 256;
const RESUMES_A_TURN: usize = 1024;
/// A server that does not rest within this many turns never will.
const TURNS_OF_A_DRIVE: u64 = 200_000;
/// Seconds of the wall clock at the start: 2023-11-14 22:13:20.
const START: u64 = 1_700_000_000;

/// Notes that a command waits.
#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

pub(super) struct World {
    pub(super) hub: Hub,
    pub(super) net: Network,
    pub(super) remote: Remote,
    inbox: Inbox,
    woken: Arc<Woken>,
    shared: Arc<SharedStats>,
    pub(super) ms: u64,
    seed: u64,
    pub(super) checked: u64,
    /// What one read gives.
    read: Vec<u8>,
}

impl World {
    pub(super) fn new(app: App, limits: Limits, seed: u64) -> Result<Self> {
        let woken = Arc::new(Woken::default());
        let (remote, inbox, shared) = Remote::new(Arc::clone(&woken) as Arc<dyn Wake>);
        let hub_seed = StdRng::seed_from_u64(!seed).random();
        Ok(Self {
            hub: Hub::new(app, limits, hub_seed, remote.clone())?,
            net: Network::new(seed),
            remote,
            inbox,
            woken,
            shared,
            ms: 0,
            seed,
            checked: 0,
            read: Vec::new(),
        })
    }

    /// One turn of the loop; whether another should follow at once.
    pub(super) fn step(&mut self) -> bool {
        self.net.turn += 1;
        let unix = START + self.ms / 1000;
        self.hub.advance(Now { ms: self.ms, unix });
        self.accept();
        self.tell_writable();
        self.net.shuffle_ready();
        for _ in 0..self.net.ready.len() {
            if let Some(line) = self.net.next_ready() {
                self.serve(line);
            }
        }
        for _ in 0..RESUMES_A_TURN {
            match self.hub.next_resumed(&mut self.net) {
                Some(id) => self.read_resumed(id),
                None => break,
            }
        }
        self.obey();
        self.call();
        let is_busy = self.hub.work(&mut self.net);
        self.net.run_peers();
        self.shared.store(&self.hub.stats());
        self.check(is_busy);
        is_busy || !self.is_quiet()
    }

    /// Whether nothing waits for a turn.
    fn is_quiet(&self) -> bool {
        let net = &self.net;
        net.ready.is_empty()
            && net.writable.is_empty()
            && net.arrived.is_empty()
            && net.dialled.is_empty()
            && !self.hub.has_dials()
            && !self.woken.0.load(Ordering::Relaxed)
            && self.hub.next_deadline().is_none_or(|at| at > self.ms)
    }

    /// Runs until nothing is left to do at this time.
    pub(super) fn drive(&mut self) {
        let first = self.net.turn;
        while self.step() {
            assert!(
                self.net.turn - first < TURNS_OF_A_DRIVE,
                "the server does not come to rest"
            );
        }
    }

    /// Lets time pass, in jumps from one deadline of the server to the next.
    pub(super) fn advance(&mut self, by: Duration) {
        let end = self.ms + by.as_millis() as u64;
        self.drive();
        while let Some(at) = self.hub.next_deadline().filter(|at| *at <= end) {
            self.ms = at.max(self.ms);
            self.drive();
        }
        self.ms = end;
        self.drive();
    }

    fn accept(&mut self) {
        for _ in 0..ACCEPTS_A_TURN {
            let Some(line) = self.net.dialled.pop_front() else {
                return;
            };
            let id = self.hub.accept(self.net.lines[line].peer);
            self.net.accepted(line, id);
        }
    }

    /// Makes the connections that the program asks for, at once.
    fn call(&mut self) {
        while let Some((id, address)) = self.hub.next_dial() {
            if self.hub.knows(id) {
                let line = self.net.call(Peer::Tcp(address));
                self.net.accepted(line, Some(id));
                self.hub.connected(id);
            }
        }
    }

    fn tell_writable(&mut self) {
        for _ in 0..self.net.writable.len() {
            let Some(line) = self.net.writable.pop_front() else {
                return;
            };
            let state = &mut self.net.lines[line];
            (state.is_blocked, state.is_unblocking) = (false, false);
            if let Some(id) = state.id {
                self.hub.writable(id);
            }
        }
    }

    fn obey(&mut self) {
        self.woken.0.store(false, Ordering::Relaxed);
        for _ in 0..COMMANDS_A_TURN {
            let Some(command) = self.inbox.take() else {
                break;
            };
            self.hub.command(&mut self.net, command);
        }
        for _ in 0..self.inbox.shutdowns(false) {
            self.hub.shut_down();
        }
        if !self.inbox.is_empty() {
            self.woken.0.store(true, Ordering::Relaxed);
        }
    }

    fn read_resumed(&mut self, id: SessionId) {
        let line = self.net.keys.get(id.index as usize).copied().flatten();
        if let Some(line) = line
            && self.net.lines[line].id == Some(id)
        {
            self.serve(line);
        }
    }

    /// Reads one connection once; it stays on the list while it has more and the hub wants it.
    fn serve(&mut self, line: usize) {
        let Some(id) = self.net.lines[line].id else {
            return;
        };
        if self.net.lines[line].upstream == Upstream::Reset {
            return self.hub.lost(id);
        }
        if !self.hub.wants_read(id) {
            return;
        }
        if self.net.lines[line].up.is_empty() {
            if self.net.lines[line].upstream == Upstream::Finished {
                self.net.lines[line].upstream = Upstream::Told;
                self.hub.end_of_file(id);
            }
            return;
        }
        self.read(line, id);
        let state = &self.net.lines[line];
        let has_more = !state.up.is_empty() || state.upstream == Upstream::Finished;
        if has_more && self.hub.wants_read(id) {
            self.net.mark_ready(line);
        }
    }

    fn read(&mut self, line: usize, id: SessionId) {
        let most = self.net.cut(line, READ_BYTES);
        if let Some(target) = self.hub.target(id) {
            let count = most.min(target.len());
            let bytes = self.net.lines[line].up.drain(..count);
            target
                .iter_mut()
                .zip(bytes)
                .for_each(|(to, byte)| *to = byte);
            return self.hub.received_directly(&mut self.net, id, count);
        }
        self.read.clear();
        self.read.extend(self.net.lines[line].up.drain(..most));
        self.hub.received(&mut self.net, id, &mut self.read);
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!(
                "the simulation failed with seed {:#x}, in turn {}, at {} ms",
                self.seed, self.net.turn, self.ms
            );
        }
    }
}
