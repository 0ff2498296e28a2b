//! Accepting: some connections a turn, read at once, registered once.

use super::turn::Loop;
use std::io;

/// Connections accepted in one turn, over all listeners.
const ACCEPTS_A_TURN: usize = 64;
/// Out of descriptors: accepting pauses this long, in milliseconds.
const PAUSE_MS: u64 = 100;

/// Whether and when to accept.
#[derive(Debug, Default)]
pub(super) struct Accepting {
    /// Listeners that may have more; an edge is told once.
    pub(super) pending: Vec<usize>,
    /// No descriptors were left: not before this time.
    paused_until: Option<u64>,
}

impl Accepting {
    /// A listener has connections.
    pub(super) fn add(&mut self, listener: usize) {
        if !self.pending.contains(&listener) {
            self.pending.push(listener);
        }
    }

    /// When accepting goes on, if it is due at all.
    pub(super) fn next(&self, now: u64) -> Option<u64> {
        if self.pending.is_empty() {
            None
        } else {
            Some(self.paused_until.unwrap_or(now))
        }
    }
}

impl Loop {
    /// Accepts what there is, within the budget, in turn from all listeners.
    pub(super) fn accept(&mut self) {
        let now = self.now.ms;
        if self.accepting.paused_until.is_some_and(|until| now < until) {
            return;
        }
        if self.accepting.paused_until.take().is_some() {
            log::info!("accepting connections again");
        }
        let mut budget = ACCEPTS_A_TURN;
        while budget > 0
            && let Some(&listener) = self.accepting.pending.first()
        {
            budget -= 1;
            match self.accept_from(listener) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.accepting.pending.remove(0);
                }
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    log::warn!("accepting pauses for {PAUSE_MS} ms: {error}");
                    self.accepting.paused_until = Some(now + PAUSE_MS);
                    return;
                }
            }
        }
        if self.accepting.pending.len() > 1 {
            self.accepting.pending.rotate_left(1);
        }
    }

    fn accept_from(&mut self, listener: usize) -> io::Result<()> {
        let (stream, peer) = self.listeners[listener].accept()?;
        let Some(id) = self.hub.accept(peer) else {
            return Ok(());
        };
        self.sockets.put(id.index, stream);
        // Its request is there already, as a rule.
        self.read(id);
        if let Some(socket) = self.sockets.at(id.index)
            && let Err(error) = socket.stream.register(self.poll.registry(), id)
        {
            log::warn!("a connection cannot be polled: {error}");
            self.hub.lost(id);
        }
        Ok(())
    }
}

/// Errors of accept(2) that belong to the connection, not to the listener.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
            | io::ErrorKind::PermissionDenied
    )
}
