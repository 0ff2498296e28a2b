//! A call to another server that has no session, yet or ever.

use crate::app::Call;
use crate::wire::error::Error;
use crate::wire::upgrade::ClientHandshake;

/// A call that has no session yet.
#[derive(Debug)]
pub(crate) struct PendingHandshake {
    pub(crate) call: Call,
    /// Makes the key of the request.
    pub(crate) random: [u8; 16],
    /// The request, once the connection is made and it has gone out.
    pub(crate) asked: Option<ClientHandshake>,
}

/// A connection that is no session.
#[derive(Debug)]
pub(crate) struct Linked {
    pub(crate) call: Call,
    /// Its program can go on with what it has got.
    pub(crate) has_more: bool,
}

/// A call that failed; its handler is still to be told.
#[derive(Debug)]
pub(crate) struct FailedCall {
    pub(crate) call: Call,
    /// Why; `None`: the server closed the connection without an answer.
    pub(crate) error: Option<Error>,
}
