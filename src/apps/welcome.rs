//! The welcome of the chat practice: any text on `/ws/welcome` gets one fixed answer, to its sender only.

use super::sessions::logged;
use crate::{App, Message, Session};

/// The answer, its spelling included: clients of the practice compare it.
pub const WELCOME: &str = "Welcome chatting sever~^^";

/// Mounts `/ws/welcome`.
pub fn mount(app: App) -> App {
    // It only answers: from who does not read it stops reading.
    let settings = super::settings::chat_settings();
    let settings = settings.backlog(crate::BacklogPolicy::StopReading);
    logged(app, "/ws/welcome", settings, welcome)
}

fn welcome(session: &mut Session<'_>, message: Message<'_>) {
    if let Message::Text(_) = message {
        session.send(WELCOME);
    }
}
