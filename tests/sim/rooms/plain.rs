//! The plain format of `/ws/chat`, to the byte.

use super::*;
use dunlin::testing::Received;

fn error(room: Option<&str>, message: &str) -> String {
    let room = room.map_or("null".to_owned(), |room| format!("{room:?}"));
    format!(r#"{{"type":"ERROR","roomId":{room},"sender":"server","message":"{message}"}}"#)
}

#[test]
fn the_room_hears_who_enters_talks_and_leaves() {
    let (sim, room) = server();
    let kim = plain_member(&sim, &room, "kim");
    let lee = plain_member(&sim, &room, "lee");
    assert_eq!(
        kim.receive_text(),
        line("ENTER", &room, "lee", "lee님이 입장했습니다.")
    );
    kim.send(line("TALK", &room, "kim", "안녕"));
    let said = line("TALK", &room, "kim", "안녕");
    assert_eq!(
        [kim.receive_text(), lee.receive_text()],
        [said.clone(), said]
    );
    lee.send(line("LEAVE", &room, "lee", ""));
    assert_eq!(
        kim.receive_text(),
        line("LEAVE", &room, "lee", "lee님이 퇴장했습니다.")
    );
    kim.send(line("TALK", &room, "kim", "?"));
    kim.receive_text();
    assert_eq!(lee.waiting(), 0);
}

#[test]
fn every_way_of_disconnecting_is_told_once() {
    let (sim, room) = server();
    let kim = plain_member(&sim, &room, "kim");
    for way in [
        |s: &Conversation| s.cut(),
        |s: &Conversation| s.close(1000, ""),
        |s: &Conversation| s.send(b"\0"),
    ] {
        let lee = plain_member(&sim, &room, "lee");
        kim.receive_text();
        way(&lee);
        sim.drive();
        assert_eq!(
            kim.receive_text(),
            line("LEAVE", &room, "lee", "lee님이 퇴장했습니다.")
        );
        sim.advance(std::time::Duration::from_secs(2));
        assert_eq!(kim.waiting(), 0);
    }
}

#[test]
fn a_repeated_enter_greets_again_and_doubles_nothing() {
    let (sim, room) = server();
    let kim = plain_member(&sim, &room, "kim");
    kim.send(line("ENTER", &room, "kim", ""));
    assert_eq!(
        kim.receive_text(),
        line("ENTER", &room, "kim", "kim님이 입장했습니다.")
    );
    kim.send(line("TALK", &room, "kim", "once"));
    assert_eq!(kim.receive_text(), line("TALK", &room, "kim", "once"));
    sim.drive();
    assert_eq!(kim.waiting(), 0);
    assert_eq!(
        sim.get(&format!("/chat/{room}")).json::<Value>()["sessions"],
        1
    );
}

#[test]
fn a_null_message_stays_null_and_unknown_keys_are_ignored() {
    let (sim, room) = server();
    let kim = plain_member(&sim, &room, "kim");
    let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
    kim.send(format!(
        r#"{{"x":{deep},"message":null,"sender":"kim","roomId":"{room}","type":"TALK"}}"#
    ));
    let wanted = format!(r#"{{"type":"TALK","roomId":"{room}","sender":"kim","message":null}}"#);
    assert_eq!(kim.receive_text(), wanted);
}

#[test]
fn what_is_wrong_is_told_to_the_sender_alone() {
    let (sim, room) = server();
    let kim = plain_member(&sim, &room, "kim");
    let other = create(&sim, "other");
    let nowhere = "dd8e4018-1ca8-4fb1-bd57-fd3de4c47a61";
    let lee = plain(&sim);
    let long = "x".repeat((64 << 10) + 1);
    for (said, room, part) in [
        (
            line("TALK", &room, "lee", "hi"),
            Some(&*room),
            "you are not in this room",
        ),
        (
            line("LEAVE", &room, "lee", ""),
            Some(&room),
            "you are not in this room",
        ),
        (
            line("ENTER", &room, "kim", ""),
            Some(&room),
            "has this name",
        ),
        (
            line("ENTER", nowhere, "lee", ""),
            Some(nowhere),
            "no room has this id",
        ),
        (
            line("ENTER", "x", "lee", ""),
            Some("x"),
            "no room has this id",
        ),
        (
            line("SHOUT", &room, "lee", ""),
            Some(&room),
            "ENTER, TALK or LEAVE",
        ),
        (line("ENTER", &room, "", ""), Some(&room), "it is empty"),
        (
            line("ENTER", &room, &"\u{301}".repeat(20), ""),
            Some(&room),
            "accents",
        ),
        (
            line("ENTER", &room, &"n".repeat(65), ""),
            Some(&room),
            "65 bytes; at most 64",
        ),
        ("{".to_owned(), None, "no message"),
        (r#"{"type":5}"#.to_owned(), None, "no message"),
        (
            format!(r#"{{"x":{}"#, "[".repeat(200)),
            None,
            "EOF while parsing",
        ),
        ("{}".to_owned(), None, "missing field `type`"),
    ] {
        lee.send(said.as_str());
        let answer = lee.receive_text();
        let start = error(room, "");
        let start = start.trim_end_matches("\"}");
        assert!(
            answer.starts_with(start) && answer.contains(part),
            "{said}: {answer}"
        );
    }
    lee.send(line("ENTER", &other, "lee", ""));
    lee.receive_text();
    lee.send(line("TALK", &other, "lee", &long));
    let answer = lee.receive_text();
    assert!(answer.contains("65537 bytes; at most 65536"), "{answer}");
    sim.drive();
    assert_eq!(kim.waiting(), 0);
    assert!(lee.is_open());
}

#[test]
fn a_sender_is_bound_to_its_name() {
    let (sim, room) = server();
    let other = create(&sim, "other");
    let kim = plain_member(&sim, &room, "kim");
    for said in [
        line("TALK", &room, "lee", "hi"),
        line("ENTER", &other, "lee", ""),
        line("LEAVE", &room, "lee", ""),
    ] {
        kim.send(said);
        let answer = kim.receive_text();
        assert!(
            answer.contains(r#"this connection entered as \"kim\""#),
            "{answer}"
        );
    }
    kim.send(line("LEAVE", &room, "kim", ""));
    kim.send(line("ENTER", &other, "lee", ""));
    assert_eq!(
        kim.receive_text(),
        line("ENTER", &other, "lee", "lee님이 입장했습니다.")
    );
}

#[test]
fn binary_is_refused_and_a_megabyte_ends_with_1009() {
    let (sim, room) = server();
    let kim = plain_member(&sim, &room, "kim");
    kim.send(b"\x01");
    let Some(Received::Close { code, .. }) = kim.receive() else {
        panic!("a Close");
    };
    assert_eq!(code, 1003.into());
    let lee = plain_member(&sim, &room, "lee");
    lee.send(line("TALK", &room, "lee", &"x".repeat(1 << 20)));
    let Some(Received::Close { code, .. }) = lee.receive() else {
        panic!("a Close");
    };
    assert_eq!(code, 1009.into());
}

#[test]
fn too_many_messages_are_refused_and_then_closed() {
    let (sim, room) = server();
    let kim = plain_member(&sim, &room, "kim");
    let lee = plain_member(&sim, &room, "lee");
    kim.receive_text();
    for number in 0..60 {
        kim.send(line("TALK", &room, "kim", &number.to_string()));
    }
    sim.drive();
    let texts: Vec<_> =
        std::iter::from_fn(|| (kim.waiting() > 0).then(|| kim.receive_text())).collect();
    let refused = texts
        .iter()
        .filter(|text| text.contains("50 a second are taken"))
        .count();
    assert_eq!((texts.len(), refused), (60, 11), "49 talks behind an ENTER");
    for _ in 0..60 {
        kim.send("{}");
    }
    sim.drive();
    let last = std::iter::from_fn(|| kim.receive()).last();
    let Some(Received::Close { code, .. }) = last else {
        panic!("{last:?}");
    };
    assert_eq!(code, 1008.into());
    let heard = std::iter::from_fn(|| (lee.waiting() > 0).then(|| lee.receive_text())).count();
    assert_eq!(heard, 50, "49 talks and a LEAVE");
}
