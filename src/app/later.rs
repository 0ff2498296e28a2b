//! Answers that come later: a request that waits, and the ticket that answers it.
//!
//! A ticket may go to any thread. It is good for one answer, and a ticket that is dropped without
//! one answers 503, so that no peer waits in vain.

use super::command::{Command, LateAnswer};
use super::context::Context;
use super::inbox::Outbound;
use super::response::Response;
use super::session_id::SessionId;
use std::any::Any;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Whether a peer still waits, as both sides know it. To drop it is to say that it does not.
#[derive(Debug)]
pub(crate) struct Waits(Arc<AtomicBool>);

impl Waits {
    /// Whether it is this one that a ticket belongs to.
    pub(crate) fn is(&self, ticket: &Arc<AtomicBool>) -> bool {
        Arc::ptr_eq(&self.0, ticket)
    }
}

impl Drop for Waits {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

/// That an answer comes later, in place of the answer: the other half of a ticket.
///
/// To drop it in place of giving it back is to answer at once; its ticket does nothing then.
#[derive(Debug)]
pub struct Deferral {
    pub(crate) waits: Waits,
    /// How long the peer waits; `None`: as the limits say.
    pub(crate) time: Option<Duration>,
    /// There was a place among the tickets of the server.
    pub(crate) has_place: bool,
}

/// What both kinds of tickets are: the claim to answer one request.
struct Claim {
    commands: Outbound,
    to: SessionId,
    route: u16,
    waits: Arc<AtomicBool>,
    /// Its place among the tickets of the server.
    place: Option<Arc<()>>,
}

impl Claim {
    fn new(context: &mut Context<'_>, time: Option<Duration>) -> (Deferral, Self) {
        let place = context.host.ticket();
        let waits = Arc::new(AtomicBool::new(place.is_some()));
        let deferral = Deferral {
            waits: Waits(Arc::clone(&waits)),
            time,
            has_place: place.is_some(),
        };
        let claim = Self {
            commands: context.host.remote().commands().clone(),
            to: context.caller,
            route: context.route,
            waits,
            place,
        };
        (deferral, claim)
    }

    fn is_waiting(&self) -> bool {
        self.waits.load(Ordering::Acquire)
    }

    /// Hands the answer over, once; whether anybody still waits for it.
    fn answer(&mut self, answer: LateAnswer) -> bool {
        // Without its place it has answered already, or never had a peer that waits.
        let Some(place) = self.place.take() else {
            return false;
        };
        let ticket = Arc::clone(&self.waits);
        self.is_waiting()
            && self.commands.push_anyhow(Command::Answer {
                to: self.to,
                ticket,
                answer,
                place,
            })
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.answer(LateAnswer::Dropped);
    }
}

impl Deferral {
    /// For an HTTP handler.
    pub(super) fn of_request(context: &mut Context<'_>, time: Option<Duration>) -> (Self, Ticket) {
        let (deferral, claim) = Claim::new(context, time);
        (deferral, Ticket(claim))
    }

    /// For an open event.
    pub(super) fn of_open<D>(
        context: &mut Context<'_>,
        time: Option<Duration>,
    ) -> (Self, OpenTicket<D>) {
        let (deferral, claim) = Claim::new(context, time);
        let data = PhantomData;
        (deferral, OpenTicket { claim, data })
    }
}

/// Answers a plain HTTP request later, from any callback or thread; made by
/// [`Answer::later`](super::Answer::later).
///
/// Dropped without an answer it answers 503. Whatever comes after the peer has left, or its time is
/// over, does nothing.
pub struct Ticket(Claim);

impl Ticket {
    /// Answers. `false`: nobody waited for it any more.
    pub fn answer(mut self, response: Response) -> bool {
        self.0.answer(LateAnswer::Response(response))
    }

    /// Whether anybody waits for the answer: the work for it can be spared otherwise.
    pub fn is_waiting(&self) -> bool {
        self.0.is_waiting()
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ticket({})", self.0.to)
    }
}

/// Opens or refuses a session later, from any callback or thread; made by
/// [`Open::later`](super::Open::later). `D` is the handler's [`Data`](super::Handler::Data).
///
/// Dropped without an answer it refuses with 503. Whatever comes after the peer has left, or its
/// time is over, does nothing.
pub struct OpenTicket<D> {
    claim: Claim,
    data: PhantomData<fn(D)>,
}

impl<D: 'static> OpenTicket<D> {
    /// Opens the session with this data; its handler's [`accepted`](super::Handler::accepted) follows,
    /// or [`abandoned`](super::Handler::abandoned) when the peer leaves at this very moment, or limits
    /// that were reloaded forbid it. `false`:
    /// nobody waited for it any more, and neither follows.
    pub fn accept(self, data: D) -> bool
    where
        D: Send,
    {
        self.accept_with(move || data)
    }

    /// The same with data that cannot go from thread to thread: they are made on the loop's.
    pub fn accept_with(mut self, data: impl FnOnce() -> D + Send + 'static) -> bool {
        let data = move || Box::new(data()) as Box<dyn Any>;
        let (route, data) = (self.claim.route, Box::new(data));
        self.claim.answer(LateAnswer::Accept { route, data })
    }

    /// Refuses the upgrade with this response. `false`: nobody waited for it any more.
    pub fn refuse(mut self, response: Response) -> bool {
        self.claim.answer(LateAnswer::Response(response))
    }

    /// Whether anybody waits for the answer: the work for it can be spared otherwise.
    pub fn is_waiting(&self) -> bool {
        self.claim.is_waiting()
    }
}

impl<D> fmt::Debug for OpenTicket<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OpenTicket({})", self.claim.to)
    }
}
