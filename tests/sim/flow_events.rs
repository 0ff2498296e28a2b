//! `/flow/events` of the ready applications: following, coming back, and what is not there any more.

use dunlin::testing::{Follower, Received, ReceivedEvent, Sim};
use dunlin::{App, apps};
use std::time::Duration;

fn flow() -> Sim {
    Sim::new(apps::flow::mount(App::new())).expect("a good program")
}

/// Epoch and number of an event, and its text.
fn told(event: &ReceivedEvent) -> (String, u64, String) {
    let id = event
        .id
        .as_deref()
        .expect("every event of a flow has an id");
    let (epoch, number) = id.split_once(':').expect("epoch:number");
    let digits = epoch
        .bytes()
        .all(|byte| b"0123456789abcdef".contains(&byte));
    assert!(epoch.len() == 16 && digits, "{id}");
    let number = number.parse().expect("a number");
    (epoch.to_owned(), number, event.data.clone())
}

/// The numbers that arrive, behind a gap perhaps.
fn numbers(follower: &Follower) -> (Option<String>, Vec<u64>) {
    let mut events = follower.receive_all();
    let is_gap = events
        .first()
        .is_some_and(|event| event.name.as_deref() == Some("gap"));
    let gap = is_gap.then(|| events.remove(0).data);
    assert!(events.iter().all(|event| event.name.is_none()));
    (gap, events.iter().map(|event| told(event).1).collect())
}

fn come_back(sim: &Sim, id: &str) -> Follower {
    let follower = sim.follow_with("/flow/events", &[("Last-Event-ID", id)]);
    follower.expect("a stream")
}

#[test]
fn followers_get_what_is_said_with_ids_and_speakers_get_it_as_ever() {
    let sim = flow();
    let speaker = sim.open("/flow");
    assert_eq!(speaker.receive_text(), "You are connected to WebSocket!");
    speaker.send("before");
    sim.drive();
    let follower = sim.follow("/flow/events");
    assert_eq!(follower.next_event(), None, "nothing is sent at first");
    speaker.send("hello\nworld");
    speaker.send(&[1, 2][..]);
    speaker.send("again");
    let events: Vec<_> = follower.receive_all().iter().map(told).collect();
    assert_eq!(events.len(), 2);
    assert_eq!((events[0].1, &*events[0].2), (2, "hello\nworld"));
    assert_eq!((events[1].1, &*events[1].2), (3, "again"));
    assert_eq!(events[0].0, events[1].0);
    let heard = ["before", "hello\nworld", "again"].map(Received::text);
    assert_eq!(speaker.receive_all(), heard);
}

#[test]
fn who_comes_back_gets_what_was_missed_and_then_what_is_new() {
    let sim = flow();
    let (speaker, follower) = (sim.open("/flow"), sim.follow("/flow/events"));
    speaker.send("1");
    sim.drive();
    let last = follower.last_event_id().expect("an id");
    follower.cut();
    for number in 2..=5 {
        speaker.send(number.to_string());
    }
    sim.drive();
    let by_field = come_back(&sim, &last);
    let by_query = sim.follow(&format!("/flow/events?since={last}"));
    speaker.send("6");
    for follower in [by_field, by_query] {
        assert_eq!(numbers(&follower), (None, vec![2, 3, 4, 5, 6]));
    }
    let newest = last.replace(":1", ":6");
    assert_eq!(numbers(&come_back(&sim, &newest)), (None, vec![]));
}

#[test]
fn an_id_that_was_never_given_brings_nothing() {
    let sim = flow();
    let (speaker, follower) = (sim.open("/flow"), sim.follow("/flow/events"));
    speaker.send("1");
    sim.drive();
    let (epoch, ..) = told(&follower.next_event().expect("an event"));
    for id in [
        "0123456789abcdef:0",
        &format!("{epoch}:2"),
        &format!("{epoch}:-1"),
        &format!("{epoch}:18446744073709551616"),
        &format!("{epoch}:"),
        &epoch,
        ":1",
        "x",
    ] {
        let back = come_back(&sim, id);
        assert_eq!(back.next_event(), None, "{id}");
    }
}

#[test]
fn what_is_too_much_or_too_old_is_told_as_a_gap() {
    let sim = flow();
    let (speaker, follower) = (sim.open("/flow"), sim.follow("/flow/events"));
    speaker.send("1");
    sim.drive();
    let first = follower.last_event_id().expect("an id");
    for number in 2..=150 {
        speaker.send(number.to_string());
        speaker.receive_all();
    }
    let gap = |from: u64, to: u64| Some(format!("{{\"from\":{from},\"to\":{to}}}"));
    let hundred = (51..=150).collect::<Vec<_>>();
    assert_eq!(numbers(&come_back(&sim, &first)), (gap(2, 50), hundred));
    sim.advance(Duration::from_secs(299));
    speaker.send("151");
    sim.advance(Duration::from_secs(1));
    let back = come_back(&sim, &first);
    assert_eq!(numbers(&back), (gap(2, 150), vec![151]));
    sim.advance(Duration::from_secs(300));
    let back = come_back(&sim, &first);
    assert_eq!(numbers(&back), (gap(2, 151), vec![]));
    // The gap was told: coming back from there tells it no second time.
    let last = back.last_event_id().expect("an id");
    assert_eq!(numbers(&come_back(&sim, &last)), (None, vec![]));
}

#[test]
fn long_texts_push_others_out_of_the_history() {
    let sim = flow();
    let (speaker, follower) = (sim.open("/flow"), sim.follow("/flow/events"));
    speaker.send("1");
    sim.drive();
    let first = follower.last_event_id().expect("an id");
    for _ in 0..3 {
        speaker.send("x".repeat(100 << 10));
        sim.drive();
    }
    let (gap, kept) = numbers(&come_back(&sim, &first));
    assert_eq!(
        (gap.as_deref(), kept),
        (Some(r#"{"from":2,"to":2}"#), vec![3, 4])
    );
    speaker.send("x".repeat(300 << 10));
    sim.drive();
    let (gap, kept) = numbers(&come_back(&sim, &first));
    assert_eq!(
        (gap.as_deref(), kept),
        (Some(r#"{"from":2,"to":5}"#), vec![])
    );
}

#[test]
fn a_history_that_does_not_fit_at_once_comes_in_parts_and_nothing_is_left_out() {
    let sim = flow();
    let (speaker, follower) = (sim.open("/flow"), sim.follow("/flow/events"));
    speaker.send("1");
    sim.drive();
    let mut last = follower.last_event_id().expect("an id");
    follower.cut();
    // As events they are seven times as long.
    for _ in 0..16 {
        speaker.send("\n".repeat(16_000));
        sim.drive();
    }
    let (mut all, mut parts) = (Vec::new(), 0);
    while all.last() != Some(&17) {
        let back = come_back(&sim, &last);
        let (gap, part) = numbers(&back);
        assert_eq!(gap, None);
        last = back.last_event_id().expect("an id");
        all.extend(part);
        parts += 1;
        assert!(parts < 5);
    }
    assert_eq!(all, (2..=17).collect::<Vec<_>>());
    assert_eq!(parts, 2);
}
