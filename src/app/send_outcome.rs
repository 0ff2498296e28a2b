//! What became of a send, and of a subscription.

/// The answer to a send. It may be ignored: what is not taken is counted in
/// [`Stats::dropped`](super::Stats::dropped), or its session ends and its close event tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendOutcome {
    /// On its way, behind all that was sent before.
    Queued,
    /// On its way as well, but the backlog is above
    /// [`Settings::backlog_mark`](super::Settings::backlog_mark): better wait with more until the
    /// session's drain event.
    AboveMark,
    /// Not taken: the backlog is at its limit, and the policy is to drop the newest, to close (which it
    /// does), or to stop reading.
    Full,
    /// Not taken: it is a binary message, or a frame, and the session is an
    /// [event stream](super::App::sse), which carries texts.
    Skipped,
    /// Not taken: the session is closed or closing, or the id names none that lives.
    Closed,
}

impl SendOutcome {
    /// Whether the message is on its way.
    pub fn is_queued(self) -> bool {
        matches!(self, Self::Queued | Self::AboveMark)
    }
}

/// The answer to a join. It may be ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinOutcome {
    /// It subscribes to the topic from now on.
    Joined,
    /// It did already; nothing has changed.
    Already,
    /// It is closed or closing, or the id names no session that lives.
    Closed,
}
