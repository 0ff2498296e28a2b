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
