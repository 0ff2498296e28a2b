//! dunlin: a WebSocket server that runs in one thread. No async runtime, no `unsafe`, one mio
//! poll loop, for small hosts, for embedding, and for holding many sockets at once.
//!
//! An echo server:
//!
//! ```no_run
//! fn main() -> dunlin::Result<()> {
//!     let app = dunlin::App::new().on_message("/echo", |session, message| session.send(message));
//!     dunlin::Server::new(app).listen("127.0.0.1:8080")?.run()
//! }
//! ```
//!
//! # By task
//!
//! The [guide] explains how it all works together, and has chapters for those who come from Ktor, Spring,
//! `ws` for Node or axum.
//!
//! | to | begin with |
//! |---|---|
//! | learn it | [`guide`]: [handlers](guide::handlers), [the turn](guide::turn), [topics](guide::topics), [rooms](guide::rooms), [backpressure](guide::backpressure) |
//! | serve | [`App`] holds the routes, [`Server`] runs them on TCP and Unix sockets; [`Response`] and [`Answer`] for plain HTTP |
//! | share state | a [`Handler`] is one value for all sessions of its route: plain `&mut self`, no lock. An `Rc<RefCell<H>>` is a handler of several routes, [`Context`] reaches every session and topic |
//! | stream one way | [`App::sse`]: Server-Sent Events for `EventSource` and `curl -N`; [`Event`] |
//! | keep what was said | [rooms](guide::rooms), of the feature `rooms`: history, receipts, presence; `rooms::Rooms` |
//! | use other threads | [`Route::handle`] calls the handler from a thread, [`Remote`] sends and publishes, [`Server::spawn`] runs the loop in a thread of its own |
//! | authenticate | [`Handler::open`] sees the [`Request`] and may refuse it; [`Open::later`] lets a thread decide; [`Settings::origins`] says whose pages may connect |
//! | stand behind proxies, ask for tokens | [access](guide::access): [`Limits::trusted_proxies`], [`Limits::proxy_protocol`], rates by address, connection tokens |
//! | test | [`testing`]: the same program without sockets, in virtual time |
//! | tune | [`Settings`] of a route and [`Limits`] of the server: each has a default, a bound, and an error that names both |
//! | call other servers | [`App::outgoing`] in the same loop, or [`Client`] for scripts |
//! | load-test a server | the command `dunlin bench`: [load testing](guide::bench) |
//! | extend the protocol | [`ext`]: extensions; [`RawHandler`]: every frame; [`Codec`]: values in place of payloads |
//!
//! # Features
//!
//! | feature | default | what it adds |
//! |---|---|---|
//! | `deflate` | yes | permessage-deflate (RFC 7692): [`Deflate`] |
//! | `json` | yes | values in place of payloads, JSON bodies |
//! | `apps` | no | the ready applications of `dunlin serve`, in `dunlin::apps`; with `rooms` |
//! | `files` | no | a folder over HTTP: `App::files`, `Files` |
//! | `rlimit` | no | the limit of open files is raised at start, and room made for as many: else accepting one waits up to 20 ms whenever the system's table of them doubles |
//! | `tls` | no | TLS by rustls: `Server::listen_tls`, `Tls`, and `wss://` for what this side calls |
//! | `tokens` | no | connection tokens (JWT, HMAC-SHA256), in `dunlin::tokens`; with `json` |
//! | `rooms` | no | rooms with history, receipts and presence, in `dunlin::rooms`; with `json` |
//! | `cluster` | no | rooms that several nodes share by Redis or Valkey: `rooms::Cluster`; with `rooms` |
//!
//! Without any it is the loop and the protocol. No feature changes how another part behaves. The command
//! `dunlin` is a package of its own, `dunlin-cli`.
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
//! A turn has one budget of work, less than a millisecond by the price list of `wire::work`.
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
//! | 0 | `wire` | bytes to meaning and back: heads, frames, receive lanes, extensions |
//! | 0 | [`config`] | settings and limits as plain data, checked before anything starts |
//! | 1 | `app` | the types that a program is written with |
//! | 2 | `hub` | every connection, topic and timer; no socket and no clock |
//! | 3 | `turn` | one turn of the loop: its order, its budget, who is read next |
//! | 4 | `net`, `sim` | what a turn runs over: mio sockets, or a virtual network for tests |
//! | 5 | `server`, [`client`], `rooms` | a program and its listeners; a small blocking client; rooms with history and receipts |
//! | 6 | `apps`, `files`, `check` | the ready applications of `dunlin serve`; folders over HTTP; a check of any server |
//! | 7 | `cli` | the command, a package of its own: arguments in, exit code out |
//!
//! A layer uses lower layers only. The load tester of `dunlin bench` is a package of its own, `src/bench`, which uses
//! what is public. Tests of a program run it in a [`testing::Sim`]: without sockets,
//! through the same turn as in production, and with a clock that the test moves. [`testing`] shows how.
//!
//! # Other people's bugs
//!
//! Faults that other servers had are tests here: lengths with the top bit set, floods of empty
//! fragments, pings to a peer that never reads, compressed bombs, requests smuggled behind an
//! upgrade, listeners that stop accepting when file descriptors run out, one slow reader that
//! delays a room, a panic in a handler that ends the server.

#![forbid(unsafe_code)]
// What only the tests and benches of this crate use, and what they see of the layers.
#![cfg_attr(
    not(feature = "internals"),
    allow(dead_code, unreachable_pub, unused_imports)
)]

/// The examples of the README, so that they cannot rot.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;

#[cfg(feature = "apps")]
pub mod apps;
pub mod client;
pub mod config;
#[cfg(feature = "files")]
mod files;
#[cfg(any(all(test, feature = "deflate"), feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
pub mod guide;
mod net;
#[cfg(feature = "rooms")]
pub mod rooms;
pub mod testing;

// The layers are private; the tests and benches of this crate see them by its feature `internals`.
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod app;
#[cfg(not(feature = "internals"))]
mod app;
#[cfg(feature = "check")]
#[doc(hidden)]
pub mod check;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod hub;
#[cfg(not(feature = "internals"))]
mod hub;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod server;
#[cfg(not(feature = "internals"))]
mod server;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod sim;
#[cfg(not(feature = "internals"))]
mod sim;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod turn;
#[cfg(not(feature = "internals"))]
mod turn;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod wire;
#[cfg(not(feature = "internals"))]
mod wire;

/// What an extension of the protocol is written with (RFC 6455 §9): [`Extension`](ext::Extension)
/// negotiates, [`Transform`](ext::Transform) changes the payloads of one session.
pub mod ext {
    pub use crate::wire::extension::{
        Agreement, DecodeError, Extension, FrameInfo, FramePart, Offer, Progress, Transform,
    };
    pub use crate::wire::work::Work;
}

/// Connection tokens: JSON Web Tokens signed with HMAC-SHA256, for [`App::require_tokens`].
#[cfg(feature = "tokens")]
pub mod tokens {
    pub use crate::wire::token::{Claims, Keys, LEEWAY, MOST_BYTES, TokenError};
}

#[cfg(feature = "json")]
pub use app::codec::{self, Encoded};
#[cfg(feature = "command")]
#[doc(hidden)]
pub use app::read_small_file;
pub use app::remote::{MAX_COMMAND_BYTES, MAX_WAITING_BYTES, MAX_WAITING_COMMANDS};
pub use app::{
    Answer, App, BacklogPolicy, BodyError, Call, CloseCounts, Context, Deferral, EngineStats,
    Event, Form, Handle, Handler, JoinOutcome, LagHistogram, Link, Metrics, NotReady, Open,
    OpenTicket, Origins, Peer, Piece, Progress, RawHandler, Rejected, Remote, Request, Response,
    Route, SendOutcome, Session, SessionId, Settings, Stats, StatusCounts, Stream, Ticket,
};
#[cfg(feature = "json")]
pub use app::{Codec, Json};
#[doc(inline)]
pub use client::{Client, Incoming};
pub use config::Limits;
#[cfg(feature = "files")]
pub use files::Files;
#[cfg(feature = "tls")]
pub use net::Tls;
#[cfg(all(feature = "command", feature = "rlimit"))]
#[doc(hidden)]
pub use server::make_room;
pub use server::{Address, Running, Server, ServerThread};
pub use wire::close::{CloseCode, CloseReason, ClosedBy};
#[cfg(feature = "command")]
#[doc(hidden)]
pub use wire::date::civil;
#[cfg(feature = "deflate")]
pub use wire::deflate::Deflate;
pub use wire::error::{Error, ErrorKind, Result};
pub use wire::frame::{OpCode, Reserved};
pub use wire::head::{HeadLimits, Method};
pub use wire::message::{AsMessage, Message, OwnedMessage};
pub use wire::receive::RawFrame;
pub use wire::response::Status;
