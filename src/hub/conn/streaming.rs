//! A response of which pieces are still to come.

use super::exchange::Exchange;
use crate::app::stream::Pieces;
use crate::wire::response::BodyFraming;
use std::fmt;

/// A response of which pieces are still to come.
pub(crate) struct StreamingResponse {
    /// Absent while it is asked.
    pub(crate) pieces: Option<Pieces>,
    /// How its end shows; of a length, what is still to come.
    pub(crate) framing: BodyFraming,
    pub(crate) keep_alive: bool,
    /// It had nothing to say when it was asked last.
    pub(crate) waits: bool,
    /// Its peer has ended its direction, and may still read.
    pub(crate) has_ended: bool,
    /// What arrived behind the request.
    pub(crate) exchange: Exchange,
}

impl fmt::Debug for StreamingResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("StreamingResponse");
        shown.field("waits", &self.waits).finish()
    }
}
