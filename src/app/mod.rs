//! Floor 1: the words a program is written in.
//!
//! A [`Handler`] stands behind a route, is given a [`Request`] when a
//! connection opens and a [`Session`] with every event. Nothing here holds a
//! connection: whatever does, gives itself as a [`host::Host`].

pub mod handler;
pub mod host;
pub mod remote;
pub mod request;
pub mod response;
pub mod router;
pub mod session;
pub mod settings;

pub use handler::Handler;
pub use remote::Remote;
pub use request::{Peer, Request};
pub use response::Response;
pub use router::Router;
pub use session::{Send, Session, SessionId};
pub use settings::{Backlog, Origins, Settings};
