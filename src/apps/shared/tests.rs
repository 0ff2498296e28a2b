//! The applications over rooms in memory: they say what those without rooms say.

use super::mount;
use crate::App;
use crate::rooms::{RoomId, Rooms};
use crate::testing::{Received, Sim};

fn sim() -> Sim {
    let rooms = Rooms::new();
    let names = ["rooms", "chat", "flow", "chatt"];
    let app = names
        .iter()
        .fold(App::new(), |app, name| mount(app, name, &rooms));
    Sim::new(app).expect("a good program")
}

#[test]
fn users_of_the_chat_are_named_counted_and_heard_by_all() {
    let sim = sim();
    let first = sim.open("/chat");
    assert_eq!(
        first.receive_text(),
        "You are connected! There are 1 users here."
    );
    let second = sim.open("/chat");
    assert_eq!(
        second.receive_text(),
        "You are connected! There are 2 users here."
    );
    let other = sim.open("/chat/login");
    assert_eq!(other.receive_text(), "You've logged in as [user0]");
    second.send("hello");
    second.send(&[1, 2][..]);
    first.send("");
    sim.drive();
    let heard = ["[user1]: hello", "[user0]: "].map(Received::text);
    assert_eq!(first.receive_all(), heard);
    assert_eq!(second.receive_all(), heard);
    assert_eq!(other.receive_all(), []);
    // A name is never given twice, and who is gone is not counted.
    first.close(1000, "");
    sim.drive();
    let third = sim.open("/chat");
    assert_eq!(
        third.receive_text(),
        "You are connected! There are 2 users here."
    );
    third.send("it is me");
    sim.drive();
    assert_eq!(second.receive_text(), "[user2]: it is me");
}

#[test]
fn what_is_said_in_the_flow_and_in_the_browser_chat_goes_to_all_as_it_is() {
    let sim = sim();
    let (one, two) = (sim.open("/flow"), sim.open("/flow"));
    for flow in [&one, &two] {
        assert_eq!(flow.receive_text(), "You are connected to WebSocket!");
    }
    let follower = sim.follow("/flow/events");
    let page = sim.open("/chatt");
    one.send("a\nb");
    page.send("{kim}");
    sim.drive();
    assert_eq!(one.receive_all(), [Received::text("a\nb")]);
    assert_eq!(two.receive_all(), [Received::text("a\nb")]);
    assert_eq!(page.receive_all(), [Received::text("{kim}")]);
    let events = follower.receive_all();
    assert_eq!(events.len(), 1);
    assert_eq!(
        (events[0].name.as_deref(), &*events[0].data),
        (None, "a\nb")
    );
    let id = events[0].id.clone().expect("an id");
    // Who comes back is told what was said meanwhile.
    drop(follower);
    two.send("later");
    sim.drive();
    let back = sim.follow_with("/flow/events", &[("Last-Event-ID", &id)]);
    let events = back.expect("a stream").receive_all();
    let told: Vec<_> = events.iter().map(|event| &*event.data).collect();
    assert_eq!(told, ["later"]);
}

#[test]
fn the_rooms_of_applications_are_neither_listed_nor_reached_by_clients() {
    let sim = sim();
    let _user = sim.open("/chat");
    let _flow = sim.open("/flow");
    assert_eq!(sim.get("/chat").text(), "[]");
    let room = RoomId::of_application("chat");
    for behind in ["", "/members", "/messages", "/events"] {
        let answer = sim.get(&format!("/chat/{room}{behind}"));
        assert_eq!(answer.status().code(), 404, "{behind}");
    }
    let intruder = sim.open("/ws/chat");
    intruder.send(&*format!(
        r#"{{"type":"ENTER","roomId":"{room}","sender":"user0"}}"#
    ));
    assert!(intruder.receive_text().contains("no room has this id"));
}
