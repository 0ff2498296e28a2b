//! What became of a send.

/// The answer to a send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a message that is not queued is lost; ignore it with `let _ =` where that is meant"]
pub enum SendOutcome {
    /// On its way, behind all that was sent before.
    Queued,
    /// Not taken: the backlog is full and the policy is to drop the newest or to close.
    Full,
    /// Not taken: the session is closed or closing, or the id names none that lives.
    Closed,
}
