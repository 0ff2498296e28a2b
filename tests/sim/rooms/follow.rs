//! Rooms as event streams.

use super::*;
use std::time::Duration;

#[test]
fn a_follower_hears_what_members_hear_and_resumes() {
    let (sim, room) = server();
    let kim = v1_member(&sim, &room, "kim");
    let events = format!("/chat/{room}/events");
    let follower = sim.follow(&events);
    talk(&kim, &room, "one", "");
    let text = kim.receive_text();
    let event = follower.next_event().expect("an event");
    assert_eq!(
        (event.name.as_deref(), &*event.data),
        (Some("talk"), &*text)
    );
    let id = event.id.expect("an id");
    assert!(id.ends_with(":1") && id.len() == 18, "{id}");
    follower.cut();
    talk(&kim, &room, "two", "");
    let lee = plain_member(&sim, &room, "lee");
    lee.cut();
    sim.drive();
    let again = sim
        .follow_with(&events, &[("Last-Event-ID", &id)])
        .expect("a stream");
    let event = again.next_event().expect("an event");
    assert!(event.data.contains(r#""message":"two""#), "{}", event.data);
    assert_eq!(event.id.expect("an id").rsplit(':').next(), Some("2"));
    sim.advance(Duration::from_secs(2));
    let left = again.next_event().expect("an event");
    assert_eq!(left.name.as_deref(), Some("left"));
    let by_query = sim.follow(&format!("{events}?since={id}"));
    assert!(
        by_query
            .next_event()
            .expect("an event")
            .data
            .contains("two")
    );
    assert_eq!(
        sim.get(&format!("/chat/{room}")).json::<Value>()["sessions"],
        1,
        "who follows is not in"
    );
}

#[test]
fn a_follower_is_told_of_a_gap() {
    let (sim, room) = server();
    let kim = v1_member(&sim, &room, "kim");
    let events = format!("/chat/{room}/events");
    let follower = sim.follow(&events);
    talk(&kim, &room, "one", "");
    let id = follower
        .next_event()
        .and_then(|event| event.id)
        .expect("an id");
    follower.cut();
    for _ in 0..3 {
        sim.advance(Duration::from_secs(2));
        (0..40).for_each(|_| talk(&kim, &room, "hi", ""));
    }
    sim.drive();
    let again = sim
        .follow_with(&events, &[("Last-Event-ID", &id)])
        .expect("a stream");
    let gap = again.next_event().expect("an event");
    assert_eq!(gap.name.as_deref(), Some("gap"));
    assert_eq!(
        gap.data,
        format!(r#"{{"type":"GAP","roomId":"{room}","from":2,"to":21}}"#)
    );
    assert!(gap.id.expect("an id").ends_with(":21"));
    assert_eq!(again.receive_all().len(), 100);
}

#[test]
fn a_stream_ends_with_its_room_and_there_is_none_of_an_unknown_one() {
    let (sim, _) = server();
    let made = sim.request(Method::Post, "/chat?name=a").send();
    let key = made.field("room-key").expect("a key").to_owned();
    let room = made.json::<Value>()["roomId"].as_str().unwrap().to_owned();
    let follower = sim.follow(&format!("/chat/{room}/events"));
    sim.request(Method::Delete, &format!("/chat/{room}"))
        .header("Room-Key", &key)
        .send();
    sim.advance(Duration::from_millis(10));
    assert_eq!(
        follower.next_event().expect("an event").name.as_deref(),
        Some("closed")
    );
    sim.drive();
    assert!(follower.end().is_some());
    assert!(
        sim.follow_with(&format!("/chat/{room}/events"), &[])
            .is_err()
    );
}
