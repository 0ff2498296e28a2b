//! What few connections have at a time, kept apart so that the others are small.

use super::unread::Unread;
use crate::app::SessionId;
use crate::hub::time::ticks::Tick;
use crate::wire::close::CloseReason;
use crate::wire::extension::Transform;
use crate::wire::outbox::Outbox;

/// What few connections have at a time.
#[derive(Debug, Default)]
pub(crate) struct ColdState {
    pub(crate) outbox: Outbox,
    /// A pong that waits for the backlog to drain; only the newest is kept.
    pub(crate) pong: Option<Vec<u8>>,
    /// Bytes that were read together with the message at which reading stopped.
    pub(crate) unread: Unread,
    pub(crate) transform: Option<Box<dyn Transform>>,
    /// The number of the extension that the transformation belongs to.
    pub(crate) extension_id: u16,
    /// What the ledger says that the transformation holds back of the peer's bytes.
    pub(crate) transform_held: usize,
    /// The response's `Sec-WebSocket-Extensions`.
    pub(crate) extensions: Option<Box<str>>,
    /// A subprotocol that is not among those of the route.
    pub(crate) protocol: Option<Box<str>>,
    pub(crate) close: Option<CloseReason>,
    /// Since when the backlog is above its mark.
    pub(crate) over_since: Option<Tick>,
    /// Sessions that are not read until the backlog is below its mark.
    pub(crate) waiters: Vec<SessionId>,
    /// Messages dropped since the last drain event.
    pub(crate) dropped: u64,
    /// Bytes that went out since progress was looked at last, and since the peer took no more once: what
    /// fits at first tells nothing.
    pub(crate) progress: usize,
    pub(crate) has_blocked: bool,
}

impl ColdState {
    /// Whether anything is in it.
    pub(crate) fn is_needed(&self) -> bool {
        !self.outbox.is_empty()
            || self.pong.is_some()
            || !self.unread.is_empty()
            || self.transform.is_some()
            || self.extensions.is_some()
            || self.protocol.is_some()
            || self.close.is_some()
            || self.over_since.is_some()
            || self.dropped > 0
            || !self.waiters.is_empty()
    }
}
