//! Rooms with memory, against `dunlin serve` itself.

use super::talker::{Talker, chat, url};
use crate::binary::{Serving, dunlin};
use crate::rooms::{Folder, create, post, request};
use serde_json::json;
use std::net::SocketAddr;

fn serve() -> (Serving, String, SocketAddr) {
    let (serving, address) = Serving::on_free_port(&[]);
    (serving, url(address, "/ws/chat"), address)
}

fn member(url: &str, name: &str, more: &[&str]) -> Talker {
    let talker = Talker::start(&[&[url, "--json", "--room", "den", "--name", name], more].concat());
    talker.object("entered");
    talker
}

#[test]
fn a_room_is_made_by_its_name_talked_in_and_read_by_the_next() {
    let (_serving, url, address) = serve();
    let made = chat(&[&url, "--room", "den", "--name", "Ann"], "one\ntwo\n");
    assert_eq!((made.code, &*made.out), (Some(0), "Ann: one\nAnn: two\n"));
    for part in [
        "created the room den",
        "Room-Key",
        "in den as Ann, 1 member",
    ] {
        assert!(made.err.contains(part), "{}", made.err);
    }
    let rooms = request(address, "GET", "/chat");
    assert_eq!(rooms.as_array().map(Vec::len), Some(1), "{rooms}");
    let arguments = [&url, "--room", "den", "--name", "Ben", "--last", "1"];
    let next = chat(&arguments, "three\n");
    assert_eq!((next.code, &*next.out), (Some(0), "Ann: two\nBen: three\n"));
    // By its id as well, and as nobody in particular.
    let id = rooms[0]["roomId"].as_str().expect("an id");
    let by_id = chat(&[&url, "--room", id], "");
    assert_eq!(by_id.out, "Ann: one\nAnn: two\nBen: three\n");
    assert_eq!(by_id.code, Some(0), "{}", by_id.err);
}

#[test]
fn a_script_gets_receipts_presence_and_what_others_say() {
    let (_serving, url, address) = serve();
    let mut ann = member(&url, "Ann", &[]);
    let mut ben = member(&url, "Ben", &[]);
    let wanted = json!({"type": "presence", "event": "joined", "sender": "Ben", "members": 2});
    assert_eq!(ann.object("presence"), wanted);
    ann.write("hello\n");
    let message = ben.object("message");
    assert_eq!(
        (
            &message["sender"],
            &message["text"],
            &message["id"],
            &message["history"]
        ),
        (&json!("Ann"), &json!("hello"), &json!(1), &json!(false))
    );
    assert!(
        message["date"].as_u64() > Some(1_700_000_000_000),
        "{message}"
    );
    assert_eq!(ann.object("message")["text"], "hello");
    assert_eq!(
        ann.object("sent"),
        json!({"type": "sent", "line": 1, "id": 1})
    );
    let room = request(address, "GET", "/chat")[0]["roomId"].clone();
    let room = room.as_str().expect("an id");
    let members = request(address, "GET", &format!("/chat/{room}/members"));
    assert_eq!(
        members,
        json!({"roomId": room, "members": 2, "names": ["Ann", "Ben"]})
    );
    post(address, &format!("/chat/{room}/messages"), "from a script");
    assert_eq!(ann.object("message")["sender"], "guest");
    ben.write("bye\n");
    assert_eq!(ben.end().code, Some(0));
    assert_eq!(ann.object("message")["text"], "bye");
    assert_eq!(ann.object("presence")["event"], "left");
    assert_eq!(ann.end().code, Some(0));
}

#[test]
fn a_name_that_somebody_has_is_refused_and_a_wide_one_is_taken_as_it_is_composed() {
    let (_serving, url, _) = serve();
    let ann = member(&url, "Ann", &[]);
    let taken = chat(&[&url, "--room", "den", "--name", "Ann"], "lost\n");
    assert_eq!(taken.code, Some(1));
    for part in ["name-taken", "--name"] {
        assert!(taken.err.contains(part), "{}", taken.err);
    }
    // As a Mac writes it: a letter and its mark.
    let composed = chat(&[&url, "--room", "den", "--name", "Zoe\u{308}"], "hi\n");
    assert_eq!(composed.out, "Zo\u{eb}: hi\n", "{}", composed.err);
    drop(ann);
}

#[test]
fn a_room_that_is_deleted_ends_the_conversation() {
    let (_serving, url, address) = serve();
    let talker = Talker::start(&[&url, "--json", "--room", "den"]);
    let created = talker.object("created");
    let (room, key) = (&created["roomId"], &created["roomKey"]);
    let (room, key) = (room.as_str().expect("an id"), key.as_str().expect("a key"));
    talker.object("entered");
    let field = format!("Room-Key: {key}");
    let mut client = crate::wire_client::WireClient::connect(address);
    let (head, _) = client.request("DELETE", &format!("/chat/{room}"), &[&field]);
    assert_eq!(head.status, 204);
    assert_eq!(talker.ended().code, Some(0));
}

#[test]
fn a_room_is_found_among_more_than_come_in_one_piece() {
    let (_serving, url, address) = serve();
    let rooms: Vec<String> = (0..300).map(|_| create(address)).collect();
    let ended = chat(&[&url, "--room", &rooms[299], "--name", "Ann"], "here\n");
    assert_eq!(
        (ended.code, &*ended.out),
        (Some(0), "Ann: here\n"),
        "{}",
        ended.err
    );
    let several = chat(&[&url, "--room", "den"], "");
    assert_eq!(several.code, Some(1));
    assert!(several.err.contains("--room ID"), "{}", several.err);
}

#[test]
fn a_restart_of_the_server_loses_no_line_and_doubles_none() {
    for signal in ["TERM", "KILL"] {
        let folder = Folder::new(&format!("chat-{signal}"));
        // An address of its own: the port is free again when the server is gone.
        let start = |port: u16| {
            let listen = format!("127.77.{}.1:{port}", u8::from(signal == "TERM") + 1);
            let arguments = ["serve", "--listen", &listen, "--history-dir", folder.path()];
            let mut serving = Serving::start(&mut dunlin(&arguments));
            let address = crate::binary::address_in(&serving.out_line());
            (serving, address)
        };
        let (serving, address) = start(0);
        let mut ann = member(&url(address, "/ws/chat"), "Ann", &[]);
        ann.write("before\n");
        assert_eq!(ann.object("sent")["id"], 1);
        // A second later it is on disk, however the server ends.
        let room = request(address, "GET", "/chat")[0]["roomId"].clone();
        let room = room.as_str().expect("an id");
        folder.wait_for("before");
        serving.signal(signal);
        serving.end();
        ann.object("disconnected");
        ann.write("while it was away\n");
        let (_serving, address) = start(address.port());
        let messages = format!("/chat/{room}/messages");
        post(address, &messages, "from a script");
        ann.object("entered");
        ann.write("after\n");
        ann.close_input();
        let ended = ann.ended();
        assert_eq!(ended.code, Some(0), "{}{}", ended.out, ended.err);
        let history = request(address, "GET", &messages);
        let history = history["messages"].as_array().expect("messages");
        let texts: Vec<_> = history
            .iter()
            .map(|talk| talk["message"].as_str())
            .collect();
        let texts: Vec<_> = texts.into_iter().flatten().collect();
        assert_eq!(texts.len(), 4, "{texts:?}");
        assert_eq!(texts[0], "before");
        let position = |text| texts.iter().position(|one| *one == text);
        assert!(
            position("while it was away") < position("after"),
            "{texts:?}"
        );
        assert!(position("while it was away").is_some(), "{texts:?}");
        assert_eq!(
            ended.out.matches(r#""text":"from a script""#).count(),
            1,
            "{}",
            ended.out
        );
        assert_eq!(
            ended.out.matches(r#""text":"before""#).count(),
            0,
            "{}",
            ended.out
        );
        // After a kill nobody knows what was said in the last moment, and that is told.
        let is_missing = ended.out.contains(r#""type":"missing""#);
        assert_eq!(is_missing, signal == "KILL", "{}", ended.out);
    }
}
