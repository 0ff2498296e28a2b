//! Rooms with memory: who is in, what was said, in one order, with receipts.
//!
//! A room is a topic with a log. Each message has a [`Position`]: an epoch and an id that grows by one. A
//! member hears only what has its place in that order, its own messages included, and one who comes back
//! gets what it missed, with the truth about whether that is all. [`Rooms`] is what a program uses; an
//! engine behind it decides the order, in this process or elsewhere, so every
//! operation is asked for here and comes back as an event, at once or later.
//!
//! Never send to a session here what the engine has not told.

mod audience;
#[cfg(feature = "cluster")]
mod cluster;
mod composed;
mod counters;
mod digest;
mod engine;
mod error;
mod format;
mod handler;
mod history;
mod id;
mod journal;
#[cfg(all(test, feature = "apps"))]
mod late;
mod member;
mod memory;
mod message;
mod name;
mod occupants;
mod outcomes;
mod pass;
mod presence;
mod program;
mod receipts;
mod receive;
#[cfg(feature = "apps")]
mod relay;
mod room;
mod sessions;
mod shared;
mod state;
mod telling;
mod ticker;
mod v1;

#[cfg(all(feature = "cluster", feature = "internals"))]
#[doc(hidden)]
pub use cluster::side_by_side;
#[cfg(feature = "cluster")]
pub use cluster::{Cluster, EngineAddress};
#[cfg(all(feature = "cluster", feature = "internals"))]
pub use cluster::{Seen, simulate, simulate_hubs};
pub use digest::RoomKey;
pub use engine::Excerpt;
pub use error::RoomError;
pub use format::{Format, FormatId, Told};
pub use handler::{Follow, Followed, RoomsHandler};
pub use id::{Epoch, Position, RoomId};
#[cfg(any(test, feature = "fuzzing"))]
pub use journal::fuzz_reader;
#[cfg(all(test, feature = "apps"))]
pub(crate) use late::late;
pub use member::Member;
pub use message::{RoomInfo, RoomMessage};
pub use pass::Pass;
#[cfg(feature = "apps")]
pub(crate) use receive::{parse_object, price_of};
pub use sessions::Enter;
pub use shared::Rooms;
pub use v1::PROTOCOL;
