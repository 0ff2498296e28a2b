//! The answer of a session whose open event runs.

use crate::wire::extension::Offer;
use std::ops::Range;

/// The answer of a session whose open event runs: it can be changed until something is sent behind
/// it, and removed as a whole.
#[derive(Debug)]
pub(crate) struct Opening {
    pub(crate) accept: [u8; 28],
    pub(crate) extension: Option<Offer>,
    pub(crate) fields: Vec<(String, String)>,
    /// What the client offered.
    pub(crate) protocols: Vec<Box<str>>,
    /// Where it stands in what is gathered.
    pub(crate) place: Range<usize>,
}

/// How far a connection was before its upgrade, to go back to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Before {
    pub(crate) gathered: usize,
    pub(crate) backlog: usize,
    pub(crate) sent: u64,
}
