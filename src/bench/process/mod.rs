//! What the kernel says about processes and threads: CPU time, time waited for a core, memory, descriptors.

mod one;
mod own;
mod sampler;
mod slope;

pub use one::{Cpu, Load, Memory, Process};
pub use own::Own;
pub use sampler::{Sample, Sampler};
pub use slope::Slope;
