//! The names of sessions.

use std::fmt;

/// The name of a session, never reused while the process runs: an index, which is used again, and
/// a generation, which tells those apart.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId {
    pub(crate) index: u32,
    pub(crate) generation: u32,
}

impl SessionId {
    /// No session, and no route either.
    pub(crate) const NOBODY: Self = Self {
        index: u32::MAX,
        generation: u32::MAX,
    };
    /// The publisher that other threads are, all of them together.
    pub(crate) const OTHER_THREADS: Self = Self {
        index: u32::MAX,
        generation: u32::MAX - 1,
    };

    /// No session: the route itself, as the owner of timers. `None` for what is no route.
    pub(crate) fn of_route(route: u16) -> Option<Self> {
        (route != u16::MAX).then_some(Self {
            index: u32::MAX,
            generation: u32::from(route),
        })
    }

    /// The key of its connection, as a driver is given it.
    #[cfg(feature = "internals")]
    #[doc(hidden)]
    #[must_use]
    pub fn key(self) -> u32 {
        self.index
    }

    /// The route that this stands for, if it names no session.
    pub(crate) fn route(self) -> Option<u16> {
        let route = u16::try_from(self.generation).ok();
        route.filter(|_| self.index == u32::MAX)
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.index, self.generation)
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionId({self})")
    }
}
