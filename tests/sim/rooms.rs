//! Rooms over virtual time: both formats, presence, history, HTTP and event streams.

mod bounds;
mod dropping;
mod folder;
mod follow;
mod hostile;
mod limits;
mod plain;
mod presence;
mod rest;
mod v1;
mod world;

use dunlin::testing::{Conversation, Sim};
use dunlin::{App, Method, apps};
use serde_json::Value;

/// The header that asks for `dunlin.v1`.
const V1: [(&str, &str); 1] = [("Sec-WebSocket-Protocol", "dunlin.v1")];

/// A server with nothing but rooms, and one room.
fn server() -> (Sim, String) {
    let sim = Sim::new(apps::rooms::mount(App::new())).expect("a good program");
    let room = create(&sim, "den");
    (sim, room)
}

fn create(sim: &Sim, name: &str) -> String {
    let answer = sim
        .request(Method::Post, &format!("/chat?name={name}"))
        .send();
    assert_eq!(answer.status().code(), 200, "{}", answer.text());
    answer.json::<Value>()["roomId"]
        .as_str()
        .expect("an id")
        .to_owned()
}

fn plain(sim: &Sim) -> Conversation {
    sim.open("/ws/chat")
}

fn v1(sim: &Sim) -> Conversation {
    sim.open_with("/ws/chat", &V1).expect("a session")
}

/// What a client of the plain format says.
fn line(kind: &str, room: &str, sender: &str, message: &str) -> String {
    format!(r#"{{"type":"{kind}","roomId":"{room}","sender":"{sender}","message":"{message}"}}"#)
}

/// Enters in the plain format, and takes the greeting.
fn plain_member(sim: &Sim, room: &str, name: &str) -> Conversation {
    let session = plain(sim);
    session.send(line("ENTER", room, name, ""));
    let greeting = format!("{name}님이 입장했습니다.");
    assert_eq!(session.receive_text(), line("ENTER", room, name, &greeting));
    session
}

fn json(session: &Conversation) -> Value {
    let text = session.receive_text();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Everything that has arrived, as JSON.
fn all_json(session: &Conversation) -> Vec<Value> {
    let texts = std::iter::from_fn(|| (session.waiting() > 0).then(|| json(session)));
    texts.collect()
}

/// Enters by `dunlin.v1` with more keys, and takes the answer.
fn enter(session: &Conversation, room: &str, name: &str, more: &str) -> Value {
    session.send(format!(
        r#"{{"type":"ENTER","roomId":"{room}","sender":"{name}"{more}}}"#
    ));
    json(session)
}

fn v1_member(sim: &Sim, room: &str, name: &str) -> Conversation {
    let session = v1(sim);
    let entered = enter(&session, room, name, "");
    assert_eq!(entered["type"], "ENTERED", "{entered}");
    session
}

fn talk(session: &Conversation, room: &str, text: &str, more: &str) {
    session.send(format!(
        r#"{{"type":"TALK","roomId":"{room}","message":"{text}"{more}}}"#
    ));
}
