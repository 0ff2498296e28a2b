//! A server that has started, turn by turn.

use crate::app::Remote;
use crate::net::{Address, NetIo};
use crate::turn::Turn;
use crate::wire::error::{Error, ErrorKind, Result};
use std::os::fd::{AsRawFd, RawFd};
use std::time::Duration;

/// A server that has started and whose turns are made by the caller, from [`Server::start`](super::Server::start).
///
/// ```
/// # fn main() -> dunlin::Result<()> {
/// use std::time::Duration;
///
/// let mut server = dunlin::Server::bind(dunlin::App::new(), "127.0.0.1:0")?.start()?;
/// let mut frames = 0;
/// while server.step(Some(Duration::from_millis(1)))? {
///     frames += 1; // the caller's own work
///     if frames == 3 {
///         server.shutdown();
///     }
/// }
/// # Ok(())
/// # }
/// ```
///
/// Within a poll of the caller, watch the descriptor ([`AsRawFd`]) for reading and wait no longer
/// than [`until_next_turn`](Running::until_next_turn); then call [`step`](Running::step) with a
/// timeout of zero. Ask for that time again after each step. The descriptor is for watching alone, level-
/// or edge-triggered, and lives as long as this value.
///
/// Dropping it cuts all connections at once, without a Close and without a close event for handlers.
/// For an orderly end call [`shutdown`](Running::shutdown) and make turns until [`step`](Running::step)
/// says `false`, or call [`run`](Running::run).
pub struct Running {
    turn: Turn<NetIo>,
    addresses: Vec<Address>,
    remote: Remote,
    drain: Duration,
}

impl Running {
    pub(super) fn new(
        turn: Turn<NetIo>,
        addresses: Vec<Address>,
        remote: Remote,
        drain: Duration,
    ) -> Self {
        Self {
            turn,
            addresses,
            remote,
            drain,
        }
    }

    /// Waits for something to do, at most this long (`None`: without bound), and makes one turn, which
    /// is less than a millisecond of work and what handlers compute. Whether the server still runs:
    /// after `false` it has stopped, and further calls do nothing, without waiting.
    ///
    /// It comes back early when a deadline of its own is due. A [`Remote`] of another thread wakes it.
    ///
    /// # Errors
    /// `Io` when the poll fails for good; the server cannot go on then.
    pub fn step(&mut self, timeout: Option<Duration>) -> Result<bool> {
        if self.turn.is_over() {
            return Ok(false);
        }
        self.turn.step(timeout).map_err(|error| {
            Error::new(ErrorKind::Io, "the poll loop failed").with_source(error)
        })?;
        let is_over = self.turn.is_over();
        if is_over {
            self.turn.end();
        }
        Ok(!is_over)
    }

    /// How long until a turn is needed though nothing happens on the descriptor: zero when there is
    /// work left, `None` when nothing is due. Milliseconds, rounded up.
    pub fn until_next_turn(&mut self) -> Option<Duration> {
        if self.turn.is_over() {
            return None;
        }
        self.turn.poll_timeout()
    }

    /// Makes turns until the server has stopped, as [`Server::run`](super::Server::run).
    ///
    /// # Errors
    /// As [`Running::step`].
    pub fn run(mut self) -> Result<()> {
        while self.step(None)? {}
        Ok(())
    }

    /// Begins the orderly end, as [`Remote::shutdown`]: no new connections, Close 1001 to every session;
    /// what has not ended after [`Limits::drain`](crate::Limits::drain) is cut. It takes turns to come
    /// about. A second call cuts what is left at once; after the end it does nothing.
    pub fn shutdown(&self) {
        // An error says that the server has stopped already.
        let _ = self.remote.shutdown();
    }

    /// Where it listens, or did, with the ports that the system chose.
    pub fn addresses(&self) -> &[Address] {
        &self.addresses
    }

    /// A handle for other threads.
    pub fn remote(&self) -> Remote {
        self.remote.clone()
    }

    /// How long the orderly end may take.
    pub(super) fn drain(&self) -> Duration {
        self.drain
    }
}

/// The descriptor of the server's poll: readable when a turn is needed because something happened.
/// A descriptor with a lifetime (`AsFd`) is not to be had from mio's poll without `unsafe`.
impl AsRawFd for Running {
    fn as_raw_fd(&self) -> RawFd {
        self.turn.io.as_raw_fd()
    }
}
