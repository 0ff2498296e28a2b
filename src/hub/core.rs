//! What the hub lends to handlers: connections, topics, timers and what waits to be sent.

use crate::app::any_route::{AnyRoute, RouteKind};
use crate::app::program::{HttpHandler, PathTargets};
use crate::app::router::Router;
use crate::app::{BacklogPolicy, ConnInfo, Ends, Origins, Peer, Remote, SessionId, Settings};
use crate::config::Limits;
use crate::hub::addresses::Addresses;
use crate::hub::conn::flags::Flags;
use crate::hub::conn::opening::Opening;
use crate::hub::conn::origin::Origin;
use crate::hub::conn::phase::State;
use crate::hub::conn::slot::Slot;
use crate::hub::ledger::Ledger;
use crate::hub::metrics::Counters;
use crate::hub::rules::RouteRules;
use crate::hub::shutdown::Shutdown;
use crate::hub::time::ticks::{Deadlines, ShortTick, Tick, since, ticks};
use crate::hub::time::timers::Timers;
use crate::hub::topics::members::Topics;
use crate::hub::transport::Transport;
use crate::wire::receive::{Lanes, LentMessage, Receiver, Role};
use crate::wire::work::Work;
use bytes::Bytes;
use rand::RngExt;
use rand::rngs::StdRng;
use slab::Slab;
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// No key.
pub(crate) const NO_KEY: u32 = u32::MAX;
/// The route of a connection that has none: its rules are those of plain HTTP.
pub(crate) const NO_ROUTE: u16 = u16::MAX;
/// Connections beyond the limit that are told so; further ones are dropped without a word.
pub(crate) const MAX_REFUSED: usize = 32;
/// Connections of admin listeners at the same time, beside all others.
pub(crate) const MAX_ADMIN: usize = 32;

/// Room for so many entries is kept by each list of connections when a crowd has left.
const KEPT_ENTRIES: usize = 64;

/// The time of a turn, read once by the driver.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// Milliseconds since the start; never goes back.
    pub ms: u64,
    /// Seconds of the wall clock since 1970 (for `Date`).
    pub unix: u64,
}

pub(crate) struct Core {
    pub(crate) slots: Slab<Slot>,
    pub(crate) topics: Topics,
    pub(crate) deadlines: Deadlines,
    pub(crate) timers: Timers,
    pub(crate) rules: Vec<RouteRules>,
    pub(crate) http_rules: RouteRules,
    pub(crate) limits: Limits,
    /// Replies of the connection whose turn it is, to leave in one send.
    pub(crate) reply_buffer: Vec<u8>,
    pub(crate) reply_of: u32,
    /// So much of them is gathered at most, once the session is open.
    pub(crate) reply_max: usize,
    pub(crate) scratch: Vec<u8>,
    /// The long message that is being delivered, if there is one.
    pub(crate) lent: LentMessage,
    /// What is long and not needed any more: freed in slices.
    pub(crate) retired: Vec<Bytes>,
    pub(crate) retired_receivers: Vec<Receiver>,
    /// Connections with something in their outbox that the transport was not asked to send yet.
    pub(crate) dirty: VecDeque<u32>,
    /// Sessions whose close event is owed.
    pub(crate) close_events: VecDeque<SessionId>,
    /// Connections whose socket can be closed.
    pub(crate) closing: VecDeque<u32>,
    /// Sessions whose drain event is owed.
    pub(crate) drained: VecDeque<SessionId>,
    /// Streams that are to be asked for a piece.
    pub(crate) streams: VecDeque<SessionId>,
    /// Connections that were stopped and shall be read again.
    pub(crate) resumed: VecDeque<SessionId>,
    /// Connections whose deadline has come.
    pub(crate) due: VecDeque<SessionId>,
    /// Outgoing routes by name, and calls that the driver has not begun.
    pub(crate) outgoing: HashMap<String, u16>,
    pub(crate) to_dial: VecDeque<(SessionId, Ends)>,
    /// Names of the extensions that were agreed on so far.
    pub(crate) extension_names: Vec<Box<str>>,
    pub(crate) now: Now,
    pub(crate) tick: Tick,
    pub(crate) metrics: Counters,
    /// The request that is being answered asks for a session.
    pub(crate) asks_for_session: bool,
    /// How many bytes are held for connections.
    pub(crate) ledger: Ledger,
    /// How many bytes the driver holds for them.
    pub(crate) held_below: usize,
    /// How much work may still be done in this step of the turn.
    pub(crate) work: Work,
    /// What the dearest call of the program in this turn cost: the program decides how much it does in
    /// one, and it is one step.
    pub(crate) dearest_call: i64,
    /// Commands of other threads wait for a topic to catch up.
    pub(crate) remote_held: bool,
    /// The session whose open event runs.
    pub(crate) opening: Option<Opening>,
    /// Each ticket holds one of these.
    pub(crate) tickets: Arc<()>,
    pub(crate) is_out_of_tickets: bool,
    /// More is held than may be, and the work was spent before enough of it went.
    pub(crate) is_shedding: bool,
    /// Shutdown, once it has begun.
    pub(crate) shutdown: Option<Shutdown>,
    /// Connections that shutdown reaches next.
    pub(crate) to_stop: VecDeque<u32>,
    pub(crate) refused: usize,
    /// Connections that are no sessions, from their calls on.
    pub(crate) links: usize,
    pub(crate) addresses: Addresses,
    /// Listeners for operators: they are open until the end, and have a limit of their own.
    pub(crate) admin_listeners: Vec<u16>,
    pub(crate) admin_connections: usize,
    /// When a line about memory may be written next, and how many were left out.
    pub(crate) memory_lines: (u64, u64),
    pub(crate) random: StdRng,
    /// How many pings went out, and what makes those of this process its own.
    pub(crate) pings: u32,
    pub(crate) nonce: u32,
    generations: u32,
    pub(crate) remote: Remote,
}

impl Core {
    pub(crate) fn new(
        rules: Vec<RouteRules>,
        limits: Limits,
        mut random: StdRng,
        remote: Remote,
    ) -> Self {
        // A request is answered when the answers before it have gone out: so no 101 ever waits
        // behind them, and a refusal of a handler can still replace it.
        let http = Settings::default()
            .backlog(BacklogPolicy::StopReading)
            .backlog_mark(0);
        Self {
            slots: Slab::new(),
            topics: Topics::default(),
            deadlines: Deadlines::default(),
            timers: Timers::default(),
            rules,
            http_rules: RouteRules::new(&http, RouteKind::Messages, Role::Server),
            limits,
            reply_buffer: Vec::new(),
            reply_of: NO_KEY,
            reply_max: 0,
            scratch: Vec::new(),
            lent: LentMessage::default(),
            retired: Vec::new(),
            retired_receivers: Vec::new(),
            dirty: VecDeque::new(),
            close_events: VecDeque::new(),
            closing: VecDeque::new(),
            drained: VecDeque::new(),
            streams: VecDeque::new(),
            resumed: VecDeque::new(),
            due: VecDeque::new(),
            outgoing: HashMap::new(),
            to_dial: VecDeque::new(),
            extension_names: Vec::new(),
            now: Now::default(),
            tick: 0,
            metrics: Counters::default(),
            asks_for_session: false,
            ledger: Ledger::default(),
            held_below: 0,
            work: Work::unlimited(),
            dearest_call: 0,
            remote_held: false,
            opening: None,
            tickets: Arc::default(),
            is_out_of_tickets: false,
            is_shedding: false,
            shutdown: None,
            to_stop: VecDeque::new(),
            refused: 0,
            links: 0,
            addresses: Addresses::new(random.random()),
            admin_listeners: Vec::new(),
            admin_connections: 0,
            memory_lines: (0, 0),
            nonce: random.random(),
            random,
            pings: 0,
            generations: 0,
            remote,
        }
    }

    /// A key for a connection that came in.
    pub(crate) fn admit(&mut self, conn: ConnInfo) -> u32 {
        let peer = conn.peer;
        self.metrics.on_accepted();
        let key = self.key(peer);
        self.admin_connections += usize::from(self.is_admin(conn.listener));
        let slot = self.slot(key);
        slot.listener = conn.listener;
        if conn.secure {
            slot.flags.set(Flags::SECURE);
        }
        if !conn.is_peer_known {
            slot.origin.set(Origin::AWAITED);
        }
        key
    }

    /// A key for a connection of either direction, with the time for a head.
    pub(crate) fn key(&mut self, peer: Peer) -> u32 {
        self.generations = self.generations.wrapping_add(1);
        let mut slot = Slot::new(self.generations, peer, self.tick as u16);
        slot.route = NO_ROUTE;
        let key = self.slots.insert(slot) as u32;
        self.deadlines
            .set(key, self.tick + ticks(self.limits.head_timeout), self.tick);
        key
    }

    /// Frees a key; everything that knows it by number must have let go.
    pub(crate) fn free(&mut self, key: u32) {
        self.uncount(key);
        let listener = self.slots[key as usize].listener;
        self.admin_connections -= usize::from(self.is_admin(listener));
        let slot = self.slots.remove(key as usize);
        self.deadlines.clear(key);
        if slot.flags.has(Flags::REFUSED) {
            self.refused -= 1;
        }
        if self.is_link(slot.route) {
            self.links -= 1;
        }
    }

    /// Changes what is held for a connection; the ledger learns of it here.
    #[inline]
    pub(crate) fn keep<R>(&mut self, key: u32, change: impl FnOnce(&mut Slot) -> R) -> R {
        let slot = &mut self.slots[key as usize];
        let before = slot.held();
        let outcome = change(slot);
        let after = slot.held();
        self.ledger.change(before, after);
        outcome
    }

    /// A call of the program is over, before which so much work was left.
    #[inline]
    pub(crate) fn called(&mut self, before: Work) {
        self.dearest_call = self.dearest_call.max(before.left() - self.work.left());
    }

    /// Gives back what only a crowd needed.
    pub(crate) fn shrink(&mut self) {
        self.slots.shrink_to_fit();
        self.addresses.shrink();
        for list in [&mut self.dirty, &mut self.closing, &mut self.to_stop] {
            list.shrink_to(KEPT_ENTRIES);
        }
        for list in [
            &mut self.close_events,
            &mut self.drained,
            &mut self.streams,
            &mut self.resumed,
            &mut self.due,
        ] {
            list.shrink_to(KEPT_ENTRIES);
        }
    }

    pub(crate) fn slot(&mut self, key: u32) -> &mut Slot {
        &mut self.slots[key as usize]
    }

    /// The key of a session, if it still lives.
    pub(crate) fn key_of(&self, id: SessionId) -> Option<u32> {
        self.slots
            .get(id.index as usize)
            .filter(|slot| slot.generation == id.generation)
            .map(|_| id.index)
    }

    pub(crate) fn rules(&self, key: u32) -> &RouteRules {
        let route = self.slots[key as usize].route;
        self.rules.get(route as usize).unwrap_or(&self.http_rules)
    }

    /// Sets the one deadline of an open session by what it waits for. That of any other state stays.
    pub(crate) fn rearm(&mut self, key: u32) {
        let (tick, rules) = (self.tick, self.rules(key));
        let slot = &self.slots[key as usize];
        if slot.state() != State::Open || slot.flags.has(Flags::PEER_CLOSED) {
            // The deadline of a raw handler's answer stays, too.
            return;
        }
        let mut at = None;
        let mut earliest =
            |deadline: Tick| at = Some(at.map_or(deadline, |at: Tick| at.min(deadline)));
        if slot.flags.has(Flags::AWAITS_PONG) {
            earliest(after(slot.pinged, tick, rules.pong_timeout));
        } else if rules.ping_period > 0 {
            earliest(after(slot.quiet_since(), tick, rules.ping_period));
        }
        if let Some(since) = slot.cold.as_ref().and_then(|cold| cold.over_since) {
            earliest(since + rules.backlog_time);
        }
        match at {
            Some(at) => self.deadlines.set(key, at, tick),
            None => self.deadlines.clear(key),
        }
    }

    /// The end of a time that begins now, in milliseconds since the start; never early.
    pub(crate) fn ms_after(&self, time: Duration) -> u64 {
        let ms = u64::try_from(time.as_nanos().div_ceil(1_000_000));
        self.now.ms.saturating_add(ms.unwrap_or(u64::MAX))
    }

    /// Adds to the list of those with something to send.
    pub(crate) fn mark_dirty(&mut self, key: u32) {
        let flags = &mut self.slot(key).flags;
        if !flags.has(Flags::DIRTY) && !flags.has(Flags::BLOCKED) {
            flags.set(Flags::DIRTY);
            self.dirty.push_back(key);
        }
    }
}

/// The tick `period` after a kept one.
fn after(short: ShortTick, now: Tick, period: u64) -> Tick {
    (now + period).saturating_sub(since(short, now)).max(now)
}

/// Every connection of a server, and the program that answers them.
pub struct Hub {
    pub(crate) core: Core,
    pub(crate) lanes: Lanes,
    pub(crate) paths: Rc<Router<PathTargets>>,
    /// Paths of single listeners, in place of those.
    pub(crate) listener_paths: Vec<(u16, Rc<Router<PathTargets>>)>,
    pub(crate) routes: Vec<Box<dyn AnyRoute>>,
    pub(crate) settings: Vec<Settings>,
    pub(crate) http: Vec<HttpHandler>,
    /// Whose pages may change something over HTTP; `None`: everybody's.
    pub(crate) http_origins: Option<Origins>,
    /// More is to be freed than the last turn had work for.
    pub(crate) has_garbage: bool,
    /// The most connections since memory was given back last.
    pub(crate) most_connections: usize,
}

/// The core and the transport together: what a handler works on through its session.
pub(crate) struct HubContext<'a> {
    pub(crate) core: &'a mut Core,
    pub(crate) io: &'a mut dyn Transport,
}
