//! A connection before it is a session: requests, answers, and the way into a session.

pub(crate) mod requests;
mod upgrade;
