//! One chat room whose members share state: their names, and a count of what was said.
//!
//! `cargo run --example chat`, then twice `cargo run -- chat 'ws://127.0.0.1:8080/chat?name=Ann'`, with another
//! name the second time. Type a line; `/who` tells who is here, which `dunlin chat` sends when you type `//who`.
//!
//! The state is `&mut self` and needs no lock: one value serves all sessions, in one thread.

use dunlin::{
    App, CloseReason, Handler, Message, Open, Request, Response, Route, Server, Session, Status,
};
use std::collections::BTreeSet;

const ROOM: &str = "chat";
const LONGEST_NAME: usize = 32;

#[derive(Default)]
struct Chat {
    names: BTreeSet<String>,
    said: u64,
}

impl Handler for Chat {
    /// The name of the member.
    type Data = String;

    fn open(&mut self, request: &Request<'_>, session: &mut Session<'_>) -> Open<String> {
        let name = request.query("name").unwrap_or_default().into_owned();
        if name.is_empty() || name.len() > LONGEST_NAME || name.contains(char::is_control) {
            return Open::Refuse(Response::refusal(Status::BAD_REQUEST));
        }
        if !self.names.insert(name.clone()) {
            return Open::Refuse(Response::refusal(Status::CONFLICT));
        }
        session.publish(ROOM, format!("{name} joined"));
        session.join(ROOM);
        session.send(self.who());
        Open::Accept(name)
    }

    fn message(&mut self, name: &mut String, session: &mut Session<'_>, message: Message<'_>) {
        match message.text() {
            Some("/who") => drop(session.send(self.who())),
            Some(text) => {
                self.said += 1;
                session.publish(ROOM, format!("{name}: {text}"));
            }
            None => {}
        }
    }

    /// However the session ended: its name is free again.
    fn close(&mut self, name: String, session: &mut Session<'_>, _: &CloseReason) {
        self.names.remove(&name);
        session.publish(ROOM, format!("{name} left"));
    }
}

impl Chat {
    fn who(&self) -> String {
        let names: Vec<&str> = self.names.iter().map(String::as_str).collect();
        format!("here: {}; {} said so far", names.join(", "), self.said)
    }
}

fn app() -> App {
    App::new().route("/chat", Route::new(Chat::default()).max_message_size(4096))
}

fn main() -> dunlin::Result<()> {
    Server::new(app()).listen("127.0.0.1:8080")?.run()
}

#[cfg(test)]
mod tests {
    use super::*;
    use dunlin::testing::Sim;

    #[test]
    fn everybody_hears_everybody_in_one_order() {
        let sim = Sim::new(app()).expect("the program is right");
        let ann = sim.open("/chat?name=Ann");
        assert_eq!(ann.receive_text(), "here: Ann; 0 said so far");
        let bob = sim.open("/chat?name=Bob");
        assert_eq!(bob.receive_text(), "here: Ann, Bob; 0 said so far");
        assert_eq!(ann.receive_text(), "Bob joined");
        ann.send("hello");
        bob.send("hi");
        for member in [&ann, &bob] {
            assert_eq!(member.receive_text(), "Ann: hello");
            assert_eq!(member.receive_text(), "Bob: hi");
        }
        bob.send("/who");
        assert_eq!(bob.receive_text(), "here: Ann, Bob; 2 said so far");
        assert_eq!(ann.receive(), None);
    }

    #[test]
    fn a_name_is_free_again_when_its_line_is_lost() {
        let sim = Sim::new(app()).expect("the program is right");
        let (ann, bob) = (sim.open("/chat?name=Ann"), sim.open("/chat?name=Bob"));
        let taken = sim.open_with("/chat?name=Bob", &[]).unwrap_err();
        assert_eq!(taken.status(), Some(Status::CONFLICT));
        ann.receive_all();
        bob.cut();
        assert_eq!(ann.receive_text(), "Bob left");
        sim.open("/chat?name=Bob");
        assert_eq!(ann.receive_text(), "Bob joined");
    }

    #[test]
    fn what_is_no_name_is_refused() {
        let sim = Sim::new(app()).expect("the program is right");
        let long = format!("/chat?name={}", "x".repeat(LONGEST_NAME + 1));
        for target in ["/chat", "/chat?name=", "/chat?name=%1b%5b2J", &long] {
            let error = sim.open_with(target, &[]).unwrap_err();
            assert_eq!(error.status(), Some(Status::BAD_REQUEST), "{target}");
        }
    }
}
