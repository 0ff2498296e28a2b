//! Sessions that this side opens: connect, ask, check the answer, then a session like any other.

use crate::app::{Call, Ends, Open, Peer, Request, SessionId};
use crate::hub::conn::flags::Flags;
use crate::hub::conn::handshake::{FailedCall, PendingHandshake};
use crate::hub::conn::phase::{Phase, State};
use crate::hub::conn::slot::Slot;
use crate::hub::core::{Core, Hub, HubContext};
use crate::hub::guard::guard;
use crate::hub::time::ticks::ticks;
use crate::hub::transport::Transport;
use crate::hub::ws::events::{call_open, call_program};
use crate::wire::close::CloseCode;
use crate::wire::error::{Error, ErrorKind, Result};
use crate::wire::extension::Transform;
use crate::wire::head::{BodyLength, Method, RequestHead};
use crate::wire::receive::Receiver;
use crate::wire::upgrade::{Accepted, Agreed, ClientHandshake, ResponseHead, Wish};
use crate::wire::work::price;
use rand::RngExt;

impl Core {
    /// Begins a call on an outgoing route; the driver connects it.
    pub(crate) fn dial(&mut self, route: &str, call: Call) -> Result<SessionId> {
        let Some(&route) = self.outgoing.get(route) else {
            let message = format!("there is no outgoing route {route:?}; add it to the App");
            return Err(Error::new(ErrorKind::Config, message));
        };
        let live = self.connections() - self.refused;
        let is_link = self.is_link(route);
        let max = self.limits.max_connections.filter(|_| !is_link);
        if self.is_stopping() || max.is_some_and(|max| live >= max) {
            let call = call.without_query();
            let message = format!("cannot call {call}: the server is full or stopping");
            return Err(Error::new(ErrorKind::Limit, message));
        }
        let (ends, delay, is_secure) = (call.ends(), call.delay, call.is_secure());
        let key = self.key(Peer::Tcp(ends.to));
        let handshake = PendingHandshake {
            call,
            random: self.random.random(),
            asked: None,
        };
        let slot = self.slot(key);
        slot.phase = Phase::Dialling(Some(Box::new(handshake)));
        slot.route = route;
        self.links += usize::from(is_link);
        let slot = self.slot(key);
        if is_secure {
            slot.flags.set(Flags::SECURE);
        }
        let id = slot.id(key);
        if delay.is_zero() {
            self.to_dial.push_back((id, ends));
        } else {
            self.deadlines.clear(key);
            self.timers.set(id, 0, self.ms_after(delay));
        }
        Ok(id)
    }

    /// A timer ran out: perhaps that of a call that was to begin later.
    pub(crate) fn begin_delayed_call(&mut self, id: SessionId) {
        let Some(key) = self.key_of(id) else {
            return;
        };
        if let Some(Some(handshake)) = self.slot(key).handshake() {
            let ends = handshake.call.ends();
            let deadline = self.tick + ticks(self.limits.head_timeout);
            self.deadlines.set(key, deadline, self.tick);
            self.to_dial.push_back((id, ends));
        }
    }

    /// The program does not want its call any more.
    pub(crate) fn cancel_call(&mut self, key: u32) {
        let error = Error::new(ErrorKind::Closed, "the call was cancelled");
        self.dial_failed(key, error);
    }

    /// Ends a call that failed; its handler is told in *reap*.
    pub(crate) fn dial_failed(&mut self, key: u32, error: Error) {
        let slot = self.slot(key);
        if slot.state() != State::Dialling {
            return;
        }
        self.lost(key);
        if let Phase::Dead(Some(failed)) = &mut self.slot(key).phase {
            failed.error = Some(error);
        }
    }

    /// The call took too long.
    pub(crate) fn dial_is_due(&mut self, key: u32) {
        let wait = self.limits.head_timeout;
        let message = format!("the server did not answer within {wait:?}");
        self.dial_failed(key, Error::new(ErrorKind::Timeout, message));
    }

    /// The answer is not complete, or was wrong: what is known of the call is kept.
    fn put_handshake(&mut self, key: u32, handshake: Box<PendingHandshake>) {
        self.keep(key, |slot| {
            if let Some(place) = slot.handshake() {
                *place = Some(handshake);
            }
        });
    }

    /// A session by a call is agreed on.
    fn begin_call(&mut self, key: u32, accepted: &Accepted, transform: Option<Box<dyn Transform>>) {
        let slot = self.slot(key);
        slot.phase = Phase::Open(Receiver::default());
        slot.flags.set(Flags::OPENING | Flags::MASKS);
        let extension = accepted.extensions.first();
        self.keep_agreement(key, accepted.protocol.as_deref(), extension, transform);
    }
}

/// An extension of the program panicked where it was to offer or confirm.
fn extension_panicked() -> Error {
    Error::new(ErrorKind::Panicked, "an extension panicked")
}

impl Core {
    /// The handler does not want the session: Close goes out, and what arrives is nobody's.
    fn refuse_call(&mut self, key: u32) {
        let id = self.slot(key).id(key);
        self.timers.cancel_all(id);
        let slot = self.slot(key);
        // A Close by the handler itself was dropped with the other replies.
        slot.phase = Phase::Open(Receiver::default());
        slot.cold().close = None;
        self.fail(key, CloseCode::NORMAL, "");
    }
}

impl Hub {
    /// The next connection that the driver shall make, and where to. Then it calls
    /// [`Hub::connected`] or [`Hub::dial_failed`].
    pub(crate) fn next_dial(&mut self) -> Option<(SessionId, Ends)> {
        self.core.to_dial.pop_front()
    }

    /// Whether connections are to be made.
    pub fn has_dials(&self) -> bool {
        !self.core.to_dial.is_empty()
    }

    /// A connection could not be made.
    pub fn dial_failed(&mut self, id: SessionId, error: Error) {
        if let Some(key) = self.core.key_of(id) {
            self.core.dial_failed(key, error);
        }
    }

    /// A connection is made: its handler is told, and the request goes out.
    pub fn connected(&mut self, io: &mut dyn Transport, id: SessionId) {
        let Some(key) = self.core.key_of(id) else {
            return;
        };
        let (core, routes) = (&mut self.core, &mut self.routes);
        let number = core.slot(key).route;
        core.work.charge(price::EVENT);
        if core.is_link(number) {
            return self.link_connected(io, key);
        }
        call_program(core, routes, io, number, id, |route, context| {
            route.connected(context, id);
        });
        let slot = &mut self.core.slots[key as usize];
        let settings = &self.settings[slot.route as usize];
        let Some(Some(handshake)) = slot.handshake() else {
            return;
        };
        let wish = Wish {
            host: &handshake.call.host,
            target: &handshake.call.target,
            protocols: handshake
                .call
                .protocols
                .as_deref()
                .unwrap_or(&settings.protocols),
            fields: &handshake.call.fields,
        };
        let mut request = Vec::new();
        // The extensions are the program's.
        let (extensions, random) = (&settings.extensions, handshake.random);
        let asked = guard(|| ClientHandshake::new(&wish, extensions, random, &mut request));
        match asked.unwrap_or_else(|| Err(extension_panicked())) {
            Ok(asked) => {
                handshake.asked = Some(asked);
                slot.flags.set(Flags::SPEAKS_HTTP);
                self.core.push_ready(key, &request);
            }
            Err(error) => self.core.dial_failed(key, error),
        }
    }

    /// Bytes of a server's answer arrived.
    pub(crate) fn answered(&mut self, io: &mut dyn Transport, key: u32, bytes: &mut [u8]) {
        let take = |slot: &mut Slot| slot.handshake().and_then(Option::take);
        let Some(mut handshake) = self.core.keep(key, take) else {
            return;
        };
        let Some(asked) = &mut handshake.asked else {
            self.core.put_handshake(key, handshake);
            return;
        };
        let fed = guard(|| asked.feed(bytes));
        let agreed = match fed.unwrap_or_else(|| Err(extension_panicked())) {
            Ok(None) => {
                self.core.put_handshake(key, handshake);
                return;
            }
            Ok(Some(agreed)) => self.open_call(io, key, &handshake, agreed),
            Err(error) => Err(error),
        };
        match agreed {
            Ok(mut rest) if self.core.slot(key).is_live() => {
                // Bytes behind the answer are the first frames.
                self.frames(io, key, &mut rest);
            }
            Ok(_) => {
                HubContext::new(&mut self.core, io).end_replies();
            }
            Err(error) => {
                self.core.put_handshake(key, handshake);
                self.core.dial_failed(key, error);
            }
        }
    }

    /// Opens the session; what came behind the answer.
    fn open_call(
        &mut self,
        io: &mut dyn Transport,
        key: u32,
        handshake: &PendingHandshake,
        mut agreed: Agreed,
    ) -> Result<Vec<u8>> {
        let transform = agreed.transform.take();
        let head = agreed.head()?;
        self.core.begin_call(key, &agreed.accepted, transform);
        self.core.begin_replies(key);
        self.open_session(io, key, handshake, &head);
        Ok(agreed.into_rest())
    }

    fn open_session(
        &mut self,
        io: &mut dyn Transport,
        key: u32,
        handshake: &PendingHandshake,
        answer: &ResponseHead<'_>,
    ) {
        let target = &*handshake.call.target;
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (target, None),
        };
        let head = RequestHead {
            method: Method::Get,
            path,
            query,
            http11: true,
            host: Some(&handshake.call.host),
            fields: answer.fields.clone(),
            body: BodyLength::None,
            keep_alive: true,
            expects_continue: false,
        };
        let request = Request {
            head: &head,
            params: &[],
            body: &[],
            peer: self.core.slot(key).peer(),
            unix: self.core.now.unix,
            #[cfg(feature = "tokens")]
            claims: None,
        };
        let sent = self.core.metrics.sent();
        let opened = call_open(&mut self.core, &mut self.routes, io, key, &request);
        let core = &mut self.core;
        core.slot(key).last_seen = core.tick as u16;
        match opened {
            Some(Open::Accept(data)) => core.opened(key, data),
            Some(answer) => {
                if let Open::Later(_) = answer {
                    log::error!("an outgoing session cannot be opened later; it is refused");
                }
                // The reply buffer holds what this open event sent and nothing else: it is dropped.
                core.reply_buffer.clear();
                let unsent = core.metrics.sent() - sent;
                core.metrics.on_unsent(unsent);
                core.refuse_call(key);
            }
            None => {}
        }
    }

    /// Calls for another thread; a call that cannot even begin is told to its handler, too.
    pub(crate) fn connect(&mut self, io: &mut dyn Transport, route: &str, call: &Call) {
        let Err(error) = self.core.dial(route, call.clone()) else {
            return;
        };
        log::warn!("{error:#}");
        let Some(&route) = self.core.outgoing.get(route) else {
            return;
        };
        let (core, routes) = (&mut self.core, &mut self.routes);
        call_program(
            core,
            routes,
            io,
            route,
            SessionId::NOBODY,
            |route, context| {
                route.failed(context, SessionId::NOBODY, call, &error);
            },
        );
    }

    /// Tells the handler that its call failed.
    pub(crate) fn tell_failure(&mut self, io: &mut dyn Transport, key: u32) {
        let Phase::Dead(failed) = &mut self.core.slot(key).phase else {
            return;
        };
        let Some(failed) = failed.take() else {
            return;
        };
        let FailedCall { call: asked, error } = *failed;
        let id = self.core.slot(key).id(key);
        self.core.timers.cancel_all(id);
        let error = error.unwrap_or_else(|| {
            Error::new(
                ErrorKind::Closed,
                "the server closed the connection without an answer",
            )
        });
        let call = asked.without_query();
        log::debug!("the call to {call} failed: {error:#}");
        let number = self.core.slot(key).route;
        let (core, routes) = (&mut self.core, &mut self.routes);
        call_program(core, routes, io, number, id, |route, context| {
            route.failed(context, id, &asked, &error);
        });
    }
}
