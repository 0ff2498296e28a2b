//! Layer 5: a program, its limits and its listeners, joined to the loop.
//!
//! Three ways to run one: [`Server::run`] in this thread, [`Server::spawn`] in a thread of its own,
//! [`Server::start`] within a loop that is somebody else's.

mod builder;
mod files;
mod machine;
mod memory;
mod running;
mod spawn;

pub use crate::net::Address;
pub use builder::Server;
#[cfg(all(feature = "command", feature = "rlimit"))]
pub use files::make_room;
pub use running::Running;
pub use spawn::ServerThread;
