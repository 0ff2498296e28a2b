//! Two quiet clients that want their echoes, whatever the server is doing to others, and the run of
//! `dunlin bench bystander`, which floods any server beside them.

mod connection;
mod found;
mod inbox;
mod pair;
mod plan;
mod probe;
mod run;
mod seen;
mod table;
mod target;

pub use super::flood::named;
pub use found::{Figures, Flooders, Found, Row, Times, VERSION, Worst};
pub use pair::Bystanders;
pub use plan::Plan;
pub use run::{Progress, run};
pub use seen::{Seen, Trip, percentile_ms};
pub use table::{line, list, remarks, text};
pub use target::{Refusal, is_near, resolve};
