//! A journal of rooms on disk: what the loop hands over, and a thread that writes it.
//!
//! The loop never waits for a disk. Records go to a queue of at most 1 MiB; a thread writes
//! them to segments and makes them last by one `fdatasync` a second. So a process that is killed loses
//! what it said in the last moment, which is why ids are vouched for in advance: those that may have
//! been given are not given again. Where the queue is full, messages are not kept, and the log says so.

mod boot;
mod keeper;
mod load;
mod record;
mod segments;
#[cfg(test)]
mod tests;
mod vouched;
mod writer;

pub(super) use keeper::Journal;
pub(super) use load::Saved;
#[cfg(any(test, feature = "fuzzing"))]
pub use load::fuzz_reader;
pub(super) use vouched::Vouched;
