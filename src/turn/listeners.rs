//! Which listeners may have connections, and whether it is of use to ask them.

/// Whether and when to accept.
#[derive(Debug, Default)]
pub(super) struct Accepting {
    /// Listeners that may have more: an event is told once.
    pub(super) pending: Vec<usize>,
    /// No descriptors were left: not before this time, in milliseconds since the start.
    pub(super) paused_until: Option<u64>,
}

impl Accepting {
    /// A listener has connections.
    pub(super) fn add(&mut self, listener: usize) {
        if !self.pending.contains(&listener) {
            self.pending.push(listener);
        }
    }

    /// When accepting is tried again after a pause.
    pub(super) fn resumes(&self) -> Option<u64> {
        self.paused_until.filter(|_| !self.pending.is_empty())
    }

    /// Whether connections may be there to be accepted now.
    pub(super) fn is_due(&self, now: u64) -> bool {
        !self.pending.is_empty() && self.paused_until.is_none_or(|until| until <= now)
    }
}
