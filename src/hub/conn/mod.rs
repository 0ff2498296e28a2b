//! What a connection is: one small [`Slot`](slot::Slot), its phase, and what few have at a time.

pub(crate) mod cold;
pub(crate) mod exchange;
pub(crate) mod flags;
pub(crate) mod handshake;
pub(crate) mod memberships;
pub(crate) mod opening;
pub(crate) mod origin;
pub(crate) mod phase;
pub(crate) mod slot;
pub(crate) mod streaming;
pub(crate) mod unread;
pub(crate) mod waiting;
