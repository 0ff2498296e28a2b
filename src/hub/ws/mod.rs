//! A session: what comes in, what goes out, and every way it ends.

mod backlog;
pub(crate) mod close;
mod control;
pub(crate) mod dial;
pub(crate) mod events;
pub(crate) mod receive;
pub(crate) mod send;
pub(crate) mod send_long;
