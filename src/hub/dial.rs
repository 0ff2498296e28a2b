//! Sessions that this side opens: connect, ask, check the answer, then a session like any other.

use super::Hub;
use super::core::{Core, Floor, NOWHERE};
use super::events::call;
use super::slot::{Flags, State};
use super::ticks::ticks;
use super::transport::Transport;
use crate::app::{Call, Peer, Request, Session, SessionId};
use crate::wire::close::CloseCode;
use crate::wire::error::{Error, ErrorKind, Result};
use crate::wire::extension::{Offer, Transform};
use crate::wire::head::{BodyLength, HeadLimits, Method, RequestHead};
use crate::wire::upgrade::{
    Accepted, ResponseHead, UpgradeCall, check_response, new_key, parse_response, write_request,
};
use core::net::SocketAddr;
use rand::RngExt;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A call that has no session yet.
#[derive(Debug)]
pub(super) struct Dialled {
    call: Call,
    key: String,
    offers: Vec<Offer>,
    answer: Vec<u8>,
    scanned: usize,
}

impl Core {
    /// Begins a call on an outgoing route; the driver connects it.
    pub(super) fn dial(&mut self, route: &str, call: Call) -> Result<SessionId> {
        let Some(&route) = self.outgoing.get(route) else {
            let message = format!("there is no outgoing route {route:?}; add it to the App");
            return Err(Error::new(ErrorKind::Config, message));
        };
        let max = self.limits.max_connections;
        if self.stopping || (max > 0 && self.slots.len() - self.refused >= max) {
            let message = format!("cannot call {call}: the server is full or stopping");
            return Err(Error::new(ErrorKind::Limit, message));
        }
        let (address, delay) = (call.address, call.delay);
        let place = self.place(Peer::Tcp(address));
        let dialled = Dialled {
            call,
            key: new_key(self.random.random()),
            offers: Vec::new(),
            answer: Vec::new(),
            scanned: 0,
        };
        let slot = self.slot(place);
        slot.state = State::Dialling;
        slot.route = route;
        slot.rare().dialled = Some(Box::new(dialled));
        let id = slot.id(place);
        if delay.is_zero() {
            self.to_dial.push_back((id, address));
        } else {
            self.deadlines.clear(place);
            self.timers.set(id, 0, self.ms_after(delay));
        }
        Ok(id)
    }

    /// A timer ran out: perhaps that of a call that was to begin later.
    pub(super) fn begin_delayed_call(&mut self, id: SessionId) {
        let Some(place) = self.place_of(id) else {
            return;
        };
        if self.slot(place).state == State::Dialling
            && let Peer::Tcp(address) = self.slot(place).peer()
        {
            let deadline = self.tick + ticks(self.limits.head_timeout);
            self.deadlines.set(place, deadline, self.tick);
            self.to_dial.push_back((id, address));
        }
    }

    /// The program does not want its call any more.
    pub(super) fn take_call_back(&mut self, place: u32) {
        let error = Error::new(ErrorKind::Closed, "the call was taken back");
        self.dial_failed(place, error);
    }

    /// Takes a call that came to nothing away; its handler is told in *bury*.
    pub(super) fn dial_failed(&mut self, place: u32, error: Error) {
        let slot = self.slot(place);
        if slot.state != State::Dialling {
            return;
        }
        slot.rare().failure = Some(error);
        self.lost(place);
    }

    /// The call took too long.
    pub(super) fn dial_is_due(&mut self, place: u32) {
        let wait = self.limits.head_timeout;
        let message = format!("the server did not answer within {wait:?}");
        self.dial_failed(place, Error::new(ErrorKind::Timeout, message));
    }

    /// A session by a call is agreed on.
    fn begin_call(
        &mut self,
        place: u32,
        accepted: &Accepted,
        transform: Option<Box<dyn Transform>>,
    ) {
        let extension = accepted.extensions.first();
        let family = extension.map_or(0, |extension| self.family(&extension.name));
        let slot = self.slot(place);
        slot.state = State::Open;
        slot.flags.set(Flags::OPENING | Flags::MASKS);
        let rare = slot.rare();
        rare.protocol = accepted.protocol.as_deref().map(Into::into);
        rare.extensions = extension.map(|extension| extension.to_string().into());
        rare.transform = transform;
        rare.family = family;
    }
}

impl Core {
    /// The handler does not want the session: Close goes out, and what arrives is nobody's.
    fn refuse_call(&mut self, place: u32) {
        let id = self.slot(place).id(place);
        self.timers.cancel_all(id);
        let slot = self.slot(place);
        // A Close of the handler's own was taken back with the rest.
        slot.state = State::Open;
        slot.rare().close = None;
        self.fail(place, CloseCode::NORMAL, "");
    }
}

impl Hub {
    /// The next connection that the driver shall make, and where to. Then it calls
    /// [`Hub::connected`] or [`Hub::dial_failed`].
    pub fn next_dial(&mut self) -> Option<(SessionId, SocketAddr)> {
        self.core.to_dial.pop_front()
    }

    /// Whether connections are to be made.
    pub fn has_dials(&self) -> bool {
        !self.core.to_dial.is_empty()
    }

    /// A connection could not be made.
    pub fn dial_failed(&mut self, id: SessionId, error: Error) {
        if let Some(place) = self.core.place_of(id) {
            self.core.dial_failed(place, error);
        }
    }

    /// A connection is made: the request goes out.
    pub fn connected(&mut self, id: SessionId) {
        let Some(place) = self.core.place_of(id) else {
            return;
        };
        let slot = &mut self.core.slots[place as usize];
        let settings = &self.settings[slot.route as usize];
        let Some(dialled) = slot.rare.as_mut().and_then(|rare| rare.dialled.as_mut()) else {
            return;
        };
        let extensions = settings.extensions.iter();
        dialled.offers = extensions
            .flat_map(|extension| extension.offers())
            .collect();
        let protocols: Vec<&str> = settings.protocols.iter().map(String::as_str).collect();
        let fields = dialled.call.fields.iter();
        let fields: Vec<_> = fields.map(|(name, value)| (&**name, &**value)).collect();
        let upgrade = UpgradeCall {
            host: &dialled.call.host,
            target: &dialled.call.target,
            key: &dialled.key,
            protocols: &protocols,
            extensions: &dialled.offers,
            fields: &fields,
        };
        let mut request = Vec::new();
        match write_request(&mut request, &upgrade) {
            Ok(()) => {
                slot.flags.set(Flags::SPEAKS_HTTP);
                self.core.push_ready(place, &request);
            }
            Err(error) => self.core.dial_failed(place, error),
        }
    }

    /// Bytes of a server's answer arrived.
    pub(super) fn answered(&mut self, io: &mut dyn Transport, place: u32, bytes: &mut [u8]) {
        let rare = self.core.slot(place).rare();
        let Some(mut dialled) = rare.dialled.take() else {
            return;
        };
        dialled.answer.extend_from_slice(bytes);
        let mut answer = std::mem::take(&mut dialled.answer);
        let mut at = 0;
        let outcome = loop {
            let limits = HeadLimits::default();
            match parse_response(&answer[at..], &mut dialled.scanned, &limits) {
                Ok(Some((head, len))) if head.is_interim() => {
                    at += len;
                    dialled.scanned = 0;
                }
                Ok(Some((head, len))) => {
                    break self
                        .open_call(io, place, &dialled, &head)
                        .map(|()| Some(at + len));
                }
                Ok(None) => break Ok(None),
                Err(error) => break Err(error),
            }
        };
        match outcome {
            Ok(Some(len)) if self.core.slot(place).is_live() => {
                // Bytes behind the answer are the first frames.
                self.frames(io, place, &mut answer[len..]);
            }
            Ok(Some(_)) => {
                Floor::new(&mut self.core, io).flush_gather();
                self.core.gather_of = NOWHERE;
            }
            Ok(None) => {
                dialled.answer = answer.split_off(at);
                self.core.slot(place).rare().dialled = Some(dialled);
            }
            Err(error) => {
                self.core.slot(place).rare().dialled = Some(dialled);
                self.core.dial_failed(place, error);
            }
        }
    }

    /// Checks the answer and opens the session.
    fn open_call(
        &mut self,
        io: &mut dyn Transport,
        place: u32,
        dialled: &Dialled,
        head: &ResponseHead<'_>,
    ) -> Result<()> {
        let route = self.core.slot(place).route;
        let settings = &self.settings[route as usize];
        let protocols: Vec<&str> = settings.protocols.iter().map(String::as_str).collect();
        let accepted = check_response(head, &dialled.key, &protocols, &dialled.offers)?;
        let mut transform = None;
        for offer in &accepted.extensions {
            let mut extensions = settings.extensions.iter();
            let known = extensions.find(|extension| extension.name() == offer.name);
            if let Some(extension) = known {
                let confirmed = extension.confirm(offer);
                let confirmed = confirmed.map_err(|why| Error::new(ErrorKind::Protocol, why))?;
                if transform.replace(confirmed).is_some() {
                    let message = "the server agreed to two extensions at once";
                    return Err(Error::new(ErrorKind::Protocol, message));
                }
            }
        }
        self.core.begin_call(place, &accepted, transform);
        self.core.gather_of = place;
        self.call_open(io, place, dialled, head);
        Ok(())
    }

    fn call_open(
        &mut self,
        io: &mut dyn Transport,
        place: u32,
        dialled: &Dialled,
        answer: &ResponseHead<'_>,
    ) {
        let target = &*dialled.call.target;
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (target, None),
        };
        let head = RequestHead {
            method: Method::Get,
            path,
            query,
            http11: true,
            host: Some(&dialled.call.host),
            fields: answer.fields.clone(),
            body: BodyLength::None,
            keep_alive: true,
            expects_continue: false,
        };
        let slot = self.core.slot(place);
        let (id, peer, route) = (slot.id(place), slot.peer(), slot.route);
        let request = Request {
            head: &head,
            params: &[],
            body: &[],
            peer,
        };
        let sent = self.core.stats.sent;
        let handler = &mut self.routes[route as usize];
        let mut floor = Floor::new(&mut self.core, io);
        let opened = catch_unwind(AssertUnwindSafe(|| {
            handler.open(&request, &mut Session::new(&mut floor, id))
        }));
        let core = &mut self.core;
        core.slot(place).flags.clear(Flags::OPENING);
        core.slot(place).last_seen = core.tick as u16;
        match opened {
            Ok(Ok(data)) => core.opened(place, data),
            Ok(Err(_)) => {
                // Only this connection's turn is gathered: all of it is taken back.
                core.gather.clear();
                core.stats.sent = sent;
                core.refuse_call(place);
            }
            Err(_) => {
                log::error!("the handler of session {id} panicked in its open event");
                core.timers.cancel_all(id);
                core.fail(place, CloseCode::INTERNAL_ERROR, "Internal error");
            }
        }
    }

    /// Calls for another thread; a call that cannot even begin is told to its handler, too.
    pub(super) fn connect(&mut self, io: &mut dyn Transport, route: &str, call: &Call) {
        let Err(error) = self.core.dial(route, call.clone()) else {
            return;
        };
        log::warn!("{error}");
        let Some(&route) = self.core.outgoing.get(route) else {
            return;
        };
        let nobody = SessionId {
            index: NOWHERE,
            generation: 0,
        };
        let handler = &mut self.routes[route as usize];
        let mut floor = Floor::new(&mut self.core, io);
        let told = catch_unwind(AssertUnwindSafe(|| {
            handler.failed(&mut Session::new(&mut floor, nobody), call, &error);
        }));
        if told.is_err() {
            log::error!("the handler of a call panicked in its failed event");
        }
    }

    /// Tells the handler of a call that came to nothing.
    pub(super) fn tell_failure(&mut self, io: &mut dyn Transport, place: u32) {
        let Some(rare) = self.core.slot(place).rare.as_mut() else {
            return;
        };
        let Some(dialled) = rare.dialled.take() else {
            return;
        };
        let failure = rare.failure.take();
        let id = self.core.slot(place).id(place);
        self.core.timers.cancel_all(id);
        let error = failure.unwrap_or_else(|| {
            Error::new(
                ErrorKind::Closed,
                "the server closed the connection without an answer",
            )
        });
        log::debug!("the call to {} failed: {error}", dialled.call);
        call(
            &mut self.core,
            &mut self.routes,
            io,
            place,
            |route, _, session| {
                route.failed(session, &dialled.call, &error);
            },
        );
    }
}
