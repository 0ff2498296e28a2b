//! Topics: order, membership, and what each member gets.

use crate::puppet::{stage, stage_with};
use dunlin::Limits;
use dunlin::testing::{Conversation, Received};
use dunlin::{BacklogPolicy, CloseCode, Settings};

fn texts(conversation: &Conversation) -> Vec<String> {
    let received = conversation.receive_all();
    received
        .into_iter()
        .map(|received| match received {
            Received::Text(text) => text,
            other => panic!("a text was expected, not {other:?}"),
        })
        .collect()
}

#[test]
fn what_is_published_reaches_every_member_and_nobody_else() {
    let (sim, _) = stage();
    let (a, b, c) = (sim.open("/"), sim.open("/"), sim.open("/"));
    a.send("join room");
    b.send("join room");
    sim.drive();
    a.send("publish room hello");
    assert_eq!(texts(&a), ["hello"]);
    assert_eq!(texts(&b), ["hello"]);
    assert_eq!(texts(&c), [""; 0]);
}

#[test]
fn joining_twice_does_not_double_delivery() {
    let (sim, _) = stage();
    let peer = sim.open("/");
    peer.send("join room; join room; publish room hello");
    assert_eq!(texts(&peer), ["hello"]);
    peer.send("leave room; publish room again");
    assert_eq!(texts(&peer), [""; 0]);
    assert_eq!(sim.topics(), 0);
}

#[test]
fn sends_and_publishes_of_one_session_arrive_in_the_order_of_the_calls() {
    let (_sim, _) = stage();
    let peer = _sim.open("/");
    peer.send("join room; echo 1; publish room 2; echo 3; publish room 4; publish room 5; echo 6");
    assert_eq!(texts(&peer), ["1", "2", "3", "4", "5", "6"]);
}

#[test]
fn two_topics_are_one_order() {
    let (sim, _) = stage();
    let (a, b) = (sim.open("/"), sim.open("/"));
    b.send("join x; join y");
    sim.drive();
    a.send("publish x 1; publish y 2; publish x 3; tell 1 4; publish y 5");
    assert_eq!(texts(&b), ["1", "2", "3", "4", "5"]);
}

#[test]
fn the_order_holds_for_a_member_that_reads_slowly() {
    let (sim, _) = stage();
    let (a, b) = (sim.open("/"), sim.open("/"));
    b.send("join x; join y");
    sim.drive();
    b.set_capacity(3);
    for n in 0..50 {
        a.send(format!("publish x {n}a; tell 1 {n}b; publish y {n}c"));
        sim.step();
    }
    let expected: Vec<_> = (0..50)
        .flat_map(|n| ["a", "b", "c"].map(|part| format!("{n}{part}")))
        .collect();
    assert_eq!(texts(&b), expected);
}

#[test]
fn what_was_published_before_a_ping_came_goes_out_before_its_pong() {
    let (sim, _) = stage();
    let (a, b) = (sim.open("/"), sim.open("/?do=join+room"));
    a.send("publish room first");
    b.ping(b"second");
    sim.drive();
    let expected = [Received::text("first"), Received::Pong(b"second".to_vec())];
    assert_eq!(b.receive_all(), expected);
}

#[test]
fn what_was_published_before_the_peers_close_came_goes_out_before_the_answer() {
    let (sim, _) = stage();
    let (a, b) = (sim.open("/"), sim.open("/?do=join+room"));
    a.send("publish room last");
    b.close(CloseCode::NORMAL, "");
    sim.drive();
    let expected = [Received::text("last"), Received::close(1000, "")];
    assert_eq!(b.receive_all(), expected);
}

#[test]
fn publishing_to_others_leaves_out_the_publisher_only() {
    let (sim, _) = stage();
    let (a, b) = (sim.open("/?do=join+room"), sim.open("/?do=join+room"));
    a.send("publish room 1; others room 2; publish room 3");
    assert_eq!(texts(&a), ["1", "3"]);
    assert_eq!(texts(&b), ["1", "2", "3"]);
}

#[test]
fn one_may_publish_to_a_topic_one_is_not_in() {
    let (sim, _) = stage();
    let (a, b) = (sim.open("/"), sim.open("/?do=join+room"));
    a.send("others room 1; publish room 2; publish nowhere 3");
    assert_eq!(texts(&a), [""; 0]);
    assert_eq!(texts(&b), ["1", "2"]);
    assert_eq!(sim.topics(), 1);
}

#[test]
fn a_member_gets_what_is_published_between_join_and_leave_of_one_turn() {
    let (sim, _) = stage();
    let (a, b) = (sim.open("/?do=join+room"), sim.open("/"));
    b.send("publish room 1; join room; publish room 2; leave room; publish room 3; echo 4");
    assert_eq!(texts(&b), ["2", "4"]);
    assert_eq!(texts(&a), ["1", "2", "3"]);
}

#[test]
fn a_topic_that_one_member_leaves_and_joins_again_misses_only_the_gap() {
    let (sim, _) = stage();
    let peer = sim.open("/?do=join+room");
    peer.send("publish room 1; leave room; publish room 2; join room; publish room 3");
    assert_eq!(texts(&peer), ["1", "3"]);
    drop(sim);
}

#[test]
fn a_topic_is_forgotten_with_its_last_member_however_it_goes() {
    for end in ["leave room", "close 1000", "panic-free"] {
        let (sim, _) = stage();
        let peer = sim.open("/?do=join+room");
        assert_eq!(sim.topics(), 1);
        match end {
            "panic-free" => peer.cut(),
            command => peer.send(command),
        }
        sim.drive();
        assert_eq!(sim.topics(), 0, "{end}");
    }
}

#[test]
fn a_closing_session_is_no_subscriber_any_more() {
    let (sim, _) = stage();
    let (a, b) = (sim.open("/?do=join+room"), sim.open("/?do=join+room"));
    a.manual();
    a.send("publish room 1; close 1000; publish room 2");
    assert_eq!(
        a.receive_all(),
        [Received::text("1"), Received::close(1000, "")]
    );
    assert_eq!(texts(&b), ["1", "2"]);
}

#[test]
fn long_messages_and_short_ones_keep_their_order() {
    let (sim, _) = stage();
    let (a, b) = (sim.open("/?do=join+room"), sim.open("/?do=join+room"));
    b.set_capacity(10_000);
    let long = "x".repeat(40_000);
    a.send(format!(
        "publish room {long}; publish room 2; echo {long}; publish room 4"
    ));
    assert_eq!(texts(&b), [&long, "2", "4"]);
    assert_eq!(texts(&a), [&long, "2", &long, "4"]);
    assert_eq!(sim.stats().buffered, 0);
}

#[test]
fn a_slow_member_delays_nobody() {
    let (sim, _) = stage();
    let slow = sim.open("/?do=join+room");
    let (a, b) = (sim.open("/?do=join+room"), sim.open("/?do=join+room"));
    slow.set_capacity(0);
    slow.stall();
    for n in 0..20 {
        a.send(format!("publish room {n}"));
        assert_eq!(b.receive_text(), n.to_string());
    }
    slow.set_capacity(100);
    slow.resume();
    assert_eq!(texts(&slow).len(), 20);
}

#[test]
fn a_member_at_its_limit_is_closed_by_a_publish_of_its_own() {
    let settings = Settings::default().backlog_mark(1000).backlog_limit(2000);
    let (sim, diary) = stage_with(settings, Limits::default());
    let slow = sim.open("/?do=join+room;join+other");
    let member = sim.open("/?do=join+room");
    slow.set_capacity(0);
    slow.stall();
    slow.send("flood 1 1900");
    sim.drive();
    let long = "x".repeat(300);
    slow.send(format!("publish room {long}; others room 2; others room 3"));
    assert_eq!(texts(&member), [&long, "2", "3"]);
    slow.set_capacity(64 << 10);
    slow.resume();
    sim.drive();
    assert_eq!(diary.read(), ["0 closed 1008 Slow reader by Us"]);
    assert_eq!(sim.topics(), 1);
}

#[test]
fn a_broadcast_drops_oldest_for_the_slow_member_only() {
    let settings = Settings::default()
        .backlog(BacklogPolicy::DropOldest)
        .backlog_mark(1000)
        .backlog_limit(2000);
    let (sim, _) = stage_with(settings, Limits::default());
    let (a, slow) = (sim.open("/?do=join+room"), sim.open("/?do=join+room"));
    slow.set_capacity(0);
    slow.stall();
    for n in 0..100 {
        a.send(format!("publish room {n:0>100}"));
        sim.drive();
    }
    assert_eq!(texts(&a).len(), 100);
    slow.set_capacity(64 << 10);
    slow.resume();
    let received = texts(&slow);
    assert_eq!(received.len() as u64, 100 - sim.stats().dropped);
    assert!(received.len() < 20, "{received:?}");
    assert_eq!(received.last(), Some(&format!("{:0>100}", 99)));
}
