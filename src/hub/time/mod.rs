//! Time: deadlines of connections, timers of handlers, and what is due.

mod due;
pub(crate) mod ticks;
pub(crate) mod timers;
