//! What a turn calls, in the order of the table in [`hub`](crate::hub).

use crate::app::host::Host as _;
use crate::app::program::App;
use crate::app::remote::Command;
use crate::app::{ConnInfo, Remote, SessionId, Settings};
use crate::config::Limits;
use crate::hub::Transport;
use crate::hub::conn::flags::Flags;
use crate::hub::conn::phase::{Phase, State};
use crate::hub::core::{Core, Hub, HubContext, MAX_ADMIN, MAX_REFUSED, Now};
use crate::hub::rules::RouteRules;
use crate::wire::error::Result;
use crate::wire::message::AsMessage;
use crate::wire::receive::{Lanes, Role};
use crate::wire::refusal::Refusal;
use crate::wire::response::Status;
use crate::wire::work::{Work, price};
use rand::SeedableRng;
use rand::rngs::StdRng;
use std::rc::Rc;

impl Hub {
    /// A hub that runs this program. `seed` decides every random choice it will make.
    ///
    /// # Errors
    /// The first wrong pattern or setting of the program, or the first limit out of bounds.
    pub fn new(mut app: App, limits: Limits, seed: [u8; 32], remote: Remote) -> Result<Self> {
        if let Some(error) = app.error {
            return Err(error);
        }
        limits.check()?;
        app.bind(&remote);
        let rules = app.routes.iter();
        let rules = rules.enumerate().map(|(index, (settings, route))| {
            let mut outgoing = app.outgoing.values();
            let role = if outgoing.any(|known| usize::from(*known) == index) {
                Role::Client
            } else {
                Role::Server
            };
            RouteRules::new(settings, route.kind(), role)
        });
        let mut core = Core::new(rules.collect(), limits, StdRng::from_seed(seed), remote);
        core.outgoing = app.outgoing;
        core.admin_listeners = app.admin_listeners;
        let lanes = Lanes::new();
        core.lent = lanes.lent_message();
        let (settings, routes): (Vec<Settings>, Vec<_>) = app.routes.into_iter().unzip();
        let listener_paths = app.listener_paths.into_iter();
        let listener_paths = listener_paths.map(|(listener, paths)| (listener, Rc::new(paths)));
        Ok(Self {
            core,
            lanes,
            paths: Rc::new(app.paths),
            listener_paths: listener_paths.collect(),
            routes,
            settings,
            http: app.http,
            http_origins: app.http_origins,
            has_garbage: false,
            most_connections: 0,
        })
    }

    /// Takes over the time of a turn; everything until the next call happens at this time.
    pub fn advance(&mut self, now: Now) {
        self.core.dearest_call = 0;
        self.core.advance(now);
    }

    /// The time of this turn.
    pub(crate) fn now(&self) -> Now {
        self.core.now
    }

    /// How much work the next calls may do.
    pub fn set_work(&mut self, work: Work) {
        self.core.work = work;
    }

    /// What is left of that.
    pub fn work(&self) -> Work {
        self.core.work
    }

    /// What the dearest call of the program in this turn cost.
    pub(crate) fn dearest_call(&self) -> i64 {
        self.core.dearest_call
    }

    /// Takes the price of something that the driver did.
    pub(crate) fn charge(&mut self, units: u32) {
        self.core.work.charge(units);
    }

    /// A new connection. `None`: one too many even to be refused; drop it.
    pub fn accept(&mut self, conn: ConnInfo) -> Option<SessionId> {
        let refusal = self.core.why_not(&conn);
        if refusal.is_some() && self.core.refused >= MAX_REFUSED {
            return None;
        }
        let is_known = conn.is_peer_known;
        let key = self.core.admit(conn);
        match refusal {
            Some(status) => {
                self.core.refused += 1;
                self.core.slot(key).flags.set(Flags::REFUSED);
                self.core.refuse(key, &Refusal::new(status));
            }
            None if is_known => self.core.count(key),
            None => {}
        }
        Some(self.core.slot(key).id(key))
    }

    /// The connection that has this key now.
    pub(crate) fn id_at(&self, key: u32) -> Option<SessionId> {
        let slot = self.core.slots.get(key as usize)?;
        Some(slot.id(key))
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
            !matches!(
                slot.state(),
                State::Dead | State::Waiting | State::Streaming
            ) && !slot.flags.has(Flags::EOF)
                && !slot.is_stopped()
        })
    }

    /// Bytes that wait because the peer of a connection does not take them; 0 when it is gone.
    pub(crate) fn buffered(&self, id: SessionId) -> usize {
        let key = self.core.key_of(id);
        key.map_or(0, |key| self.core.slots[key as usize].backlog())
    }

    /// Where the next read may go directly: the missing rest of a message that is half there.
    pub fn target(&mut self, id: SessionId) -> Option<&mut [u8]> {
        let key = self.core.key_of(id)?;
        let slot = self.core.slot(key);
        if slot.is_live() && !slot.has_unread() {
            slot.receiver()?.target()
        } else {
            None
        }
    }

    /// Bytes arrived. They are unmasked where they lie.
    pub fn received(&mut self, io: &mut dyn Transport, id: SessionId, bytes: &mut [u8]) {
        let Some(key) = self.core.key_of(id) else {
            return;
        };
        self.core.metrics.on_read(bytes.len());
        let tick = self.core.tick;
        let slot = self.core.slot(key);
        slot.last_seen = tick as u16;
        match slot.state() {
            State::Dialling => self.answered(io, key, bytes),
            State::Link => self.linked(io, key, bytes),
            State::Head => self.http(io, key, bytes),
            State::Open | State::Closing => self.frames(io, key, bytes),
            State::Ending | State::Lingering => self.core.discard(key, bytes.len()),
            State::Waiting | State::Streaming | State::Dead => {}
        }
    }

    /// `n` bytes were read to the start of [`Hub::target`].
    pub fn received_directly(&mut self, io: &mut dyn Transport, id: SessionId, n: usize) {
        if let Some(key) = self.core.key_of(id) {
            self.core.metrics.on_read(n);
            self.core.keep(key, |slot| {
                if let Some(receiver) = slot.receiver() {
                    receiver.filled(n);
                }
            });
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
        let tick = self.core.tick as u16;
        let slot = self.core.slot(key);
        if slot.flags.has(Flags::BLOCKED) {
            slot.flags.clear(Flags::BLOCKED);
            slot.peer_took(tick);
            // The list is flushed in this turn; nothing is gained by being first.
            self.core.mark_dirty(key);
        }
    }

    /// A connection that [`Hub::wants_read`] again: the driver serves it without waiting for an event.
    pub fn next_resumed(&mut self) -> Option<SessionId> {
        loop {
            let id = self.core.resumed.pop_front()?;
            if self.core.key_of(id).is_some() {
                return Some(id);
            }
        }
    }

    /// Whether bytes of this connection are kept that can be worked on now, by [`Hub::resume`].
    pub fn has_pending(&self, id: SessionId) -> bool {
        self.core.key_of(id).is_some_and(|key| {
            let slot = &self.core.slots[key as usize];
            !slot.is_stopped() && slot.has_pending()
        })
    }

    /// Goes on with what is kept of a connection, as far as the work allows.
    pub fn resume(&mut self, io: &mut dyn Transport, id: SessionId) {
        let Some(key) = self.core.key_of(id) else {
            return;
        };
        match self.core.slot(key).state() {
            State::Head => self.http(io, key, &mut []),
            State::Link => self.linked(io, key, &[]),
            State::Open | State::Closing => self.frames(io, key, &mut []),
            _ => {}
        }
    }

    /// What another thread asks.
    pub(crate) fn command(&mut self, io: &mut dyn Transport, command: Command) {
        match command {
            Command::Publish { topic, message } => {
                let (by, message) = (SessionId::OTHER_THREADS, message.as_message());
                HubContext::new(&mut self.core, io).publish(by, &topic, message, &[], None);
            }
            Command::Send { to, message } => {
                // What does not fit is counted, or has ended the session.
                let _ = HubContext::new(&mut self.core, io).send(to, message.as_message());
            }
            Command::PublishEvent { topic, event } => {
                let by = SessionId::OTHER_THREADS;
                HubContext::new(&mut self.core, io).publish_event(by, &topic, &event, None);
            }
            Command::SendEvent { to, event } => {
                let _ = HubContext::new(&mut self.core, io).send_event(to, &event);
            }
            Command::Close { id, code, reason } => {
                HubContext::new(&mut self.core, io).close(id, code, &reason);
            }
            Command::Reload(limits) => self.core.reload(*limits),
            Command::Connect { route, call } => self.connect(io, &route, &call),
            Command::Answer {
                to,
                ticket,
                answer,
                place,
            } => {
                self.answer_late(io, to, &ticket, answer);
                drop(place);
            }
            Command::Call { route, call, .. } => {
                if let Ok(call) = call.downcast() {
                    self.run_call(io, route, *call);
                }
            }
        }
    }

    /// Deadlines, timers, drain events and the slices of a shutdown, while the work lasts.
    pub fn run_events(&mut self, io: &mut dyn Transport) {
        self.run_events_while(io, &|_| false);
    }

    /// The same where `waits` tells which connections have sent something that is not read yet: what is
    /// missing of those may be there.
    pub(crate) fn run_events_while(&mut self, io: &mut dyn Transport, waits: &dyn Fn(u32) -> bool) {
        while !self.core.work.is_spent()
            && let Some(id) = self.core.due.pop_front()
        {
            self.core.work.charge(price::TIMER);
            HubContext::new(&mut self.core, io).is_due(id, waits(id.index));
        }
        self.run_timers(io);
        self.run_drains(io);
        self.run_streams(io);
        HubContext::new(&mut self.core, io).stop_slice();
        self.stop_links(io);
    }

    /// Sends what was published to topics, while the work lasts. Where memory is short, those who hold
    /// too much of it go first: else each turn would copy more for them than it gives up.
    pub fn deliver(&mut self, io: &mut dyn Transport) {
        if self.core.sheds_first() {
            return;
        }
        HubContext::new(&mut self.core, io).deliver();
    }

    /// Sends what waits in outboxes, while the work lasts. Whoever has more than a share of that is
    /// behind the others in the list again.
    pub fn flush(&mut self, io: &mut dyn Transport) {
        for _ in 0..self.core.dirty.len() {
            if self.core.work.is_spent() {
                break;
            }
            let Some(key) = self.core.dirty.pop_front() else {
                break;
            };
            if self.core.slots.contains(key as usize) {
                self.core.slot(key).flags.clear(Flags::DIRTY);
                HubContext::new(&mut self.core, io).flush(key);
            }
        }
    }

    /// Whether more bytes are held than may be: nobody is to be read until that has changed.
    pub(crate) fn is_over_memory(&self) -> bool {
        self.core.is_over_memory()
    }

    /// Whether something is left for a turn right after this one.
    pub fn has_work(&self) -> bool {
        self.has_garbage || self.core.has_work()
    }

    /// Whether the commands of other threads are to wait, as a publisher of sessions is.
    pub(crate) fn holds_remote(&self) -> bool {
        self.core.remote_held
    }

    /// Shutdown: no new connections, Close 1001 to every session, spread over some time. The second
    /// call cuts what is left.
    pub fn shut_down(&mut self) {
        self.core.stop();
    }

    /// Whether this connection is being made by this side.
    pub(crate) fn is_dialling(&self, id: SessionId) -> bool {
        self.core.key_of(id).is_some_and(|key| {
            let slot = &self.core.slots[key as usize];
            matches!(&slot.phase, Phase::Dialling(Some(handshake)) if handshake.asked.is_none())
        })
    }

    /// Whether this connection is one of this side's that has no session yet.
    pub(crate) fn is_calling(&self, id: SessionId) -> bool {
        let key = self.core.key_of(id);
        key.is_some_and(|key| self.core.slots[key as usize].state() == State::Dialling)
    }

    /// When another turn is needed, in milliseconds since the
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
        self.core.is_stopping()
    }

    /// The listeners that are open although the server stops.
    pub(crate) fn open_listeners(&self) -> &[u16] {
        if self.core.admits_admin() {
            &self.core.admin_listeners
        } else {
            &[]
        }
    }
}

impl Core {
    /// Why a new connection is refused.
    fn why_not(&mut self, conn: &ConnInfo) -> Option<Status> {
        let limits = &self.limits;
        if self.is_admin(conn.listener) {
            // A server that is full or stops is looked at all the same.
            let is_full = self.admin_connections >= MAX_ADMIN;
            let is_refused = is_full || !self.admits_admin();
            return is_refused.then_some(Status::SERVICE_UNAVAILABLE);
        }
        let live = (self.connections() - self.refused).saturating_sub(self.admin_connections);
        let is_full = limits.max_connections.is_some_and(|max| live >= max);
        if self.is_stopping() || is_full || self.is_over_memory() {
            return Some(Status::SERVICE_UNAVAILABLE);
        }
        if !conn.is_peer_known {
            return None;
        }
        self.why_not_from(conn.peer)
    }

    /// Bytes of memory that are held for connections and topics, here and below.
    pub(crate) fn held(&self) -> usize {
        self.ledger.held().memory + self.topics.held().memory + self.held_below
    }

    /// Whether more is held than may be: nothing is read then.
    pub(crate) fn is_over_memory(&self) -> bool {
        let max = self.limits.max_buffered;
        max.is_some_and(|max| self.held() > max)
    }

    fn has_work(&self) -> bool {
        let timers = self.timers.next().is_some_and(|at| at <= self.now.ms);
        timers
            || self.is_over_memory()
            || self.topics.is_pending()
            || !self.due.is_empty()
            || !self.drained.is_empty()
            || !self.streams.is_empty()
            || !self.dirty.is_empty()
            || !self.close_events.is_empty()
            || !self.closing.is_empty()
            || !self.resumed.is_empty()
            || !self.to_stop.is_empty()
            || self.next_of_shutdown().is_some_and(|at| at <= self.now.ms)
    }
}
