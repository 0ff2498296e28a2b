//! Where a connection stands, with what that needs.
//!
//! ```text
//!  Head ──upgrade──▶ Open ──our Close──▶ Closing ──their Close──▶ Ending ──all sent──▶ Lingering ──their end──▶ Dead
//!   └▶ Waiting ─┘ (its ticket answers); Head ──▶ Streaming ──all pieces──▶ Head
//!  Dialling ──connected──▶ Link ──their end, or ours──▶ Dead
//!  Dialling ──101──▶  └── their Close, or a failure ─────────────▶          (lost, or a deadline: Dead at once)
//! ```
//!
//! The transitions lie in `ws::close`, but for the ways into Open, in `http::upgrade` and `ws::dial`.

use super::exchange::Exchange;
use super::handshake::{FailedCall, Linked, PendingHandshake};
use super::streaming::StreamingResponse;
use super::waiting::WaitingRequest;
use crate::wire::receive::Receiver;

/// A phase, and what exists in it only.
#[derive(Debug)]
pub(crate) enum Phase {
    /// This side called: the connection, or the server's answer, is awaited.
    Dialling(Option<Box<PendingHandshake>>),
    /// This side called, and it is no session: bytes go to and fro.
    Link(Box<Linked>),
    /// HTTP: a request is awaited, or this much of one has arrived.
    Head(Option<Box<Exchange>>),
    /// HTTP: its program answers the request later.
    Waiting(Box<WaitingRequest>),
    /// HTTP: the pieces of a response go out, one after another.
    Streaming(Box<StreamingResponse>),
    /// The handler has opened the session.
    Open(Receiver),
    /// Our Close is sent, theirs is awaited; their messages are still delivered.
    Closing(Receiver),
    /// Nothing more is to be said: what waits goes out, then the sending direction ends. So many
    /// bytes that arrived meanwhile were thrown away.
    Ending(u32),
    /// The sending direction has ended; what arrives is thrown away until their end of file.
    Lingering(u32),
    /// The socket can go.
    Dead(Option<Box<FailedCall>>),
}

/// A phase without what it holds, to be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub(crate) enum State {
    Dialling,
    Link,
    Head,
    Waiting,
    Streaming,
    Open,
    Closing,
    Ending,
    Lingering,
    Dead,
}

impl Phase {
    /// Which phase this is.
    #[inline]
    pub(crate) fn state(&self) -> State {
        match self {
            Self::Dialling(_) => State::Dialling,
            Self::Link(_) => State::Link,
            Self::Head(_) => State::Head,
            Self::Waiting(_) => State::Waiting,
            Self::Streaming(_) => State::Streaming,
            Self::Open(_) => State::Open,
            Self::Closing(_) => State::Closing,
            Self::Ending(_) => State::Ending,
            Self::Lingering(_) => State::Lingering,
            Self::Dead(_) => State::Dead,
        }
    }
}
