//! A call to another server that has no session yet.

use crate::app::Call;
use crate::wire::error::Error;
use crate::wire::extension::Offer;

/// A call that has no session yet.
#[derive(Debug)]
pub(crate) struct PendingHandshake {
    pub(crate) call: Call,
    pub(crate) request_key: String,
    pub(crate) offers: Vec<Offer>,
    pub(crate) answer: Vec<u8>,
    pub(crate) scanned: usize,
    /// The connection is made, and the request went out.
    pub(crate) is_asked: bool,
}

/// A call that failed; its handler is still to be told.
#[derive(Debug)]
pub(crate) struct FailedCall {
    pub(crate) call: Call,
    /// Why; `None`: the server closed the connection without an answer.
    pub(crate) error: Option<Error>,
}
