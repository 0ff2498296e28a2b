//! What one step over the input gave.

use super::found::FoundEvent;
use crate::wire::extension::Transform;

/// What one step over the input gave.
pub(super) enum Step {
    /// All input is taken, and nothing can be done without more.
    Wait,
    /// No event yet; there may be more to do.
    More,
    Event(FoundEvent),
}

pub(super) type Agreed<'t> = Option<&'t mut (dyn Transform + 'static)>;
