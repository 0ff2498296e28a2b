//! Connections to servers that speak something else than WebSocket, out of the same loop.

use super::any_route::{AnyRoute, RouteKind};
use super::call::Call;
use super::context::Context;
use super::data::DataKey;
use super::open::Open;
use super::progress::Progress;
use super::request::Request;
use super::response::Response;
use super::session::Session;
use super::session_id::SessionId;
use crate::wire::close::CloseReason;
use crate::wire::error::Error;
use crate::wire::message::Message;
use crate::wire::response::Status;
use std::any::Any;

/// A program that speaks to another server in a protocol of its own: bytes in, bytes out.
///
/// It stands behind an outgoing route, [`App::link`](super::App::link). [`Context::connect`] and
/// [`Remote::connect`](super::Remote::connect) begin a connection, whose [`Call`] says where to and when;
/// host and target of it are for messages alone. [`Context::send_bytes`] sends, and [`Context::close`]
/// ends. Every connection that was begun ends with one [`ended`](Link::ended).
///
/// Such a connection is read before all others in a turn, so that its server need not hold back what it
/// has to say, and it is not counted among the connections of
/// [`Limits::max_connections`](crate::Limits::max_connections). A panic in an event is logged, and ends
/// that connection with an error of kind [`Panicked`](crate::ErrorKind::Panicked).
pub trait Link: 'static {
    /// The connection is made, TLS included.
    fn connected(&mut self, context: &mut Context<'_>, id: SessionId);

    /// These bytes arrived; none: it goes on after [`Progress::HasMore`]. Whatever takes long stops when
    /// [`Context::is_spent`] says so.
    fn received(&mut self, context: &mut Context<'_>, id: SessionId, bytes: &[u8]) -> Progress;

    /// The connection could not be made, or is over; [`Context::connect`] may begin another one.
    fn ended(&mut self, context: &mut Context<'_>, id: SessionId, call: &Call, error: &Error);

    /// A timer of [`Context::set_timer`] ran out.
    fn timer(&mut self, _context: &mut Context<'_>, _token: u64) {}

    /// The server stops, and connections of this kind are all that is left of it: what is still to be said is
    /// said now, then it [closes](Context::close). What is left when
    /// [`Limits::drain`](crate::Limits::drain) is over is cut.
    fn is_last(&mut self, context: &mut Context<'_>, id: SessionId) {
        context.close(id, 1000, "");
    }
}

/// A link as a route. It has no sessions.
pub(crate) struct LinkRoute<L> {
    pub(super) link: L,
}

impl<L: Link> AnyRoute for LinkRoute<L> {
    fn kind(&self) -> RouteKind {
        RouteKind::Link
    }

    fn open(&mut self, _: &Request<'_>, _: &mut Session<'_>) -> Open<DataKey> {
        Open::Refuse(Response::refusal(Status::NOT_FOUND))
    }

    fn keep(&mut self, _: Box<dyn Any>) -> Option<DataKey> {
        None
    }

    fn accepted(&mut self, _: DataKey, _: &mut Session<'_>) {}

    fn abandoned(&mut self, _: Box<dyn Any>, _: &mut Context<'_>) {}

    fn message(&mut self, _: DataKey, _: &mut Session<'_>, _: Message<'_>) {}

    fn drain(&mut self, _: DataKey, _: &mut Session<'_>, _: u64) {}

    fn pong(&mut self, _: DataKey, _: &mut Session<'_>, _: &[u8]) {}

    fn timer(&mut self, _: DataKey, _: &mut Session<'_>, _: u64) {}

    fn close(&mut self, _: DataKey, _: &mut Session<'_>, _: &CloseReason) {}

    fn as_any(&mut self) -> &mut dyn Any {
        self
    }

    fn connected(&mut self, context: &mut Context<'_>, id: SessionId) {
        self.link.connected(context, id);
    }

    fn received(&mut self, context: &mut Context<'_>, id: SessionId, bytes: &[u8]) -> Progress {
        self.link.received(context, id, bytes)
    }

    fn failed(&mut self, context: &mut Context<'_>, id: SessionId, call: &Call, error: &Error) {
        self.link.ended(context, id, call, error);
    }

    fn program_timer(&mut self, context: &mut Context<'_>, token: u64) {
        self.link.timer(context, token);
    }

    fn is_last(&mut self, context: &mut Context<'_>, id: SessionId) {
        self.link.is_last(context, id);
    }
}
