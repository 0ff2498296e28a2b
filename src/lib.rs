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
//!  wait ─▶ clock ─▶ accept ─▶ read ─────▶ handler ─▶ timers, commands ─▶ flush, deliver ─▶ reap ─▶ wait
//!           once    some      some of each  one event   of other threads    64 sends          32
//!                             connection    at a time                       at a time         sockets
//! ```
//!
//! Every step has a budget and leaves the rest to the next turn, so that no room, flood or mass
//! disconnect can hold up a bystander. Nothing ever runs beside a handler or inside one: what
//! the sessions of a route share is plain `&mut self`.
//!
//! # The layers
//!
//! | layer | module | what is there |
//! |---|---|---|
//! | 0 | [`wire`] | bytes to meaning and back: heads, frames, receive lanes, extensions |
//! | 0 | `config` | limits as plain data, checked before anything starts |
//! | 1 | [`app`] | the words of a program: [`App`], [`Handler`], [`Session`], [`Settings`] |
//! | 2 | [`hub`] | every connection, topic and timer; no socket and no clock |
//! | 3 | `net`, [`sim`] | two drivers of the hub: mio sockets, or a virtual network for tests |
//! | 4 | [`server`], [`client`] | a program and its listeners; a small blocking client |
//! | 5 | `apps`, `check` | the ready applications of `dunlin serve`; a check of any server |
//!
//! A layer uses lower layers only. Tests of a program run it in a [`sim::Sim`]: no sockets, and
//! time that moves when told to.
//!
//! # Other people's bugs
//!
//! What went wrong elsewhere is tested here: lengths with the top bit set, floods of empty
//! fragments, pings to a peer that never reads, compressed bombs, requests smuggled behind an
//! upgrade, listeners that fall silent when files run out, one slow reader that delays a room, a
//! panic that takes the server along.

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
mod config;
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
    App, BacklogPolicy, Call, Handler, Origins, Peer, RawHandler, Remote, Request, Response,
    SendOutcome, Session, SessionId, Settings, Stats,
};
#[cfg(feature = "json")]
pub use app::{Codec, Json};
pub use client::{Client, Incoming};
pub use config::Limits;
pub use server::{Address, Server};
pub use wire::close::{CloseCode, CloseReason, ClosedBy};
#[cfg(feature = "deflate")]
pub use wire::deflate::Deflate;
pub use wire::error::{Error, ErrorKind, Result};
pub use wire::extension::{Extension, Transform};
pub use wire::head::Method;
pub use wire::message::Message;
pub use wire::receive::RawFrame;
pub use wire::response::Status;
