//! The answer of a session whose open event runs.

use crate::wire::extension::Offer;
use std::ops::Range;

/// The answer of a session whose open event runs: it can be changed until something is sent behind
/// it, and removed as a whole.
#[derive(Debug)]
pub(crate) struct Opening {
    pub(crate) kind: OpeningKind,
    pub(crate) fields: Vec<(String, String)>,
    /// Where it stands in what is gathered.
    pub(crate) place: Range<usize>,
}

/// What is answered.
#[derive(Debug)]
pub(crate) enum OpeningKind {
    /// A 101.
    WebSocket {
        accept: [u8; 28],
        extension: Option<Offer>,
        /// The subprotocols that the client offered.
        protocols: Vec<Box<str>>,
    },
    /// The head of an event stream, for a page of this origin.
    Events { origin: Option<Box<str>> },
}

/// How far a connection was before its upgrade, to go back to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Before {
    pub(crate) gathered: usize,
    pub(crate) backlog: usize,
    pub(crate) sent: u64,
}
