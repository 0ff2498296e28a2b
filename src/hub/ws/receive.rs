//! From bytes to events: the receive lanes of a session, and what each event brings about.

use crate::app::Session;
use crate::app::any_route::AnyRoute;
use crate::hub::conn::flags::Flags;
use crate::hub::conn::phase::State;
use crate::hub::conn::slot::receiver_held;
use crate::hub::conn::unread::Unread;
use crate::hub::core::{Core, Hub, HubContext};
use crate::hub::guard::guard;
use crate::hub::ledger::Held;
use crate::hub::transport::Transport;
use crate::hub::ws::events::call;
use crate::wire::frame::OpCode;
use crate::wire::receive::{Event, Failure, Input, Lanes, RawFrame, ReceiveRules, Receiver};
use crate::wire::work::price;

impl Hub {
    /// Frames of a live session: calls its handler for each message, while the work lasts. `bytes`
    /// come behind what is kept of it, if something is.
    pub(crate) fn frames(&mut self, io: &mut dyn Transport, key: u32, bytes: &mut [u8]) {
        let mut unread = self.core.take_unread(key);
        if self.core.slot(key).is_event_stream() {
            let count = unread.held().waiting + bytes.len();
            self.core.discard_open(key, count);
            return HubContext::new(&mut self.core, io).end_replies();
        }
        let is_kept = !unread.is_empty();
        let Some(left) = self.frames_in(io, key, unread.input(bytes)) else {
            return;
        };
        if left > 0 {
            let kept = left.min(bytes.len());
            self.core.work.charge_kept(kept);
            unread.keep(bytes, left);
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
        let read = guard(|| self.read_frames(io, key, &mut receiver, bytes));
        let left = read.unwrap_or_else(|| {
            self.core.panicked(key);
            None
        });
        HubContext::new(&mut self.core, io).end_replies();
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
        };
        // What does not change from message to message is looked up once.
        let slot = &core.slots[key as usize];
        let (id, data, has_transform) = (slot.id(key), slot.data, slack > 0);
        let number = slot.route;
        let route = usize::from(number);
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
                    let before = core.work;
                    let mut context = HubContext::new(core, io);
                    let mut session = Session::new(&mut context, id, number);
                    routes[route].message(data, &mut session, message);
                    core.called(before);
                }
                Ok(Some(event)) => dispatch(core, routes, io, key, event),
                Err(failure) => {
                    core.fail(key, failure.code, failure.reason);
                    return None;
                }
            }
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
    pub(crate) fn keep_unread(&mut self, key: u32, unread: Unread) {
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
    routes: &mut [Box<dyn AnyRoute>],
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
                if core.rules(key).masking {
                    // The state machine that writes pongs has no mask to give in the role of a server,
                    // and none of our seed in the role of a client.
                    let pong = core.control_frame(key, OpCode::Pong, payload);
                    core.push_pong(key, &pong);
                } else {
                    core.push_pong(key, pong);
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
    routes: &mut [Box<dyn AnyRoute>],
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
