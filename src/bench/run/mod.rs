//! A run from its first call to its summary: workers are told what to do, the server's process is looked
//! at, progress is told.

mod conduct;
mod crew;
mod honesty;
mod progress;
mod sum;

pub use conduct::{Failure, run};
pub use crew::{WORKER, worker_process};
pub use progress::Progress;
