//! A connection before it is a session: requests, answers, and the way into a session.

mod gate;
mod later;
mod opening;
pub(crate) mod requests;
mod respond;
mod stream;
pub(crate) mod upgrade;
