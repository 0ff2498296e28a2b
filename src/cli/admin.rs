//! Where operators ask: `/healthz`, `/readyz` and `/metrics`, on a listener of their own if there is one.
//!
//! Without one the public listeners answer the first two, which tell a stranger nothing. The metrics tell
//! how busy the server is: strangers get them only when an operator says so.

use super::operator::Operator;
use dunlin::App;
use dunlin::apps::operations::{health, metrics};

/// Adds to the public program what is to be asked there.
pub(super) fn mount_public(app: App, operator: &Operator, has_admin: bool) -> App {
    let app = if has_admin { app } else { health(app) };
    if operator.metrics == "public" {
        metrics(app)
    } else {
        app
    }
}

/// The program of an admin listener.
pub(super) fn program() -> App {
    metrics(health(App::new()))
}
