//! The turn of production over the virtual network, and the peers at its other end.

use super::network::Network;
use crate::app::App;
use crate::app::remote::{Remote, Wake};
use crate::config::Limits;
use crate::hub::Hub;
use crate::turn::Turn;
use crate::wire::error::Result;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// A server that does not rest within this many turns never will.
const TURNS_OF_A_DRIVE: u64 = 200_000;

/// Notes that a command waits.
#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

pub(super) struct World {
    pub(super) turn: Turn<Network>,
    pub(super) remote: Remote,
    woken: Arc<Woken>,
    seed: u64,
    pub(super) checked: u64,
    /// More is held than may be, and the last turn in which nobody was read because of that.
    pub(super) is_over: bool,
    pub(super) unread_in: u64,
}

impl World {
    pub(super) fn new(app: App, limits: Limits, seed: u64) -> Result<Self> {
        let woken = Arc::new(Woken::default());
        let (remote, inbox, shared) = Remote::new(Arc::clone(&woken) as Arc<dyn Wake>);
        let hub_seed = StdRng::seed_from_u64(!seed).random();
        let hub = Hub::new(app, limits, hub_seed, remote.clone())?;
        Ok(Self {
            turn: Turn::new(hub, Network::new(seed), inbox, shared),
            remote,
            woken,
            seed,
            checked: 0,
            is_over: false,
            unread_in: 0,
        })
    }

    pub(super) fn net(&mut self) -> &mut Network {
        &mut self.turn.io
    }

    /// One turn of the loop; whether another should follow at once.
    pub(super) fn step(&mut self) -> bool {
        self.net().turn += 1;
        self.woken.0.store(false, Ordering::Relaxed);
        let wait = if self.turn.is_busy() {
            Some(0)
        } else {
            self.turn.next_deadline()
        };
        let wait = wait.map(|at| Duration::from_millis(at.saturating_sub(self.turn.io.ms)));
        let turned = self.turn.step(None);
        assert!(
            turned.is_ok(),
            "the virtual network cannot fail: {turned:?}"
        );
        assert_eq!(
            self.turn.io.wait, wait,
            "how long the loop would sleep is wrong"
        );
        self.net().run_peers();
        self.check();
        self.turn.is_busy() || !self.is_quiet()
    }

    /// Whether nothing waits for a turn.
    fn is_quiet(&self) -> bool {
        let net = &self.turn.io;
        net.edges.is_empty()
            && net.trickling.is_empty()
            && net.arrived.is_empty()
            && !net.has_incoming
            && !self.woken.0.load(Ordering::Relaxed)
            && self.turn.next_deadline().is_none_or(|at| at > net.ms)
    }

    /// Runs until nothing is left to do at this time.
    pub(super) fn drive(&mut self) {
        let first = self.turn.io.turn;
        while self.step() {
            assert!(
                self.turn.io.turn - first < TURNS_OF_A_DRIVE,
                "the server does not come to rest"
            );
        }
    }

    /// Lets time pass, in jumps from one deadline of the server to the next.
    pub(super) fn advance(&mut self, by: Duration) {
        let end = self.turn.io.ms + by.as_millis() as u64;
        self.drive();
        while let Some(at) = self.turn.next_deadline().filter(|at| *at <= end) {
            self.net().ms = at.max(self.turn.io.ms);
            self.drive();
        }
        self.net().ms = end;
        self.drive();
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!(
                "the simulation failed with seed {:#x}, in turn {}, at {} ms",
                self.seed, self.turn.io.turn, self.turn.io.ms
            );
        }
    }
}
