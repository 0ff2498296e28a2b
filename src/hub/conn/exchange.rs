//! Requests of one connection: what of the next one has arrived.

use super::unread::Unread;
use crate::hub::ledger::Held;
use crate::wire::body::BodyReader;

/// Requests of one connection: what of the next one has arrived.
#[derive(Debug)]
pub(crate) struct Exchange {
    /// Bytes of an incomplete head, or that wait behind a request.
    pub(crate) waiting: Unread,
    /// What waits was not looked at: the work was spent, or the answers before it must go first.
    pub(crate) has_more: bool,
    /// How far the search for the end of the head has come.
    pub(crate) scanned: usize,
    /// The request whose body is being read: its head, the reader, what came of the body.
    pub(crate) body: Option<(Vec<u8>, BodyReader, Vec<u8>)>,
    /// The deadline is that of a request, not that of an idle connection.
    pub(crate) began: bool,
}

impl Exchange {
    /// The first bytes are awaited: the deadline of the head runs since the connection was accepted.
    pub(crate) fn new() -> Self {
        Self {
            waiting: Unread::default(),
            has_more: false,
            scanned: 0,
            body: None,
            began: true,
        }
    }

    /// What of it is there.
    pub(crate) fn held(&self) -> Held {
        let body = self.body.as_ref();
        let body = body.map_or_else(Held::default, |(head, _, body)| {
            let memory = head.capacity() + body.capacity();
            Held::new(head.len() + body.len(), memory)
        });
        self.waiting.held() + body
    }

    /// Whether requests wait that nobody has looked at.
    pub(crate) fn has_more(&self) -> bool {
        self.has_more
    }

    /// Whether a part of a request is there.
    pub(crate) fn has_begun(&self) -> bool {
        self.body.is_some() || !self.waiting.is_empty()
    }
}
