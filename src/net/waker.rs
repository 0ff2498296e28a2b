//! How other threads wake the loop.

use crate::app::remote::Wake;
use mio::Waker;
use std::sync::OnceLock;

/// A waker that exists before the loop does; commands that come earlier wait for its first turn.
#[derive(Default)]
pub(crate) struct LoopWaker(OnceLock<Waker>);

impl LoopWaker {
    /// The loop's own waker, once.
    pub(super) fn set(&self, waker: Waker) {
        let _ = self.0.set(waker);
    }
}

impl Wake for LoopWaker {
    fn wake(&self) {
        if let Some(waker) = self.0.get() {
            // It can only fail when the loop is gone.
            let _ = waker.wake();
        }
    }
}
