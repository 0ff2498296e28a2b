//! The turn of production over the virtual network, and the peers at its other end.

use super::network::Network;
use crate::app::App;
use crate::app::remote::{Remote, Wake};
use crate::config::Limits;
use crate::hub::{Hub, Panic, record, said};
use crate::turn::Turn;
use crate::wire::error::Result;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::panic::{Location, resume_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A server that does not rest within this many turns never will.
const TURNS_OF_A_DRIVE: u64 = 200_000;

/// Notes that a command waits.
#[derive(Default)]
struct Woken {
    is_woken: Mutex<bool>,
    changed: Condvar,
}

impl Woken {
    fn is_woken(&self) -> MutexGuard<'_, bool> {
        self.is_woken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Woken {
    fn wake(&self) {
        *self.is_woken() = true;
        self.changed.notify_all();
    }
}

pub(super) struct World {
    pub(super) turn: Turn<Network>,
    pub(super) remote: Remote,
    woken: Arc<Woken>,
    seed: u64,
    /// Where the test called the simulation last.
    called_at: &'static Location<'static>,
    /// The messages of panics of the program, where those are expected.
    pub(super) panics: Option<Vec<String>>,
    pub(super) checked: u64,
    /// Turns in a row that asked for another one and did nothing.
    pub(super) idle: u64,
    /// More is held than may be, and the last turn in which nobody was read because of that.
    pub(super) is_over: bool,
    pub(super) unread_in: u64,
}

impl World {
    #[track_caller]
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
            called_at: Location::caller(),
            panics: None,
            checked: 0,
            idle: 0,
            is_over: false,
            unread_in: 0,
        })
    }

    pub(super) fn net(&mut self) -> &mut Network {
        &mut self.turn.io
    }

    /// One turn of the loop; whether another should follow at once.
    ///
    /// # Panics
    /// With what the program panicked with, and for a broken promise of the server.
    #[track_caller]
    pub(super) fn step(&mut self) -> bool {
        self.called_at = Location::caller();
        self.net().turn += 1;
        *self.woken.is_woken() = false;
        let wait = if self.turn.is_busy() {
            Some(0)
        } else {
            self.turn.next_deadline()
        };
        let wait = wait.map(|at| Duration::from_millis(at.saturating_sub(self.turn.io.ms)));
        let (turned, panics) = record(|| self.turn.step(None));
        self.keep_panics(panics);
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

    /// Ends the test by the first panic of the program, unless they are expected.
    fn keep_panics(&mut self, panics: Vec<Panic>) {
        if let Some(kept) = &mut self.panics {
            kept.extend(panics.iter().map(|panic| said(&**panic).to_owned()));
        } else if let Some(panic) = panics.into_iter().next()
            && !std::thread::panicking()
        {
            resume_unwind(panic);
        }
    }

    /// Whether nothing waits for a turn.
    fn is_quiet(&self) -> bool {
        let net = &self.turn.io;
        net.edges.is_empty()
            && net.trickling.is_empty()
            && net.late.is_empty()
            && net.late_incoming.is_none()
            && net.arrived.is_empty()
            && !net.has_incoming
            && !*self.woken.is_woken()
            && self.turn.next_deadline().is_none_or(|at| at > net.ms)
    }

    /// Runs until nothing is left to do at this time.
    #[track_caller]
    pub(super) fn drive(&mut self) {
        let first = self.turn.io.turn;
        while self.step() {
            assert!(
                self.turn.io.turn - first < TURNS_OF_A_DRIVE,
                "the server does not come to rest within {TURNS_OF_A_DRIVE} turns"
            );
        }
    }

    /// Waits in real time, at most so long, until another thread asks for something. The virtual clock
    /// stands.
    pub(super) fn wait_for_threads(&self, most: Duration) {
        let is_woken = self.woken.is_woken();
        let asleep = |is_woken: &mut bool| !*is_woken;
        // Whether it was woken or time is up: the caller looks again.
        let _ = self
            .woken
            .changed
            .wait_timeout_while(is_woken, most, asleep);
    }

    /// The state of the server, for the message of a failure.
    pub(super) fn told(&self) -> String {
        let stats = self.turn.hub.stats();
        let next = match self.turn.next_deadline() {
            Some(at) => format!("at {at} ms"),
            None => "never".to_owned(),
        };
        format!(
            "at {} ms the server rests; it has {} connections, {} sessions and {} bytes that wait, and \
             would wake by itself {next}",
            self.turn.io.ms,
            stats.connections,
            stats.opened - stats.closed,
            stats.buffered
        )
    }

    /// Lets time pass, in jumps from one deadline of the server to the next.
    #[track_caller]
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
                "the simulation failed with seed {:#x}, in turn {}, at {} ms, called at {}",
                self.seed, self.turn.io.turn, self.turn.io.ms, self.called_at
            );
        }
    }
}
