//! Topics: who subscribes, what was published, and how it gets to everybody.

pub(crate) mod deliver;
mod encoding;
mod event_log;
mod frames;
pub(crate) mod log;
pub(crate) mod members;
