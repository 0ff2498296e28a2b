//! A request whose answer comes later: what its program must not lose meanwhile.

use super::exchange::Exchange;
use crate::app::later::Waits;
use crate::hub::ledger::Held;
use crate::wire::response::Delivery;

/// A request that waits for its ticket.
#[derive(Debug)]
pub(crate) struct WaitingRequest {
    /// What the ticket knows it by; the ticket learns when this goes.
    pub(crate) waits: Waits,
    pub(crate) wanted: Wanted,
    /// What arrived behind it.
    pub(crate) exchange: Exchange,
}

/// What a peer waits for.
#[derive(Debug)]
pub(crate) enum Wanted {
    Response(Delivery),
    /// A session of this route, asked for with this head.
    Session {
        route: u16,
        head: Vec<u8>,
    },
}

impl WaitingRequest {
    /// What of it is there.
    pub(crate) fn held(&self) -> Held {
        let head = match &self.wanted {
            Wanted::Response(_) => Held::default(),
            Wanted::Session { head, .. } => Held::new(head.len(), head.capacity()),
        };
        head + self.exchange.held()
    }

    /// Whether its answer has no body.
    pub(crate) fn is_head_only(&self) -> bool {
        matches!(&self.wanted, Wanted::Response(delivery) if delivery.head_only)
    }
}
