//! Everything that is tested from outside: through a socket, or through the command.
//!
//! One binary, one module per subject. `wire_client` and `running` are what the
//! others stand on: a client that can say any bytes, and a server that stops by itself.

mod bad_frames;
mod binary;
mod cli;
#[cfg(feature = "deflate")]
mod deflate;
mod http;
mod log;
mod loop_rules;
mod lost_peers;
mod pages;
mod ready;
mod running;
mod slow_readers;
mod wire_client;
mod wire_frame;
