//! Layer 2: the deterministic heart of the server.
//!
//! A [`Hub`] holds every connection, topic and timer, and the routes of a
//! program. It has no socket and no clock: a driver tells it what happened and
//! what time it is, and it answers through a [`Transport`]. The same calls in
//! the same order, with the same seed, always give the same bytes.
//!
//! The methods, in the order in which a driver calls them in a turn:
//!
//! | kind | methods |
//! |---|---|
//! | time | [`advance`](Hub::advance) |
//! | feed in | [`accept`](Hub::accept), [`peer_known`](Hub::peer_known), [`received`](Hub::received), [`received_directly`](Hub::received_directly), [`end_of_file`](Hub::end_of_file), [`lost`](Hub::lost), [`writable`](Hub::writable), [`resume`](Hub::resume) |
//! | work | [`set_work`](Hub::set_work), then [`run_events`](Hub::run_events), [`flush`](Hub::flush), [`deliver`](Hub::deliver), [`reap`](Hub::reap), each while that lasts |
//! | call others | `next_dial`, then [`connected`](Hub::connected) or [`dial_failed`](Hub::dial_failed) |
//! | ask | [`wants_read`](Hub::wants_read), [`has_pending`](Hub::has_pending), [`target`](Hub::target), [`next_resumed`](Hub::next_resumed), [`next_deadline`](Hub::next_deadline), [`is_empty`](Hub::is_empty), [`stats`](Hub::stats) |
//!
//! The routes stand beside the core, not inside it: the core is lent whole
//! to a handler, so what it sends happens at once, and no handler ever runs
//! inside a handler.
//!
//! Leaves own their data and know nothing of each other; `core` is where they meet, and what works
//! on several of them stands above it:
//!
//! | folder or file | subject |
//! |---|---|
//! | `conn` | what a connection is, and what each phase of it needs |
//! | `topics` | members and logs; delivery |
//! | `time` | deadlines, timers, and what is due |
//! | `addresses`, `arrival` | who comes from where, how many and how fast; what proxies say of that |
//! | `ledger`, `metrics`, `rules`, `shutdown` | bytes held, counters, the settings of a route, whose time has come when a server stops |
//! | `core`, `host` | all of that together, and as a handler sees it |
//! | `http` | requests, one list of refusals, the way into a session |
//! | `ws` | receiving, sending, slow readers, closing, events of a program, calls to other servers |
//! | `link` | connections to other servers that are no sessions |
//! | `sse` | event streams: what differs from a WebSocket |
//! | `guard` | calls into code of the program, which may panic |
//! | `driver`, `observed` | what a turn calls; what is told of all this |
//! | `reap`, `memory`, `stopping` | sockets that go, memory that runs short, shutdown |

mod accounting;
mod addresses;
mod arrival;
mod conn;
mod core;
mod driver;
mod guard;
mod host;
mod http;
mod ledger;
mod link;
mod memory;
mod metrics;
mod observed;
mod reap;
mod reload;
mod rules;
mod shutdown;
mod sse;
mod stopping;
#[cfg(test)]
mod tests;
mod time;
mod topics;
mod transport;
mod ws;

pub use self::core::{Hub, Now};
pub use crate::config::Limits;
pub(crate) use guard::{Panic, record, said};
pub use transport::{Lost, Transport};
