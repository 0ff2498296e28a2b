//! Raw sessions: a handler that sees every frame and answers for itself.

use super::any_route::{AnyRoute, RouteKind};
use super::context::Context;
use super::data::{DataKey, DataStore};
use super::open::Open;
use super::request::Request;
use super::session::Session;
use crate::wire::close::CloseReason;
use crate::wire::message::Message;
use crate::wire::receive::RawFrame;
use std::any::Any;

/// A program that sees frames in place of messages, as Ktor's `webSocketRaw` does.
///
/// Control frames and fragments come as they are, unmasked. Nothing is answered for the handler:
/// no pong, no Close, no ping of the loop's own. Only a peer that breaks the protocol, or the size of a frame
/// or of the fragments of a message together ([`Settings::max_message_size`](super::Settings::max_message_size)),
/// is still failed. UTF-8 is not checked, messages are not put together, extensions are not agreed on.
/// A Close is the handler's to answer, with [`Session::send_frame`] or [`Session::close`], within
/// [`Settings::close_timeout`](super::Settings::close_timeout); then the connection is cut. No frame
/// comes behind it.
pub trait RawHandler: 'static {
    /// What the handler keeps for each session.
    type Data: 'static;

    /// A peer asks for this route; see [`Handler::open`](super::Handler::open).
    fn open(&mut self, request: &Request<'_>, session: &mut Session<'_>) -> Open<Self::Data>;

    /// A session is accepted by its ticket; see [`Handler::accepted`](super::Handler::accepted).
    fn accepted(&mut self, _data: &mut Self::Data, _session: &mut Session<'_>) {}

    /// Its peer had left; see [`Handler::abandoned`](super::Handler::abandoned).
    fn abandoned(&mut self, _data: Self::Data, _context: &mut Context<'_>) {}

    /// A whole frame arrived.
    fn frame(&mut self, data: &mut Self::Data, session: &mut Session<'_>, frame: RawFrame<'_>);

    /// The backlog fell below its mark again; see [`Handler::drain`](super::Handler::drain).
    fn drain(&mut self, _data: &mut Self::Data, _session: &mut Session<'_>, _dropped: u64) {}

    /// A timer ran out; see [`Handler::timer`](super::Handler::timer).
    fn timer(&mut self, _data: &mut Self::Data, _session: &mut Session<'_>, _token: u64) {}

    /// The session is over.
    fn close(&mut self, _data: Self::Data, _session: &mut Session<'_>, _reason: &CloseReason) {}
}

/// A closure is a raw handler with the frame event alone. What it returns is ignored.
impl<F, R> RawHandler for F
where
    F: FnMut(&mut Session<'_>, RawFrame<'_>) -> R + 'static,
{
    type Data = ();

    fn open(&mut self, _: &Request<'_>, _: &mut Session<'_>) -> Open<()> {
        Open::Accept(())
    }

    fn frame(&mut self, (): &mut (), session: &mut Session<'_>, frame: RawFrame<'_>) {
        self(session, frame);
    }
}

/// A raw handler with the data of its sessions.
pub(crate) struct RawRoute<H: RawHandler> {
    pub(crate) handler: H,
    pub(crate) data: DataStore<H::Data>,
}

impl<H: RawHandler> AnyRoute for RawRoute<H> {
    fn kind(&self) -> RouteKind {
        RouteKind::Raw
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

    fn as_any(&mut self) -> &mut dyn Any {
        self
    }

    fn frame(&mut self, data: DataKey, session: &mut Session<'_>, frame: RawFrame<'_>) {
        self.handler.frame(self.data.at(data), session, frame);
    }

    fn message(&mut self, _: DataKey, _: &mut Session<'_>, _: Message<'_>) {
        debug_assert!(false, "a raw session has no messages");
    }

    fn pong(&mut self, _: DataKey, _: &mut Session<'_>, _: &[u8]) {
        debug_assert!(false, "a raw session has no pongs");
    }

    fn drain(&mut self, data: DataKey, session: &mut Session<'_>, dropped: u64) {
        self.handler.drain(self.data.at(data), session, dropped);
    }

    fn timer(&mut self, data: DataKey, session: &mut Session<'_>, token: u64) {
        self.handler.timer(self.data.at(data), session, token);
    }

    fn close(&mut self, data: DataKey, session: &mut Session<'_>, reason: &CloseReason) {
        let data = self.data.remove(data);
        self.handler.close(data, session, reason);
    }
}
