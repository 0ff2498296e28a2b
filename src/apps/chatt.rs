//! The browser chat: the page `/chattstart`, its style and script, and its socket `/chatt`.
//!
//! The server relays texts unchanged and never looks into them: only the pages know the
//! format of a line. The log tells of sessions and messages by
//! connection id; what was said stands there at debug level only.

use super::sessions::logged;
use crate::{App, CloseReason, Handler, Message, Open, Request, Session};
use log::{debug, info};

const TOPIC: &str = "chatt";

/// Mounts `/chattstart`, `/css/chatt.css`, `/js/chatt.js` and `/chatt`.
pub fn mount(app: App) -> App {
    let app = pages(app);
    logged(app, "/chatt", super::settings::chat_settings(), Chatt)
}

/// The page and what belongs to it, without its socket.
pub(super) fn pages(app: App) -> App {
    let app = super::page::page(app, "/chattstart", include_bytes!("assets/chatt.html"));
    app.content(
        "/css/chatt.css",
        "text/css; charset=utf-8",
        include_bytes!("assets/chatt.css"),
    )
    .content(
        "/js/chatt.js",
        "text/javascript; charset=utf-8",
        include_bytes!("assets/chatt.js"),
    )
}

struct Chatt;

impl Handler for Chatt {
    type Data = ();

    fn open(&mut self, _: &Request<'_>, session: &mut Session<'_>) -> Open<()> {
        info!(connection:% = session.id(); "session opened {}", session.id());
        session.join(TOPIC);
        Open::Accept(())
    }

    fn message(&mut self, (): &mut (), session: &mut Session<'_>, message: Message<'_>) {
        let Message::Text(text) = message else { return };
        info!(connection:% = session.id(); "received {}", session.id());
        debug!("text of {}: {}", session.id(), text.escape_debug());
        session.publish(TOPIC, message);
    }

    fn close(&mut self, (): (), session: &mut Session<'_>, reason: &CloseReason) {
        info!("session closed {} {}", session.id(), reason.code);
    }
}
