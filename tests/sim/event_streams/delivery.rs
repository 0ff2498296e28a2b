//! What a stream gets: the same as everybody in its topics, each as an event.

use super::{room, secs};
use dunlin::testing::{Received, ReceivedEvent};
use dunlin::{App, Event, Settings};

fn told(event: &ReceivedEvent) -> (Option<&str>, Option<&str>, &str) {
    (event.id.as_deref(), event.name.as_deref(), &event.data)
}

#[test]
fn one_message_is_a_text_to_a_websocket_and_an_event_to_a_stream() {
    let (sim, _) = room();
    let (reader, socket) = (sim.follow("/events"), sim.open("/ws"));
    socket.send("plain");
    socket.send("event with an id");
    for text in ["plain", "with an id"] {
        assert_eq!(socket.receive(), Some(Received::text(text)));
    }
    assert_eq!(told(&reader.next_event().unwrap()), (None, None, "plain"));
    let event = reader.next_event().unwrap();
    assert_eq!(told(&event), (Some("e:7"), Some("talk"), "with an id"));
    assert_eq!(reader.next_event(), None);
}

#[test]
fn line_breaks_arrive_as_lines_and_no_text_makes_an_event_of_its_own() {
    let (sim, _) = room();
    let (reader, socket) = (sim.follow("/events"), sim.open("/ws"));
    for (sent, arrived) in [
        ("a\nb\r\nc\rd", "a\nb\nc\nd"),
        ("\n\ndata: false\n\nid: 1", "\n\ndata: false\n\nid: 1"),
        (":\n\n", ":\n\n"),
        (" a", " a"),
    ] {
        socket.send(sent);
        assert_eq!(told(&reader.next_event().unwrap()), (None, None, arrived));
    }
}

#[test]
fn a_send_to_a_stream_goes_as_an_event_and_bytes_are_skipped_and_counted() {
    let (sim, notes) = room();
    let (reader, socket) = (sim.follow("/events"), sim.open("/ws"));
    socket.send("send hello");
    socket.send("bytes hello");
    socket.send(&[0xff, 0xfe][..]);
    socket.send("last");
    let events = reader.receive_all();
    let events: Vec<_> = events.iter().map(told).collect();
    assert_eq!(
        events,
        [(Some("sent"), None, "hello"), (None, None, "last")]
    );
    assert_eq!(*notes.borrow(), ["Queued", "Skipped"]);
    // The bytes that were sent to it, and those that were published.
    assert_eq!(sim.stats().dropped, 2);
    let received = [Received::binary([0xff, 0xfe]), Received::text("last")];
    assert_eq!(socket.receive_all(), received);
}

#[test]
fn the_order_over_several_topics_is_that_of_publishing() {
    let (sim, _) = room();
    let reader = sim.follow("/events?join=room,other");
    let socket = sim.open("/ws");
    let mut expected = Vec::new();
    for number in 0..20 {
        socket.send(format!("other {number}"));
        socket.send(&[0][..]);
        socket.send(format!("event e{number}"));
        expected.extend([number.to_string(), format!("e{number}")]);
    }
    let events = reader.receive_all();
    let data: Vec<_> = events.iter().map(|event| &*event.data).collect();
    assert_eq!(data, expected);
    let ids = events.iter().filter(|event| event.id.is_some()).count();
    assert_eq!((ids, sim.stats().dropped), (20, 20));
}

#[test]
fn a_stream_that_joins_between_two_messages_gets_the_second() {
    let (sim, _) = room();
    let socket = sim.open("/ws");
    let early = sim.connect().follow("/events", &[]);
    socket.send("event one");
    let late = sim.connect().follow("/events", &[]);
    socket.send("event two");
    sim.drive();
    let first = early.arrived();
    let second = late.arrived();
    assert!(first.ends_with(&second), "{first:?} {second:?}");
    assert_eq!(told(first.last().unwrap()).2, "two");
}

#[test]
fn other_threads_send_and_publish_events() {
    let (sim, _) = room();
    let (reader, socket) = (sim.follow("/events"), sim.open("/ws"));
    let remote = sim.remote();
    remote
        .publish("room", Event::new("to all").id("1"))
        .unwrap();
    let id = reader.id().expect("it lives");
    remote.send(id, Event::new("to one").name("own")).unwrap();
    remote.publish("room", "plain").unwrap();
    let events = reader.receive_all();
    let events: Vec<_> = events.iter().map(told).collect();
    let expected = [
        (Some("1"), None, "to all"),
        (None, Some("own"), "to one"),
        (None, None, "plain"),
    ];
    assert_eq!(events, expected);
    assert_eq!(socket.receive_text(), "to all");
    assert_eq!(socket.receive_text(), "plain");
}

#[test]
fn an_event_to_any_other_session_is_its_text_and_says_retry_only_to_a_stream() {
    let answer = |session: &mut dunlin::Session<'_>, _: dunlin::Message<'_>| {
        session.send(Event::new("text").id("1").retry(secs(3)))
    };
    let app = App::new().on_message("/", answer);
    let sim = dunlin::testing::Sim::new(app).unwrap();
    let socket = sim.open("/");
    socket.send("");
    assert_eq!(socket.receive(), Some(Received::text("text")));
}

#[test]
fn a_long_text_full_of_line_breaks_passes_no_budget_also_for_readers_that_stall() {
    let settings = Settings::default().backlog_limit(16 << 20);
    let settings = settings.backlog_mark(16 << 20);
    let (sim, _) = super::room_with(settings, dunlin::Limits::default());
    let readers: Vec<_> = (0..6).map(|_| sim.follow("/events")).collect();
    readers[..3].iter().for_each(|reader| reader.stall());
    let socket = sim.open("/ws");
    // The simulation fails by itself when one turn does more than its budget.
    for _ in 0..2 {
        socket.send("before");
        socket.send("\n".repeat(1_000_000));
        socket.send("afterwards");
    }
    sim.drive();
    for reader in readers {
        reader.resume();
        let events = reader.receive_all();
        let lengths: Vec<_> = events.iter().map(|event| event.data.len()).collect();
        assert_eq!(lengths, [6, 1_000_000, 10].repeat(2));
    }
    assert_eq!(sim.stats().buffered, 0);
}

#[test]
fn timers_of_a_stream_come() {
    let (sim, _) = room();
    let reader = sim.follow("/events?timer");
    sim.advance(secs(2));
    assert_eq!(reader.next_data(), "timer 7");
}

#[test]
fn long_texts_in_several_topics_are_written_once_for_all_and_over_several_turns() {
    let settings = Settings::default().backlog_limit(64 << 20);
    let (sim, _) = super::room_with(settings, dunlin::Limits::default());
    let readers: Vec<_> = (0..20)
        .map(|_| sim.follow("/events?join=room,other"))
        .collect();
    let socket = sim.open("/ws");
    let text = "\n".repeat(20_000);
    for _ in 0..3 {
        socket.send(&text);
        socket.send(format!("other {text}"));
        socket.send("event end");
    }
    for reader in &readers {
        let lengths: Vec<_> = reader
            .receive_all()
            .iter()
            .map(|event| event.data.len())
            .collect();
        assert_eq!(lengths, [20_000, 20_000, 3].repeat(3));
    }
    // And at the end of the server, with much that is not written yet.
    let last = "\n".repeat(40_000);
    for _ in 0..3 {
        socket.send(&last);
    }
    while sim.stats().received < 12 {
        sim.step();
    }
    let is_written = sim.stats().sent >= 12 * 20;
    assert!(!is_written, "some of it is owed still");
    sim.remote().shutdown().expect("it runs");
    for reader in &readers {
        assert_eq!(reader.receive_all().len(), 3);
        assert!(reader.is_over());
    }
}

#[test]
fn what_is_sent_behind_long_texts_of_a_topic_comes_behind_them() {
    let settings = Settings::default().backlog_limit(16 << 20);
    let (sim, _) = super::room_with(settings, dunlin::Limits::default());
    let reader = sim.follow("/events");
    let socket = sim.open("/ws");
    socket.send("behind 20000");
    socket.send("behind 20000");
    let lengths: Vec<_> = reader
        .receive_all()
        .iter()
        .map(|event| event.data.len())
        .collect();
    assert_eq!(lengths, [1, 20_000, 20_000, 1, 1].repeat(2));
}
