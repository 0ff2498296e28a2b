//! The handle for other threads.

use super::call::Call;
use super::command::limits_bytes;
use super::inbox::{self, Outbound};
use super::metrics::{Metrics, Stats};
use super::session_id::SessionId;
use crate::config::Limits;
use crate::wire::close::CloseCode;
use crate::wire::error::Result;
use crate::wire::message::AsMessage;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub(crate) use super::command::Command;
pub(crate) use super::inbox::{Inbox, Wake};
pub use super::inbox::{MAX_COMMAND_BYTES, MAX_WAITING_BYTES, MAX_WAITING_COMMANDS};

/// [`Metrics`] where other threads can read them. A lock and not one atomic number each: those of
/// 64 bits do not exist everywhere, and so a reader sees the numbers of one turn.
#[derive(Debug, Default)]
pub(crate) struct SharedStats(Mutex<Metrics>);

impl SharedStats {
    /// Changes them; other threads wait meanwhile.
    pub(crate) fn update(&self, change: impl FnOnce(&mut Metrics)) {
        change(&mut self.lock());
    }

    fn load(&self) -> Metrics {
        *self.lock()
    }

    fn lock(&self) -> MutexGuard<'_, Metrics> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A handle to a running server for other threads: cheap to clone, never blocks.
///
/// What it asks for happens in a later turn of the loop, in the order of the calls of one thread.
/// What waits for the loop is bounded by [`MAX_WAITING_COMMANDS`] and [`MAX_WAITING_BYTES`], over all
/// handles of a server together; past either nothing is queued and the answer is an error of kind
/// [`Full`](crate::ErrorKind::Full): try again later. The loop takes commands only as fast as it can
/// deliver them, so a publisher that is too fast meets `Full`, never growth.
#[derive(Clone)]
pub struct Remote {
    commands: Outbound,
    stats: Arc<SharedStats>,
    /// Fills in what limits leave to the machine.
    derive: fn(Limits) -> Limits,
}

impl Remote {
    /// The handle, and the two ends that the loop keeps.
    pub(crate) fn new(wake: Arc<dyn Wake>) -> (Self, Inbox, Arc<SharedStats>) {
        let (commands, inbox) = inbox::queue(wake);
        let stats = Arc::new(SharedStats::default());
        let remote = Self {
            commands,
            stats: Arc::clone(&stats),
            derive: |limits| limits,
        };
        (remote, inbox, stats)
    }

    /// The same for a server whose machine decides what [`Limits`] leave open.
    pub(crate) fn deriving(mut self, derive: fn(Limits) -> Limits) -> Self {
        self.derive = derive;
        self
    }

    /// Sends a message to every subscriber of a topic.
    ///
    /// # Errors
    /// `Closed` when the server has stopped. `Full` when [`MAX_WAITING_COMMANDS`] wait already, or
    /// when what waits and this would be more than [`MAX_WAITING_BYTES`]; a single command of more
    /// than that is taken while nothing else waits. `Limit` for more than [`MAX_COMMAND_BYTES`].
    pub fn publish(&self, topic: &str, message: impl AsMessage) -> Result<()> {
        if let Some(event) = message.as_event() {
            let bytes = topic.len() + size_of_val(event) + event.len();
            return self.commands.push(bytes, || Command::PublishEvent {
                topic: topic.to_owned(),
                event: Box::new(event.to_owned()),
            });
        }
        let message = message.as_message();
        let bytes = topic.len() + message.len();
        self.commands.push(bytes, || Command::Publish {
            topic: topic.to_owned(),
            message: message.into(),
        })
    }

    /// Sends a message to one session; nothing happens when it is gone by then.
    ///
    /// # Errors
    /// As [`Remote::publish`].
    pub fn send(&self, to: SessionId, message: impl AsMessage) -> Result<()> {
        if let Some(event) = message.as_event() {
            let bytes = size_of_val(event) + event.len();
            return self.commands.push(bytes, || Command::SendEvent {
                to,
                event: Box::new(event.to_owned()),
            });
        }
        let message = message.as_message();
        self.commands.push(message.len(), || Command::Send {
            to,
            message: message.into(),
        })
    }

    /// Ends one session; nothing happens when it is gone by then.
    ///
    /// # Errors
    /// As [`Remote::publish`].
    pub fn close(&self, id: SessionId, code: impl Into<CloseCode>, reason: &str) -> Result<()> {
        let code = code.into();
        self.commands.push(reason.len(), || Command::Close {
            id,
            code,
            reason: reason.to_owned(),
        })
    }

    /// Calls another server on an [outgoing route](super::App::outgoing). What becomes of it is
    /// told to the handler of that route; a name without a route is logged.
    ///
    /// # Errors
    /// As [`Remote::publish`].
    pub fn connect(&self, route: &str, call: Call) -> Result<()> {
        let bytes = route.len() + call.bytes();
        self.commands.push(bytes, || Command::Connect {
            route: route.to_owned(),
            call,
        })
    }

    /// Gives the server new limits. They hold from then on; no connection is closed for one that is
    /// lower now. What does not reload ([`Row::reloads`](crate::config::Row::reloads)) stays as it was,
    /// and a line of the log names it: [`max_per_address`](Limits::max_per_address), whose connections
    /// are counted from the start or not at all, and [`drain`](Limits::drain). `None` is derived from
    /// the machine anew.
    ///
    /// # Errors
    /// `Config` for a limit that is out of bounds: nothing changes. Else as [`Remote::publish`].
    pub fn reload(&self, limits: Limits) -> Result<()> {
        limits.check()?;
        let limits = (self.derive)(limits);
        let bytes = limits_bytes(&limits);
        self.commands
            .push(bytes, || Command::Reload(Box::new(limits)))
    }

    /// The queue to the loop.
    pub(super) fn commands(&self) -> &Outbound {
        &self.commands
    }

    /// Stops the server: no new connections, Close 1001 to every session, then
    /// [`run`](crate::Server::run) returns. It happens behind what this thread asked for before, and
    /// is taken however much waits. Calling it again cuts what is left at once.
    ///
    /// # Errors
    /// `Closed` when the server has stopped.
    pub fn shutdown(&self) -> Result<()> {
        self.commands.shut_down()
    }

    /// The counters as of the end of the last turn.
    pub fn stats(&self) -> Stats {
        self.stats.load().stats
    }

    /// Everything that is counted, as of the end of the last turn.
    pub fn metrics(&self) -> Metrics {
        self.stats.load()
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote")
            .field("stats", &self.stats())
            .finish()
    }
}
