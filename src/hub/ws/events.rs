//! The events of a program's routes, and those of them that come outside the turn of a
//! connection: a panic in one ends one session and nothing else.

use crate::app::any_route::AnyRoute;
use crate::app::data::DataKey;
use crate::app::handle::RouteCall;
use crate::app::{Context, Open, Request, Session, SessionId};
use crate::hub::conn::flags::Flags;
use crate::hub::core::{Core, Hub, HubContext};
use crate::hub::guard::guard;
use crate::hub::transport::Transport;
use crate::wire::close::CloseCode;
use crate::wire::work::price;

/// Calls the program; `None` when it panicked. What it has charged is one step.
pub(crate) fn guarded<R>(
    core: &mut Core,
    io: &mut dyn Transport,
    call: impl FnOnce(&mut HubContext<'_>) -> R,
) -> Option<R> {
    let before = core.work;
    let called = guard(|| call(&mut HubContext::new(core, io)));
    core.called(before);
    called
}

/// Calls a route for a session; a panic ends that session with 1011 and nothing else.
pub(crate) fn call(
    core: &mut Core,
    routes: &mut [Box<dyn AnyRoute>],
    io: &mut dyn Transport,
    key: u32,
    event: impl FnOnce(&mut dyn AnyRoute, DataKey, &mut Session<'_>),
) {
    let slot = core.slot(key);
    let (id, data, number) = (slot.id(key), slot.data, slot.route);
    let route = &mut *routes[number as usize];
    let called = guarded(core, io, |context| {
        event(route, data, &mut Session::new(context, id, number));
    });
    if called.is_none() {
        core.panicked(key);
    }
}

/// Calls a route for no session; a panic ends nothing.
pub(crate) fn call_program(
    core: &mut Core,
    routes: &mut [Box<dyn AnyRoute>],
    io: &mut dyn Transport,
    number: u16,
    caller: SessionId,
    event: impl FnOnce(&mut dyn AnyRoute, &mut Context<'_>),
) {
    let route = &mut *routes[number as usize];
    let called = guarded(core, io, |context| {
        event(route, &mut Context::new(context, number, caller));
    });
    if called.is_none() {
        log::error!("the program panicked in an event of no session; it goes on");
    }
}

/// The open event of a session: what its handler answered. `None`: it panicked, and the session has
/// failed.
pub(crate) fn call_open(
    core: &mut Core,
    routes: &mut [Box<dyn AnyRoute>],
    io: &mut dyn Transport,
    key: u32,
    request: &Request<'_>,
) -> Option<Open<DataKey>> {
    let slot = core.slot(key);
    let (id, number) = (slot.id(key), slot.route);
    let route = &mut *routes[number as usize];
    let opened = guarded(core, io, |context| {
        route.open(request, &mut Session::new(context, id, number))
    });
    core.end_opening(key);
    if opened.is_none() {
        log::error!(connection:% = id; "the handler of session {id} panicked in its open event");
        core.timers.cancel_all(id);
        core.fail(key, CloseCode::INTERNAL_ERROR, "Internal error");
    }
    opened
}

impl Core {
    /// The handler of a session panicked.
    pub(crate) fn panicked(&mut self, key: u32) {
        let id = self.slot(key).id(key);
        log::error!(connection:% = id; "the program panicked for session {id}, which ends with 1011");
        self.fail(key, CloseCode::INTERNAL_ERROR, "Internal error");
    }
}

impl Hub {
    /// Runs the timers of handlers that are due, while the work lasts.
    pub(crate) fn run_timers(&mut self, io: &mut dyn Transport) {
        while !self.core.work.is_spent() {
            let Some((id, token)) = self.core.timers.pop_due(self.core.now.ms) else {
                return;
            };
            self.core.work.charge(price::TIMER);
            if let Some(route) = id.route() {
                self.core.work.charge(price::EVENT);
                let (core, routes) = (&mut self.core, &mut self.routes);
                call_program(
                    core,
                    routes,
                    io,
                    route,
                    SessionId::NOBODY,
                    |route, context| {
                        route.program_timer(context, token);
                    },
                );
                continue;
            }
            self.core.begin_delayed_call(id);
            self.event(io, id, |route, data, session| {
                route.timer(data, session, token)
            });
        }
    }

    /// Runs a closure that a handle of another thread has sent.
    pub(crate) fn run_call(&mut self, io: &mut dyn Transport, number: u16, asked: RouteCall) {
        let by = SessionId::OTHER_THREADS;
        let (id, asked) = match asked {
            RouteCall::Program(asked) => {
                let (core, routes) = (&mut self.core, &mut self.routes);
                return call_program(core, routes, io, number, by, |route, context| {
                    asked(route.as_any(), context);
                });
            }
            RouteCall::Session(id, asked) => (id, asked),
        };
        let has_session = self.core.key_of(id).is_some_and(|key| {
            let slot = self.core.slot(key);
            slot.route == number && slot.is_live() && slot.flags.has(Flags::OPENED)
        });
        if has_session {
            self.event(io, id, |route, data, session| {
                session.context().caller = by;
                asked(route.as_any(), Ok((data, session)));
            });
        } else {
            let (core, routes) = (&mut self.core, &mut self.routes);
            call_program(core, routes, io, number, by, |route, context| {
                asked(route.as_any(), Err(context));
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
        event: impl FnOnce(&mut dyn AnyRoute, DataKey, &mut Session<'_>),
    ) {
        let Some(key) = self.core.key_of(id) else {
            return;
        };
        let slot = self.core.slot(key);
        if slot.is_live() && slot.flags.has(Flags::OPENED) {
            self.core.work.charge(price::EVENT);
            self.core.begin_replies(key);
            call(&mut self.core, &mut self.routes, io, key, event);
            HubContext::new(&mut self.core, io).end_replies();
        }
    }
}
