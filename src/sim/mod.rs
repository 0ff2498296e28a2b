//! Layer 4: a program in memory, the same hub and turn as on real sockets, over virtual connections
//! and a virtual clock. It is public as [`testing`](crate::testing), which shows what it is for.
//!
//! Nothing here knows a socket or a real clock. One seed decides everything that is left to chance,
//! and after every turn the promises of the server are checked.
//!
//! | file | subject |
//! |---|---|
//! | `simulation`, `conversation`, `follower`, `http`, `calls` | what a test holds: the server, and each kind of peer |
//! | `world`, `check` | one turn of the server and its peers, and what must hold after it |
//! | `network`, `io` | virtual connections, and the turn's view of them |
//! | `faults`, `disorder`, `hostile` | what the system does wrong, and how a test asks for that |
//! | `virtual_peer` | a client that trusts nobody |

mod calls;
mod check;
mod conversation;
mod disorder;
mod faults;
mod follower;
#[cfg(feature = "internals")]
mod hostile;
mod http;
mod io;
mod network;
mod simulation;
mod virtual_peer;
mod world;

pub use calls::IncomingCall;
pub use conversation::{Conversation, Line};
pub use faults::{Fault, FaultRates, Operation};
pub use follower::{Follower, ReceivedEvent};
#[cfg(feature = "internals")]
pub use hostile::FaultCounts;
pub use http::{HttpAnswer, HttpClient, HttpRequest, PendingAnswer};
pub use network::End;
pub use simulation::{MAX_DRIVE, Sim};
pub use virtual_peer::Received;
