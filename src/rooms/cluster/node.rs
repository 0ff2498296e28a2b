//! A node: its lines to the engine, its rooms, and what it waits for.

use super::address::EngineAddress;
use super::asked::{Asked, Listing, Sent, Then};
use super::keys::Keys;
use super::lease::Lease;
use super::line::{Frame, Line, Phase};
use super::request::{Act, Answer, NodeId, Request, RunId};
use super::room::{Mending, NodeRoom};
use crate::app::EngineStats;
use crate::config::RoomLimits;
use crate::rooms::engine::{Clock, Engine, EngineEvent, MemberNumber, Operation, Outcome, Token};
use crate::rooms::member::Rates;
use crate::rooms::{Epoch, RoomError, RoomId};
use crate::wire::rate::RateTable;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::any::Any;
use std::collections::{BTreeMap, HashMap, VecDeque};

/// The line of commands.
pub(super) const COMMANDS: usize = 0;
/// The line of pushes.
pub(super) const PUSHES: usize = 1;

/// How long an answer, a connection or a greeting may take, milliseconds.
pub(super) const TIME_LIMIT: u64 = 5_000;
/// Requests that wait for their answers at most, and their bytes: more are refused.
pub(super) const MOST_ASKED: usize = 4096;
pub(super) const MOST_ASKED_BYTES: usize = 16 << 20;

/// A node: its lines to the engine, its rooms, and what it waits for.
pub(in crate::rooms) struct Node {
    pub(super) id: NodeId,
    pub(super) address: EngineAddress,
    pub(super) keys: Keys,
    pub(super) limits: RoomLimits,
    pub(super) random: StdRng,
    pub(super) lines: [Line; 2],
    /// The last process of the engine that was known.
    pub(super) run: Option<RunId>,
    pub(super) sent: VecDeque<Sent>,
    pub(super) sent_bytes: usize,
    /// What went out on a line that broke, or could not go out at all.
    pub(super) again: VecDeque<Asked>,
    /// In an order that a run of a simulation finds again, as all that is looked through.
    pub(super) rooms: BTreeMap<RoomId, NodeRoom>,
    /// Confirmations of subscriptions that are to come, by room: only the last of them counts.
    pub(super) unconfirmed: HashMap<RoomId, u32>,
    /// Rooms that are to be subscribed to.
    pub(super) to_subscribe: VecDeque<RoomId>,
    /// Requests to let somebody go that are not answered, by room.
    pub(super) leaving: HashMap<RoomId, u32>,
    /// Rooms that are to be mended, and how many are being.
    pub(super) to_mend: VecDeque<RoomId>,
    pub(super) mends: usize,
    pub(super) next_mend: u64,
    pub(super) listings: HashMap<u32, Listing>,
    pub(super) next_listing: u32,
    /// Up to which number the directory was looked at for rooms that are gone.
    pub(super) pruned: u64,
    pub(super) guests: RateTable<Rates>,
    pub(super) lease: Lease,
    pub(super) events: VecDeque<EngineEvent>,
    pub(super) clock: Clock,
    pub(super) stats: EngineStats,
    /// When a push was seen last, and since when one of our own is awaited.
    pub(super) pushed: u64,
    pub(super) probing: Option<u64>,
    /// Since when an answer is awaited without any that came, at the earliest.
    pub(super) unanswered: u64,
    /// The server stops: nothing new begins.
    pub(super) is_stopping: bool,
    /// A line about the engine may be written again at this time.
    pub(super) quiet_until: u64,
    #[cfg(feature = "tls")]
    pub(super) trust: crate::app::Trust,
}

impl Node {
    /// A node of this engine. `seed` decides every random choice.
    pub(super) fn new(
        address: EngineAddress,
        keys: Keys,
        limits: RoomLimits,
        seed: [u8; 32],
    ) -> Self {
        let mut random = StdRng::from_seed(seed);
        let guests = RateTable::new(random.random());
        Self {
            id: random.random(),
            address,
            keys,
            limits,
            lines: [Line::new(), Line::new()],
            run: None,
            sent: VecDeque::new(),
            sent_bytes: 0,
            again: VecDeque::new(),
            rooms: BTreeMap::new(),
            unconfirmed: HashMap::new(),
            to_subscribe: VecDeque::new(),
            leaving: HashMap::new(),
            to_mend: VecDeque::new(),
            mends: 0,
            next_mend: 0,
            listings: HashMap::new(),
            next_listing: 0,
            pruned: 0,
            guests,
            lease: Lease::default(),
            events: VecDeque::new(),
            clock: Clock::default(),
            stats: EngineStats::default(),
            pushed: 0,
            probing: None,
            unanswered: 0,
            is_stopping: false,
            quiet_until: 0,
            #[cfg(feature = "tls")]
            trust: crate::app::Trust::system(),
            random,
        }
    }

    /// The same, which believes these where the engine speaks TLS.
    #[cfg(feature = "tls")]
    pub(super) fn trusting(mut self, trust: crate::app::Trust) -> Self {
        self.trust = trust;
        self
    }

    /// Whether both lines can be used.
    pub(super) fn is_ready(&self) -> bool {
        self.lines.iter().all(Line::is_up)
    }

    /// What is counted.
    pub(in crate::rooms) fn stats(&self) -> EngineStats {
        EngineStats {
            is_ready: self.is_ready(),
            ..self.stats
        }
    }

    pub(super) fn done(&mut self, token: Token, outcome: Result<Outcome, RoomError>) {
        if matches!(outcome, Err(RoomError::Unavailable)) {
            self.stats.unavailable += 1;
        }
        self.events.push_back(EngineEvent::Done(token, outcome));
    }

    /// Asks for something about a room, now or when the line is up again.
    pub(super) fn ask(&mut self, room: RoomId, act: Act, then: Then) {
        let since = self.clock.now;
        self.send(Asked {
            room,
            act,
            then,
            since,
            is_again: false,
        });
    }

    pub(super) fn send(&mut self, mut asked: Asked) {
        if !self.lines[COMMANDS].is_up() {
            return self.again.push_back(asked);
        }
        let room = asked.room;
        if let Act::Join { .. } | Act::Declare { .. } = asked.act {
            self.hold_lease();
        }
        // Of the process at the other end now, of what has been delivered by now, and never twice: an epoch that
        // began twice would be no new one.
        let request = Request {
            room,
            run: self.run.unwrap_or_default(),
            fresh: Epoch::of_bits(self.random.random()),
            seen: self.rooms.get(&room).and_then(|room| room.at),
            act: asked.act,
        };
        let command = super::script::command(&request, &self.keys, &self.limits);
        asked.act = request.act;
        let bytes = command.iter().map(Vec::len).sum();
        self.lines[COMMANDS].send(&command);
        self.sent_bytes += bytes;
        self.sent.push_back(Sent::Script(Box::new(asked), bytes));
    }

    /// Sends a command that is no script.
    pub(super) fn command<T: AsRef<[u8]>>(&mut self, parts: &[T], sent: Sent) {
        if !self.lines[COMMANDS].is_up() {
            return self.keep_if_needed(sent);
        }
        self.lines[COMMANDS].send(parts);
        self.sent.push_back(sent);
    }

    /// Whether something may be asked for now.
    pub(super) fn takes(&self) -> bool {
        self.is_ready()
            && self.sent.len() < MOST_ASKED
            && self.sent_bytes < MOST_ASKED_BYTES
            && self.again.is_empty()
    }

    /// Works on the next frame that has arrived; `false`: none is there.
    pub(super) fn work(&mut self, clock: Clock) -> bool {
        self.clock = clock;
        // Pushes first: answers may have to wait for them.
        for which in [PUSHES, COMMANDS] {
            if !self.lines[which].is_open() {
                continue;
            }
            match self.lines[which].next() {
                Ok(None) => {}
                Ok(Some(frame)) => {
                    self.heard(which, frame);
                    self.see_to();
                    return true;
                }
                Err(_) => {
                    self.lose(which, "it does not speak RESP");
                    return true;
                }
            }
        }
        false
    }

    fn heard(&mut self, which: usize, frame: Frame) {
        match (self.lines[which].phase, which) {
            (Phase::Greeting { .. }, _) => self.greeted(which, frame),
            (Phase::Up, COMMANDS) => {
                self.answered(frame);
                if self.is_stopping {
                    self.end_lease();
                }
            }
            (Phase::Up, _) => self.pushed(frame),
            _ => {}
        }
    }

    /// Begins what can begin now.
    pub(super) fn see_to(&mut self) {
        self.subscribe_some();
        self.mend_some();
    }

    /// The room of this id, if it is one of somebody here; made with somebody.
    pub(super) fn room_for(&mut self, id: RoomId) -> &mut NodeRoom {
        self.rooms.entry(id).or_insert_with(|| {
            self.to_subscribe.push_back(id);
            NodeRoom::default()
        })
    }

    /// Lets a room go that nobody here has to do with.
    pub(super) fn let_go_if_idle(&mut self, id: RoomId) {
        if self.rooms.get(&id).is_some_and(NodeRoom::is_idle) {
            self.let_go(id);
        }
    }

    pub(super) fn let_go(&mut self, id: RoomId) {
        let Some(room) = self.rooms.remove(&id) else {
            return;
        };
        if room.declares {
            // Nobody is here that could be told to the engine, and none is asked for.
            self.sweep_own(id);
        }
        if room.is_asked && self.lines[PUSHES].is_up() {
            let channel = self.keys.channel(id);
            self.lines[PUSHES].send(&[b"UNSUBSCRIBE", &*channel]);
        }
    }

    /// A request found its room gone.
    pub(super) fn is_gone(&mut self, id: RoomId) {
        let Some(room) = self.rooms.get_mut(&id) else {
            return;
        };
        let members = std::mem::take(&mut room.members);
        let places = members.iter().map(|member| member.place).collect();
        // Those who wait for an answer get one, and those who follow are let go one by one.
        (room.at, room.mending) = (None, Mending::No);
        room.joining.clear();
        let own = std::mem::take(&mut room.own).into_values();
        let own: Vec<_> = own.flat_map(|own| own.tokens).collect();
        let parked = room.parked.drain(..).map(|parked| parked.entrant.asked);
        let entering = parked.chain(room.waiting.drain(..));
        let entering = entering.filter_map(|asked| asked.entering());
        let entering: Vec<_> = entering.map(|(token, _)| token).collect();
        let told = entering.len();
        let tokens: Vec<_> = own.into_iter().chain(entering).collect();
        room.under_way = room.under_way.saturating_sub(told);
        for token in tokens {
            self.done(token, Err(RoomError::UnknownRoom));
        }
        let room = id;
        self.events.push_back(EngineEvent::Closed { room, places });
        self.forget_if_left(id);
        self.let_go_if_idle(id);
    }

    /// What cannot be asked for now.
    pub(super) fn refuse(&mut self, asked: Asked) {
        let Asked {
            room, act, then, ..
        } = asked;
        match then {
            Then::Create(creating) => self.done(creating.token, Err(RoomError::Unavailable)),
            Then::Delete(token) | Then::Describe(token) | Then::Names(token) => {
                self.done(token, Err(RoomError::Unavailable));
            }
            Then::Read { token, .. } => self.done(token, Err(RoomError::Unavailable)),
            Then::Again(entrant) => self.refuse_entrant(*entrant),
            Then::Listed(listing) => self.listing_failed(listing),
            Then::Join { token, place, .. } => {
                self.done(token, Err(RoomError::Unavailable));
                // Whether it is in is not known: it is not to stay.
                if let Act::Join { name, .. } = act {
                    self.ask_to_leave(room, name, place);
                }
                if let Some(room) = self.rooms.get_mut(&room) {
                    room.joining.remove(&place);
                    room.is_told();
                }
                self.let_go_if_idle(room);
            }
            Then::Follow { token, .. } => {
                // It is let go by `unfollow`, when its session has ended.
                self.done(token, Err(RoomError::Unavailable));
                if let Some(room) = self.rooms.get_mut(&room) {
                    room.is_told();
                }
                self.let_go_if_idle(room);
            }
            Then::Publish(said) => self.publish_failed(room, said, RoomError::Unavailable),
            Then::Mend(number) | Then::Restore(number) => self.mend_failed(room, number),
            Then::Leave => self.leave_is_over(room),
            Then::Sweep(node) if node == self.id => self.leave_is_over(room),
            // It is tried anew, by whoever looks next.
            Then::Sweep(node) => drop(self.lease.sweeping.remove(&node)),
            Then::Facts | Then::Declare | Then::Audit => {}
        }
    }
}

impl Engine for Node {
    fn submit(&mut self, token: Token, operation: Operation, clock: Clock) {
        self.clock = clock;
        self.operate(token, operation);
        self.see_to();
    }

    fn name(&self, room: RoomId, member: MemberNumber) -> Option<&str> {
        let member = self.rooms.get(&room)?.members.at(member)?;
        Some(&member.name)
    }

    fn poll(&mut self) -> Option<EngineEvent> {
        self.events.pop_front()
    }

    fn tick(&mut self, clock: Clock) -> Option<u64> {
        self.clock = clock;
        self.pass_time();
        self.see_to();
        let rests = self.is_ready() && self.sent.is_empty() && self.to_mend.is_empty();
        Some(if rests { 500 } else { 50 })
    }

    /// The engine keeps histories, within its own `maxmemory`.
    fn limit_history(&mut self, _bytes: usize) {}

    fn unfollow(&mut self, room: RoomId) {
        if let Some(known) = self.rooms.get_mut(&room) {
            known.followers = known.followers.saturating_sub(1);
            self.let_go_if_idle(room);
        }
    }

    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
}

/// What an answer is not, when it is not what was asked for.
pub(super) fn unexpected(answer: &Answer) {
    log::error!("the engine answered something else than was asked for: {answer:?}");
}
