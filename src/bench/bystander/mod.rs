//! Two quiet clients that want their echoes, whatever the server is doing to others.

mod connection;
mod inbox;
mod pair;
mod seen;

pub use pair::Bystanders;
pub use seen::{Seen, Trip, percentile_ms};
