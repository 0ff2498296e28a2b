//! Layer 1: the words a program is written in.
//!
//! A [`Handler`] stands behind a route of an [`App`], is given a [`Request`]
//! when a connection opens and a [`Session`] with every event. Nothing here
//! holds a connection: whatever does, gives itself as a [`host::Host`].

pub mod answer;
pub(crate) mod any_route;
pub mod body_error;
pub mod call;
pub(crate) mod command;
pub mod conn;
mod content;
pub mod context;
pub(crate) mod data;
mod event_streams;
pub mod form;
pub mod handle;
pub mod handler;
pub mod host;
mod inbox;
pub mod later;
pub mod link;
mod listener_routes;
pub mod metrics;
pub mod open;
mod percent;
pub mod program;
mod progress;
pub mod raw;
pub mod remote;
pub mod request;
mod request_token;
pub mod response;
pub mod route;
pub mod router;
pub mod send_outcome;
pub mod session;
pub mod session_id;
#[cfg(any(feature = "command", feature = "tls"))]
mod small_file;
pub mod stream;
#[cfg(feature = "tokens")]
mod token_guard;
#[cfg(feature = "tls")]
mod trust;

pub use crate::config::{BacklogPolicy, Origins, Settings};
#[cfg(feature = "json")]
pub use crate::wire::codec::{self, Codec, Json};
pub use crate::wire::event::Event;
pub use answer::Answer;
pub use body_error::BodyError;
#[cfg(feature = "tls")]
pub use call::Identity;
pub use call::{Call, Ends};
pub use conn::ConnInfo;
pub use context::Context;
pub use form::Form;
pub use handle::{Handle, Rejected};
pub use handler::Handler;
pub use later::{Deferral, OpenTicket, Ticket};
pub use link::Link;
pub use metrics::{CloseCounts, EngineStats, LagHistogram, Metrics, NotReady, Stats, StatusCounts};
pub use open::Open;
pub use program::App;
pub use progress::Progress;
pub use raw::RawHandler;
pub use remote::Remote;
pub use request::{Peer, Request};
pub use response::Response;
pub use route::Route;
pub use send_outcome::{JoinOutcome, SendOutcome};
pub use session::Session;
pub use session_id::SessionId;
#[cfg(feature = "command")]
pub use small_file::read_small_file;
pub use stream::{Piece, Stream};
#[cfg(feature = "tls")]
pub use trust::Trust;
#[cfg(feature = "tls")]
pub(crate) use trust::read_file;
