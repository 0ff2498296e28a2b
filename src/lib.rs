//! dunlin: a WebSocket server in one thread.

#![forbid(unsafe_code)]

pub mod app;
#[cfg(feature = "apps")]
pub mod apps;
#[cfg(feature = "cli")]
pub mod check;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;
pub mod client;
#[cfg(any(all(test, feature = "deflate"), feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
pub mod hub;
mod net;
pub mod server;
pub mod sim;
pub mod wire;

pub use app::{
    App, Backlog, Call, Handler, Origins, Peer, RawHandler, Remote, Request, Response, Send,
    Session, SessionId, Settings, Stats,
};
#[cfg(feature = "json")]
pub use app::{Codec, Json};
pub use client::{Client, Incoming};
pub use hub::Limits;
pub use server::{Address, Server};
pub use wire::close::{CloseCode, CloseReason, ClosedBy};
pub use wire::error::{Error, ErrorKind, Result};
pub use wire::head::Method;
pub use wire::message::Message;
pub use wire::receive::RawFrame;
pub use wire::response::Status;
