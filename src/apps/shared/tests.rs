//! The applications over rooms in memory: they say what those without rooms say.

use super::attendee::{MOST_EARLY, MOST_EARLY_BYTES, MOST_UNANSWERED};
use super::mount;
use crate::App;
use crate::rooms::{RoomId, Rooms, late};
use crate::testing::{Conversation, Received, Sim};
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

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

/// The chat over an engine that answers while this is not set.
fn late_chat(is_held: bool) -> (Sim, Rc<Cell<bool>>) {
    let is_held = Rc::new(Cell::new(is_held));
    let rooms = late(&is_held);
    let app = mount(rooms.mount(App::new()), "chat", &rooms);
    (Sim::new(app).expect("a good program"), is_held)
}

/// The engine answers.
fn answer(sim: &Sim, is_held: &Rc<Cell<bool>>) {
    is_held.set(false);
    // The number of a user, its join, and what it said are asked for one after the other.
    for _ in 0..4 {
        sim.advance(Duration::from_millis(10));
    }
}

/// One more text is too many, and those before it were not.
fn is_refused(sim: &Sim, chat: &Conversation) {
    sim.drive();
    assert_eq!(chat.receive_all(), []);
    chat.send("x");
    sim.drive();
    let refusal = Received::close(1008, "Too many messages");
    assert_eq!(chat.receive_all(), [refusal]);
}

#[test]
fn who_speaks_before_it_is_in_is_heard_then_up_to_a_bound() {
    let bytes = MOST_EARLY_BYTES / 4;
    for (texts, size) in [(MOST_EARLY, 1), (4, bytes)] {
        for is_past in [false, true] {
            let (sim, is_held) = late_chat(true);
            let chat = sim.open("/chat");
            for _ in 0..texts {
                chat.send(&*"x".repeat(size));
            }
            if is_past {
                is_refused(&sim, &chat);
                continue;
            }
            answer(&sim, &is_held);
            let told = chat.receive_all();
            assert_eq!(told.len(), 1 + texts);
            let said = format!("[user0]: {}", "x".repeat(size));
            assert!(told[1..].iter().all(|text| *text == Received::text(&*said)));
        }
    }
}

#[test]
fn texts_of_one_session_that_wait_for_the_engine_are_bounded() {
    for is_past in [false, true] {
        let (sim, is_held) = late_chat(false);
        let chat = sim.open("/chat");
        assert_eq!(
            chat.receive_text(),
            "You are connected! There are 1 users here."
        );
        is_held.set(true);
        for _ in 0..MOST_UNANSWERED {
            chat.send("x");
        }
        if is_past {
            is_refused(&sim, &chat);
            continue;
        }
        answer(&sim, &is_held);
        let heard = chat.receive_all();
        assert_eq!(heard.len(), MOST_UNANSWERED);
        // What was answered does not count any more.
        chat.send("y");
        sim.drive();
        assert_eq!(chat.receive_text(), "[user0]: y");
    }
}
