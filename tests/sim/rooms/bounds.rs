//! What rooms take at each of their limits, and what they refuse one past it.

use super::*;
use std::time::Duration;

#[test]
fn a_name_of_a_room_has_128_bytes_at_most() {
    let (sim, _) = server();
    for (length, status) in [(128, 200), (129, 413)] {
        let target = format!("/chat?name={}", "x".repeat(length));
        assert_eq!(
            sim.request(Method::Post, &target).send().status().code(),
            status
        );
    }
}

#[test]
fn a_name_of_a_member_has_64_bytes_at_most() {
    let (sim, room) = server();
    let session = v1(&sim);
    let refused = enter(&session, &room, &"x".repeat(65), "");
    assert_eq!(refused["code"], "too-long");
    assert_eq!(
        enter(&session, &room, &"x".repeat(64), "")["type"],
        "ENTERED"
    );
}

#[test]
fn a_client_has_16_to_64_characters() {
    let (sim, room) = server();
    for (length, kind) in [
        (15, "ERROR"),
        (16, "ENTERED"),
        (64, "ENTERED"),
        (65, "ERROR"),
    ] {
        let client = format!(r#","client":"{}""#, "비".repeat(length));
        let answer = enter(&v1(&sim), &room, &format!("user{length}"), &client);
        assert_eq!(answer["type"], kind, "{length}");
    }
}

#[test]
fn a_text_has_64_kib_and_a_mark_64_bytes_at_most() {
    let (sim, room) = server();
    let kim = v1_member(&sim, &room, "kim");
    for (length, kind) in [(64 << 10, "TALK"), ((64 << 10) + 1, "ERROR")] {
        talk(&kim, &room, &"x".repeat(length), "");
        assert_eq!(json(&kim)["type"], kind, "{length}");
    }
    for (length, kind) in [(64, "TALK"), (65, "ERROR")] {
        talk(
            &kim,
            &room,
            "hi",
            &format!(r#","ref":"{}""#, "r".repeat(length)),
        );
        assert_eq!(json(&kim)["type"], kind, "{length}");
    }
}

#[test]
fn a_room_keeps_100_messages_and_each_for_300_seconds() {
    let (sim, room) = server();
    let kim = v1_member(&sim, &room, "kim");
    let kept = || {
        let page: Value = sim.get(&format!("/chat/{room}/messages")).json();
        let messages = page["messages"].as_array().expect("messages").clone();
        let first = messages.first().map(|message| message["id"].clone());
        (messages.len(), first)
    };
    for count in 1..=101 {
        sim.advance(Duration::from_millis(25));
        talk(&kim, &room, "hi", "");
        sim.drive();
        if count >= 100 {
            assert_eq!(kept(), (100, Some((count - 99).into())));
        }
    }
    // From the second on they are 25 ms younger, each than the one before.
    sim.advance(Duration::from_millis(300_000 - 99 * 25));
    assert_eq!(kept().0, 100, "the oldest is 300 s old");
    sim.advance(Duration::from_millis(1));
    assert_eq!(kept().0, 99);
}

#[test]
fn an_empty_room_stays_for_24_hours() {
    let (sim, room) = server();
    let is_there = || sim.get(&format!("/chat/{room}")).status().code() == 200;
    sim.advance(Duration::from_secs(24 * 3600 - 2));
    assert!(is_there());
    sim.advance(Duration::from_secs(4));
    assert!(!is_there());
}

#[test]
fn a_long_history_waits_without_a_copy() {
    let (sim, room) = server();
    let kim = v1_member(&sim, &room, "kim");
    for _ in 0..8 {
        talk(&kim, &room, &r"\u0001".repeat(4_000), "");
        sim.drive();
    }
    let lee = v1(&sim);
    lee.stall();
    lee.send(format!(
        r#"{{"type":"ENTER","roomId":"{room}","sender":"lee","last":100}}"#
    ));
    sim.step();
    let (spent, _) = sim.work();
    let waits = lee.backlog();
    assert!(waits > 100_000, "{waits} bytes wait");
    // It is written, sent in part, and kept; a copy of what is kept would cost 25 000 more.
    assert!(spent < 90_000, "{spent} units");
}
