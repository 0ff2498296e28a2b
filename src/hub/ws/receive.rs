//! From bytes to events: the receive lanes of a session, and the calls of its handler.

use crate::app::data::DataKey;
use crate::app::route::Route;
use crate::app::{Session, SessionId};
use crate::hub::conn::flags::Flags;
use crate::hub::conn::phase::State;
use crate::hub::conn::slot::receiver_held;
use crate::hub::conn::unread::Unread;
use crate::hub::core::Hub;
use crate::hub::core::{Core, HubContext, NO_KEY};
use crate::hub::ledger::Held;
use crate::hub::transport::Transport;
use crate::wire::close::{CloseCode, CloseReason};
use crate::wire::frame::{MAX_HEADER, OpCode, Reserved, write_frame};
use crate::wire::receive::{Event, Failure, Input, Lanes, RawFrame, ReceiveRules, Receiver};
use crate::wire::work::price;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// From how many connections on their leaving is followed by giving memory back.
const CROWD: usize = 64;

/// Calls a route for a session; a panic ends that session with 1011 and nothing else.
pub(crate) fn call(
    core: &mut Core,
    routes: &mut [Box<dyn Route>],
    io: &mut dyn Transport,
    key: u32,
    event: impl FnOnce(&mut dyn Route, DataKey, &mut Session<'_>),
) {
    let slot = core.slot(key);
    let (id, data) = (slot.id(key), slot.data);
    let route = &mut *routes[slot.route as usize];
    let mut context = HubContext::new(core, io);
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        event(route, data, &mut Session::new(&mut context, id));
    }));
    if outcome.is_err() {
        core.panicked(key);
    }
}

impl Core {
    /// The handler of a session panicked.
    pub(crate) fn panicked(&mut self, key: u32) {
        let id = self.slot(key).id(key);
        log::error!("the program panicked for session {id}, which ends with 1011");
        self.fail(key, CloseCode::INTERNAL_ERROR, "Internal error");
    }
}

impl Core {
    /// Queues the pong of a connection that masks: the state machine that writes pongs has no mask
    /// to give in the role of a server, and none of our seed in the role of a client.
    fn push_masked_pong(&mut self, key: u32, payload: &[u8], mask: [u8; 4]) {
        let mut pong = Vec::with_capacity(MAX_HEADER + payload.len());
        let (opcode, reserved) = (OpCode::Pong, Reserved::NONE);
        write_frame(&mut pong, true, opcode, reserved, payload, Some(mask));
        self.push_pong(key, &pong);
    }
}

impl Hub {
    /// Frames of a live session: calls its handler for each message, while the work lasts. `bytes`
    /// come behind what is kept of it, if something is.
    pub(crate) fn frames(&mut self, io: &mut dyn Transport, key: u32, bytes: &mut [u8]) {
        let mut unread = self.core.take_unread(key);
        let is_kept = !unread.is_empty();
        if is_kept {
            unread.append(bytes);
        }
        let input = if is_kept { unread.rest() } else { &mut *bytes };
        let Some(left) = self.frames_in(io, key, input) else {
            return;
        };
        if is_kept {
            unread.leave(left);
        } else if left > 0 {
            unread = Unread::of(&bytes[bytes.len() - left..]);
        }
        if left > 0 {
            self.core.keep_unread(key, unread);
        } else if is_kept {
            self.core.slot(key).tidy();
        }
    }

    /// How many bytes are left because the work is spent or reading stopped; `None` when nothing
    /// of this connection is to be read any more.
    fn frames_in(&mut self, io: &mut dyn Transport, key: u32, bytes: &mut [u8]) -> Option<usize> {
        let mut receiver = std::mem::take(self.core.slot(key).receiver()?);
        let held_before = receiver_held(&receiver);
        self.core.begin_replies(key);
        // One guard for all messages of a read: it costs as much as a small message does.
        let read = catch_unwind(AssertUnwindSafe(|| {
            self.read_frames(io, key, &mut receiver, bytes)
        }));
        let left = read.unwrap_or_else(|_| {
            self.core.panicked(key);
            None
        });
        HubContext::new(&mut self.core, io).flush_replies();
        self.core.reply_of = NO_KEY;
        match self.core.slot(key).receiver().filter(|_| left.is_some()) {
            Some(place) => {
                let held = receiver_held(&receiver);
                *place = receiver;
                self.core.ledger.change(held_before, held);
                self.core.count_transform(key);
                left
            }
            None => {
                self.core.ledger.change(held_before, Held::default());
                self.lanes.release(receiver);
                None
            }
        }
    }

    /// As [`Hub::frames_in`], with the receiver at hand.
    fn read_frames(
        &mut self,
        io: &mut dyn Transport,
        key: u32,
        receiver: &mut Receiver,
        bytes: &mut [u8],
    ) -> Option<usize> {
        let mut input = Input::new(bytes);
        let Self {
            core,
            lanes,
            routes,
            ..
        } = self;
        let settings = core.rules(key);
        // Data that does not compress grows a little on the wire; the message still counts decoded.
        let slack = match core.slots[key as usize].cold {
            Some(ref cold) if cold.transform.is_some() => settings.max_frame / 64 + 256,
            _ => 0,
        };
        let mut rules = ReceiveRules {
            role: settings.role,
            max_frame: settings.max_frame + slack,
            max_message: settings.max_message,
            raw: settings.raw,
            closing: false,
            more_expected: false,
        };
        // What does not change from message to message is looked up once.
        let slot = &core.slots[key as usize];
        let (id, data, has_transform) = (slot.id(key), slot.data, slack > 0);
        let route = usize::from(slot.route);
        loop {
            let slot = &core.slots[key as usize];
            // Nothing follows a Close (RFC 6455 §5.5.1), also while a raw handler takes its time to answer.
            if !slot.is_live() || slot.flags.has(Flags::PEER_CLOSED) {
                return None;
            }
            if slot.is_stopped() || core.work.is_spent() {
                return Some(input.remaining());
            }
            rules.closing = slot.state() == State::Closing;
            let event = if has_transform {
                next(lanes, receiver, core, key, &rules, &mut input)
            } else {
                lanes.next(receiver, None, &rules, &mut input, &mut core.work)
            };
            match event {
                Ok(None) => return Some(input.remaining()),
                Ok(Some(Event::Message(message))) => {
                    core.work.charge(price::EVENT);
                    core.metrics.on_received();
                    let mut context = HubContext::new(core, io);
                    routes[route].message(data, &mut Session::new(&mut context, id), message);
                }
                Ok(Some(event)) => dispatch(core, routes, io, key, event),
                Err(failure) => {
                    core.fail(key, failure.code, failure.reason);
                    return None;
                }
            }
        }
    }

    /// Gives up who holds the most where more is held than may be, runs the close events that are
    /// owed, then lets sockets go, while the work lasts.
    pub fn reap(&mut self, io: &mut dyn Transport) {
        self.core.shed();
        while !self.core.work.is_spent()
            && let Some(id) = self.core.close_events.pop_front()
        {
            if let Some(key) = self.core.key_of(id) {
                self.close_event(io, key);
            }
        }
        while !self.core.work.is_spent()
            && let Some(key) = self.core.closing.pop_front()
        {
            self.core.work.charge(price::CLOSE);
            self.close_event(io, key);
            self.tell_failure(io, key);
            let slot = &mut self.core.slots[key as usize];
            self.core.ledger.change(slot.held(), Held::default());
            if let Some(cold) = &mut slot.cold {
                self.core.retired.extend(cold.outbox.take_long());
            }
            io.close(key);
            self.core.free(key);
        }
        self.give_memory_back();
    }

    /// Frees what was long, in slices, and what a crowd that is gone has left.
    fn give_memory_back(&mut self) {
        for receiver in self.core.retired_receivers.drain(..) {
            self.lanes.release(receiver);
        }
        for message in self.core.retired.drain(..) {
            self.lanes.retire(message);
        }
        self.has_garbage = self.lanes.free_some(&mut self.core.work);
        let (now, most) = (self.core.slots.len(), self.most_connections);
        self.most_connections = most.max(now);
        if most >= CROWD && now <= most / 8 && !self.has_garbage && self.core.closing.is_empty() {
            self.most_connections = now;
            self.lanes.shrink();
            self.core.shrink();
        }
    }

    /// The close event, once.
    fn close_event(&mut self, io: &mut dyn Transport, key: u32) {
        let slot = self.core.slot(key);
        if !slot.flags.has(Flags::OPENED) {
            return;
        }
        slot.flags.clear(Flags::OPENED);
        let id = slot.id(key);
        let reason = slot.cold.as_ref().and_then(|cold| cold.close.clone());
        let reason = reason.unwrap_or_else(CloseReason::lost);
        self.core.timers.cancel_all(id);
        self.core.work.charge(price::EVENT);
        self.core.metrics.on_closed();
        call(
            &mut self.core,
            &mut self.routes,
            io,
            key,
            |route, data, session| {
                route.close(data, session, &reason);
            },
        );
    }

    /// Runs the timers of handlers that are due, while the work lasts.
    pub(crate) fn run_timers(&mut self, io: &mut dyn Transport) {
        while !self.core.work.is_spent() {
            let Some((id, token)) = self.core.timers.pop_due(self.core.now.ms) else {
                return;
            };
            self.core.work.charge(price::TIMER);
            self.core.begin_delayed_call(id);
            self.event(io, id, |route, data, session| {
                route.timer(data, session, token)
            });
        }
    }

    /// Runs the drain events that are owed, while the work lasts.
    pub(crate) fn run_drains(&mut self, io: &mut dyn Transport) {
        while !self.core.work.is_spent() {
            let Some(id) = self.core.drained.pop_front() else {
                return;
            };
            let Some(key) = self.core.key_of(id) else {
                continue;
            };
            let cold = self.core.slot(key).cold.as_mut();
            let dropped = cold.map_or(0, |cold| std::mem::take(&mut cold.dropped));
            self.event(io, id, |route, data, session| {
                route.drain(data, session, dropped)
            });
        }
    }

    /// An event outside the turn of its connection.
    fn event(
        &mut self,
        io: &mut dyn Transport,
        id: SessionId,
        event: impl FnOnce(&mut dyn Route, DataKey, &mut Session<'_>),
    ) {
        let Some(key) = self.core.key_of(id) else {
            return;
        };
        let slot = self.core.slot(key);
        if slot.is_live() && slot.flags.has(Flags::OPENED) {
            self.core.work.charge(price::EVENT);
            self.core.begin_replies(key);
            call(&mut self.core, &mut self.routes, io, key, event);
            HubContext::new(&mut self.core, io).flush_replies();
            self.core.reply_of = NO_KEY;
        }
    }
}

impl Core {
    fn take_unread(&mut self, key: u32) -> Unread {
        let Some(cold) = &mut self.slots[key as usize].cold else {
            return Unread::default();
        };
        let unread = std::mem::take(&mut cold.unread);
        self.ledger.change(unread.held(), Held::default());
        unread
    }

    /// Keeps what was read behind the message at which reading stopped: how much one read brings
    /// must not decide how far a backlog passes its mark.
    fn keep_unread(&mut self, key: u32, unread: Unread) {
        self.keep(key, |slot| slot.cold().unread = unread);
    }

    /// Takes over into the ledger what the transformation of a connection holds back.
    pub(crate) fn count_transform(&mut self, key: u32) {
        if let Some(cold) = &mut self.slots[key as usize].cold
            && let Some(transform) = &cold.transform
        {
            let held = transform.held_bytes();
            let as_held = |bytes| Held::new(bytes, bytes);
            self.ledger
                .change(as_held(cold.transform_held), as_held(held));
            cold.transform_held = held;
        }
    }
}

/// The next event of the lanes, with the extension of the connection in front of them.
fn next<'a>(
    lanes: &'a mut Lanes,
    receiver: &'a mut Receiver,
    core: &mut Core,
    key: u32,
    rules: &ReceiveRules,
    input: &'a mut Input<'_>,
) -> Result<Option<Event<'a>>, Failure> {
    let Core { slots, work, .. } = core;
    let cold = slots[key as usize].cold.as_mut();
    let transform = cold.and_then(|cold| cold.transform.as_deref_mut());
    lanes.next(receiver, transform, rules, input, work)
}

/// Gives one event to the handler, or answers it. A panic is the caller's to catch.
#[inline]
fn dispatch(
    core: &mut Core,
    routes: &mut [Box<dyn Route>],
    io: &mut dyn Transport,
    key: u32,
    event: Event<'_>,
) {
    core.work.charge(price::EVENT);
    match event {
        // The one that nearly every event is was handled where it was found.
        Event::Message(_) => {}
        Event::Ping { payload, pong } => {
            if HubContext::new(core, io).catch_up_open(key) {
                match core.mask(key) {
                    None => core.push_pong(key, pong),
                    Some(mask) => core.push_masked_pong(key, payload, mask),
                }
            }
        }
        Event::Pong(payload) => {
            if !core.pong_matches(key, payload) {
                call(core, routes, io, key, |route, data, session| {
                    route.pong(data, session, payload);
                });
            }
        }
        Event::Close(close) => {
            HubContext::new(core, io).catch_up_open(key);
            core.peer_closed(key, close);
        }
        Event::Frame(frame) => dispatch_frame(core, routes, io, key, frame),
    }
}

/// Gives a frame to a raw handler; a Close is its to answer.
fn dispatch_frame(
    core: &mut Core,
    routes: &mut [Box<dyn Route>],
    io: &mut dyn Transport,
    key: u32,
    frame: RawFrame<'_>,
) {
    if frame.opcode == OpCode::Close {
        core.raw_close_arrived(key, frame.payload);
    }
    call(core, routes, io, key, |route, data, session| {
        route.frame(data, session, frame);
    });
    if frame.opcode == OpCode::Close && core.slot(key).state() == State::Closing {
        core.peer_closed(key, None);
    }
}
