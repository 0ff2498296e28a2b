//! New limits for a hub that runs. What cannot change while connections live stays as it was.

use crate::config::Limits;
use crate::hub::core::Core;

impl Core {
    /// Takes the limits that reload and says in the log which do not. Connections that live are not
    /// closed for a limit that is lower now; it holds for what they do next.
    pub(crate) fn reload(&mut self, mut limits: Limits) {
        for row in Limits::rows() {
            let (old, new) = ((row.get)(&self.limits), (row.get)(&limits));
            if old == new {
                continue;
            }
            let (name, was, wanted) = (row.name, row.show(&old), row.show(&new));
            if row.reloads {
                log::info!("the limit `{name}` is {wanted} now, it was {was}");
            } else {
                log::warn!("the limit `{name}` stays {was}: {wanted} takes a restart");
                (row.set)(&mut limits, old);
            }
        }
        self.limits = limits;
    }
}
