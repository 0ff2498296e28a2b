//! The handle for other threads.

use super::call::Call;
use super::session::SessionId;
use crate::wire::close::CloseCode;
use crate::wire::error::{Error, ErrorKind, Result};
use crate::wire::message::Message;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

/// Commands that may wait for the loop; past it [`Remote`] answers an error of kind `Limit`.
pub const MAX_WAITING_COMMANDS: usize = 65_536;

/// What another thread asks of the loop.
#[derive(Debug)]
pub(crate) enum Command {
    Publish {
        topic: String,
        message: Owned,
    },
    Send {
        to: SessionId,
        message: Owned,
    },
    Close {
        id: SessionId,
        code: CloseCode,
        reason: String,
    },
    Connect {
        route: String,
        call: Call,
    },
    Shutdown,
}

/// A message that crosses threads.
#[derive(Debug)]
pub(crate) enum Owned {
    Text(String),
    Binary(Vec<u8>),
}

impl Owned {
    pub(crate) fn borrow(&self) -> Message<'_> {
        match self {
            Self::Text(text) => Message::Text(text),
            Self::Binary(bytes) => Message::Binary(bytes),
        }
    }
}

impl From<Message<'_>> for Owned {
    fn from(message: Message<'_>) -> Self {
        match message {
            Message::Text(text) => Self::Text(text.to_owned()),
            Message::Binary(bytes) => Self::Binary(bytes.to_owned()),
        }
    }
}

/// Wakes the loop out of its wait; the driver's business.
pub(crate) trait Wake: Send + Sync {
    fn wake(&self);
}

/// Counters of a server, as of the end of the last turn of its loop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Connections accepted since the start; calls to other servers are none.
    pub accepted: u64,
    /// Connections that live now, upgraded or not, calls included.
    pub connections: u64,
    /// Sessions opened since the start.
    pub opened: u64,
    /// Sessions closed since the start.
    pub closed: u64,
    /// Messages received.
    pub received: u64,
    /// Messages sent, one per receiver.
    pub sent: u64,
    /// Messages dropped by a backlog policy.
    pub dropped: u64,
    /// Bytes that wait for slow peers or for the rest of a message, now.
    pub buffered: u64,
}

macro_rules! shared_stats {
    ($($name:ident),*) => {
        /// [`Stats`] where other threads can read them.
        #[derive(Debug, Default)]
        pub(crate) struct SharedStats { $($name: AtomicU64),* }

        impl SharedStats {
            pub(crate) fn store(&self, stats: &Stats) {
                $(self.$name.store(stats.$name, Ordering::Relaxed);)*
            }

            fn load(&self) -> Stats {
                Stats { $($name: self.$name.load(Ordering::Relaxed)),* }
            }
        }
    };
}

shared_stats!(
    accepted,
    connections,
    opened,
    closed,
    received,
    sent,
    dropped,
    buffered
);

/// A handle to a running server for other threads: cheap to clone, never blocks.
///
/// What it asks for happens in a later turn of the loop, in the order of the calls of one thread.
#[derive(Clone)]
pub struct Remote {
    commands: SyncSender<Command>,
    wake: Arc<dyn Wake>,
    stats: Arc<SharedStats>,
}

impl Remote {
    /// The handle, and the two ends that the loop keeps.
    pub(crate) fn new(wake: Arc<dyn Wake>) -> (Self, Receiver<Command>, Arc<SharedStats>) {
        let (commands, inbox) = sync_channel(MAX_WAITING_COMMANDS);
        let stats = Arc::new(SharedStats::default());
        let remote = Self {
            commands,
            wake,
            stats: Arc::clone(&stats),
        };
        (remote, inbox, stats)
    }

    /// Sends a message to every subscriber of a topic.
    ///
    /// # Errors
    /// `Closed` when the server has stopped; `Limit` when [`MAX_WAITING_COMMANDS`] wait already.
    pub fn publish<'m>(&self, topic: &str, message: impl Into<Message<'m>>) -> Result<()> {
        self.ask(Command::Publish {
            topic: topic.to_owned(),
            message: message.into().into(),
        })
    }

    /// Sends a message to one session; nothing happens when it is gone by then.
    ///
    /// # Errors
    /// As [`Remote::publish`].
    pub fn send<'m>(&self, to: SessionId, message: impl Into<Message<'m>>) -> Result<()> {
        self.ask(Command::Send {
            to,
            message: message.into().into(),
        })
    }

    /// Ends one session; nothing happens when it is gone by then.
    ///
    /// # Errors
    /// As [`Remote::publish`].
    pub fn close(&self, id: SessionId, code: CloseCode, reason: &str) -> Result<()> {
        self.ask(Command::Close {
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
        self.ask(Command::Connect {
            route: route.to_owned(),
            call,
        })
    }

    /// Stops the server: no new connections, Close 1001 to every session, then
    /// [`run`](crate::Server::run) returns. Calling it again cuts what is left at once.
    ///
    /// # Errors
    /// As [`Remote::publish`].
    pub fn shutdown(&self) -> Result<()> {
        self.ask(Command::Shutdown)
    }

    /// The counters as of the end of the last turn.
    pub fn stats(&self) -> Stats {
        self.stats.load()
    }

    fn ask(&self, command: Command) -> Result<()> {
        let sent = self
            .commands
            .try_send(command)
            .map_err(|error| match error {
                TrySendError::Full(_) => Error::new(
                    ErrorKind::Limit,
                    format!("{MAX_WAITING_COMMANDS} commands wait for the loop already"),
                ),
                TrySendError::Disconnected(_) => {
                    Error::new(ErrorKind::Closed, "the server has stopped")
                }
            });
        self.wake.wake();
        sent
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote")
            .field("stats", &self.stats())
            .finish()
    }
}
