//! The program behind a route of sessions.

use super::call::Call;
use super::context::Context;
use super::open::Open;
use super::request::Request;
use super::session::Session;
use super::session_id::SessionId;
use crate::wire::close::CloseReason;
use crate::wire::error::Error;
use crate::wire::message::Message;
use std::cell::RefCell;
use std::rc::Rc;

/// A program that answers the sessions of one route.
///
/// One value serves all sessions of its route, so what they share is plain
/// `&mut self` and needs no lock. What belongs to one session is its `Data`.
///
/// Every session gets exactly one [`open`](Handler::open) and, when that
/// accepted, exactly one [`close`](Handler::close), last. No event runs inside
/// another: what a handler does to other sessions shows in their events later.
/// A panic in an event ends its session with 1011 and nothing else.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no handler of a WebSocket route",
    label = "not a `Handler`",
    note = "a closure is one when it takes two arguments: `|session: &mut Session<'_>, message: Message<'_>| …`",
    note = "a type is one with `impl Handler for {Self}`"
)]
pub trait Handler: 'static {
    /// What the handler keeps for each session.
    type Data: 'static;

    /// A peer asks for this route: it is accepted, refused with a response, or decided
    /// [later](Open::later). What is sent here arrives right behind the 101.
    ///
    /// On an outgoing route a refusal closes with 1000; there the request tells what was asked, with
    /// the fields of the answer.
    fn open(&mut self, request: &Request<'_>, session: &mut Session<'_>) -> Open<Self::Data>;

    /// A session whose open event was answered [later](Open::later) is accepted now, by its ticket.
    /// What is sent here arrives right behind the 101.
    fn accepted(&mut self, _data: &mut Self::Data, _session: &mut Session<'_>) {}

    /// A ticket has accepted a session that cannot be opened, as a rule because its peer had just left:
    /// these are its data, and nothing else follows. Each [`OpenTicket::accept`](super::OpenTicket::accept) that answers `true` is followed
    /// by this or by [`accepted`](Handler::accepted).
    fn abandoned(&mut self, _data: Self::Data, _context: &mut Context<'_>) {}

    /// A complete message arrived. None ever does on an [event stream](super::App::sse).
    fn message(&mut self, data: &mut Self::Data, session: &mut Session<'_>, message: Message<'_>);

    /// The backlog fell below its mark again after it had been above; `dropped` is how many
    /// messages the backlog policy dropped since the last drain event. A handler that fills the
    /// backlog in every drain event is called for as long as its peer reads: send what is left here,
    /// not the same again.
    fn drain(&mut self, _data: &mut Self::Data, _session: &mut Session<'_>, _dropped: u64) {}

    /// A pong arrived that no ping of the loop's own asked for.
    fn pong(&mut self, _data: &mut Self::Data, _session: &mut Session<'_>, _payload: &[u8]) {}

    /// A timer of [`Session::set_timer`] ran out; `token` is the one it was set with.
    fn timer(&mut self, _data: &mut Self::Data, _session: &mut Session<'_>, _token: u64) {}

    /// A timer of [`Context::set_timer`] ran out; `token` is the one it was set with. It belongs to the
    /// program and not to a session: what outlives a session, such as the time within which a player
    /// may come back, is set in its close event and ends here.
    fn program_timer(&mut self, _context: &mut Context<'_>, _token: u64) {}

    /// For outgoing routes: the TCP connection of a call is made, and the request goes out now. `id` is that
    /// of the call. The open event follows with the server's 101, or [`failed`](Self::failed) without one.
    fn connected(&mut self, _context: &mut Context<'_>, _id: SessionId) {}

    /// For outgoing routes: a call failed, and no session opens. `id` is that of the call; a handler
    /// can call again ([`Call::after`] some time).
    ///
    /// The kind of the error: `Config` for a host, target or field that cannot stand in a request,
    /// `Io` when no connection is made, `Timeout` past [`Limits::head_timeout`](crate::Limits::head_timeout),
    /// `Refused` (with the [status](Error::status)) for another answer than 101, `Protocol` and `Limit`
    /// for a wrong or endless one, `Panicked` for an extension that
    /// did, `Closed` for none, for a call that was cancelled and for a server
    /// that stops. `Limit` also for a call of [`Remote::connect`](super::Remote::connect) to a full server.
    fn failed(&mut self, _context: &mut Context<'_>, _id: SessionId, _call: &Call, _error: &Error) {
    }

    /// The session is over: it left its topics, and nothing more can be sent on it.
    fn close(&mut self, _data: Self::Data, _session: &mut Session<'_>, _reason: &CloseReason) {}
}

/// A closure is a handler with the message event alone. What it returns is ignored.
impl<F, R> Handler for F
where
    F: FnMut(&mut Session<'_>, Message<'_>) -> R + 'static,
{
    type Data = ();

    fn open(&mut self, _: &Request<'_>, _: &mut Session<'_>) -> Open<()> {
        Open::Accept(())
    }

    fn message(&mut self, (): &mut (), session: &mut Session<'_>, message: Message<'_>) {
        self(session, message);
    }
}

/// A handler that several routes share, or that the program keeps a hand on.
///
/// # Panics
/// An event does when the program holds a borrow meanwhile; that ends the session with 1011.
impl<H: Handler> Handler for Rc<RefCell<H>> {
    type Data = H::Data;

    fn open(&mut self, request: &Request<'_>, session: &mut Session<'_>) -> Open<H::Data> {
        self.borrow_mut().open(request, session)
    }

    fn accepted(&mut self, data: &mut H::Data, session: &mut Session<'_>) {
        self.borrow_mut().accepted(data, session);
    }

    fn abandoned(&mut self, data: H::Data, context: &mut Context<'_>) {
        self.borrow_mut().abandoned(data, context);
    }

    fn message(&mut self, data: &mut H::Data, session: &mut Session<'_>, message: Message<'_>) {
        self.borrow_mut().message(data, session, message);
    }

    fn drain(&mut self, data: &mut H::Data, session: &mut Session<'_>, dropped: u64) {
        self.borrow_mut().drain(data, session, dropped);
    }

    fn pong(&mut self, data: &mut H::Data, session: &mut Session<'_>, payload: &[u8]) {
        self.borrow_mut().pong(data, session, payload);
    }

    fn timer(&mut self, data: &mut H::Data, session: &mut Session<'_>, token: u64) {
        self.borrow_mut().timer(data, session, token);
    }

    fn program_timer(&mut self, context: &mut Context<'_>, token: u64) {
        self.borrow_mut().program_timer(context, token);
    }

    fn connected(&mut self, context: &mut Context<'_>, id: SessionId) {
        self.borrow_mut().connected(context, id);
    }

    fn failed(&mut self, context: &mut Context<'_>, id: SessionId, call: &Call, error: &Error) {
        self.borrow_mut().failed(context, id, call, error);
    }

    fn close(&mut self, data: H::Data, session: &mut Session<'_>, reason: &CloseReason) {
        self.borrow_mut().close(data, session, reason);
    }
}
