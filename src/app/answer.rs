//! What a plain HTTP handler answers: now, or later.

use super::context::Context;
use super::later::{Deferral, Ticket};
use super::response::Response;
use super::stream::{Piece, Stream};
use std::time::Duration;

/// The answer of a plain HTTP handler. A [`Response`] is one, and so is a `Result` of one with an
/// error that can be told as one.
#[derive(Debug)]
pub enum Answer {
    /// The response.
    Now(Response),
    /// The body of the response comes in pieces; see [`Answer::stream`].
    Stream(Stream),
    /// The response comes by a [`Ticket`]; see [`Answer::later`].
    Later(Deferral),
}

impl Answer {
    /// The answer to the request of this callback comes later, within
    /// [`Limits::answer_timeout`](crate::Limits::answer_timeout) (10 s): then it is 503. Return the
    /// answer, keep the ticket.
    ///
    /// Until then nothing is read from the peer, and nobody else waits. Past
    /// [`Limits::max_tickets`](crate::Limits::max_tickets) the peer gets 503 at once. A peer that only stops asking is still answered.
    ///
    /// ```
    /// use dunlin::{Answer, App, Response};
    ///
    /// let app = App::new().get("/report", |_request, context| {
    ///     let (answer, ticket) = Answer::later(context);
    ///     std::thread::spawn(move || {
    ///         // Slow work, which may also fail: a ticket that is dropped answers 503.
    ///         ticket.answer(Response::text("done"));
    ///     });
    ///     answer
    /// });
    /// # drop(app);
    /// ```
    pub fn later(context: &mut Context<'_>) -> (Self, Ticket) {
        Self::deferred(context, None)
    }

    /// A response whose body comes in pieces. What body it has goes first; then `pieces` is asked for
    /// one piece after another, each when the peer has taken all of the one before, so that a slow peer
    /// costs no more than a piece. Each call counts as one event and must not block.
    ///
    /// Over HTTP/1.1 the body is chunked, over HTTP/1.0 it ends with the connection. A peer that takes
    /// less than 1 KiB of a piece a second is cut. A panic cuts the connection, because what was sent is not all.
    /// Once the connection is gone, `pieces` is dropped.
    ///
    /// ```
    /// use dunlin::{Answer, App, Piece, Response};
    ///
    /// let app = App::new().get("/numbers", |_request, _context| {
    ///     let mut numbers = 1..=1_000_000;
    ///     Answer::stream(Response::text(""), move |_context| {
    ///         let lines: String = numbers.by_ref().take(1000).map(|n| format!("{n}\n")).collect();
    ///         if lines.is_empty() { Piece::End } else { Piece::Bytes(lines.into_bytes()) }
    ///     })
    /// });
    /// # drop(app);
    /// ```
    pub fn stream(
        response: Response,
        pieces: impl FnMut(&mut Context<'_>) -> Piece + 'static,
    ) -> Self {
        Self::streamed(response, None, pieces)
    }

    /// The same where it is known how many bytes the pieces have together: the client is told by
    /// `Content-Length`, nothing is chunked, and `pieces` is asked no more once all have come. The body
    /// of the response is left out. Pieces of more bytes, or an end before, cut the connection.
    pub fn stream_sized(
        response: Response,
        length: u64,
        pieces: impl FnMut(&mut Context<'_>) -> Piece + 'static,
    ) -> Self {
        Self::streamed(response.body(b""), Some(length), pieces)
    }

    fn streamed(
        response: Response,
        length: Option<u64>,
        pieces: impl FnMut(&mut Context<'_>) -> Piece + 'static,
    ) -> Self {
        let pieces = Box::new(pieces);
        Self::Stream(Stream {
            response,
            length,
            pieces,
        })
    }

    /// The same within another time, at most 30 min.
    pub fn later_within(context: &mut Context<'_>, time: Duration) -> (Self, Ticket) {
        Self::deferred(context, Some(time))
    }

    fn deferred(context: &mut Context<'_>, time: Option<Duration>) -> (Self, Ticket) {
        let (deferral, ticket) = Deferral::of_request(context, time);
        (Self::Later(deferral), ticket)
    }
}

impl From<Response> for Answer {
    fn from(response: Response) -> Self {
        Self::Now(response)
    }
}

impl<E: Into<Response>> From<Result<Response, E>> for Answer {
    fn from(answer: Result<Response, E>) -> Self {
        Self::Now(answer.unwrap_or_else(Into::into))
    }
}
