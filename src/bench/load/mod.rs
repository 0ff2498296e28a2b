//! The load of one worker: sessions of an outgoing route on dunlin's own loop.
//!
//! | file | subject |
//! |---|---|
//! | `state` | what there is: connections, messages on their way, phases |
//! | `acting` | what is due between two turns: calls, messages, closes |
//! | `speaking` | sending |
//! | `hearing` | receiving and measuring |
//! | `handler` | the events of the loop |
//! | `peer`, `seen` | one connection; which numbers of a sender arrived |
//! | `figures` | what is counted and measured |
//! | `worker` | the loop, obeying orders |
//! | `report` | the orders, and what a worker tells |
//! | `clock` | nanoseconds |

mod acting;
pub mod clock;
pub mod figures;
mod handler;
mod hearing;
mod peer;
pub mod report;
mod seen;
mod speaking;
mod state;
pub mod worker;

pub use state::Load;
