//! Out of descriptors: accepting pauses, and goes on by itself when there are some again.

use crate::puppet::{millis, secs, stage};
use dunlin::testing::{Conversation, End, Sim};

/// A full server, and its one client.
fn full() -> (Sim, Conversation) {
    let (sim, _) = stage();
    let client = sim.open("/");
    sim.set_descriptors(1);
    (sim, client)
}

#[test]
fn accepting_goes_on_by_itself_when_there_are_descriptors_again() {
    let (sim, client) = full();
    let waiting = sim.connect().upgrade("/", &[]);
    sim.drive();
    assert!(!waiting.is_open());
    sim.advance(millis(50));
    client.cut();
    sim.drive();
    sim.advance(millis(50));
    assert!(waiting.is_open(), "within a pause of 100 ms");
    sim.set_descriptors(100);
    sim.open("/");
}

#[test]
fn all_who_wait_come_in_together_when_there_are_descriptors_again() {
    let (sim, _client) = full();
    let waiting: Vec<_> = (0..20).map(|_| sim.connect().upgrade("/", &[])).collect();
    sim.drive();
    sim.set_descriptors(100);
    sim.advance(millis(100));
    assert!(waiting.iter().all(Conversation::is_open));
}

#[test]
fn clients_that_are_connected_notice_nothing() {
    let (sim, client) = full();
    let _waiting: Vec<_> = (0..20).map(|_| sim.connect()).collect();
    for _ in 0..20 {
        client.send("echo here");
        let before = sim.turns();
        while client.arrived().is_empty() {
            sim.step();
        }
        assert_eq!(sim.turns() - before, 1);
        sim.advance(millis(30));
    }
}

#[test]
fn the_loop_does_not_spin_meanwhile() {
    let (sim, _client) = full();
    let _waiting: Vec<_> = (0..100).map(|_| sim.connect()).collect();
    sim.drive();
    let before = sim.turns();
    sim.advance(secs(5));
    let turns = sim.turns() - before;
    // One for each pause, and one to find that nothing follows.
    assert!((50..=150).contains(&turns), "{turns} turns in 5 s");
}

#[test]
fn who_waits_for_longer_than_a_pause_is_turned_away_one_by_one() {
    let (sim, client) = full();
    let waiting: Vec<_> = (0..3).map(|_| sim.connect()).collect();
    sim.advance(millis(99));
    assert!(waiting.iter().all(|one| one.end().is_none()));
    for turned_away in 1..=3 {
        sim.advance(millis(100));
        let gone = waiting.iter().filter(|one| one.end() == Some(End::Reset));
        assert_eq!(gone.count(), turned_away);
    }
    assert_eq!(sim.stats().connections, 1);
    client.send("echo here");
    assert_eq!(client.receive_text(), "here");
}

#[test]
fn a_system_that_forbids_every_accept_does_not_make_the_loop_spin() {
    // A filter answers EPERM and leaves the connection on the queue, whatever is done.
    let (sim, client) = full();
    sim.set_descriptors(usize::MAX);
    sim.forbid_accept(true);
    let waiting = sim.connect().upgrade("/", &[]);
    sim.drive();
    let before = sim.turns();
    sim.advance(secs(5));
    let turns = sim.turns() - before;
    assert!(turns <= 400, "{turns} turns in 5 s");
    client.send("echo here");
    assert_eq!(client.receive_text(), "here");
    sim.forbid_accept(false);
    let newcomer = sim.connect().upgrade("/", &[]);
    sim.advance(millis(200));
    assert!(newcomer.is_open(), "it goes on by itself");
    assert!(waiting.end().is_some(), "it was turned away meanwhile");
}
