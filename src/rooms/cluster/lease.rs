//! What is known of the leases of nodes.

use super::request::NodeId;
use std::collections::HashMap;

/// What was asked about leases.
#[derive(Clone, Copy, Debug)]
pub(super) enum Asked {
    /// Whether our own was there before it was renewed.
    Renewed { is_first: bool },
    /// Which nodes there are.
    Nodes,
    /// Whether the lease of one holds.
    Alive(NodeId),
    /// Whether we are the one who sweeps.
    Lock(NodeId),
    /// Whether it is still gone after a part of its rooms was swept.
    IsBack(NodeId),
    /// Rooms of a node that is gone.
    Rooms(NodeId),
    /// Rooms that this node is said to be in, a part of them.
    OwnRooms,
}

/// What is known of leases.
#[derive(Debug, Default)]
pub(super) struct Lease {
    pub(super) renew_at: u64,
    pub(super) look_at: u64,
    pub(super) was_there: bool,
    /// This node has ended its own.
    pub(super) is_over: bool,
    /// The list of our own rooms is to be looked through: another process is at the other end of the line.
    pub(super) is_to_look: bool,
    /// Nodes that are being swept, and how many of their rooms are still to be answered for.
    pub(super) sweeping: HashMap<NodeId, usize>,
}

impl Lease {
    /// What was asked will not be answered.
    pub(super) fn line_is_lost(&mut self) {
        self.sweeping.clear();
    }
}
