//! `dunlin.v1`: ids, receipts, history, resume, taking a name over.

use super::*;
use std::time::Duration;

fn texts(entered: &Value) -> Vec<&str> {
    let messages = entered["messages"].as_array().expect("messages");
    messages
        .iter()
        .map(|message| message["message"].as_str().unwrap())
        .collect()
}

#[test]
fn a_receipt_is_the_message_with_its_mark() {
    let (sim, room) = server();
    let (kim, lee) = (v1_member(&sim, &room, "kim"), v1_member(&sim, &room, "lee"));
    assert_eq!(json(&kim)["type"], "JOINED");
    talk(&kim, &room, "hi", r#","ref":"a1""#);
    let (receipt, heard) = (kim.receive_text(), lee.receive_text());
    let date = serde_json::from_str::<Value>(&heard).unwrap()["date"].clone();
    let wanted = format!(
        r#"{{"type":"TALK","roomId":"{room}","sender":"kim","message":"hi","id":1,"date":{date}"#
    );
    assert_eq!(heard, format!("{wanted}}}"));
    assert_eq!(receipt, format!(r#"{wanted},"ref":"a1"}}"#));
    talk(&kim, &room, "hi", "");
    assert_eq!(json(&kim)["id"], 2);
}

#[test]
fn the_same_mark_of_one_client_is_one_message() {
    let (sim, room) = server();
    let client = r#","client":"0123456789abcdef""#;
    let (kim, lee) = (v1(&sim), v1_member(&sim, &room, "lee"));
    enter(&kim, &room, "kim", client);
    json(&lee);
    talk(&kim, &room, "hi", r#","ref":"1""#);
    let first = json(&kim);
    talk(&kim, &room, "hi", r#","ref":"1""#);
    assert_eq!(json(&kim), first);
    kim.cut();
    let again = v1(&sim);
    enter(&again, &room, "kim", client);
    talk(&again, &room, "hi", r#","ref":"1""#);
    assert_eq!(json(&again), first);
    sim.drive();
    assert_eq!(lee.waiting(), 1, "one message, and a reload is no news");
    talk(&lee, &room, "hi", r#","ref":"1""#);
    assert_eq!(json(&lee)["id"], 1);
    assert_eq!(json(&lee)["id"], 2, "the mark of another client is another");
    sim.advance(Duration::from_secs(301));
    again.receive_all();
    talk(&again, &room, "hi", r#","ref":"1""#);
    assert_eq!(json(&again)["id"], 3, "five minutes later it is news");
}

#[test]
fn who_comes_back_gets_what_it_missed() {
    let (sim, room) = server();
    let lee = v1_member(&sim, &room, "lee");
    let kim = v1(&sim);
    let entered = enter(&kim, &room, "kim", "");
    let (epoch, id) = (entered["epoch"].as_str().unwrap(), entered["id"].clone());
    assert_eq!(
        (&entered["recovered"], &entered["members"]),
        (&true.into(), &2.into())
    );
    kim.cut();
    for text in ["one", "two", "three"] {
        talk(&lee, &room, text, "");
    }
    sim.drive();
    let kim = v1(&sim);
    let since = format!(r#","since":{{"epoch":"{epoch}","id":{id}}}"#);
    let entered = enter(&kim, &room, "kim", &since);
    assert_eq!(texts(&entered), ["one", "two", "three"]);
    assert_eq!(
        (&entered["recovered"], &entered["id"]),
        (&true.into(), &3.into())
    );
}

#[test]
fn what_the_history_has_lost_is_a_gap_and_not_recovered() {
    let (sim, room) = server();
    let kim = v1(&sim);
    let entered = enter(&kim, &room, "kim", "");
    let epoch = entered["epoch"].as_str().unwrap().to_owned();
    for _ in 0..3 {
        sim.advance(Duration::from_secs(2));
        (0..40).for_each(|_| talk(&kim, &room, "hi", ""));
    }
    sim.drive();
    let lee = v1(&sim);
    let since = format!(r#","since":{{"epoch":"{epoch}","id":5}}"#);
    let entered = enter(&lee, &room, "lee", &since);
    assert_eq!(entered["recovered"], false);
    assert_eq!(entered["messages"][0]["id"], 21);
    assert_eq!(texts(&entered).len(), 100);
    let gap = lee.receive_text();
    assert_eq!(
        gap,
        format!(r#"{{"type":"GAP","roomId":"{room}","from":6,"to":20}}"#)
    );
    let mo = v1(&sim);
    let since = r#","since":{"epoch":"0000000000000000","id":120}"#;
    assert_eq!(enter(&mo, &room, "mo", since)["recovered"], false);
    let last = v1(&sim);
    let entered = enter(&last, &room, "last", r#","last":2"#);
    assert_eq!(entered["messages"][0]["id"], 119);
    sim.advance(Duration::from_secs(301));
    let late = v1(&sim);
    assert!(texts(&enter(&late, &room, "late", r#","last":100"#)).is_empty());
}

#[test]
fn a_client_takes_its_name_over_and_nobody_else_does() {
    let (sim, room) = server();
    let lee = v1_member(&sim, &room, "lee");
    let client = r#","client":"0123456789abcdef""#;
    let kim = v1(&sim);
    enter(&kim, &room, "kim", client);
    json(&lee);
    let thief = v1(&sim);
    let refused = enter(&thief, &room, "kim", r#","client":"fedcba9876543210""#);
    assert_eq!(
        (&refused["type"], &refused["code"]),
        (&"ERROR".into(), &"name-taken".into())
    );
    let again = v1(&sim);
    assert_eq!(enter(&again, &room, "kim", client)["members"], 2);
    let closed = format!(r#"{{"type":"CLOSED","roomId":"{room}","reason":"replaced"}}"#);
    assert_eq!(kim.receive_text(), closed);
    assert!(kim.is_open());
    kim.cut();
    sim.advance(Duration::from_secs(3));
    assert_eq!(lee.waiting(), 0, "neither left nor joined");
    talk(&again, &room, "still here", "");
    assert_eq!(json(&lee)["message"], "still here");
}

#[test]
fn errors_have_words_and_the_mark_of_what_was_refused() {
    let (sim, room) = server();
    let kim = v1(&sim);
    let said = |session: &Conversation, text: &str| {
        session.send(text);
        let answer = json(session);
        assert_eq!(answer["type"], "ERROR", "{text}");
        (
            answer["code"].as_str().unwrap().to_owned(),
            answer["ref"].as_str().map(str::to_owned),
        )
    };
    let talk = |room: &str, message: &str| {
        format!(r#"{{"type":"TALK","roomId":"{room}","message":"{message}","ref":"r"}}"#)
    };
    let with_ref = |code: &str| (code.to_owned(), Some("r".to_owned()));
    assert_eq!(said(&kim, &talk(&room, "hi")), with_ref("not-entered"));
    assert_eq!(said(&kim, &talk("nowhere", "hi")), with_ref("unknown-room"));
    assert_eq!(said(&kim, "{").0, "bad-json");
    enter(&kim, &room, "kim", "");
    assert_eq!(said(&kim, &talk(&room, " ")), with_ref("empty"));
    assert_eq!(
        said(&kim, &talk(&room, &"x".repeat(65_537))),
        with_ref("too-long")
    );
    let long = format!(
        r#"{{"type":"TALK","roomId":"{room}","message":"x","ref":"{}"}}"#,
        "r".repeat(65)
    );
    assert_eq!(said(&kim, &long), ("too-long".to_owned(), None));
    let other = format!(r#"{{"type":"ENTER","roomId":"{room}","sender":"lee"}}"#);
    assert_eq!(said(&kim, &other).0, "other-name");
    let short = format!(r#"{{"type":"ENTER","roomId":"{room}","sender":"kim","client":"short"}}"#);
    assert_eq!(said(&kim, &short).0, "bad-json");
}

#[test]
fn both_formats_talk_to_each_other() {
    let (sim, room) = server();
    let kim = v1_member(&sim, &room, "kim");
    let lee = plain_member(&sim, &room, "lee");
    assert_eq!(
        kim.receive_text(),
        format!(r#"{{"type":"JOINED","roomId":"{room}","sender":"lee","members":2}}"#)
    );
    talk(&kim, &room, "hi", "");
    assert_eq!(lee.receive_text(), line("TALK", &room, "kim", "hi"));
    json(&kim);
    lee.send(line("TALK", &room, "lee", "hello"));
    assert_eq!(json(&kim)["message"], "hello");
}

#[test]
fn a_session_is_in_64_rooms_at_most() {
    let (sim, _) = server();
    let kim = v1(&sim);
    for number in 0..65 {
        sim.advance(Duration::from_secs(1));
        let room = create(&sim, "one");
        let answer = enter(&kim, &room, "kim", "");
        let wanted = if number < 64 { "ENTERED" } else { "ERROR" };
        assert_eq!(answer["type"], wanted, "{answer}");
    }
}

#[test]
fn entering_too_fast_is_refused() {
    let (sim, room) = server();
    let kim = v1(&sim);
    let answers: Vec<_> = (0..25).map(|_| enter(&kim, &room, "kim", "")).collect();
    let refused = answers
        .iter()
        .filter(|answer| answer["code"] == "too-fast")
        .count();
    assert_eq!(refused, 5);
}

#[test]
fn who_is_too_fast_is_told_which_message_was_refused() {
    let (sim, room) = server();
    let kim = v1_member(&sim, &room, "kim");
    for number in 0..55 {
        talk(&kim, &room, "hi", &format!(r#","ref":"{number}""#));
    }
    let answers: Vec<_> = (0..55).map(|_| json(&kim)).collect();
    let refused: Vec<_> = answers
        .iter()
        .filter(|answer| answer["code"] == "too-fast")
        .collect();
    let marks: Vec<_> = refused
        .iter()
        .map(|answer| answer["ref"].as_str().unwrap_or(""))
        .collect();
    assert_eq!(
        marks,
        ["49", "50", "51", "52", "53", "54"],
        "an ENTER and 49 messages are taken"
    );
    assert!(refused.iter().all(|answer| answer["roomId"] == *room));
    sim.advance(Duration::from_secs(1));
    talk(&kim, &room, "hi", r#","ref":"50""#);
    assert_eq!(json(&kim)["id"], 50, "sent again it is taken, once");
}
