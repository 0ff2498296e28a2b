//! The command, as a process of its own: arguments, environment, files, signals, log, exit codes.

#[cfg(feature = "bench")]
mod bench;
mod binary;
#[cfg(feature = "chat")]
mod chat;
#[cfg(feature = "check")]
mod check;
mod commands;
mod configuration;
mod descriptors;
#[cfg(feature = "cluster")]
mod engine;
#[allow(dead_code)] // a toolbox of other tests, too
#[path = "../dunlin/false_server.rs"]
mod false_server;
mod json_log;
mod log;
mod operations;
mod rooms;
#[path = "../dunlin/running.rs"]
mod running;
mod service;
mod shutdown;
#[cfg(feature = "tls")]
mod tls;
mod tokens;
#[path = "../dunlin/wire_client.rs"]
mod wire_client;
#[path = "../dunlin/wire_frame.rs"]
mod wire_frame;
#[path = "../dunlin/wire_server.rs"]
mod wire_server;
