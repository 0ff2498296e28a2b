//! Rooms of several nodes, which an engine elsewhere holds: Redis or Valkey.

#![allow(dead_code)] // until the engine of a node uses all of it

mod answer;
mod keys;
#[cfg(any(test, feature = "internals"))]
mod model;
mod push;
mod request;
mod retention;
mod script;
#[cfg(any(test, feature = "internals"))]
mod server;
#[cfg(any(test, feature = "internals"))]
pub mod side_by_side;
