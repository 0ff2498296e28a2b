//! The connections of a node, and where they go.

use crate::app::SessionId;
use core::net::SocketAddr;
use std::sync::Arc;

/// What came of looking up the host of a line.
pub(super) type LookedUp = Result<Vec<SocketAddr>, String>;
/// Tells the thread of the loop.
pub(super) type Tell = Arc<dyn Fn(usize, LookedUp) + Send + Sync>;

/// What a host was found to be.
#[derive(Debug, Default)]
pub(super) enum Found {
    /// It is not known.
    #[default]
    Nothing,
    /// Somebody is asking.
    Asking,
    /// These, the next one to be tried first.
    Addresses(Vec<SocketAddr>),
}

/// The connections of a node.
#[derive(Default)]
pub(in crate::rooms) struct Lines {
    pub(super) ids: [Option<SessionId>; 2],
    /// Tells this thread what another one has found of a line's host.
    pub(super) tell: Option<Tell>,
    /// Which of the hosts each line tries next, and where that is.
    pub(super) hosts: [usize; 2],
    pub(super) found: [Found; 2],
}

impl Lines {
    /// A connection failed or was given up: the next one goes to another address of the same host, where one is left that
    /// was not tried, and else to the next host.
    pub(super) fn go_on(&mut self, which: usize) {
        if !matches!(self.found[which], Found::Addresses(_)) {
            self.hosts[which] += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_of_a_host_is_tried_before_the_next_host() {
        let mut lines = Lines::default();
        let left = SocketAddr::from(([127, 0, 0, 2], 6379));
        lines.found[1] = Found::Addresses(vec![left]);
        lines.go_on(1);
        assert_eq!(lines.hosts, [0, 0]);
        // What is left by the last of them.
        lines.found[1] = Found::Nothing;
        lines.go_on(1);
        assert_eq!(lines.hosts, [0, 1]);
    }
}
