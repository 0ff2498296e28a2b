//! What clients say to rooms, and what a journal of rooms may hold.

use crate::sim::{Received, Sim};
use crate::{App, Method, apps};

/// The texts of a session, a line each, in one of both formats; `ROOM` stands for the id of a room.
///
/// # Panics
/// When an answer is no JSON with a type that the format has, or another member of the room is harmed.
pub fn rooms(data: &[u8]) {
    let Some((format, texts)) = data.split_first() else {
        return;
    };
    let texts = String::from_utf8_lossy(texts);
    let sim = Sim::new(apps::rooms::mount(App::new())).expect("a good program");
    let made = sim.request(Method::Post, "/chat?name=den").send();
    let room: serde_json::Value = made.json();
    let room = room["roomId"].as_str().expect("an id");
    let v1 = [("Sec-WebSocket-Protocol", "dunlin.v1")];
    let speaks_v1 = format & 1 == 1;
    let fields = if speaks_v1 { &v1[..] } else { &[] };
    let witness = sim.open_with("/ws/chat", &v1).expect("a session");
    witness.send(format!(
        r#"{{"type":"ENTER","roomId":"{room}","sender":"witness"}}"#
    ));
    let session = sim.open_with("/ws/chat", fields).expect("a session");
    for text in texts.lines().take(100) {
        session.send(text.replace("ROOM", room));
    }
    sim.drive();
    let types: &[&str] = if speaks_v1 {
        &[
            "ENTERED", "TALK", "JOINED", "LEFT", "GAP", "CLOSED", "ERROR",
        ]
    } else {
        &["ENTER", "TALK", "LEAVE", "ERROR"]
    };
    while session.waiting() > 0 {
        match session.receive() {
            Some(Received::Text(text)) => {
                let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
                let kind = value["type"].as_str().expect("a type");
                assert!(types.contains(&kind), "{text}");
            }
            Some(Received::Close { code, .. }) => assert_eq!(code, 1008.into()),
            other => panic!("{other:?}"),
        }
    }
    witness.receive_all();
    witness.send(format!(
        r#"{{"type":"TALK","roomId":"{room}","message":"still here","ref":"w"}}"#
    ));
    let receipt = witness.receive_text();
    assert!(receipt.ends_with(r#","ref":"w"}"#), "{receipt}");
}

/// See [`crate::rooms::fuzz_reader`].
pub fn journal(data: &[u8]) {
    crate::rooms::fuzz_reader(data);
}
