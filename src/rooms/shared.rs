//! The rooms of one server, as their handlers share them.

use super::engine::{Clock, Engine, Operation, Outcome};
use super::format::{Format, FormatId};
use super::journal::Journal;
use super::memory::Memory;
use super::state::{Pending, State, run_answered, unix};
use super::ticker::Ticker;
use super::v1::V1;
use super::{RoomError, v1};
use crate::app::{App, Context, Handle, Route};
use crate::config::{RoomLimits, Settings};
use crate::wire::error::Result;
use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;

/// A tick that is so late, milliseconds, does not come: what it called has panicked.
const LOST: u64 = 1000;

/// Rooms with their members and their memory, for the handlers of one server: a clone is the same rooms.
///
/// ```
/// use dunlin::{App, rooms::Rooms};
///
/// let rooms = Rooms::new();
/// let app = rooms.mount(App::new());                    // what rooms do with time
/// let app = app.ws("/rooms", rooms.handler());          // clients speak `dunlin.v1`
/// let with = rooms.clone();
/// let app = app.post("/rooms", move |request, context| {
///     let name = request.query("name").unwrap_or_default().into_owned();
///     let (answer, ticket) = dunlin::Answer::later(context);
///     with.create(context, &name, move |created, _| {
///         ticket.answer(match created {
///             Ok((room, _key)) => dunlin::Response::text(format!("{}\n", room.id)),
///             Err(error) => dunlin::Response::text(format!("{error}\n")).with_status(dunlin::Status::BAD_REQUEST),
///         });
///     });
///     answer
/// });
/// # drop(app);
/// ```
///
/// Every method that takes a callback calls it exactly once, with the outcome: before it returns when the
/// engine is in memory, later when it is not. Members and messages are bounded by [`RoomLimits`].
#[derive(Clone)]
pub struct Rooms {
    pub(super) state: Rc<RefCell<State>>,
    pub(super) limits: Rc<RoomLimits>,
    ticker: Rc<RefCell<Option<Handle<Ticker>>>>,
}

impl Rooms {
    /// Rooms in the memory of this process, with default limits.
    #[expect(
        clippy::new_without_default,
        reason = "rooms are shared by clones, not made by chance"
    )]
    pub fn new() -> Self {
        Self::over(RoomLimits::default(), Memory::new(RoomLimits::default()))
    }

    /// Rooms in the memory of this process.
    ///
    /// # Errors
    /// Kind `Config`: a limit is out of its bounds.
    pub fn with_limits(limits: RoomLimits) -> Result<Self> {
        limits.check()?;
        Ok(Self::over(limits.clone(), Memory::new(limits)))
    }

    /// Rooms that are kept in a folder over restarts: in an append log that a thread writes and makes last
    /// once a second.
    ///
    /// A process that ends in order loses nothing. One that is killed loses what was said in its last
    /// second at most; its rooms keep their epochs, and no id is given twice. After a crash of the
    /// machine every room begins a new epoch. What a full disk or a slow one does not take is not kept, and
    /// the log of the process says so; the loop never waits for it.
    ///
    /// # Errors
    /// Kind `Config` for a limit out of its bounds and a folder that another process has; `Io` for what
    /// the file system refuses.
    pub fn in_folder(path: impl AsRef<Path>, limits: RoomLimits) -> Result<Self> {
        limits.check()?;
        let clock = Clock {
            now: 0,
            unix: unix(),
        };
        let (journal, saved) = Journal::open(path.as_ref(), &limits, clock)?;
        let engine = Memory::with_journal(limits.clone(), journal, saved, clock);
        Ok(Self::over(limits, engine))
    }

    /// Rooms that several servers share by an engine: Redis from 6.2 on, or Valkey. What is said in a room has
    /// one order on all of them, members are those of all, and histories are kept by the engine.
    ///
    /// While the engine is away, everything that is asked for is refused with
    /// [`RoomError::Unavailable`]; sessions stay, and get what they missed when it is back.
    ///
    /// # Errors
    /// Kind `Config`: a limit is out of its bounds, or the prefix of keys cannot be one.
    #[cfg(feature = "cluster")]
    pub fn in_cluster(cluster: super::Cluster, limits: RoomLimits) -> Result<Self> {
        limits.check()?;
        let node = cluster.node(&limits, super::id::random())?;
        Ok(Self::over(limits, node))
    }

    pub(super) fn over(limits: RoomLimits, engine: impl Engine + 'static) -> Self {
        let state = State::new(limits.clone(), Box::new(engine), Box::new(V1));
        Self {
            state: Rc::new(RefCell::new(state)),
            limits: Rc::new(limits),
            ticker: Rc::default(),
        }
    }

    /// The limits that hold here.
    pub fn limits(&self) -> &RoomLimits {
        &self.limits
    }

    /// Adds what rooms do with time to a program: presence is told, histories grow old, rooms that nobody
    /// uses are dropped. Once for each program that uses them.
    pub fn mount(&self, app: App) -> App {
        let route = Route::new(Ticker::new(Rc::clone(&self.state)));
        let handle = route.handle();
        *self.ticker.borrow_mut() = Some(handle.clone());
        let app = app.outgoing_route("dunlin.rooms", route);
        #[cfg(feature = "cluster")]
        let app = {
            let rooms = self.clone();
            super::cluster::mount(&self.state, app, handle, move |now| {
                rooms.see_to_ticks(now);
            })
        };
        app
    }

    /// Settings of a route that speaks `dunlin.v1`.
    pub fn settings(&self, settings: Settings) -> Settings {
        settings.protocols([v1::PROTOCOL])
    }

    /// Adds a format for sessions that are to be told in other words than those of `dunlin.v1`.
    pub fn add_format(&self, format: impl Format) -> FormatId {
        self.state.borrow_mut().add_format(Box::new(format))
    }

    /// Does something with the state, and tells programs afterwards what came of what they asked for.
    pub(super) fn with<R>(
        &self,
        context: &mut Context<'_>,
        act: impl FnOnce(&mut State, &mut Context<'_>) -> R,
    ) -> R {
        let (done, answered) = {
            let mut state = self.state.borrow_mut();
            let done = act(&mut state, context);
            (done, std::mem::take(&mut state.answered))
        };
        run_answered(answered, context);
        self.see_to_ticks(context.now().as_millis() as u64);
        done
    }

    fn see_to_ticks(&self, now: u64) {
        let mut state = self.state.borrow_mut();
        let Some(wanted) = state.wants_tick() else {
            return;
        };
        let is_coming = |at: u64| at <= now + wanted && now <= at + LOST;
        if state.ticks_at.is_some_and(is_coming) {
            return;
        }
        if let Some(ticker) = &*self.ticker.borrow() {
            // Where the call is not taken, the next operation tries again.
            let called = ticker.call(|ticker, context| ticker.tick(context));
            if called.is_ok() {
                state.ticks_at = Some(now);
            }
        }
    }

    pub(super) fn submit(&self, context: &mut Context<'_>, operation: Operation, pending: Pending) {
        self.with(context, |state, context| {
            state.submit(context, operation, pending)
        });
    }

    pub(super) fn ask<T: 'static>(
        &self,
        context: &mut Context<'_>,
        operation: Operation,
        of: impl FnOnce(Outcome) -> Option<T> + 'static,
        done: impl FnOnce(std::result::Result<T, RoomError>, &mut Context<'_>) + 'static,
    ) {
        let reply = move |outcome: std::result::Result<Outcome, RoomError>,
                          context: &mut Context<'_>| {
            // An engine that answers something else than was asked for does not answer.
            let outcome = outcome.and_then(|outcome| of(outcome).ok_or(RoomError::Unavailable));
            done(outcome, context);
        };
        self.submit(context, operation, Pending::Reply(Box::new(reply)));
    }
}
