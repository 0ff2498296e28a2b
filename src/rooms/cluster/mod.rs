//! Rooms over several nodes: the engine is a Redis or Valkey that all of them share.
//!
//! A message is written and published by one script on the engine, so each push carries its place in the order
//! of its room, and a node delivers what comes back, never what it sent. There are two lines to the engine:
//! one for commands, one for pushes. Nothing here waits, reads or writes a socket: a [`Node`](node::Node) is
//! fed bytes and the time, and gives bytes and events.
//!
//! | file | subject |
//! |---|---|
//! | `address` | where the engine is, as people write it |
//! | `keys`, `request`, `script`, `push` | what the engine keeps under which names, what it is asked, how, and what it tells all |
//! | `line` | one connection in RESP, from greeting to loss |
//! | `greeting`, `cure` | who is at the other end, when to try again, and what an operator can do about it |
//! | `node` | a node: its lines, its rooms, and what it waits for |
//! | `room` | what a node knows of a room that somebody of its own is in |
//! | `operations`, `asked`, `answers`, `waiting` | what rooms ask for, what that waits for, and what came of it |
//! | `directory` | which rooms there are |
//! | `delivery`, `recent` | pushes in the order of their ids, and what was delivered while somebody comes in |
//! | `mending` | what was missed meanwhile, and members that the engine forgot |
//! | `lease`, `sweep` | that this node is there, and what is left behind by one that is not |
//! | `settings`, `lines`, `link` | how the engine is found; the lines as connections of the loop |
//! | `model`, `server` | what the scripts mean, and an engine in memory for tests |
//! | `tests` | one node and that engine: limits, silence |
//! | `side_by_side` | the model and a real engine, asked the same |
//! | `simulation` | several nodes and a modelled engine, and all that can go wrong |

mod address;
mod answer;
mod answers;
mod asked;
mod cure;
mod delivery;
mod directory;
mod excerpt;
mod greeting;
mod keys;
mod lease;
mod line;
mod lines;
mod link;
mod mending;
#[cfg(any(test, feature = "internals"))]
mod model;
mod node;
mod operations;
mod push;
mod recent;
mod request;
mod retention;
mod room;
mod script;
#[cfg(any(test, feature = "internals"))]
mod server;
mod settings;
#[cfg(any(test, feature = "internals"))]
pub mod side_by_side;
#[cfg(any(test, feature = "internals"))]
mod simulation;
mod sweep;
#[cfg(test)]
mod tests;
mod waiting;

pub use address::EngineAddress;
pub(super) use lines::Lines;
pub(super) use link::mount;
pub use settings::Cluster;
#[cfg(any(test, feature = "internals"))]
pub use simulation::{Seen, simulate, simulate_hubs};
