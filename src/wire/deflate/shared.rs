//! What the connections of one loop share.

use super::engine::Engine;
use super::settings::Settings;
use std::cell::RefCell;
use std::rc::Rc;

/// What the connections of one [`Deflate`] share.
pub(super) struct SharedDeflate {
    pub(super) settings: Settings,
    pub(super) engine: Rc<RefCell<Engine>>,
    /// The upper bits of the share key: other settings, other bytes.
    pub(super) id: u32,
}
