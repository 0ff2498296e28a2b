//! From bytes to events: the receive lanes of a session, and the calls of its handler.

use super::Hub;
use super::core::{Core, HubContext, NO_KEY};
use super::slot::{Flags, State};
use super::transport::Transport;
use crate::app::route::{DataKey, Route};
use crate::app::{Session, SessionId};
use crate::wire::close::{CloseCode, CloseReason};
use crate::wire::frame::{MAX_HEADER, OpCode, Reserved, write_frame};
use crate::wire::receive::{Event, Failure, Input, Lanes, RawFrame, ReceiveRules, Receiver};
use crate::wire::work::Work;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Calls a route for a session; a panic ends that session with 1011 and nothing else.
pub(super) fn call(
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
    pub(super) fn panicked(&mut self, key: u32) {
        let id = self.slot(key).id(key);
        log::error!("the handler of session {id} panicked; the session ends with 1011");
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
    /// Frames of a live session arrived; calls its handler for each message.
    pub(super) fn frames(&mut self, io: &mut dyn Transport, key: u32, bytes: &mut [u8]) {
        let slot = self.core.slot(key);
        let mut receiver = std::mem::take(&mut slot.receiver);
        let held_before = receiver.held();
        let mut unread = self.core.take_unread(key);
        let bytes = match unread.is_empty() {
            true => bytes,
            false => {
                unread.extend_from_slice(bytes);
                &mut unread
            }
        };
        self.core.reply_of = key;
        // One guard for all messages of a read: it costs as much as a small message does.
        let read = catch_unwind(AssertUnwindSafe(|| {
            self.read_frames(io, key, &mut receiver, bytes)
        }));
        let (ended, left) = read.unwrap_or_else(|_| {
            self.core.panicked(key);
            (true, 0)
        });
        HubContext::new(&mut self.core, io).flush_replies();
        self.core.reply_of = NO_KEY;
        self.core.buffered += receiver.held();
        self.core.buffered -= held_before;
        if ended {
            self.core.buffered -= receiver.held();
            self.lanes.release(receiver);
        } else {
            self.core.slot(key).receiver = receiver;
            let taken = bytes.len() - left;
            self.core.keep_unread(key, &bytes[taken..]);
            self.core.count_transform(key);
        }
    }

    /// `true` when nothing more is to be read, and how many bytes are left because reading stopped.
    fn read_frames(
        &mut self,
        io: &mut dyn Transport,
        key: u32,
        receiver: &mut Receiver,
        bytes: &mut [u8],
    ) -> (bool, usize) {
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
        loop {
            let slot = &mut core.slots[key as usize];
            // Nothing follows a Close (RFC 6455 §5.5.1), also while a raw handler takes its time to answer.
            if !slot.is_live() || slot.flags.has(Flags::PEER_CLOSED) {
                return (true, 0);
            }
            if slot.is_stopped() {
                return (false, input.remaining());
            }
            rules.closing = slot.state == State::Closing;
            match next(lanes, receiver, core, key, &rules, &mut input) {
                Ok(None) => return (false, 0),
                Ok(Some(event)) => take(core, routes, io, key, event),
                Err(failure) => {
                    core.fail(key, failure.code, failure.reason);
                    return (true, 0);
                }
            }
        }
    }

    /// Runs the close events that are owed and lets sockets go, at most `budget` of each.
    pub(super) fn reap(&mut self, io: &mut dyn Transport, budget: usize) {
        for _ in 0..budget {
            let Some(id) = self.core.close_events.pop_front() else {
                break;
            };
            if let Some(key) = self.core.key_of(id) {
                self.close_event(io, key);
            }
        }
        for _ in 0..budget {
            let Some(key) = self.core.closing.pop_front() else {
                break;
            };
            self.close_event(io, key);
            self.tell_failure(io, key);
            let slot = self.core.slot(key);
            let held = slot.held();
            let receiver = std::mem::take(&mut slot.receiver);
            self.core.buffered -= held;
            self.lanes.release(receiver);
            io.close(key);
            self.core.free(key);
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
        self.core.stats.closed += 1;
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

    /// Runs the timers of handlers that are due, at most `budget`.
    pub(super) fn run_timers(&mut self, io: &mut dyn Transport, budget: usize) {
        for _ in 0..budget {
            let Some((id, token)) = self.core.timers.pop_due(self.core.now.ms) else {
                return;
            };
            self.core.begin_delayed_call(id);
            self.event(io, id, |route, data, session| {
                route.timer(data, session, token)
            });
        }
    }

    /// Runs the drain events that are owed, at most `budget`.
    pub(super) fn run_drains(&mut self, io: &mut dyn Transport, budget: usize) {
        for _ in 0..budget {
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
            self.core.reply_of = key;
            call(&mut self.core, &mut self.routes, io, key, event);
            HubContext::new(&mut self.core, io).flush_replies();
            self.core.reply_of = NO_KEY;
        }
    }
}

impl Core {
    fn take_unread(&mut self, key: u32) -> Vec<u8> {
        let cold = self.slots[key as usize].cold.as_mut();
        let unread = cold.map_or_else(Vec::new, |cold| std::mem::take(&mut cold.unread));
        self.buffered -= unread.len();
        unread
    }

    /// Keeps what was read behind the message at which reading stopped: how much one read brings
    /// must not decide how far a backlog passes its mark.
    fn keep_unread(&mut self, key: u32, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.buffered += bytes.len();
            self.slot(key).cold().unread = bytes.to_vec();
        }
    }

    /// Takes over into the ledger what the transformation of a connection holds back.
    fn count_transform(&mut self, key: u32) {
        if let Some(cold) = &mut self.slots[key as usize].cold
            && let Some(transform) = &cold.transform
        {
            self.buffered -= cold.transform_held;
            cold.transform_held = transform.held_bytes();
            self.buffered += cold.transform_held;
        }
    }

    /// Forgets what a connection received and its handler has not got. Nothing more is read from
    /// it, nor encoded for it.
    pub(super) fn forget_received(&mut self, key: u32) {
        self.take_unread(key);
        if let Some(cold) = &mut self.slots[key as usize].cold {
            self.buffered -= std::mem::take(&mut cold.transform_held);
            cold.transform = None;
        }
        let receiver = std::mem::take(&mut self.slot(key).receiver);
        self.buffered -= receiver.held();
        self.forget_exchange(key);
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
    let cold = core.slots[key as usize].cold.as_mut();
    let transform = cold.and_then(|cold| cold.transform.as_deref_mut());
    lanes.next(receiver, transform, rules, input, &mut Work::unlimited())
}

/// Gives one event to the handler, or answers it. A panic is the caller's to catch.
#[inline]
fn take(
    core: &mut Core,
    routes: &mut [Box<dyn Route>],
    io: &mut dyn Transport,
    key: u32,
    event: Event<'_>,
) {
    match event {
        Event::Message(message) => {
            core.stats.received += 1;
            let slot = core.slot(key);
            let (id, data) = (slot.id(key), slot.data);
            let route = &mut *routes[slot.route as usize];
            let mut context = HubContext::new(core, io);
            route.message(data, &mut Session::new(&mut context, id), message);
        }
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
        Event::Frame(frame) => take_frame(core, routes, io, key, frame),
    }
}

/// Gives a frame to a raw handler; a Close is its to answer.
fn take_frame(
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
    if frame.opcode == OpCode::Close && core.slot(key).state == State::Closing {
        core.peer_closed(key, None);
    }
}
