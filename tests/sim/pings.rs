//! SPEC 4: pings after silence, and what counts as an answer.

use crate::puppet::{millis, open_manual, secs, stage, stage_with};
use dunlin::Limits;
use dunlin::Settings;
use dunlin::testing::{Conversation, Received};

fn ping(conversation: &Conversation) -> Vec<u8> {
    match conversation.receive() {
        Some(Received::Ping(payload)) => payload,
        other => panic!("a ping was expected, not {other:?}"),
    }
}

#[test]
fn a_ping_is_sent_after_25_s_of_silence_and_not_before() {
    let (sim, _) = stage();
    let peer = open_manual(&sim);
    sim.advance(millis(24_900));
    assert_eq!(peer.receive(), None);
    sim.advance(millis(100));
    assert_eq!(ping(&peer).len(), 8);
}

#[test]
fn no_ping_is_sent_while_data_arrives() {
    let (sim, _) = stage();
    let peer = open_manual(&sim);
    for _ in 0..10 {
        sim.advance(secs(20));
        peer.send("");
    }
    assert_eq!(peer.receive_all(), []);
}

#[test]
fn no_ping_is_sent_where_there_is_no_period() {
    let settings = Settings::default().ping_period(None);
    let (sim, _) = stage_with(settings, Limits::default());
    let peer = open_manual(&sim);
    sim.advance(secs(7200));
    assert_eq!(peer.receive_all(), []);
    assert_eq!(sim.next_deadline(), None, "an idle server sleeps");
}

#[test]
fn a_client_that_answers_pings_lives_for_ever() {
    let (sim, diary) = stage();
    let peer = sim.open("/");
    sim.advance(secs(24 * 3600));
    peer.send("echo still here");
    assert_eq!(peer.receive_text(), "still");
    assert_eq!(
        diary.read(),
        [""; 0],
        "no pong of the loop's own is an event"
    );
}

#[test]
fn without_a_pong_the_session_ends_after_15_s_with_1011_ping_timeout() {
    let (sim, diary) = stage();
    let peer = open_manual(&sim);
    sim.advance(secs(25));
    ping(&peer);
    sim.advance(millis(14_900));
    assert_eq!(peer.receive(), None);
    sim.advance(millis(100));
    assert_eq!(peer.receive(), Some(Received::close(1011, "Ping timeout")));
    sim.advance(secs(10));
    assert_eq!(diary.read(), ["0 closed 1011 Ping timeout by Us"]);
    assert!(sim.is_empty());
}

#[test]
fn only_the_matching_pong_counts() {
    let (sim, diary) = stage();
    let peer = open_manual(&sim);
    sim.advance(secs(25));
    let payload = ping(&peer);
    peer.pong(b"another");
    sim.advance(millis(14_900));
    assert_eq!(diary.read(), ["0 pong another"]);
    peer.pong(&payload);
    sim.advance(secs(20));
    assert_eq!(peer.receive_all(), []);
    assert_eq!(diary.read(), [""; 0]);
    sim.advance(millis(5_000));
    assert_ne!(ping(&peer), payload, "every ping is unique");
}

#[test]
fn a_pong_that_matched_once_does_not_match_again() {
    let (sim, diary) = stage();
    let peer = open_manual(&sim);
    sim.advance(secs(25));
    let payload = ping(&peer);
    peer.pong(&payload);
    sim.drive();
    peer.pong(&payload);
    sim.drive();
    assert_eq!(diary.read().len(), 1, "the second one is for the handler");
}

#[test]
fn the_pong_of_an_earlier_ping_does_not_count() {
    let (sim, diary) = stage();
    let peer = open_manual(&sim);
    sim.advance(secs(25));
    let earlier = ping(&peer);
    peer.pong(&earlier);
    sim.advance(secs(25));
    ping(&peer);
    peer.pong(&earlier);
    sim.drive();
    assert_eq!(diary.read().len(), 1, "it is for the handler");
    sim.advance(secs(15));
    assert_eq!(peer.receive(), Some(Received::close(1011, "Ping timeout")));
}

#[test]
fn other_data_is_no_pong() {
    let (sim, _) = stage();
    let peer = open_manual(&sim);
    sim.advance(secs(25));
    ping(&peer);
    sim.advance(secs(14));
    peer.send("");
    sim.advance(secs(1));
    assert_eq!(peer.receive(), Some(Received::close(1011, "Ping timeout")));
}

#[test]
fn a_ping_of_the_peer_is_answered_with_its_payload() {
    let (sim, _) = stage();
    let peer = sim.open("/");
    peer.ping(b"are you there?");
    assert_eq!(
        peer.receive(),
        Some(Received::Pong(b"are you there?".to_vec()))
    );
}

#[test]
fn pings_of_a_peer_that_does_not_read_keep_only_the_newest_pong() {
    let (sim, _) = stage();
    let peer = sim.open("/");
    peer.set_capacity(1000);
    peer.stall();
    peer.send("flood 1 2000");
    sim.drive();
    let before = sim.stats().buffered;
    for number in 0..500 {
        peer.ping(format!("ping {number}").as_bytes());
    }
    sim.drive();
    assert_eq!(sim.stats().buffered, before);
    peer.resume();
    let received = peer.receive_all();
    assert_eq!(received.len(), 2);
    assert_eq!(received[1], Received::Pong(b"ping 499".to_vec()));
}

#[test]
fn a_ping_of_the_handler_brings_its_pong_event() {
    let (sim, diary) = stage();
    let peer = sim.open("/");
    peer.send("ping hello");
    sim.drive();
    assert_eq!(diary.read(), ["0 pong hello"]);
}

#[test]
fn a_pong_behind_our_close_leaves_the_limit_of_the_close_handshake() {
    let (sim, _) = stage();
    let peer = open_manual(&sim);
    sim.advance(secs(25));
    let payload = ping(&peer);
    peer.send("close 1000");
    sim.drive();
    peer.pong(&payload);
    sim.advance(secs(10));
    assert!(sim.is_empty());
}

#[test]
fn a_clock_that_jumps_ends_nobody_whose_pong_is_there_and_not_read_yet() {
    let (sim, diary) = stage();
    let peers: Vec<_> = (0..3_000)
        .map(|_| sim.connect().upgrade("/", &[]))
        .collect();
    sim.drive();
    for peer in &peers {
        peer.stall();
    }
    sim.jump(secs(26));
    sim.drive();
    for peer in &peers {
        peer.resume();
    }
    // All pongs come at once, more than one turn can read, and then the process is stopped for an hour.
    sim.step();
    sim.jump(secs(3_600));
    sim.drive();
    assert_eq!((sim.stats().connections, diary.read().len()), (3_000, 0));
}
