//! Names every limit of this machine that is in the way of a number of connections, and the line that lifts it.

mod attempt;
mod checks;
mod group;
mod report;
mod row;
mod tree;

pub use attempt::{Attempt, attempt};
pub use checks::check;
pub use report::{document, table};
pub use row::{Asked, Place, Row, Verdict};
pub use tree::{OpenFiles, Tree};
