//! What can be told of a run while it goes on.

use crate::summary::Second;

/// How a run does.
#[derive(Clone, Debug)]
pub struct Progress {
    /// The last second.
    pub second: Second,
    /// Connections that were asked for.
    pub connections: u64,
    /// Part of the measured span that is over, 0 to 1.
    pub part: f64,
}
