//! Rooms with memory: the subprotocol `dunlin.v1`, against a server that the test speaks.

use super::talker::{Talker, chat, next_text, until_close, url};
use crate::wire_frame::Frame;
use crate::wire_server::{Accepted, WireServer};
use serde_json::{Value, json};

const ROOM: &str = "6fa459ea-ee8a-4ca4-894e-db77e160355e";

fn answer(peer: &mut Accepted, fields: &str, body: &Value) {
    let body = body.to_string();
    let length = body.len();
    peer.write(format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json;charset=UTF-8\r\n{fields}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    ));
}

fn say(peer: &mut Accepted, object: &Value) {
    peer.send(Frame::text(&object.to_string()));
}

#[track_caller]
fn hear(peer: &mut Accepted) -> Value {
    serde_json::from_str(&next_text(peer)).expect("JSON")
}

/// The room is on the list.
#[track_caller]
fn listed(server: &WireServer) {
    let mut peer = server.accept();
    assert!(
        peer.request.starts_with("GET /chat HTTP/1.1\r\n"),
        "{}",
        peer.request
    );
    answer(
        &mut peer,
        "",
        &json!([{"roomId": ROOM, "name": "lobby", "sessions": 1}]),
    );
}

/// A connection to the rooms that asks for the subprotocol, and its ENTER.
#[track_caller]
fn entering(server: &WireServer) -> (Accepted, Value) {
    let mut peer = server.accept();
    assert!(
        peer.request.starts_with("GET /ws/chat HTTP/1.1\r\n"),
        "{}",
        peer.request
    );
    assert_eq!(peer.field("Sec-WebSocket-Protocol"), Some("dunlin.v1"));
    peer.switch(&["Sec-WebSocket-Protocol: dunlin.v1"]);
    let enter = hear(&mut peer);
    assert_eq!(enter["type"], "ENTER");
    assert_eq!(enter["roomId"], ROOM);
    (peer, enter)
}

fn talk(id: u64, sender: &str, text: &str) -> Value {
    json!({"type": "TALK", "roomId": ROOM, "sender": sender, "message": text, "id": id, "date": 1000 + id})
}

fn entered(peer: &mut Accepted, id: u64, recovered: bool, messages: &[Value]) {
    say(
        peer,
        &json!({"type": "ENTERED", "roomId": ROOM, "name": "Ann", "epoch": "00ff00ff00ff00ff", "id": id,
            "recovered": recovered, "members": 2, "messages": messages}),
    );
}

/// A client with the name Ann that wants to enter.
#[track_caller]
fn start(more: &[&str]) -> (WireServer, Talker, Accepted, Value) {
    let server = WireServer::bind();
    let url = format!("ws://{}", server.address());
    let arguments = [
        &[&*url, "--no-deflate", "--room", "lobby", "--name", "Ann"],
        more,
    ]
    .concat();
    let talker = Talker::start(&arguments);
    listed(&server);
    let (peer, enter) = entering(&server);
    (server, talker, peer, enter)
}

#[test]
fn history_and_messages_are_printed_with_their_senders() {
    let (_server, mut talker, mut peer, enter) = start(&["--last", "2"]);
    assert_eq!(
        (&enter["sender"], &enter["last"]),
        (&json!("Ann"), &json!(2))
    );
    let secret = enter["client"].as_str().expect("a secret");
    assert!((16..=64).contains(&secret.len()), "{secret}");
    entered(
        &mut peer,
        2,
        false,
        &[talk(1, "Ben", "old"), talk(2, "\u{1b}[31m", "new\n")],
    );
    assert_eq!(talker.line(), "Ben: old");
    assert_eq!(talker.line(), "␛[31m: new␊");
    say(&mut peer, &talk(3, "Ben", "live"));
    assert_eq!(talker.line(), "Ben: live");
    talker.write("hello\n");
    let said = hear(&mut peer);
    assert_eq!(
        (&said["type"], &said["message"]),
        (&json!("TALK"), &json!("hello"))
    );
    let mut receipt = talk(4, "Ann", "hello");
    receipt["ref"] = said["ref"].clone();
    say(&mut peer, &receipt);
    assert_eq!(talker.line(), "Ann: hello");
    talker.close_input();
    assert_eq!(until_close(&mut peer), 1000);
    let ended = talker.ended();
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(
        ended.err.contains("in lobby as Ann, 2 members"),
        "{}",
        ended.err
    );
}

#[test]
fn nothing_is_sent_before_the_room_lets_us_in() {
    let (_server, mut talker, mut peer, _) = start(&[]);
    talker.write("early\n");
    talker.close_input();
    peer.send(Frame::ping(b"?"));
    assert_eq!(
        peer.read_frame().payload,
        b"?",
        "the pong is the first thing that comes"
    );
    entered(&mut peer, 0, false, &[]);
    assert_eq!(hear(&mut peer)["message"], "early");
}

#[test]
fn a_line_without_a_receipt_is_sent_again_with_the_same_mark() {
    let (server, mut talker, mut peer, first) = start(&["--json"]);
    entered(&mut peer, 7, false, &[]);
    talker.write("one\ntwo\n");
    let (one, two) = (hear(&mut peer), hear(&mut peer));
    let mut receipt = talk(8, "Ann", "one");
    receipt["ref"] = one["ref"].clone();
    say(&mut peer, &receipt);
    assert_eq!(
        talker.object("sent"),
        json!({"type": "sent", "line": 1, "id": 8})
    );
    drop(peer);
    let (mut peer, again) = entering(&server);
    assert_eq!(again["client"], first["client"]);
    assert_eq!(
        again["since"],
        json!({"epoch": "00ff00ff00ff00ff", "id": 8})
    );
    assert_eq!(again.get("last"), None);
    // It had arrived: it is among what was missed, and its receipt comes once more.
    entered(&mut peer, 9, true, &[talk(9, "Ann", "two")]);
    let resent = hear(&mut peer);
    assert_eq!(resent, two);
    let mut receipt = talk(9, "Ann", "two");
    receipt["ref"] = resent["ref"].clone();
    say(&mut peer, &receipt);
    talker.close_input();
    assert_eq!(until_close(&mut peer), 1000);
    let ended = talker.ended();
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let texts = ended.out.matches("\"text\":\"two\"").count();
    assert_eq!(texts, 1, "{}", ended.out);
    assert!(!ended.out.contains("missing"), "{}", ended.out);
}

#[test]
fn what_is_missing_is_said() {
    let (server, talker, mut peer, _) = start(&["--json"]);
    entered(&mut peer, 7, false, &[]);
    say(
        &mut peer,
        &json!({"type": "GAP", "roomId": ROOM, "from": 8, "to": 11}),
    );
    let gap = talker.object("missing");
    assert_eq!(gap, json!({"type": "missing", "from": 8, "to": 11}));
    drop(peer);
    let (mut peer, again) = entering(&server);
    assert_eq!(again["since"]["id"], 11);
    entered(&mut peer, 20, false, &[talk(20, "Ben", "newest")]);
    assert_eq!(talker.object("missing"), json!({"type": "missing"}));
    assert_eq!(talker.object("message")["text"], "newest");
}

#[test]
fn in_a_new_epoch_ids_come_again_and_nothing_is_dropped_or_printed_twice() {
    let (server, talker, mut peer, _) = start(&[]);
    entered(&mut peer, 7, false, &[]);
    for (id, text) in [(8, "kept"), (9, "lost"), (10, "lost, too")] {
        say(&mut peer, &talk(id, "Ben", text));
        assert_eq!(talker.line(), format!("Ben: {text}"));
    }
    say(
        &mut peer,
        &json!({"type": "EPOCH", "roomId": ROOM, "epoch": "e0e0e0e0e0e0e0e0", "id": 8}),
    );
    // The second is what was lost, said again; the third has the same words and a place of its own.
    for (id, text) in [(9, "another"), (10, "lost, too"), (11, "lost, too")] {
        say(&mut peer, &talk(id, "Ben", text));
    }
    say(&mut peer, &talk(12, "Ben", "last"));
    for wanted in ["Ben: another", "Ben: lost, too", "Ben: last"] {
        assert_eq!(talker.line(), wanted);
    }
    drop(peer);
    let (_peer, again) = entering(&server);
    let since = json!({"epoch": "e0e0e0e0e0e0e0e0", "id": 12});
    assert_eq!(again["since"], since);
}

#[test]
fn who_comes_and_goes_is_told() {
    let (_server, talker, mut peer, _) = start(&["--json"]);
    entered(&mut peer, 0, false, &[]);
    for (kind, event) in [("JOINED", "joined"), ("LEFT", "left")] {
        say(
            &mut peer,
            &json!({"type": kind, "roomId": ROOM, "sender": "Ben", "members": 3}),
        );
        let wanted = json!({"type": "presence", "event": event, "sender": "Ben", "members": 3});
        assert_eq!(talker.object("presence"), wanted);
    }
    say(
        &mut peer,
        &json!({"type": "JOINED", "roomId": ROOM, "members": 501}),
    );
    assert_eq!(talker.object("presence")["members"], 501);
}

#[test]
fn a_name_that_is_taken_is_an_error_that_says_what_to_do() {
    let (_server, talker, mut peer, _) = start(&[]);
    say(
        &mut peer,
        &json!({"type": "ERROR", "roomId": ROOM, "code": "name-taken", "message": "Ann is here already"}),
    );
    assert_eq!(until_close(&mut peer), 1000);
    let ended = talker.ended();
    assert_eq!(ended.code, Some(1));
    for part in ["name-taken", "Ann is here already", "--name"] {
        assert!(ended.err.contains(part), "{}", ended.err);
    }
}

#[test]
fn a_refused_line_is_named_and_the_others_go_on() {
    let (_server, mut talker, mut peer, _) = start(&[]);
    entered(&mut peer, 0, false, &[]);
    talker.write("long\nshort\n");
    let (long, short) = (hear(&mut peer), hear(&mut peer));
    say(
        &mut peer,
        &json!({"type": "ERROR", "roomId": ROOM, "ref": long["ref"], "code": "too-long", "message": "at most 64 KiB"}),
    );
    let mut receipt = talk(1, "Ann", "short");
    receipt["ref"] = short["ref"].clone();
    say(&mut peer, &receipt);
    talker.close_input();
    assert_eq!(until_close(&mut peer), 1000);
    let ended = talker.ended();
    assert_eq!((ended.code, &*ended.out), (Some(1), "Ann: short\n"));
    assert!(
        ended.err.contains("line 1: too-long: at most 64 KiB"),
        "{}",
        ended.err
    );
}

#[test]
fn a_line_that_came_too_fast_is_sent_again_later() {
    let (_server, mut talker, mut peer, _) = start(&[]);
    entered(&mut peer, 0, false, &[]);
    talker.write("hasty\n");
    let first = hear(&mut peer);
    say(
        &mut peer,
        &json!({"type": "ERROR", "roomId": ROOM, "ref": first["ref"], "code": "too-fast", "message": "50 a second"}),
    );
    assert_eq!(hear(&mut peer), first);
}

#[test]
fn a_membership_that_the_room_ends_is_not_fought_for() {
    for (reason, code) in [("replaced", 1), ("Room closed", 0)] {
        let (_server, talker, mut peer, _) = start(&[]);
        entered(&mut peer, 0, false, &[]);
        say(
            &mut peer,
            &json!({"type": "CLOSED", "roomId": ROOM, "reason": reason}),
        );
        assert_eq!(until_close(&mut peer), 1000);
        assert_eq!(talker.ended().code, Some(code), "{reason}");
    }
}

#[test]
fn who_was_too_slow_for_a_room_enters_it_again() {
    let (server, talker, mut peer, _) = start(&["--json"]);
    entered(&mut peer, 7, false, &[]);
    say(
        &mut peer,
        &json!({"type": "CLOSED", "roomId": ROOM, "reason": "slow"}),
    );
    assert_eq!(until_close(&mut peer), 1000);
    let (mut peer, again) = entering(&server);
    assert_eq!(again["since"]["id"], 7);
    entered(&mut peer, 8, true, &[talk(8, "Ben", "missed")]);
    assert_eq!(talker.object("message")["text"], "missed");
}

#[test]
fn a_new_name_makes_a_room_whose_key_is_shown_once() {
    let server = WireServer::bind();
    let url = format!("ws://{}", server.address());
    let mut talker = Talker::start(&[&url, "--room", "new room"]);
    listed(&server);
    let mut peer = server.accept();
    assert!(
        peer.request
            .starts_with("POST /chat?name=new%20room HTTP/1.1\r\n"),
        "{}",
        peer.request
    );
    answer(
        &mut peer,
        "Room-Key: k-e-y\r\n",
        &json!({"roomId": ROOM, "name": "new room", "sessions": 0}),
    );
    let (mut peer, enter) = entering(&server);
    let name = enter["sender"].as_str().expect("a name");
    assert!(name.starts_with("guest-"), "{name}");
    entered(&mut peer, 0, false, &[]);
    talker.close_input();
    assert_eq!(until_close(&mut peer), 1000);
    let ended = talker.ended();
    assert_eq!(ended.err.matches("k-e-y").count(), 1, "{}", ended.err);
    assert!(ended.err.contains(ROOM), "{}", ended.err);
}

#[test]
fn rooms_of_the_same_name_are_listed_and_none_is_chosen() {
    let server = WireServer::bind();
    let url = format!("ws://{}", server.address());
    let talker = Talker::start(&[&url, "--room", "lobby"]);
    let mut peer = server.accept();
    answer(
        &mut peer,
        "",
        &json!([{"roomId": ROOM, "name": "lobby"}, {"roomId": "b", "name": "lobby"}]),
    );
    let ended = talker.ended();
    assert_eq!(ended.code, Some(1));
    assert!(
        ended.err.contains(ROOM) && ended.err.contains("--room ID"),
        "{}",
        ended.err
    );
}

#[test]
fn a_server_without_rooms_is_an_error() {
    let server = crate::running::start(|| dunlin::apps::echo::mount(dunlin::App::new()));
    let ended = chat(&[&format!("ws://{}", server.address()), "--room", "a"], "");
    assert_eq!(ended.code, Some(1));
    assert!(ended.err.contains("answers 404"), "{}", ended.err);
    let ended = chat(&[&url(server.address(), "/echo"), "--room", "a"], "");
    assert_eq!(ended.code, Some(2));
}

#[test]
fn a_server_that_does_not_take_the_subprotocol_is_an_error() {
    let server = WireServer::bind();
    let url = format!("ws://{}", server.address());
    let talker = Talker::start(&[&url, "--room", "lobby"]);
    listed(&server);
    let mut peer = server.accept_session();
    assert_eq!(until_close(&mut peer), 1000);
    let ended = talker.ended();
    assert_eq!(ended.code, Some(1));
    assert!(ended.err.contains("dunlin.v1"), "{}", ended.err);
}
