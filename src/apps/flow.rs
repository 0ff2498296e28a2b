//! The broadcast flow: what one subscriber of `/flow` says, all of them get as it was said.
//!
//! Nobody waits for the slowest subscriber: one that does not read fills its own backlog
//! and is closed when that is full.

use super::sessions::logged;
use crate::{App, Handler, Message, Open, Request, Session};

const TOPIC: &str = "flow";

/// Mounts `/flow`.
pub fn mount(app: App) -> App {
    logged(app, "/flow", super::settings::settings(), Flow)
}

struct Flow;

impl Handler for Flow {
    type Data = ();

    fn open(&mut self, _: &Request<'_>, session: &mut Session<'_>) -> Open<()> {
        session.join(TOPIC);
        session.send("You are connected to WebSocket!");
        Open::Accept(())
    }

    fn message(&mut self, (): &mut (), session: &mut Session<'_>, message: Message<'_>) {
        if let Message::Text(_) = message {
            session.publish(TOPIC, message);
        }
    }
}
