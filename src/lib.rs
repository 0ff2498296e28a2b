//! dunlin: a WebSocket server that runs in one thread. No async runtime, no `unsafe`, one mio
//! poll loop, for small hosts, for embedding, and for holding many sockets at once.
//!
//! An echo server:
//!
//! ```no_run
//! fn main() -> dunlin::Result<()> {
//!     let app = dunlin::App::new().on_message("/echo", |session, message| { let _ = session.send(message); });
//!     dunlin::Server::new(app).listen("127.0.0.1:8080")?.run()
//! }
//! ```
//!
//! # One turn of the loop
//!
//! ```text
//!  wait ─▶ clock ─▶ accept ─▶ read ─▶ timers, commands ─▶ flush ─▶ deliver ─▶ reap ─▶ wait
//!          read     new       a share  of handlers, of    what      what was   sockets
//!          once     sockets   each     other threads      waits     published  that ended
//!                   └──────────────── one budget of work for all of it ─────────────┘
//! ```
//!
//! A turn has one budget of work, less than a millisecond by the price list of [`wire::work`].
//! Everything that a peer can cause has a price there: each byte received, inflated, deflated,
//! checked or copied, each event of a handler, each send, each socket accepted or closed. A step
//! stops when its part of the budget is spent, and what is left keeps its order for the next turn.
//! So what one peer or room sends delays everybody else by a few turns as a rule, and a crowd of
//! thousands that acts at once by some dozens.
//!
//! Handlers are called from within a step, one event at a time: what the sessions of a route share
//! is plain `&mut self`. The loop cannot interrupt a handler, so the time that one computes is not
//! bounded by the budget.
//!
//! # The layers
//!
//! | layer | module | what is there |
//! |---|---|---|
//! | 0 | [`wire`] | bytes to meaning and back: heads, frames, receive lanes, extensions |
//! | 0 | [`config`] | settings and limits as plain data, checked before anything starts |
//! | 1 | [`app`] | the types that a program is written with: [`App`], [`Handler`], [`Session`], [`Settings`] |
//! | 2 | [`hub`] | every connection, topic and timer; no socket and no clock |
//! | 3 | `turn` | one turn of the loop: its order, its budget, who is read next |
//! | 4 | `net`, [`sim`] | what a turn runs over: mio sockets, or a virtual network for tests |
//! | 5 | [`server`], [`client`] | a program and its listeners; a small blocking client |
//! | 6 | `apps`, `check` | the ready applications of `dunlin serve`; a check of any server |
//! | 7 | `cli` | the command: arguments in, exit code out |
//!
//! A layer uses lower layers only. Tests of a program run it in a [`sim::Sim`]: without sockets,
//! through the same turn as in production, and with a clock that the test moves.
//!
//! # Other people's bugs
//!
//! Faults that other servers had are tests here: lengths with the top bit set, floods of empty
//! fragments, pings to a peer that never reads, compressed bombs, requests smuggled behind an
//! upgrade, listeners that stop accepting when file descriptors run out, one slow reader that
//! delays a room, a panic in a handler that ends the server.

#![forbid(unsafe_code)]

/// The examples of the README, so that they cannot rot.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;

pub mod app;
#[cfg(feature = "apps")]
pub mod apps;
#[cfg(feature = "cli")]
pub mod check;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;
pub mod client;
pub mod config;
#[cfg(any(all(test, feature = "deflate"), feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
pub mod hub;
mod net;
pub mod server;
pub mod sim;
mod turn;
pub mod wire;

pub use app::{
    App, BacklogPolicy, Call, Context, Handle, Handler, Origins, Peer, RawHandler, Rejected,
    Remote, Request, Response, Route, SendOutcome, Session, SessionId, Settings, Stats,
};
#[cfg(feature = "json")]
pub use app::{Codec, Json};
pub use client::{Client, Incoming};
pub use config::Limits;
pub use server::{Address, Running, Server, ServerThread};
pub use wire::close::{CloseCode, CloseReason, ClosedBy};
#[cfg(feature = "deflate")]
pub use wire::deflate::Deflate;
pub use wire::error::{Error, ErrorKind, Result};
pub use wire::extension::{Extension, Transform};
pub use wire::head::Method;
pub use wire::message::Message;
pub use wire::receive::RawFrame;
pub use wire::response::Status;
