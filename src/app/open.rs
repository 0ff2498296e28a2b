//! What an open event answers: a session, a refusal, or that it is decided later.

use super::later::{Deferral, OpenTicket};
use super::response::Response;
use super::session::Session;
use std::time::Duration;

/// The answer of an open event; `D` is what the handler keeps for the session. A
/// `Result<D, Response>` turns into one with `into()`.
#[derive(Debug)]
pub enum Open<D> {
    /// The session opens.
    Accept(D),
    /// This response is sent in place of the 101: nothing that was sent or joined in the open event
    /// happens, and no other event follows.
    Refuse(Response),
    /// It is decided by an [`OpenTicket`]; see [`Open::later`].
    Later(Deferral),
}

impl<D> Open<D> {
    /// The session of this open event is opened or refused later, within
    /// [`Limits::answer_timeout`](crate::Limits::answer_timeout) (10 s): then it is refused with 503. Return the answer, keep the ticket.
    ///
    /// What was sent or joined in the open event is forgotten; [`Handler::accepted`](super::Handler::accepted)
    /// is the place for it. Until then nothing is read from the peer but its end, and nobody else
    /// waits. Past [`Limits::max_tickets`](crate::Limits::max_tickets) the peer gets 503 at once. An outgoing session
    /// cannot be decided later: the answer of its server has come already.
    ///
    /// ```
    /// use dunlin::{Handler, Message, Open, Request, Response, Session, Status};
    ///
    /// struct Members;
    ///
    /// impl Handler for Members {
    ///     type Data = String;
    ///
    ///     fn open(&mut self, request: &Request<'_>, session: &mut Session<'_>) -> Open<String> {
    ///         let Some(token) = request.query("token").map(String::from) else {
    ///             return Open::Refuse(Response::refusal(Status::UNAUTHORIZED));
    ///         };
    ///         let (open, ticket) = Open::later(session);
    ///         std::thread::spawn(move || match look_up(&token) {
    ///             Some(name) => ticket.accept(name),
    ///             None => ticket.refuse(Response::refusal(Status::UNAUTHORIZED)),
    ///         });
    ///         open
    ///     }
    ///
    ///     fn accepted(&mut self, name: &mut String, session: &mut Session<'_>) {
    ///         session.send(format!("Hello, {name}!"));
    ///     }
    ///
    ///     fn message(&mut self, _: &mut String, _: &mut Session<'_>, _: Message<'_>) {}
    /// }
    ///
    /// fn look_up(token: &str) -> Option<String> {
    ///     (token == "4711").then(|| "Ann".to_owned())
    /// }
    /// ```
    pub fn later(session: &mut Session<'_>) -> (Self, OpenTicket<D>) {
        Self::deferred(session, None)
    }

    /// The same within another time, at most 30 min.
    pub fn later_within(session: &mut Session<'_>, time: Duration) -> (Self, OpenTicket<D>) {
        Self::deferred(session, Some(time))
    }

    fn deferred(session: &mut Session<'_>, time: Option<Duration>) -> (Self, OpenTicket<D>) {
        let (deferral, ticket) = Deferral::of_open(session.context(), time);
        (Self::Later(deferral), ticket)
    }

    /// The same answer with other data.
    pub(super) fn map<E>(self, map: impl FnOnce(D) -> E) -> Open<E> {
        match self {
            Self::Accept(data) => Open::Accept(map(data)),
            Self::Refuse(response) => Open::Refuse(response),
            Self::Later(deferral) => Open::Later(deferral),
        }
    }
}

impl<D> From<Result<D, Response>> for Open<D> {
    fn from(opened: Result<D, Response>) -> Self {
        match opened {
            Ok(data) => Self::Accept(data),
            Err(response) => Self::Refuse(response),
        }
    }
}
