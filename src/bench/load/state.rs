//! The load of one worker: its connections, what they said and heard, and what is to be done next.

use super::clock;
use super::figures::{Figures, Times};
use super::peer::{Peer, Role, Stage};
use super::report::{Cpu, Tick};
use super::seen::Seen;
use crate::dialect::Dialect;
use crate::plan::{Pace, Scenario, Share};
#[cfg(feature = "tls")]
use dunlin::client::{Trust, Url};
use dunlin::{Call, SessionId};
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};

/// Connections from one source address. Some 28 000 ports are there, and the kernel gives the first half of
/// them out at once but searches for each of the second.
const PER_SOURCE: usize = 10_000;
/// Values of a part of an address, from 1 on.
const LAST: usize = 250;

/// In place of the time of a message: its answer has come.
pub(super) const ANSWERED: u64 = 0;

/// What the load is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// Nothing has begun.
    Waits,
    /// Connections open, or are open, and nothing is sent.
    Ramp,
    /// Messages go.
    Load,
    /// No more is sent; answers are awaited.
    Drain,
    /// Sessions are closed.
    Close,
}

/// A call that is under way.
pub(super) struct Calling {
    pub(super) index: u32,
    /// When it was to begin.
    pub(super) begun: u64,
    /// When its connection was made.
    pub(super) connected: Option<u64>,
}

/// A message to all that is on its way.
#[derive(Clone, Copy, Default)]
pub(super) struct Flight {
    pub(super) number: u32,
    pub(super) reached: u32,
}

/// The load of one worker.
pub struct Load {
    pub(super) share: Share,
    pub(super) dialect: Dialect,
    /// How many different numbers a payload can tell.
    pub(super) modulus: u64,
    pub(super) phase: Phase,
    pub(super) peers: Vec<Peer>,
    /// So many messages of a speaker are kept, the newest ones.
    pub(super) kept: u32,
    /// When each of them was sent; [`ANSWERED`] when that is over.
    pub(super) times: Vec<u64>,
    /// The same of the fan-out: how far each is.
    pub(super) flights: Vec<Flight>,
    /// Fan-out: what each receiver had of each sender.
    pub(super) heard: Vec<Seen>,
    /// Receivers that a message to all reaches.
    pub(super) receivers: u32,
    pub(super) calling: HashMap<SessionId, Calling>,
    /// Connections that are still to be opened, in order.
    pub(super) next_call: usize,
    /// Connections whose first window is still to be sent.
    pub(super) next_start: usize,
    /// When the ramp began, the load, and the measured span.
    pub(super) ramp_at: u64,
    pub(super) load_at: u64,
    pub(super) measured_at: u64,
    pub(super) measured_to: u64,
    /// Open loop: nanoseconds between two messages of this worker.
    pub(super) interval: Option<f64>,
    /// Open loop: messages whose time came, of all speakers.
    pub(super) due: u64,
    /// Churn: visits that were begun.
    pub(super) visits: u64,
    /// Churn: connections that are free for a visit.
    pub(super) free: Vec<u32>,
    /// Storm: when all left, and who is not back yet.
    pub(super) cut_at: u64,
    pub(super) missing: usize,
    /// Storm: when all leave next.
    pub(super) next_cut: Option<u64>,
    /// Response times in the measured span since the last tick, which adds them to the figures.
    pub(super) recent: Times,
    pub(super) figures: Figures,
    /// The first error in full, for whom nothing else was found.
    pub(super) first_error: Option<String>,
    /// Calls that failed one after the other before any session opened.
    pub(super) failed_first: usize,
    /// The name in the server's certificate and whom to believe, where it is by TLS.
    #[cfg(feature = "tls")]
    secure: Option<(String, Trust)>,
}

impl Load {
    /// The load of this share.
    ///
    /// # Errors
    /// In words: the plan cannot be done.
    pub fn new(share: Share) -> Result<Self, String> {
        let plan = &share.plan;
        let dialect = Dialect::new(plan)?;
        // Where answers overtake each other, one that is awaited may lie two windows back; of the newest 64
        // that is known anyway.
        let kept = match plan.window {
            window @ ..=32 => window,
            window => 2 * window,
        };
        let all = share.all();
        let fan_out = plan.scenario.is_fan_out();
        let speakers = share.speakers();
        let figures = Figures {
            size: dialect.len() as u64,
            ..Figures::default()
        };
        Ok(Self {
            phase: Phase::Waits,
            peers: vec![Peer::default(); all],
            kept,
            times: vec![
                0;
                if plan.scenario.talks() {
                    speakers * kept as usize
                } else {
                    0
                }
            ],
            flights: vec![Flight::default(); if fan_out { speakers * kept as usize } else { 0 }],
            heard: vec![
                Seen::default();
                if fan_out {
                    share.connections * plan.senders
                } else {
                    0
                }
            ],
            receivers: 0,
            calling: HashMap::new(),
            next_call: 0,
            next_start: 0,
            ramp_at: 0,
            load_at: 0,
            measured_at: u64::MAX,
            measured_to: u64::MAX,
            interval: match plan.pace {
                Pace::Rate(rate) => Some(1e9 / share.rate(rate)),
                Pace::Window(_) => None,
            },
            due: 0,
            visits: 0,
            free: Vec::new(),
            cut_at: 0,
            missing: 0,
            next_cut: None,
            recent: Times::default(),
            figures,
            first_error: None,
            failed_first: 0,
            #[cfg(feature = "tls")]
            secure: {
                let url = Url::parse(&plan.url).map_err(|error| format!("{error:#}"))?;
                plan.believed.secure(&url)?
            },
            modulus: dialect.kind().modulus(),
            dialect,
            share,
        })
    }

    pub(super) fn scenario(&self) -> Scenario {
        self.share.plan.scenario
    }

    /// What this connection is for: senders come first, then those of the scenario, then the slow ones.
    #[inline]
    pub(super) fn role(&self, index: usize) -> Role {
        if index < self.share.senders {
            return Role::Sender;
        }
        if index >= self.share.senders + self.share.connections {
            return Role::Slow;
        }
        match self.share.plan.scenario {
            Scenario::Idle | Scenario::Storm => Role::Idle,
            Scenario::Echo | Scenario::Churn => Role::Echo,
            Scenario::Broadcast | Scenario::Slow => Role::Receiver,
        }
    }

    /// Where the times of a message of this speaker stand.
    #[inline]
    pub(super) fn place(&self, speaker: usize, number: u32) -> usize {
        speaker * self.kept as usize + (number % self.kept) as usize
    }

    /// Open loop: when this message of this speaker is to leave.
    #[inline]
    pub(super) fn intended(&self, speaker: usize, number: u32, interval: f64) -> u64 {
        let place = u64::from(number) * self.share.speakers() as u64 + speaker as u64;
        self.load_at + (place as f64 * interval) as u64
    }

    /// Whether a time is within the measured span.
    #[inline]
    pub(super) fn is_measured(&self, at: u64) -> bool {
        at >= self.measured_at && at < self.measured_to
    }

    /// The call of this connection.
    pub(super) fn call(&self, index: usize) -> Call {
        let plan = &self.share.plan;
        let mut call = Call::new(plan.address, plan.host.clone(), plan.target.clone());
        #[cfg(feature = "tls")]
        if let Some((name, trust)) = &self.secure {
            call = call.secure(name.clone(), trust.clone());
        }
        for (name, value) in &plan.fields {
            call = call.field(name, value);
        }
        match self.source(self.share.first + index) {
            Some(source) => call.source(source),
            None => call,
        }
    }

    /// On the loopback each source address has ports of its own, and each process addresses of its own: a
    /// port that one has bound is no other's, whatever it connects to.
    fn source(&self, place: usize) -> Option<IpAddr> {
        let to = self.share.plan.address.ip();
        let comes_again = matches!(self.scenario(), Scenario::Churn | Scenario::Storm);
        let is_enough = self.share.plan.all() <= PER_SOURCE && !comes_again;
        if !to.is_ipv4() || !to.is_loopback() || is_enough {
            return None;
        }
        let block = match comes_again {
            // Ports of a connection that ended stay taken for a minute.
            true => self.figures.counts.tried as usize,
            false => place / PER_SOURCE,
        };
        let process = std::process::id() as usize;
        let parts = [process, process / LAST, block].map(|part| 1 + (part % LAST) as u8);
        let [second, third, last] = parts;
        Some(Ipv4Addr::new(127, second, third, last).into())
    }

    /// Something went wrong.
    pub(super) fn error(&mut self, kind: &str, text: impl FnOnce() -> String) {
        self.figures.error(kind);
        if self.first_error.is_none() {
            self.first_error = Some(text());
        }
    }

    /// A connection ended for good.
    pub(super) fn gone(&mut self, index: usize) {
        let peer = &mut self.peers[index];
        peer.stage = Stage::Gone;
        peer.id = None;
    }

    /// Whether every connection is open or will not be.
    pub(crate) fn is_settled(&self) -> bool {
        let all = self.next_call >= self.peers.len() && self.calling.is_empty();
        all && self.peers.iter().all(Peer::is_settled)
    }

    /// Whether connections are being opened.
    pub(crate) fn is_ramping(&self) -> bool {
        self.phase == Phase::Ramp
    }

    /// How it does, since the last time.
    pub(crate) fn tick(&mut self, cpu: Cpu) -> Tick {
        let recent = std::mem::take(&mut self.recent);
        self.figures.response.add(&recent);
        let counts = &self.figures.counts;
        Tick {
            open: counts.open,
            opened: counts.opened,
            sent: counts.sent,
            answered: counts.answered,
            errors: counts.errors,
            recent,
            cpu,
        }
    }

    /// Whether nothing is waited for.
    pub(crate) fn is_drained(&self) -> bool {
        let is_nobody_left = self.figures.counts.open == 0;
        let is_all_answered = || self.peers.iter().all(|peer| peer.in_flight() == 0);
        self.calling.is_empty() && (is_nobody_left || is_all_answered())
    }

    /// Whether no session and no call is left.
    pub(crate) fn is_empty(&self) -> bool {
        self.figures.counts.open == 0 && self.calling.is_empty()
    }

    /// Milliseconds of the clock, as peers keep them.
    pub(super) fn coarse(now: u64) -> u32 {
        (now / 1_000_000) as u32
    }

    /// The time.
    #[inline]
    pub(super) fn now() -> u64 {
        clock::now()
    }
}
