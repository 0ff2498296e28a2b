//! `--json`: one object a line, whatever happens.

use super::talker::{chat, connected, next_text, until_close, url};
use crate::running::start;
use crate::wire_frame::Frame;
use dunlin::{App, apps};
use serde_json::{Value, json};

fn objects(text: &str) -> Vec<Value> {
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

#[test]
fn a_whole_conversation_is_objects() {
    let server = start(|| apps::all(App::new()));
    let url = url(server.address(), "/you-said");
    let ended = chat(&["--json", "--no-deflate", &url], "a\nb\n");
    assert_eq!((ended.code, &*ended.err), (Some(0), ""));
    // Whether an answer or the pong behind its line is read first is up to the server.
    let (sent, others): (Vec<_>, Vec<_>) = objects(&ended.out)
        .into_iter()
        .partition(|object| object["type"] == "sent");
    assert_eq!(
        sent,
        [
            json!({"type": "sent", "line": 1}),
            json!({"type": "sent", "line": 2})
        ]
    );
    assert_eq!(
        others,
        [
            json!({"type": "state", "state": "connecting", "url": url}),
            json!({"type": "state", "state": "connected", "url": url}),
            json!({"type": "message", "text": "YOU SAID: a"}),
            json!({"type": "message", "text": "YOU SAID: b"}),
            json!({"type": "closed", "code": 1000, "reason": "", "by": "client"}),
        ]
    );
}

#[test]
fn messages_are_exact_whatever_they_hold() {
    let (_server, mut talker, mut peer) = connected(&["--json"]);
    let evil = "\u{1b}[2J\n\"\\\u{202e}\0한";
    peer.send(Frame::text(evil));
    assert_eq!(talker.object("message")["text"], evil);
    peer.send(Frame::binary([0, 0xff, 7]));
    assert_eq!(talker.object("message")["base64"], "AP8H");
    talker.write("plain {line}\n");
    assert_eq!(next_text(&mut peer), "plain {line}");
    talker.close_input();
    assert_eq!(until_close(&mut peer), 1000);
    assert_eq!(talker.ended().code, Some(0));
}

#[test]
fn an_error_is_an_object_and_an_exit_code() {
    let server = start(|| apps::all(App::new()));
    let ended = chat(&["--json", &url(server.address(), "/nowhere")], "a\n");
    assert_eq!(ended.code, Some(1));
    let last = objects(&ended.out).pop().expect("an object");
    assert_eq!(last["type"], "error");
    assert!(
        last["message"]
            .as_str()
            .is_some_and(|text| text.contains("404")),
        "{last}"
    );
}

#[test]
fn the_servers_close_is_told_with_code_and_reason() {
    let (_server, talker, mut peer) = connected(&["--json"]);
    peer.send(Frame::close(1000, "that is all"));
    let closed = talker.object("closed");
    let wanted = json!({"type": "closed", "code": 1000, "reason": "that is all", "by": "server"});
    assert_eq!(closed, wanted);
    assert_eq!(talker.ended().code, Some(0));
}
