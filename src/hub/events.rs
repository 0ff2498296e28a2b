//! From bytes to events: the receive lanes of a session, and the calls of its handler.

use super::Hub;
use super::core::{Core, Floor, NOWHERE};
use super::output::write_frame;
use super::slot::{Flags, State};
use super::transport::Transport;
use crate::app::route::{DataKey, Route};
use crate::app::{Session, SessionId};
use crate::wire::close::{CloseCode, CloseReason};
use crate::wire::frame::{MAX_HEADER, OpCode, Reserved};
use crate::wire::receive::{Event, Failure, Input, Lanes, RawFrame, Receiver, Rules};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Calls a route for a session; a panic ends that session with 1011 and nothing else.
pub(super) fn call(
    core: &mut Core,
    routes: &mut [Box<dyn Route>],
    io: &mut dyn Transport,
    place: u32,
    event: impl FnOnce(&mut dyn Route, DataKey, &mut Session<'_>),
) {
    let slot = core.slot(place);
    let (id, data) = (slot.id(place), slot.data);
    let route = &mut *routes[slot.route as usize];
    let mut floor = Floor::new(core, io);
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        event(route, data, &mut Session::new(&mut floor, id));
    }));
    if outcome.is_err() {
        core.panicked(place);
    }
}

impl Core {
    /// The handler of a session panicked.
    pub(super) fn panicked(&mut self, place: u32) {
        let id = self.slot(place).id(place);
        log::error!("the handler of session {id} panicked; the session ends with 1011");
        self.fail(place, CloseCode::INTERNAL_ERROR, "Internal error");
    }
}

impl Core {
    /// Queues the pong of a connection that masks: the state machine that writes pongs has no mask
    /// to give in the role of a server, and none of our seed in the role of a client.
    fn push_masked_pong(&mut self, place: u32, payload: &[u8], mask: [u8; 4]) {
        let mut pong = Vec::with_capacity(MAX_HEADER + payload.len());
        let (opcode, reserved) = (OpCode::Pong, Reserved::NONE);
        write_frame(&mut pong, true, opcode, reserved, payload, Some(mask));
        self.push_pong(place, &pong);
    }
}

impl Hub {
    /// Frames of a live session arrived; calls its handler for each message.
    pub(super) fn frames(&mut self, io: &mut dyn Transport, place: u32, bytes: &mut [u8]) {
        let slot = self.core.slot(place);
        let mut receiver = std::mem::take(&mut slot.receiver);
        let held_before = receiver.buffered();
        let mut unread = self.core.take_unread(place);
        let bytes = match unread.is_empty() {
            true => bytes,
            false => {
                unread.extend_from_slice(bytes);
                &mut unread
            }
        };
        self.core.gather_of = place;
        // One guard for all messages of a read: it costs as much as a small message does.
        let read = catch_unwind(AssertUnwindSafe(|| {
            self.read_frames(io, place, &mut receiver, bytes)
        }));
        let (ended, left) = read.unwrap_or_else(|_| {
            self.core.panicked(place);
            (true, 0)
        });
        Floor::new(&mut self.core, io).flush_gather();
        self.core.gather_of = NOWHERE;
        self.core.buffered += receiver.buffered();
        self.core.buffered -= held_before;
        if ended {
            self.core.buffered -= receiver.buffered();
            self.lanes.release(receiver);
        } else {
            self.core.slot(place).receiver = receiver;
            let taken = bytes.len() - left;
            self.core.keep_unread(place, &bytes[taken..]);
            self.core.count_transform(place);
        }
    }

    /// `true` when nothing more is to be read, and how many bytes are left because reading stopped.
    fn read_frames(
        &mut self,
        io: &mut dyn Transport,
        place: u32,
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
        let settings = core.rules(place);
        // Data that does not compress grows a little on the wire; the message still counts decoded.
        let slack = match core.slots[place as usize].rare {
            Some(ref rare) if rare.transform.is_some() => settings.max_frame / 64 + 256,
            _ => 0,
        };
        let mut rules = Rules {
            role: settings.role,
            max_frame: settings.max_frame + slack,
            max_message: settings.max_message,
            raw: settings.raw,
            closing: false,
        };
        loop {
            let slot = &mut core.slots[place as usize];
            // Nothing follows a Close (RFC 6455 §5.5.1), also while a raw handler takes its time to answer.
            if !slot.is_live() || slot.flags.has(Flags::PEER_CLOSED) {
                return (true, 0);
            }
            if slot.is_stopped() {
                return (false, input.remaining());
            }
            rules.closing = slot.state == State::Closing;
            match next(lanes, receiver, core, place, &rules, &mut input) {
                Ok(None) => return (false, 0),
                Ok(Some(event)) => take(core, routes, io, place, event),
                Err(failure) => {
                    core.fail(place, failure.code, failure.reason);
                    return (true, 0);
                }
            }
        }
    }

    /// Runs the close events that are owed and lets sockets go, at most `budget` of each.
    pub(super) fn bury(&mut self, io: &mut dyn Transport, budget: usize) {
        for _ in 0..budget {
            let Some(id) = self.core.farewells.pop_front() else {
                break;
            };
            if let Some(place) = self.core.place_of(id) {
                self.farewell(io, place);
            }
        }
        for _ in 0..budget {
            let Some(place) = self.core.graves.pop_front() else {
                break;
            };
            self.farewell(io, place);
            self.tell_failure(io, place);
            let slot = self.core.slot(place);
            let held = slot.held();
            let receiver = std::mem::take(&mut slot.receiver);
            self.core.buffered -= held;
            self.lanes.release(receiver);
            io.close(place);
            self.core.free(place);
        }
    }

    /// The close event, once.
    fn farewell(&mut self, io: &mut dyn Transport, place: u32) {
        let slot = self.core.slot(place);
        if !slot.flags.has(Flags::OPENED) {
            return;
        }
        slot.flags.clear(Flags::OPENED);
        let id = slot.id(place);
        let reason = slot.rare.as_ref().and_then(|rare| rare.close.clone());
        let reason = reason.unwrap_or_else(CloseReason::lost);
        self.core.timers.cancel_all(id);
        self.core.stats.closed += 1;
        call(
            &mut self.core,
            &mut self.routes,
            io,
            place,
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
            let Some(place) = self.core.place_of(id) else {
                continue;
            };
            let rare = self.core.slot(place).rare.as_mut();
            let dropped = rare.map_or(0, |rare| std::mem::take(&mut rare.dropped));
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
        let Some(place) = self.core.place_of(id) else {
            return;
        };
        let slot = self.core.slot(place);
        if slot.is_live() && slot.flags.has(Flags::OPENED) {
            self.core.gather_of = place;
            call(&mut self.core, &mut self.routes, io, place, event);
            Floor::new(&mut self.core, io).flush_gather();
            self.core.gather_of = NOWHERE;
        }
    }
}

impl Core {
    fn take_unread(&mut self, place: u32) -> Vec<u8> {
        let rare = self.slots[place as usize].rare.as_mut();
        let unread = rare.map_or_else(Vec::new, |rare| std::mem::take(&mut rare.unread));
        self.buffered -= unread.len();
        unread
    }

    /// Keeps what was read behind the message at which reading stopped: how much one read brings
    /// must not decide how far a backlog passes its mark.
    fn keep_unread(&mut self, place: u32, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.buffered += bytes.len();
            self.slot(place).rare().unread = bytes.to_vec();
        }
    }

    /// Takes over into the books what the transformation of a connection holds back.
    fn count_transform(&mut self, place: u32) {
        if let Some(rare) = &mut self.slots[place as usize].rare
            && let Some(transform) = &rare.transform
        {
            self.buffered -= rare.transform_held;
            rare.transform_held = transform.held_bytes();
            self.buffered += rare.transform_held;
        }
    }

    /// Forgets what a connection received and its handler has not got. Nothing more is read from
    /// it, nor encoded for it.
    pub(super) fn forget_received(&mut self, place: u32) {
        self.take_unread(place);
        if let Some(rare) = &mut self.slots[place as usize].rare {
            self.buffered -= std::mem::take(&mut rare.transform_held);
            rare.transform = None;
        }
        let receiver = std::mem::take(&mut self.slot(place).receiver);
        self.buffered -= receiver.buffered();
        self.forget_exchange(place);
    }
}

/// The next event of the lanes, with the extension of the connection in front of them.
fn next<'a>(
    lanes: &'a mut Lanes,
    receiver: &'a mut Receiver,
    core: &mut Core,
    place: u32,
    rules: &Rules,
    input: &'a mut Input<'_>,
) -> Result<Option<Event<'a>>, Failure> {
    let rare = core.slots[place as usize].rare.as_mut();
    let transform = rare.and_then(|rare| rare.transform.as_deref_mut());
    lanes.next(receiver, transform, rules, input)
}

/// Gives one event to the handler, or answers it. A panic is the caller's to catch.
#[inline]
fn take(
    core: &mut Core,
    routes: &mut [Box<dyn Route>],
    io: &mut dyn Transport,
    place: u32,
    event: Event<'_>,
) {
    match event {
        Event::Message(message) => {
            core.stats.received += 1;
            let slot = core.slot(place);
            let (id, data) = (slot.id(place), slot.data);
            let route = &mut *routes[slot.route as usize];
            let mut floor = Floor::new(core, io);
            route.message(data, &mut Session::new(&mut floor, id), message);
        }
        Event::Ping { payload, pong } => {
            if Floor::new(core, io).settle_open(place) {
                match core.mask(place) {
                    None => core.push_pong(place, pong),
                    Some(mask) => core.push_masked_pong(place, payload, mask),
                }
            }
        }
        Event::Pong(payload) => {
            if !core.pong_matches(place, payload) {
                call(core, routes, io, place, |route, data, session| {
                    route.pong(data, session, payload);
                });
            }
        }
        Event::Close(close) => {
            Floor::new(core, io).settle_open(place);
            core.peer_closed(place, close);
        }
        Event::Frame(frame) => take_frame(core, routes, io, place, frame),
    }
}

/// Gives a frame to a raw handler; a Close is its to answer.
fn take_frame(
    core: &mut Core,
    routes: &mut [Box<dyn Route>],
    io: &mut dyn Transport,
    place: u32,
    frame: RawFrame<'_>,
) {
    if frame.opcode == OpCode::Close {
        core.raw_close_arrived(place, frame.payload);
    }
    call(core, routes, io, place, |route, data, session| {
        route.frame(data, session, frame);
    });
    if frame.opcode == OpCode::Close && core.slot(place).state == State::Closing {
        core.peer_closed(place, None);
    }
}
