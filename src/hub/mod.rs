//! Layer 2: the deterministic heart of the server.
//!
//! A [`Hub`] holds every connection, topic and timer, and the routes of a
//! program. It has no socket and no clock: a driver tells it what happened and
//! what time it is, and it answers through a [`Transport`]. The same calls in
//! the same order, with the same seed, always give the same bytes.
//!
//! The methods, in the order in which a driver calls them in a turn:
//!
//! | kind | methods |
//! |---|---|
//! | time | [`advance`](Hub::advance) |
//! | feed in | [`accept`](Hub::accept), [`received`](Hub::received), [`received_directly`](Hub::received_directly), [`end_of_file`](Hub::end_of_file), [`lost`](Hub::lost), [`writable`](Hub::writable) |
//! | work | [`work`](Hub::work): timers, deliveries, flushes, shedding, reaping, each with a budget |
//! | call others | [`next_dial`](Hub::next_dial), then [`connected`](Hub::connected) or [`dial_failed`](Hub::dial_failed) |
//! | ask | [`wants_read`](Hub::wants_read), [`target`](Hub::target), [`next_resumed`](Hub::next_resumed), [`next_deadline`](Hub::next_deadline), [`is_empty`](Hub::is_empty), [`stats`](Hub::stats) |
//!
//! The routes stand beside the core, not inside it: the core is lent whole
//! to a handler, so what it sends happens at once, and no handler ever runs
//! inside a handler.

mod accounting;
mod backlog;
mod clock;
mod closing;
mod core;
mod dial;
mod events;
mod fanout;
mod host;
mod http;
pub mod limits;
mod output;
mod slot;
mod stopping;
mod ticks;
mod timers;
mod topic;
mod topic_log;
mod transport;
mod upgrade;

pub use self::core::Now;
pub use limits::Limits;
pub use transport::{Lost, Transport};

use self::core::{Core, HubContext, MAX_REFUSED, Rules};
use crate::app::program::{App, HttpHandler, Targets};
use crate::app::remote::Command;
use crate::app::route::Route;
use crate::app::router::Router;
use crate::app::{Peer, Remote, SessionId, Settings, Stats};
use crate::wire::error::Result;
use crate::wire::receive::{Lanes, Role};
use crate::wire::refusal::Refusal;
use crate::wire::response::Status;
use rand::SeedableRng;
use rand::rngs::StdRng;
use slot::{Flags, State};

/// Deadlines, timers and events of one turn.
const EVENTS_A_TURN: usize = 256;
/// Outboxes flushed in one turn.
const FLUSHES_A_TURN: usize = 256;
/// Connections let go in one turn: closing a socket costs the kernel some 7 µs.
const REAPED_A_TURN: usize = 32;

/// Every connection of a server, and the program that answers them.
pub struct Hub {
    core: Core,
    lanes: Lanes,
    paths: Router<Targets>,
    routes: Vec<Box<dyn Route>>,
    settings: Vec<Settings>,
    http: Vec<HttpHandler>,
}

impl Hub {
    /// A hub that runs this program. `seed` decides every random choice it will make.
    ///
    /// # Errors
    /// The first wrong pattern or setting of the program.
    pub fn new(app: App, limits: Limits, seed: [u8; 32], remote: Remote) -> Result<Self> {
        if let Some(error) = app.error {
            return Err(error);
        }
        let rules = app.routes.iter();
        let rules = rules.enumerate().map(|(index, (settings, route))| {
            let role = match app
                .outgoing
                .values()
                .any(|known| usize::from(*known) == index)
            {
                true => Role::Client,
                false => Role::Server,
            };
            Rules::new(settings, route.is_raw(), role)
        });
        let mut core = Core::new(rules.collect(), limits, StdRng::from_seed(seed), remote);
        core.outgoing = app.outgoing;
        let (settings, routes): (Vec<Settings>, Vec<_>) = app.routes.into_iter().unzip();
        Ok(Self {
            core,
            lanes: Lanes::new(),
            paths: app.paths,
            routes,
            settings,
            http: app.http,
        })
    }

    /// Takes over the time of a turn; everything until the next call happens at this time.
    pub fn advance(&mut self, now: Now) {
        self.core.advance(now);
    }

    /// A new connection. `None`: one too many even to be refused; drop it.
    pub fn accept(&mut self, peer: Peer) -> Option<SessionId> {
        let refusal = self.core.why_not(peer);
        if refusal.is_some() && self.core.refused >= MAX_REFUSED {
            return None;
        }
        let key = self.core.admit(peer);
        if let Some(status) = refusal {
            self.core.refused += 1;
            self.core.slot(key).flags.set(Flags::REFUSED);
            self.core.refuse(key, &Refusal::new(status));
        }
        Some(self.core.slot(key).id(key))
    }

    /// Whether this is a session or connection that still has its key.
    pub fn knows(&self, id: SessionId) -> bool {
        self.core.key_of(id).is_some()
    }

    /// Whether the driver should read from this connection now. While the answer is no, what arrives
    /// waits in the socket; [`Hub::next_resumed`] tells when that changes.
    pub fn wants_read(&self, id: SessionId) -> bool {
        self.core.key_of(id).is_some_and(|key| {
            let slot = &self.core.slots[key as usize];
            slot.state != State::Dead && !slot.flags.has(Flags::EOF) && !slot.is_stopped()
        })
    }

    /// Where the next read may go directly: the missing rest of a message that is half there.
    pub fn target(&mut self, id: SessionId) -> Option<&mut [u8]> {
        let key = self.core.key_of(id)?;
        let slot = self.core.slot(key);
        if slot.is_live() && !slot.has_unread() {
            slot.receiver.target()
        } else {
            None
        }
    }

    /// Bytes arrived. They are unmasked where they lie.
    pub fn received(&mut self, io: &mut dyn Transport, id: SessionId, bytes: &mut [u8]) {
        let Some(key) = self.core.key_of(id) else {
            return;
        };
        let tick = self.core.tick;
        let slot = self.core.slot(key);
        slot.last_seen = tick as u16;
        match slot.state {
            State::Dialling => self.answered(io, key, bytes),
            State::Head => self.http(io, key, bytes),
            State::Open | State::Closing => self.frames(io, key, bytes),
            State::Ending | State::Lingering => self.core.discard(key, bytes.len()),
            State::Dead => {}
        }
    }

    /// `n` bytes were read to the start of [`Hub::target`].
    pub fn received_directly(&mut self, io: &mut dyn Transport, id: SessionId, n: usize) {
        if let Some(key) = self.core.key_of(id) {
            self.core.slot(key).receiver.filled(n);
            self.received(io, id, &mut []);
        }
    }

    /// The peer has ended its sending direction.
    pub fn end_of_file(&mut self, id: SessionId) {
        if let Some(key) = self.core.key_of(id) {
            self.core.end_of_file(key);
        }
    }

    /// The connection broke.
    pub fn lost(&mut self, id: SessionId) {
        if let Some(key) = self.core.key_of(id) {
            self.core.lost(key);
        }
    }

    /// The peer takes bytes again.
    pub fn writable(&mut self, id: SessionId) {
        let Some(key) = self.core.key_of(id) else {
            return;
        };
        let slot = self.core.slot(key);
        if slot.flags.has(Flags::BLOCKED) {
            slot.flags.clear(Flags::BLOCKED);
            // The list is flushed in this turn; nothing is gained by being first.
            self.core.mark_dirty(key);
        }
    }

    /// A connection that [`Hub::wants_read`] again: the driver reads it without waiting for an event.
    pub fn next_resumed(&mut self, io: &mut dyn Transport) -> Option<SessionId> {
        loop {
            let id = self.core.resumed.pop_front()?;
            let Some(key) = self.core.key_of(id) else {
                continue;
            };
            if self.core.slot(key).state == State::Head && self.core.has_waiting_requests(key) {
                self.http(io, key, &mut []);
            } else if self.core.slot(key).is_live() && self.core.slot(key).has_unread() {
                self.frames(io, key, &mut []);
            }
            return Some(id);
        }
    }

    /// What another thread asks.
    pub(crate) fn command(&mut self, io: &mut dyn Transport, command: Command) {
        match command {
            Command::Publish { topic, message } => {
                HubContext::new(&mut self.core, io).publish(None, &topic, message.borrow(), true);
            }
            Command::Send { to, message } => {
                use crate::app::host::Host;
                let _ = Host::send(
                    &mut HubContext::new(&mut self.core, io),
                    to,
                    message.borrow(),
                );
            }
            Command::Close { id, code, reason } => {
                use crate::app::host::Host;
                Host::close(&mut HubContext::new(&mut self.core, io), id, code, &reason);
            }
            Command::Connect { route, call } => self.connect(io, &route, &call),
            Command::Shutdown => self.core.stop(),
        }
    }

    /// The work of a turn that no event asked for: deadlines, timers, deliveries, flushes,
    /// reaping. Each has a budget; `true` when something is left for a turn right after.
    pub fn work(&mut self, io: &mut dyn Transport) -> bool {
        for _ in 0..EVENTS_A_TURN {
            let Some(key) = self.core.due.pop_front() else {
                break;
            };
            HubContext::new(&mut self.core, io).is_due(key);
        }
        self.run_timers(io, EVENTS_A_TURN);
        self.run_drains(io, EVENTS_A_TURN);
        HubContext::new(&mut self.core, io).stop_slice(REAPED_A_TURN);
        HubContext::new(&mut self.core, io).deliver();
        // Whoever has more than a turn may take is behind the others in the list again.
        for _ in 0..FLUSHES_A_TURN.min(self.core.dirty.len()) {
            let Some(key) = self.core.dirty.pop_front() else {
                break;
            };
            if self.core.slots.contains(key as usize) {
                self.core.slot(key).flags.clear(Flags::DIRTY);
                HubContext::new(&mut self.core, io).flush(key);
            }
        }
        self.core.shed();
        self.reap(io, REAPED_A_TURN);
        self.core.has_work()
    }

    /// When [`Hub::advance`] and [`Hub::work`] are needed next, in milliseconds since the
    /// start, if nothing else happens; `None`: not at all.
    pub fn next_deadline(&self) -> Option<u64> {
        self.core.next_deadline()
    }

    /// Whether no connection is left.
    pub fn is_empty(&self) -> bool {
        self.core.slots.is_empty()
    }

    /// Whether shutdown has begun: the driver stops accepting.
    pub fn is_stopping(&self) -> bool {
        self.core.stopping
    }

    /// The counters of now.
    pub fn stats(&self) -> Stats {
        Stats {
            connections: self.core.slots.len() as u64,
            buffered: (self.core.buffered + self.core.topics.pending_bytes()) as u64,
            ..self.core.stats
        }
    }

    /// How many topics there are.
    pub fn topics(&self) -> usize {
        self.core.topics.len()
    }
}

impl Core {
    /// Why a new connection is refused.
    fn why_not(&self, peer: Peer) -> Option<Status> {
        let limits = &self.limits;
        let is_full =
            limits.max_connections > 0 && self.slots.len() - self.refused >= limits.max_connections;
        if self.stopping || is_full || self.is_over_memory() {
            return Some(Status::SERVICE_UNAVAILABLE);
        }
        let of_address = peer.ip().and_then(|ip| self.per_address.get(&ip));
        let is_greedy = limits.max_per_address > 0
            && of_address.is_some_and(|count| *count >= limits.max_per_address);
        is_greedy.then_some(Status::TOO_MANY_REQUESTS)
    }

    fn is_over_memory(&self) -> bool {
        self.limits.max_buffered > 0 && self.buffered > self.limits.max_buffered
    }

    /// Throws away what arrives behind the end; a peer that goes on regardless is cut.
    fn discard(&mut self, key: u32, len: usize) {
        let slot = self.slot(key);
        let speaks_http = slot.route == self::core::NO_ROUTE;
        let cold = slot.cold();
        cold.discarded += len;
        if speaks_http && cold.discarded > closing::LINGER_BYTES {
            self.lost(key);
        }
    }

    fn has_work(&self) -> bool {
        let timers = self.timers.next().is_some_and(|at| at <= self.now.ms);
        timers
            || self.topics.is_pending()
            || !self.due.is_empty()
            || !self.drained.is_empty()
            || !self.dirty.is_empty()
            || !self.close_events.is_empty()
            || !self.closing.is_empty()
            || !self.resumed.is_empty()
            || !self.to_stop.is_empty()
    }
}
