//! One room where everybody hears everybody: `/chat`, and `/chat/login` with the older greeting.
//!
//! Users are named by a counter that only ever goes up, so a name is never
//! given twice while the process lives. Joining and leaving are never
//! broadcast: they are in the log.

use super::sessions::logged;
use crate::{App, CloseReason, Handler, Message, Open, Request, Session};
use log::info;

/// Mounts `/chat` and `/chat/login`: two rooms with a counter each.
pub fn mount(app: App) -> App {
    let connected = Chat::new("chat", |_name, users| {
        format!("You are connected! There are {users} users here.")
    });
    let logged_in = Chat::new("chat/login", |name, _users| {
        format!("You've logged in as [{name}]")
    });
    let settings = super::settings::chat_settings;
    let app = logged(app, "/chat", settings(), connected);
    logged(app, "/chat/login", settings(), logged_in)
}

/// The greeting for a newcomer's name and the number of users, the newcomer counted.
type Greeting = fn(&str, usize) -> String;

struct Chat {
    /// The topic of the room.
    room: &'static str,
    greeting: Greeting,
    /// The number of the next user.
    next: u64,
}

impl Chat {
    fn new(room: &'static str, greeting: Greeting) -> Self {
        Self {
            room,
            greeting,
            next: 0,
        }
    }
}

impl Handler for Chat {
    /// The user's name.
    type Data = String;

    fn open(&mut self, _: &Request<'_>, session: &mut Session<'_>) -> Open<String> {
        info!("Adding user!");
        let name = format!("user{}", self.next);
        self.next += 1;
        session.join(self.room);
        let greeting = (self.greeting)(&name, session.subscribers(self.room));
        session.send(&greeting);
        Open::Accept(name)
    }

    fn message(&mut self, name: &mut String, session: &mut Session<'_>, message: Message<'_>) {
        if let Message::Text(text) = message {
            session.publish(self.room, format!("[{name}]: {text}"));
        }
    }

    fn close(&mut self, name: String, _: &mut Session<'_>, _: &CloseReason) {
        info!("Removing {name}!");
    }
}
