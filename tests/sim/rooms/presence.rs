//! Who is told to have come and gone, to members that speak `dunlin.v1`.

use super::*;
use std::time::Duration;

#[test]
fn a_reload_is_no_news_and_a_leave_is_told_a_second_later() {
    let (sim, room) = server();
    let lee = v1_member(&sim, &room, "lee");
    let kim = v1_member(&sim, &room, "kim");
    assert_eq!(json(&lee)["type"], "JOINED");
    sim.advance(Duration::from_secs(2));
    kim.cut();
    sim.advance(Duration::from_millis(500));
    let kim = v1_member(&sim, &room, "kim");
    sim.advance(Duration::from_secs(3));
    assert_eq!(lee.waiting(), 0);
    kim.close(1000, "");
    sim.advance(Duration::from_millis(900));
    assert_eq!(lee.waiting(), 0);
    sim.advance(Duration::from_millis(300));
    assert_eq!(
        lee.receive_text(),
        format!(r#"{{"type":"LEFT","roomId":"{room}","sender":"kim","members":1}}"#)
    );
    assert_eq!(
        kim.waiting(),
        1,
        "a Close alone: who joins is not told of itself"
    );
}

#[test]
fn beyond_500_members_the_number_alone_is_told() {
    let (sim, room) = server();
    let members: Vec<_> = (0..500)
        .map(|number| v1_member(&sim, &room, &format!("user{number}")))
        .collect();
    sim.advance(Duration::from_secs(3));
    members[0].receive_all();
    let more: Vec<_> = (0..20)
        .map(|number| v1_member(&sim, &room, &format!("more{number}")))
        .collect();
    sim.advance(Duration::from_millis(1500));
    let told = all_json(&members[0]);
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(
        told[0].to_string(),
        format!(r#"{{"members":520,"roomId":"{room}","type":"JOINED"}}"#)
    );
    more.iter().for_each(|session| session.cut());
    sim.advance(Duration::from_secs(3));
    assert!(
        all_json(&members[0])
            .iter()
            .all(|told| told["type"] == "LEFT")
    );
}

#[test]
fn a_number_that_was_told_while_somebody_was_away_is_set_right() {
    let (sim, room) = server();
    let lee = v1_member(&sim, &room, "lee");
    let kim = v1_member(&sim, &room, "kim");
    sim.advance(Duration::from_secs(3));
    lee.receive_all();
    kim.cut();
    sim.advance(Duration::from_millis(300));
    let mo = v1(&sim);
    assert_eq!(enter(&mo, &room, "mo", "")["members"], 2);
    sim.advance(Duration::from_millis(300));
    let _kim = v1_member(&sim, &room, "kim");
    sim.advance(Duration::from_secs(3));
    let number = format!(r#"{{"type":"JOINED","roomId":"{room}","members":3}}"#);
    assert_eq!(mo.receive_text(), number);
    assert_eq!(json(&lee)["sender"], "mo");
    assert_eq!(lee.receive_text(), number);
    assert_eq!((mo.waiting(), lee.waiting()), (0, 0));
}

#[test]
fn who_enters_again_while_somebody_is_away_is_told_the_right_number_in_the_end() {
    let (sim, room) = server();
    let lee = v1_member(&sim, &room, "lee");
    let kim = v1_member(&sim, &room, "kim");
    sim.advance(Duration::from_secs(3));
    lee.receive_all();
    kim.cut();
    sim.drive();
    assert_eq!(enter(&lee, &room, "lee", "")["members"], 1);
    let _kim = v1_member(&sim, &room, "kim");
    sim.advance(Duration::from_secs(3));
    let number = format!(r#"{{"type":"JOINED","roomId":"{room}","members":2}}"#);
    assert_eq!(lee.receive_text(), number);
    assert_eq!(lee.waiting(), 0);
}
