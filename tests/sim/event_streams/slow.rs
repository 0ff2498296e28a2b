//! Readers that are slow, or silent: comments, backlog policies, and nobody who waits for them.

use super::{room, room_with, secs};
use dunlin::{BacklogPolicy, Limits, Settings};

#[test]
fn a_comment_keeps_a_quiet_stream_alive_and_a_busy_one_needs_none() {
    let (sim, notes) = room();
    let (reader, socket) = (sim.follow("/events"), sim.open("/ws"));
    sim.advance(secs(24));
    assert_eq!(reader.comments(), 0);
    sim.advance(secs(1));
    assert_eq!(reader.comments(), 1);
    for _ in 0..10 {
        sim.advance(secs(20));
        socket.send("news");
        // What it sends does not put the comment off.
        reader.send_raw(b"?");
    }
    assert_eq!(reader.receive_all().len(), 10);
    assert_eq!(reader.comments(), 1);
    sim.advance(secs(100));
    assert_eq!(reader.comments(), 5);
    socket.send("ping");
    sim.drive();
    assert_eq!(reader.comments(), 6);
    assert!(notes.borrow().is_empty());
}

#[test]
fn without_a_ping_period_a_quiet_stream_rests_for_ever() {
    let settings = Settings::default().ping_period(None);
    let (sim, _) = room_with(settings, Limits::default());
    let reader = sim.follow("/events");
    sim.advance(secs(1000));
    assert_eq!((sim.next_deadline(), reader.comments()), (None, 0));
}

#[test]
fn a_reader_that_takes_nothing_any_more_ends_also_below_the_mark() {
    let (sim, notes) = room();
    let reader = sim.follow("/events");
    reader.set_capacity(1_000);
    reader.stall();
    let socket = sim.open("/ws");
    socket.send("fill 50");
    sim.drive();
    assert!(reader.backlog() > 1_000);
    sim.advance(secs(39));
    assert!(notes.borrow().is_empty());
    sim.advance(secs(1));
    assert_eq!(*notes.borrow(), ["closed 1011 Ping timeout by Us"]);
    sim.advance(secs(30));
    assert_eq!(sim.stats().connections, 1);
}

#[test]
fn a_reader_that_takes_a_little_now_and_then_stays() {
    let (sim, notes) = room();
    let reader = sim.follow("/events");
    reader.set_capacity(500);
    reader.stall();
    let socket = sim.open("/ws");
    socket.send("fill 50");
    for _ in 0..8 {
        sim.advance(secs(35));
        reader.resume();
        sim.step();
        reader.stall();
        sim.drive();
        assert!(reader.backlog() > 0);
    }
    assert!(notes.borrow().is_empty(), "{:?}", notes.borrow());
    reader.resume();
    assert_eq!(reader.receive_all().len(), 50);
}

/// The numbers that arrive at a reader that stalled while 200 were published, and what was noted.
fn stalled(policy: BacklogPolicy) -> (Vec<u32>, Vec<String>) {
    let settings = Settings::default()
        .backlog(policy)
        .backlog_mark(2_000)
        .backlog_limit(6_000);
    let (sim, notes) = room_with(settings, Limits::default());
    let reader = sim.follow("/events");
    let other = sim.follow("/events");
    other.set_capacity(1 << 20);
    reader.set_capacity(1_000);
    reader.stall();
    let socket = sim.open("/ws");
    for _ in 0..10 {
        socket.send("fill 20");
        sim.drive();
    }
    assert!(reader.backlog() <= 6_000, "{}", reader.backlog());
    assert!(other.backlog() == 0, "nobody waits for the slow one");
    reader.resume();
    let events = reader.receive_all();
    let numbers = events
        .iter()
        .map(|event| event.data.trim().parse().unwrap());
    let numbers = numbers.collect();
    let notes = notes.borrow().clone();
    (numbers, notes)
}

#[test]
fn a_slow_reader_is_closed_with_whole_events_before_the_end() {
    let (numbers, notes) = stalled(BacklogPolicy::Close);
    assert!(numbers.len() < 40, "{numbers:?}");
    assert_eq!(notes, ["closed 1008 Slow reader by Us"]);
}

#[test]
fn the_oldest_events_are_dropped_whole_and_counted() {
    let (numbers, notes) = stalled(BacklogPolicy::DropOldest);
    assert_eq!(numbers.last(), Some(&19));
    assert!(numbers.len() < 80, "{}", numbers.len());
    let dropped = 200 - numbers.len();
    assert_eq!(notes, [format!("drained, {dropped} dropped")]);
}

#[test]
fn the_newest_events_are_dropped_whole_and_counted() {
    let (numbers, notes) = stalled(BacklogPolicy::DropNewest);
    assert!(numbers.len() < 80, "{}", numbers.len());
    assert_eq!(numbers[..20], (0..20).collect::<Vec<_>>());
    let dropped = 200 - numbers.len();
    assert_eq!(notes, [format!("drained, {dropped} dropped")]);
}

#[test]
fn slow_streams_of_one_room_share_what_waits_for_them() {
    let (sim, _) = room();
    let readers: Vec<_> = (0..50).map(|_| sim.follow("/events")).collect();
    for reader in &readers {
        reader.set_capacity(100);
        reader.stall();
    }
    let socket = sim.open("/ws");
    socket.send("fill 100");
    sim.drive();
    for reader in &readers {
        reader.resume();
    }
    for reader in &readers {
        assert_eq!(reader.receive_all().len(), 100);
    }
    assert_eq!(sim.stats().buffered, 0);
}
