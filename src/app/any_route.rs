//! A handler with the data of its sessions, behind one object-safe trait.
//!
//! The typed data of a route's sessions lie in a store of that type: no box and
//! no downcast per session, one dynamic call per event.

use super::call::Call;
use super::context::Context;
use super::data::{DataKey, DataStore};
use super::handler::Handler;
use super::open::Open;
use super::progress::Progress;
use super::request::Request;
use super::session::Session;
use super::session_id::SessionId;
use crate::wire::close::CloseReason;
use crate::wire::error::Error;
use crate::wire::message::Message;
use crate::wire::receive::RawFrame;
use std::any::Any;

/// What the sessions of a route are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RouteKind {
    /// WebSockets, of which a handler sees whole messages.
    Messages,
    /// WebSockets, of which a handler sees every frame: [`AnyRoute::frame`] is called in place of
    /// `message` and `pong`.
    Raw,
    /// Event streams, on which nothing is received.
    Events,
    /// Connections to other servers that are no sessions: [`AnyRoute::received`] gets their bytes.
    Link,
}

/// What the hub calls; `data` is the key that `open` gave.
pub(crate) trait AnyRoute {
    /// What its sessions are.
    fn kind(&self) -> RouteKind {
        RouteKind::Messages
    }

    /// A whole frame, for raw routes only.
    fn frame(&mut self, _data: DataKey, _session: &mut Session<'_>, _frame: RawFrame<'_>) {}

    fn open(&mut self, request: &Request<'_>, session: &mut Session<'_>) -> Open<DataKey>;
    /// A session that was to be decided later opens now; its request is as it came, without parameters of
    /// the path. Comes before `accepted`.
    fn opened_later(&mut self, _request: &Request<'_>, _session: &mut Session<'_>) {}
    /// Keeps the data that a ticket brought; `None` when they are of another type than the route's.
    fn keep(&mut self, data: Box<dyn Any>) -> Option<DataKey>;
    fn accepted(&mut self, data: DataKey, session: &mut Session<'_>);
    fn abandoned(&mut self, data: Box<dyn Any>, context: &mut Context<'_>);
    fn message(&mut self, data: DataKey, session: &mut Session<'_>, message: Message<'_>);
    fn drain(&mut self, data: DataKey, session: &mut Session<'_>, dropped: u64);
    fn pong(&mut self, data: DataKey, session: &mut Session<'_>, payload: &[u8]);
    fn timer(&mut self, data: DataKey, session: &mut Session<'_>, token: u64);
    fn program_timer(&mut self, _context: &mut Context<'_>, _token: u64) {}
    fn connected(&mut self, _context: &mut Context<'_>, _id: SessionId) {}
    fn failed(&mut self, _context: &mut Context<'_>, _id: SessionId, _call: &Call, _error: &Error) {
    }
    /// Bytes of a connection that is no session; for links only.
    fn received(&mut self, _context: &mut Context<'_>, _id: SessionId, _bytes: &[u8]) -> Progress {
        Progress::Done
    }
    /// Links are all that is left of a server that stops.
    fn is_last(&mut self, _context: &mut Context<'_>, _id: SessionId) {}
    /// Itself, for the calls of its handles.
    fn as_any(&mut self) -> &mut dyn Any;
    fn close(&mut self, data: DataKey, session: &mut Session<'_>, reason: &CloseReason);
}

pub(crate) struct HandlerRoute<H: Handler> {
    pub(super) handler: H,
    kind: RouteKind,
    pub(super) data: DataStore<H::Data>,
}

impl<H: Handler> HandlerRoute<H> {
    pub(crate) fn new(handler: H, kind: RouteKind) -> Self {
        Self {
            handler,
            kind,
            data: DataStore::default(),
        }
    }
}

impl<H: Handler> AnyRoute for HandlerRoute<H> {
    fn kind(&self) -> RouteKind {
        self.kind
    }

    fn open(&mut self, request: &Request<'_>, session: &mut Session<'_>) -> Open<DataKey> {
        let opened = self.handler.open(request, session);
        opened.map(|data| self.data.insert(data))
    }

    fn keep(&mut self, data: Box<dyn Any>) -> Option<DataKey> {
        Some(self.data.insert(*data.downcast().ok()?))
    }

    fn accepted(&mut self, data: DataKey, session: &mut Session<'_>) {
        self.handler.accepted(self.data.at(data), session);
    }

    fn abandoned(&mut self, data: Box<dyn Any>, context: &mut Context<'_>) {
        if let Ok(data) = data.downcast() {
            self.handler.abandoned(*data, context);
        }
    }

    fn message(&mut self, data: DataKey, session: &mut Session<'_>, message: Message<'_>) {
        self.handler.message(self.data.at(data), session, message);
    }

    fn drain(&mut self, data: DataKey, session: &mut Session<'_>, dropped: u64) {
        self.handler.drain(self.data.at(data), session, dropped);
    }

    fn pong(&mut self, data: DataKey, session: &mut Session<'_>, payload: &[u8]) {
        self.handler.pong(self.data.at(data), session, payload);
    }

    fn timer(&mut self, data: DataKey, session: &mut Session<'_>, token: u64) {
        self.handler.timer(self.data.at(data), session, token);
    }

    fn program_timer(&mut self, context: &mut Context<'_>, token: u64) {
        self.handler.program_timer(context, token);
    }

    fn connected(&mut self, context: &mut Context<'_>, id: SessionId) {
        self.handler.connected(context, id);
    }

    fn failed(&mut self, context: &mut Context<'_>, id: SessionId, call: &Call, error: &Error) {
        self.handler.failed(context, id, call, error);
    }

    fn as_any(&mut self) -> &mut dyn Any {
        self
    }

    fn close(&mut self, data: DataKey, session: &mut Session<'_>, reason: &CloseReason) {
        let data = self.data.remove(data);
        self.handler.close(data, session, reason);
    }
}
