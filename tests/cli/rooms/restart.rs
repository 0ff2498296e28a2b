//! An end in order and a new start: everything is as it was.

use super::session::Session;
use super::{Folder, create, request};
use serde_json::json;

#[test]
fn after_sigterm_and_a_start_everything_is_as_it_was() {
    let folder = Folder::new("sigterm");
    let (serving, address) = folder.serve();
    let room = create(address);
    let mut kim = Session::open(address);
    let client = json!({"client": "0123456789abcdef"});
    kim.enter(&room, "kim", &client);
    for number in 1..=150 {
        kim.talk(&room, &format!("message {number}"), &number.to_string());
    }
    let receipts: Vec<_> = (1..=150).map(|_| kim.hear()).collect();
    let history = |address, after: u64| {
        let epoch = request(address, "GET", &format!("/chat/{room}/messages?limit=1"));
        let epoch = epoch["epoch"].as_str().expect("an epoch").to_owned();
        let path = format!("/chat/{room}/messages?after={after}&epoch={epoch}");
        request(address, "GET", &path)
    };
    let (before, listed) = (history(address, 50), request(address, "GET", "/chat"));
    assert_eq!(before["recovered"], true);
    serving.signal("TERM");
    let (status, _, log) = serving.end();
    assert!(status.success(), "{log:#?}");
    let (_serving, address) = folder.serve();
    assert_eq!(history(address, 50), before);
    let mut nobody_in = listed;
    nobody_in[0]["sessions"] = json!(0);
    assert_eq!(request(address, "GET", "/chat"), nobody_in);
    let mut kim = Session::open(address);
    let since = json!({"epoch": before["epoch"], "id": 148});
    let entered = kim.enter(
        &room,
        "kim",
        &json!({"client": client["client"], "since": since}),
    );
    assert_eq!(
        (&entered["epoch"], &entered["id"], &entered["recovered"]),
        (&before["epoch"], &json!(150), &json!(true))
    );
    assert_eq!(
        entered["messages"],
        json!(before["messages"].as_array().unwrap()[98..])
    );
    // What was sent before is known by its mark, and what is new gets the next id.
    kim.talk(&room, "message 150", "150");
    assert_eq!(kim.hear(), receipts[149]);
    kim.talk(&room, "message 151", "151");
    assert_eq!(kim.hear()["id"], 151);
}

#[test]
fn the_marks_of_a_session_without_a_secret_are_not_those_of_one_before_a_restart() {
    let folder = Folder::new("marks");
    let (serving, address) = folder.serve();
    let room = create(address);
    let mut kim = Session::open(address);
    kim.enter(&room, "kim", &json!({}));
    kim.talk(&room, "from kim", "1");
    assert_eq!(kim.hear()["id"], 1);
    serving.signal("TERM");
    serving.end();
    let (_serving, address) = folder.serve();
    let mut lee = Session::open(address);
    lee.enter(&room, "lee", &json!({}));
    lee.talk(&room, "from lee", "1");
    let receipt = lee.hear();
    assert_eq!(
        (&receipt["id"], &receipt["message"]),
        (&json!(2), &json!("from lee"))
    );
}
