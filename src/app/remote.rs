//! The handle for other threads.

/// A handle to a running server for other threads.
#[derive(Clone, Debug)]
pub struct Remote;
