//! What the connections of one loop share.

use super::engine::Engine;
use super::settings::Settings;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What the connections of one [`Deflate`] share.
pub(super) struct SharedDeflate {
    pub(super) settings: Settings,
    pub(super) engine: Arc<Mutex<Engine>>,
    /// The upper bits of the share key: other settings, other bytes.
    pub(super) id: u32,
}

impl SharedDeflate {
    pub(super) fn engine(&self) -> MutexGuard<'_, Engine> {
        lock(&self.engine)
    }
}

/// The engine for one step. Within one loop nobody else ever holds it.
pub(super) fn lock(engine: &Mutex<Engine>) -> MutexGuard<'_, Engine> {
    engine.lock().unwrap_or_else(PoisonError::into_inner)
}
