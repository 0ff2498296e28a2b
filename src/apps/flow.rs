//! The broadcast flow: what one subscriber of `/flow` says, all of them get as it was said.
//!
//! Nobody waits for the slowest subscriber: one that does not read fills its own backlog
//! and is closed when that is full.

use super::sessions::Logged;
use crate::{App, Handler, Message, Request, Response, Session};

const TOPIC: &str = "flow";

/// Mounts `/flow`.
pub fn mount(app: App) -> App {
    app.ws_with(
        "/flow",
        super::settings::settings(),
        Logged::new("/flow", Flow),
    )
}

struct Flow;

impl Handler for Flow {
    type Data = ();

    fn open(&mut self, _: &Request<'_>, session: &mut Session<'_>) -> Result<(), Response> {
        session.join(TOPIC);
        let _ = session.send("You are connected to WebSocket!");
        Ok(())
    }

    fn message(&mut self, (): &mut (), session: &mut Session<'_>, message: Message<'_>) {
        if let Message::Text(_) = message {
            session.publish(TOPIC, message);
        }
    }
}
