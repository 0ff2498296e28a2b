//! dunlin: a WebSocket server in one thread.

#![forbid(unsafe_code)]

pub mod app;
pub mod wire;
