//! What one check may know of those before it.

use super::target::Target;

/// The server, and what is known of it.
pub(super) struct Run<'t> {
    pub(super) target: &'t Target,
    pub(super) echo: Echo,
}

/// What the server does with a text that it has no reason to expect.
pub(super) enum Echo {
    /// Not asked yet.
    Unknown,
    /// It comes back.
    Yes,
    /// Something else happens, which ends the connection if there is a code.
    No { told: String, code: Option<u16> },
}
