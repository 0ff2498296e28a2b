//! Everything that is tested from outside, through a socket. `tests/cli` has what goes through the command.
//!
//! One binary, one module per subject. `wire_client` and `running` are what the
//! others stand on: a client that can say any bytes, and a server that stops by itself.

mod autobahn;
mod bad_frames;
mod client;
mod codec;
#[cfg(feature = "deflate")]
mod deflate;
mod embedding;
mod event_streams;
mod extensions;
mod false_server;
mod handlers;
mod http;
mod links;
mod loop_rules;
mod lost_peers;
mod masking;
mod outgoing;
mod pages;
mod proxies;
mod raw_sessions;
mod ready;
mod running;
mod settings_table;
mod slow_readers;
mod subprotocols;
mod tasks;
#[cfg(feature = "tls")]
mod tls;
mod wire_client;
mod wire_frame;
mod wire_server;
mod witness;
