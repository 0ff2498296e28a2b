//! Layer 1: the words a program is written in.
//!
//! A [`Handler`] stands behind a route of an [`App`], is given a [`Request`]
//! when a connection opens and a [`Session`] with every event. Nothing here
//! holds a connection: whatever does, gives itself as a [`host::Host`].

pub(crate) mod any_route;
pub mod call;
mod command;
pub mod conn;
mod content;
pub mod context;
pub(crate) mod data;
pub mod handle;
pub mod handler;
pub mod host;
mod inbox;
mod listener_routes;
pub mod program;
pub mod raw;
pub mod remote;
pub mod request;
pub mod response;
pub mod route;
pub mod router;
pub mod send_outcome;
pub mod session;
pub mod session_id;

pub use crate::config::{BacklogPolicy, Origins, Settings};
#[cfg(feature = "json")]
pub use crate::wire::codec::{self, Codec, Json};
pub use call::Call;
pub use conn::ConnInfo;
pub use context::Context;
pub use handle::{Handle, Rejected};
pub use handler::Handler;
pub use program::App;
pub use raw::RawHandler;
pub use remote::{Remote, Stats};
pub use request::{Peer, Request};
pub use response::Response;
pub use route::Route;
pub use router::Router;
pub use send_outcome::SendOutcome;
pub use session::Session;
pub use session_id::SessionId;
