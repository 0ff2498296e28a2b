//! The rules of the hub over virtual time, and a world of random clients.

mod addresses;
mod backlog;
mod budget;
mod calls;
mod chat;
mod closing;
mod context;
mod crowd;
mod descriptors;
mod downloads;
mod driving;
mod event_streams;
mod extensions;
mod fairness;
#[cfg(all(feature = "apps", feature = "deflate"))]
mod faults;
mod floods;
#[cfg(feature = "deflate")]
mod floods_deflate;
#[cfg(feature = "apps")]
mod flow_events;
mod followers;
mod handshake;
mod held;
mod http;
mod later;
mod limits;
mod memory;
mod metrics;
mod million;
mod offered;
mod opened_later;
mod opening;
mod panics;
mod pings;
mod puppet;
mod red;
mod reload;
#[cfg(feature = "apps")]
mod rooms;
mod sessions;
mod stop_reading;
mod stopping;
mod streams;
mod timers;
#[cfg(feature = "apps")]
mod tokens;
mod topics;
#[cfg(all(feature = "apps", feature = "deflate"))]
mod torture;
mod waiting_for_others;
mod world;
