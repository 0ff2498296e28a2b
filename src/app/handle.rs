//! Other threads reach the program itself: a closure runs on the loop's thread.

use super::any_route::HandlerRoute;
use super::command::Command;
use super::context::Context;
use super::data::DataKey;
use super::handler::Handler;
use super::remote::Remote;
use super::session::Session;
use super::session_id::SessionId;
use crate::wire::error::{Error, ErrorKind};
use std::any::Any;
use std::fmt;
use std::marker::PhantomData;
use std::sync::{Arc, OnceLock};

/// What a call for a session meets: the session, or, when it is gone by then, the server without it.
pub(crate) type Found<'a, 'h, D> = Result<(D, &'a mut Session<'h>), &'a mut Context<'h>>;

type ProgramCall = dyn FnOnce(&mut dyn Any, &mut Context<'_>) + Send;
type SessionCall = dyn FnOnce(&mut dyn Any, Found<'_, '_, DataKey>) + Send;

/// A call as it crosses threads.
pub(crate) enum RouteCall {
    Program(Box<ProgramCall>),
    Session(SessionId, Box<SessionCall>),
}

/// A call that was not taken: why, and the closure, so that what it holds is not lost.
pub struct Rejected<F> {
    /// `Closed` before the server runs and when it has stopped, `Full` when too much waits.
    pub error: Error,
    /// What was to be called.
    pub call: F,
}

impl<F> fmt::Debug for Rejected<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Rejected").field(&self.error).finish()
    }
}

impl<F> fmt::Display for Rejected<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the call was not taken: {}", self.error)
    }
}

impl<F> std::error::Error for Rejected<F> {}

impl<F> From<Rejected<F>> for Error {
    fn from(rejected: Rejected<F>) -> Self {
        rejected.error
    }
}

/// A typed handle to the handler of one route, for other threads: `Clone` and `Send`, never blocks.
///
/// It is made by [`Route::handle`](super::Route::handle) and works from the time on when the server
/// runs. A closure is called once, on the loop's thread, in the order of the calls of one thread, and
/// counts as one event: it must not block. What waits is bounded together with what
/// [`Remote`] asks for, by [`MAX_WAITING_COMMANDS`](super::remote::MAX_WAITING_COMMANDS) and, as far as
/// the closures' own size goes, by [`MAX_WAITING_BYTES`](super::remote::MAX_WAITING_BYTES).
///
/// ```
/// use dunlin::{App, Context, Handler, Message, Open, Request, Route, Session};
///
/// struct Service;
///
/// impl Handler for Service {
///     type Data = ();
///     fn open(&mut self, _: &Request<'_>, _: &mut Session<'_>) -> Open<()> {
///         Open::Accept(())
///     }
///     fn message(&mut self, _: &mut (), _: &mut Session<'_>, _: Message<'_>) {}
/// }
///
/// let service = Route::new(Service);
/// let handle = service.handle();
/// let app = App::new().route("/service", service);
/// std::thread::spawn(move || {
///     // Once the server runs:
///     let _ = handle.call(|_service, context| {
///         context.publish("news", "from another thread");
///     });
/// });
/// ```
pub struct Handle<H> {
    bound: Arc<OnceLock<(Remote, u16)>>,
    handler: PhantomData<fn(&mut H)>,
}

impl<H> Clone for Handle<H> {
    fn clone(&self) -> Self {
        Self {
            bound: Arc::clone(&self.bound),
            handler: PhantomData,
        }
    }
}

impl<H> fmt::Debug for Handle<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_bound = self.bound.get().is_some();
        f.debug_struct("Handle").field("runs", &is_bound).finish()
    }
}

impl<H: Handler> Handle<H> {
    pub(super) fn unbound() -> Self {
        Self {
            bound: Arc::default(),
            handler: PhantomData,
        }
    }

    /// The server that runs the route.
    pub(super) fn bind(&self, remote: &Remote, route: u16) {
        // A route is part of one program, and that of one server.
        let _ = self.bound.set((remote.clone(), route));
    }

    /// Calls a closure with the handler. A panic in it is logged and ends nothing.
    ///
    /// # Errors
    /// [`Rejected`], which gives the closure back: kind `Closed` before the server runs and when it has
    /// stopped, `Full` when too much waits (try again later).
    pub fn call<F>(&self, call: F) -> Result<(), Rejected<F>>
    where
        F: FnOnce(&mut H, &mut Context<'_>) + Send + 'static,
    {
        self.push(call, |call| {
            RouteCall::Program(Box::new(move |route, context| {
                call(&mut typed::<H>(route).handler, context);
            }))
        })
    }

    /// Calls a closure with the handler and a session of this route: its data and itself, or the
    /// context where the session is gone by then, or belongs to another route. A panic in it ends the
    /// session with 1011.
    ///
    /// # Errors
    /// As [`Handle::call`].
    pub fn call_session<F>(&self, id: SessionId, call: F) -> Result<(), Rejected<F>>
    where
        F: FnOnce(&mut H, Result<(&mut H::Data, &mut Session<'_>), &mut Context<'_>>)
            + Send
            + 'static,
    {
        self.push(call, |call| {
            let call = move |route: &mut dyn Any, found: Found<'_, '_, DataKey>| {
                let route = typed::<H>(route);
                match found {
                    Ok((data, session)) => {
                        let data = route.data.at(data);
                        call(&mut route.handler, Ok((data, session)));
                    }
                    Err(context) => call(&mut route.handler, Err(context)),
                }
            };
            RouteCall::Session(id, Box::new(call))
        })
    }

    fn push<F>(&self, call: F, wrap: impl FnOnce(F) -> RouteCall) -> Result<(), Rejected<F>> {
        let Some((remote, route)) = self.bound.get() else {
            let error = Error::new(
                ErrorKind::Closed,
                "the server of this handle does not run yet; call when it does",
            );
            return Err(Rejected { error, call });
        };
        let (bytes, route) = (size_of::<F>(), *route);
        let pushed = remote
            .commands()
            .hand_over(call, bytes, |call| Command::Call {
                route,
                bytes,
                call: Box::new(wrap(call)),
            });
        pushed.map_err(|(error, call)| Rejected { error, call })
    }
}

/// The route that a handle of this type was made for.
///
/// # Panics
/// Never: a handle is bound to the very route that it was made for.
fn typed<H: Handler>(route: &mut dyn Any) -> &mut HandlerRoute<H> {
    let route = route.downcast_mut::<HandlerRoute<H>>();
    route.expect("a handle is bound to the route that it was made for")
}
