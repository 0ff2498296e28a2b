//! Which listeners may have connections, and whether it is of use to ask them.

/// Whether and when to accept.
#[derive(Debug, Default)]
pub(super) struct Accepting {
    /// Listeners that may have more: an event is told once.
    pub(super) pending: Vec<usize>,
    /// No descriptors were left: not before this time, in milliseconds since the start.
    pub(super) paused_until: Option<u64>,
    /// What the system said.
    pub(super) why_paused: String,
    /// The log says that accepting pauses.
    is_told: bool,
    /// When the log may say something else, in milliseconds since the start.
    quiet_until: u64,
    /// Connections in a row that were gone before they could be accepted.
    pub(super) gone: u32,
}

/// The log says at most once in so many milliseconds whether accepting pauses.
const QUIET_MS: u64 = 1_000;

impl Accepting {
    /// A listener has connections.
    pub(super) fn add(&mut self, listener: usize) {
        if !self.pending.contains(&listener) {
            self.pending.push(listener);
        }
    }

    /// Only these listeners accept any more.
    pub(super) fn keep(&mut self, listeners: &[u16]) {
        let is_kept =
            |listener: &usize| listeners.iter().any(|kept| usize::from(*kept) == *listener);
        self.pending.retain(is_kept);
    }

    /// Says in the log that accepting pauses or goes on, unless it has said something a moment ago.
    pub(super) fn tell(&mut self, now: u64) {
        let is_paused = self.paused_until.is_some();
        if is_paused == self.is_told || now < self.quiet_until {
            return;
        }
        self.is_told = is_paused;
        self.quiet_until = now + QUIET_MS;
        if is_paused {
            let why = &self.why_paused;
            log::warn!("accepting pauses until there are descriptors again: {why}");
        } else {
            log::info!("accepting connections again");
        }
    }

    /// When the log is to say that something has changed.
    pub(super) fn tells(&self) -> Option<u64> {
        (self.paused_until.is_some() != self.is_told).then_some(self.quiet_until)
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
