//! Layer 4: a program in memory, the same hub and turn as on real sockets, over virtual connections
//! and a virtual clock. It is public as [`testing`](crate::testing), which shows what it is for.
//!
//! Nothing here knows a socket or a real clock. One seed decides everything that is left to chance,
//! and after every turn the promises of the server are checked.

mod calls;
mod check;
mod conversation;
mod follower;
mod http;
mod io;
mod network;
mod simulation;
mod virtual_peer;
mod world;

pub use calls::IncomingCall;
pub use conversation::{Conversation, Line};
pub use follower::{Follower, ReceivedEvent};
pub use http::{HttpAnswer, HttpClient, HttpRequest, PendingAnswer};
pub use network::End;
pub use simulation::{MAX_DRIVE, Sim};
pub use virtual_peer::Received;
