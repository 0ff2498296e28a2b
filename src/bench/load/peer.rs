//! One connection of the load as it is kept: small, because there are many.

use super::seen::Seen;
use dunlin::SessionId;

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// It is held.
    Idle,
    /// It sends and waits for its own messages.
    Echo,
    /// It sends to the receivers.
    Sender,
    /// It gets what the senders send.
    Receiver,
    /// It reads nothing while the load runs.
    Slow,
}

/// Where a connection is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Stage {
    /// There is none, and none is being made.
    #[default]
    Away,
    /// It is being made.
    Calling,
    /// It is open, and says what the dialect wants first.
    Entering,
    /// It takes part.
    Ready,
    /// Its end is under way, as planned.
    Leaving,
    /// It ended, and will not come again.
    Gone,
}

/// One connection.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Peer {
    /// Its session while it is open.
    pub(super) id: Option<SessionId>,
    /// Messages that it sent.
    pub(super) sent: u32,
    /// Of these, done with: answered, or their connection ended.
    pub(super) done: u32,
    /// Of the others, those that are not waited for any more.
    pub(super) given_up: u32,
    /// Open loop: messages whose time came, sent or not.
    pub(super) due: u32,
    /// Echo: which of them arrived. Of a receiver, its first counter is not used.
    pub(super) seen: Seen,
    /// When something was answered or sent last, in milliseconds of the clock.
    pub(super) moved: u32,
    /// Messages until a visit is over.
    pub(super) visit: u32,
    pub(super) stage: Stage,
    /// Whether it was ready when the load began.
    pub(super) took_part: bool,
}

impl Peer {
    /// Messages that are waited for.
    pub(super) fn in_flight(&self) -> u32 {
        self.sent
            .wrapping_sub(self.done)
            .saturating_sub(self.given_up)
    }

    /// Whether nothing is going on with it.
    pub(super) fn is_settled(&self) -> bool {
        matches!(self.stage, Stage::Ready | Stage::Gone)
    }
}
