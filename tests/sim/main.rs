//! The rules of the hub over virtual time, and a world of random clients.

mod backlog;
mod budget;
mod calls;
mod chat;
mod closing;
mod context;
mod crowd;
mod descriptors;
mod downloads;
mod extensions;
mod fairness;
mod floods;
#[cfg(feature = "deflate")]
mod floods_deflate;
mod handshake;
mod held;
mod memory;
mod offered;
mod opening;
mod panics;
mod pings;
mod puppet;
mod reload;
mod sessions;
mod stop_reading;
mod stopping;
mod timers;
mod topics;
mod world;
