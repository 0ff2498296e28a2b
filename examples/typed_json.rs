//! Typed JSON: requests and replies are Rust types, and every session follows one list of tasks.
//!
//! `cargo run --example typed_json`, then `cargo run -- chat ws://127.0.0.1:8080/tasks` and
//! `{"do":"add","title":"buy milk"}`, `{"do":"finish","id":1}`, `{"do":"list"}`.
//!
//! What is no request gets an error in reply, and the session stays open.

use dunlin::{App, Handler, Message, Open, Request, Route, Server, Session};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

const TOPIC: &str = "tasks";
const MOST_TASKS: usize = 100;
/// Bytes of a message, and so of a title.
const LONGEST: usize = 1024;

/// What a client asks for.
#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "lowercase", deny_unknown_fields)]
enum Wish {
    Add { title: String },
    Finish { id: u64 },
    List,
}

/// What it is told.
#[derive(Serialize)]
#[serde(tag = "is", rename_all = "lowercase")]
enum Reply<'r> {
    Added { id: u64, title: &'r str },
    Finished { id: u64 },
    List { tasks: &'r BTreeMap<u64, String> },
    Error { reason: String },
}

#[derive(Default)]
struct Tasks {
    open: BTreeMap<u64, String>,
    last: u64,
}

impl Handler for Tasks {
    type Data = ();

    fn open(&mut self, _: &Request<'_>, session: &mut Session<'_>) -> Open<()> {
        session.join(TOPIC);
        reply(session, &Reply::List { tasks: &self.open });
        Open::Accept(())
    }

    fn message(&mut self, (): &mut (), session: &mut Session<'_>, message: Message<'_>) {
        match session.value::<Wish>(message) {
            Ok(Wish::Add { title }) if self.open.len() < MOST_TASKS => {
                self.last += 1;
                let (id, title) = (self.last, &*title);
                tell_all(session, &Reply::Added { id, title });
                self.open.insert(id, title.to_owned());
            }
            Ok(Wish::Add { .. }) => refuse(session, "the list is full"),
            Ok(Wish::Finish { id }) => match self.open.remove(&id) {
                Some(_) => tell_all(session, &Reply::Finished { id }),
                None => refuse(session, "no such task"),
            },
            Ok(Wish::List) => reply(session, &Reply::List { tasks: &self.open }),
            Err(error) => refuse(session, format_args!("{error:#}")), // with what serde says
        }
    }
}

fn reply(session: &mut Session<'_>, reply: &Reply<'_>) {
    let sent = session.send_value(reply);
    debug_assert!(sent.is_ok(), "every reply has a form in JSON");
}

fn refuse(session: &mut Session<'_>, reason: impl ToString) {
    let reason = reason.to_string();
    reply(session, &Reply::Error { reason });
}

fn tell_all(session: &mut Session<'_>, reply: &Reply<'_>) {
    if let Ok(json) = serde_json::to_string(reply) {
        session.publish(TOPIC, json);
    }
}

fn app() -> App {
    App::new().route(
        "/tasks",
        Route::new(Tasks::default()).max_message_size(LONGEST),
    )
}

fn main() -> dunlin::Result<()> {
    Server::new(app()).listen("127.0.0.1:8080")?.run()
}

#[cfg(test)]
mod tests {
    use super::*;
    use dunlin::testing::{Received, Sim};

    #[test]
    fn a_change_is_told_to_all_and_to_those_that_come_later() {
        let sim = Sim::new(app()).expect("the program is right");
        let (ann, bob) = (sim.open("/tasks"), sim.open("/tasks"));
        for client in [&ann, &bob] {
            assert_eq!(client.receive_text(), r#"{"is":"list","tasks":{}}"#);
        }
        ann.send(r#"{"do":"add","title":"buy milk"}"#);
        ann.send(r#"{"do":"add","title":"sleep"}"#);
        bob.send(r#"{"do":"finish","id":1}"#);
        for client in [&ann, &bob] {
            for told in [
                r#"{"is":"added","id":1,"title":"buy milk"}"#,
                r#"{"is":"added","id":2,"title":"sleep"}"#,
                r#"{"is":"finished","id":1}"#,
            ] {
                assert_eq!(client.receive_text(), told);
            }
        }
        let late = sim.open("/tasks").receive_text();
        assert_eq!(late, r#"{"is":"list","tasks":{"2":"sleep"}}"#);
    }

    #[test]
    fn what_is_no_request_gets_an_error_and_the_session_stays() {
        let sim = Sim::new(app()).expect("the program is right");
        let client = sim.open("/tasks");
        client.receive_text();
        for (wrong, reason) in [
            ("{", "EOF"),
            (r#"{"do":"fly"}"#, "unknown variant `fly`"),
            (r#"{"do":"add"}"#, "missing field `title`"),
            (r#"{"do":"finish","id":9}"#, "no such task"),
        ] {
            client.send(wrong);
            let told = client.receive_text();
            assert!(told.starts_with(r#"{"is":"error","reason":""#), "{told}");
            assert!(told.contains(reason), "{wrong}: {told}");
        }
        client.send([0]);
        assert!(client.receive_text().contains("binary"));
        client.send(r#"{"do":"list"}"#);
        assert_eq!(client.receive_text(), r#"{"is":"list","tasks":{}}"#);
    }
    #[test]
    fn the_list_and_its_titles_are_bounded() {
        let sim = Sim::new(app()).expect("the program is right");
        let client = sim.open("/tasks");
        for _ in 0..=MOST_TASKS {
            client.send(r#"{"do":"add","title":"?"}"#);
        }
        let told = client.receive_all().pop();
        let full = r#"{"is":"error","reason":"the list is full"}"#;
        assert_eq!(told, Some(Received::text(full)));
        client.send(format!(
            r#"{{"do":"add","title":"{}"}}"#,
            "x".repeat(LONGEST)
        ));
        assert!(
            matches!(client.receive(), Some(Received::Close { code, .. }) if code.get() == 1009)
        );
    }
}
