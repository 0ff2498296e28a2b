//! `/tasks` and `/ws/welcome` of the ready server.

use crate::running::{Running, assert_silent, start};
use crate::wire_client::{Frame, WireClient};
use dunlin::testing::Sim;
use dunlin::{App, apps};
use std::time::Duration;

const SEEDED: [&str; 4] = [
    r#"{"name":"cleaning","description":"Clean the house","priority":"Low"}"#,
    r#"{"name":"gardening","description":"Mow the lawn","priority":"Medium"}"#,
    r#"{"name":"shopping","description":"Buy the groceries","priority":"High"}"#,
    r#"{"name":"painting","description":"Paint the fence","priority":"Medium"}"#,
];
const COOKING: &str = r#"{"name":"cooking","description":"한 끼","priority":"Vital"}"#;

fn ready() -> Running {
    start(|| apps::all(App::new()))
}

/// A client that has read the seeded tasks.
#[track_caller]
fn open(server: &Running) -> WireClient {
    let mut client = server.open("/tasks");
    for task in SEEDED {
        assert_eq!(client.read_text(), task);
    }
    client
}

#[test]
fn a_newcomer_gets_the_tasks_and_everybody_a_new_one() {
    let server = ready();
    let (mut one, mut other) = (open(&server), open(&server));
    one.send_text(r#" {"priority":"Vital","more":[1],"description":"한 끼","name":"cooking"} "#);
    assert_eq!(one.read_text(), COOKING);
    assert_eq!(other.read_text(), COOKING);
    assert_eq!(open(&server).read_text(), COOKING);
}

#[test]
fn what_is_no_task_closes_with_1007_and_changes_nothing() {
    let server = ready();
    let long = |name: usize, description: usize| {
        let (name, description) = ("n".repeat(name), "d".repeat(description));
        format!(r#"{{"name":"{name}","description":"{description}","priority":"Low"}}"#)
    };
    for (text, reason) in [
        ("{", "bad JSON"),
        ("", "bad JSON"),
        (&format!("{COOKING}{COOKING}"), "bad JSON"),
        ("[]", "not a task"),
        (r#"{"name":"a","priority":"Low"}"#, "not a task"),
        (
            r#"{"name":1,"description":"b","priority":"Low"}"#,
            "not a task",
        ),
        (
            &COOKING.replace("Vital", "vital"),
            "the priority is none of Low, Medium, High, Vital",
        ),
        (
            &COOKING.replace("\"Vital\"", "7"),
            "the priority is none of Low, Medium, High, Vital",
        ),
        (SEEDED[0], "there is a task \"cleaning\" already"),
        (&COOKING.replace("cooking", " "), "a task needs a name"),
        (&long(129, 1), "the name has 129 bytes, wanted: at most 128"),
        (
            &long(1, 4097),
            "the description has 4097 bytes, wanted: at most 4096",
        ),
    ] {
        let mut client = open(&server);
        client.send_text(text);
        let frame = client.read_frame();
        let (code, said) = frame.close_parts();
        assert_eq!(code, 1007, "{text}");
        assert!(said.starts_with(reason), "{text}: {said}");
    }
    let mut client = open(&server);
    client.send(Frame::binary(COOKING));
    client.expect_close(1007, "wanted: a task as JSON in a text message");
    assert_silent(&mut open(&server));
}

#[test]
fn a_task_of_the_greatest_size_is_kept() {
    let server = ready();
    let name = "n".repeat(128);
    // Six bytes in JSON for each of these.
    let description = r"\u0001".repeat(4096);
    let task = format!(r#"{{"name":"{name}","description":"{description}","priority":"Low"}}"#);
    let mut client = open(&server);
    client.send_text(&task);
    assert_eq!(client.read_text(), task);
}

#[test]
fn a_full_list_refuses_the_next_task_and_keeps_all_others() {
    let sim = Sim::new(apps::tasks::mount(App::new())).expect("a good program");
    let client = sim.open("/tasks");
    for number in 4..apps::tasks::MAX_TASKS {
        client.send(&*format!(
            r#"{{"name":"{number}","description":"","priority":"Low"}}"#
        ));
    }
    for _ in 0..apps::tasks::MAX_TASKS {
        client.receive_text();
    }
    client.send(COOKING);
    let closed = dunlin::testing::Received::close(1008, "the list of tasks is full");
    assert_eq!(client.receive(), Some(closed));
    let newcomer = sim.open("/tasks");
    assert_eq!(newcomer.receive_text(), SEEDED[0]);
}

#[test]
fn a_newcomer_that_reads_slowly_gets_every_task_once_and_in_order() {
    let sim = Sim::new(apps::tasks::mount(App::new())).expect("a good program");
    let client = sim.open("/tasks");
    let description = r"\u0001".repeat(4096);
    let task = |number: usize| {
        format!(r#"{{"name":"{number}","description":"{description}","priority":"Low"}}"#)
    };
    // More than a backlog may hold, when it is written out.
    for number in 0..60 {
        client.send(&*task(number));
    }
    for _ in 0..64 {
        client.receive_text();
    }
    let slow = sim.connect().upgrade("/tasks", &[]);
    slow.stall();
    sim.advance(Duration::from_secs(1));
    assert!(sim.stats().buffered < 512 << 10, "{}", sim.stats().buffered);
    client.send(&*task(60));
    sim.drive();
    slow.resume();
    sim.advance(Duration::from_secs(1));
    for seeded in SEEDED {
        assert_eq!(slow.receive_text(), seeded);
    }
    for number in 0..=60 {
        assert_eq!(slow.receive_text(), task(number));
    }
    client.send(&*task(61));
    assert_eq!(slow.receive_text(), task(61));
    sim.advance(Duration::from_secs(1));
    assert_eq!(slow.receive(), None);
}

#[test]
fn any_text_is_welcomed_and_nobody_else_hears_it() {
    let server = ready();
    let (mut one, mut other) = (server.open("/ws/welcome"), server.open("/ws/welcome"));
    for text in ["hi", ""] {
        one.send_text(text);
        assert_eq!(one.read_text(), "Welcome chatting sever~^^");
    }
    one.send(Frame::binary(*b"hi"));
    assert_silent(&mut one);
    assert_silent(&mut other);
}
