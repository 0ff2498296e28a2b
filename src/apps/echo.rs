//! Echo in three manners: `/echo` greets and answers, `/you-said` repeats with a
//! prefix, `/echo-raw` gives back every message as it came.
//!
//! An echo only answers, so its routes stop reading from a peer that does not
//! read ([`BacklogPolicy::StopReading`]) where others would close. Never send here
//! without having been asked, except for the greeting.

use super::sessions::logged;
use crate::{App, BacklogPolicy, CloseCode, Handler, Message, Open, Request, Session, Settings};

/// The largest message of `/echo-raw`, bytes; past it 1009.
pub const MAX_RAW_MESSAGE: usize = 64 << 20;

/// Mounts `/echo`, `/you-said` and `/echo-raw`.
pub fn mount(app: App) -> App {
    let raw = settings().max_message_size(MAX_RAW_MESSAGE);
    let app = logged(app, "/echo", settings(), Echo);
    let app = logged(app, "/you-said", settings(), you_said);
    logged(app, "/echo-raw", raw, echo_raw)
}

fn settings() -> Settings {
    super::settings::settings().backlog(BacklogPolicy::StopReading)
}

/// Asks for a name and greets it: `Hi, <name>!`.
struct Echo;

impl Handler for Echo {
    type Data = ();

    fn open(&mut self, _: &Request<'_>, session: &mut Session<'_>) -> Open<()> {
        session.send("Please enter your name");
        Open::Accept(())
    }

    fn message(&mut self, (): &mut (), session: &mut Session<'_>, message: Message<'_>) {
        match message {
            Message::Text(text) if is_bye(text) => say_goodbye(session),
            Message::Text(text) => {
                session.send(format!("Hi, {text}!"));
            }
            Message::Binary(_) => {}
        }
    }
}

/// Repeats a text behind `YOU SAID: `, and goes after `bye`.
fn you_said(session: &mut Session<'_>, message: Message<'_>) {
    let Message::Text(text) = message else { return };
    session.send(format!("YOU SAID: {text}"));
    if is_bye(text) {
        say_goodbye(session);
    }
}

/// Every message unchanged, in its own type.
fn echo_raw(session: &mut Session<'_>, message: Message<'_>) {
    session.send(message);
}

fn is_bye(text: &str) -> bool {
    text.eq_ignore_ascii_case("bye")
}

fn say_goodbye(session: &mut Session<'_>) {
    session.close(CloseCode::NORMAL, "Client said BYE");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bye_counts_in_any_case_and_only_alone() {
        for text in ["bye", "BYE", "Bye", "bYe"] {
            assert!(is_bye(text), "{text}");
        }
        for text in ["", "by", "bye ", "goodbye", "bye!"] {
            assert!(!is_bye(text), "{text:?}");
        }
    }
}
