//! Floods: one hostile client does its worst, whatever the server is. Everything is bounded in time and bytes.
//!
//! The flooder is a thread behind the bystanders, so that they and not it have the client's core first.

mod answers;
mod connection;
pub mod deflate_stream;
pub mod deflated;
mod engine;
mod kind;
mod kinds;
mod run;
mod script;
mod tally;

pub use kind::{Kind, Need};
pub use kinds::{all, named};
pub use run::{Flood, storm};
pub use script::{Life, OFFER, Reading, Script, run_of};
pub use tally::{Tally, bytes};
