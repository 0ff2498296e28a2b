//! Calls that the system had no memory for: they are made again a little later.
//!
//! ENOBUFS and ENOMEM say nothing about a connection, and no event tells when they are over. So the poll
//! makes up an event for each connection that met one, and the turn tries again.

use crate::turn::Event;
use std::cell::Cell;
use std::time::Duration;

/// After so long it is tried again.
const RETRY: Duration = Duration::from_millis(10);

thread_local! {
    /// A call of this thread has met a shortage, and nobody has asked since whose it was. Streams do not know
    /// their keys, and whoever does has TLS between itself and them.
    static WAS_SHORT: Cell<bool> = const { Cell::new(false) };
}

/// The system was short of memory for the call that was made.
pub(super) fn met_shortage() {
    WAS_SHORT.set(true);
}

/// Connections that are tried again.
#[derive(Debug, Default)]
pub(super) struct Retries(Vec<u32>);

impl Retries {
    /// A call for this connection was made.
    #[inline]
    pub(super) fn note(&mut self, key: u32) {
        // A connection is served once a turn: to look at the last one is enough.
        if WAS_SHORT.replace(false) && self.0.last() != Some(&key) {
            self.0.push(key);
        }
    }

    /// Within which time a turn is needed.
    pub(super) fn within(&self) -> Option<Duration> {
        (!self.0.is_empty()).then_some(RETRY)
    }

    /// Tells of everybody who is to be tried again. One that is gone meanwhile is told of in vain.
    pub(super) fn tell(&mut self, events: &mut Vec<Event>) {
        events.extend(self.0.drain(..).map(|key| Event::Connection {
            key,
            readable: true,
            writable: true,
            ended: false,
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_had_no_memory_for_is_tried_again_once_and_soon() {
        let mut retries = Retries::default();
        retries.note(7);
        assert_eq!(retries.within(), None);
        for _ in 0..2 {
            met_shortage();
            retries.note(7);
        }
        assert_eq!(retries.within(), Some(RETRY));
        let mut events = Vec::new();
        retries.tell(&mut events);
        let told = Event::Connection {
            key: 7,
            readable: true,
            writable: true,
            ended: false,
        };
        assert_eq!(events, [told]);
        assert_eq!(retries.within(), None);
    }
}
