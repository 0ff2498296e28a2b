//! DESIGN, "A turn is bounded": a bystander's echo is a matter of few turns, whatever others do.

use crate::puppet::{stage, stage_with};
use dunlin::Limits;
use dunlin::Settings;
use dunlin::testing::{Conversation, Sim};

/// Turns until an echo is back.
fn turns_of_an_echo(sim: &Sim, bystander: &Conversation) -> u64 {
    let before = sim.turns();
    bystander.send("echo here");
    while bystander.arrived().is_empty() {
        assert!(sim.turns() - before < 1000, "the echo never comes");
        sim.step();
    }
    sim.turns() - before
}

#[test]
fn a_room_of_10_000_is_served_in_slices_and_a_bystander_between_them() {
    let (sim, _) = stage();
    let members: Vec<_> = (0..10_000)
        .map(|_| sim.connect().upgrade("/?do=join+room", &[]))
        .collect();
    let bystander = sim.open("/");
    sim.drive();
    members[0].send("publish room hello");
    sim.step();
    let mut echoes = 0;
    while sim.step() {
        assert_eq!(turns_of_an_echo(&sim, &bystander), 1);
        echoes += 1;
    }
    // 10 000 sends are some 25 turns, and each round here takes two.
    assert!(echoes > 10, "{echoes} echoes in one broadcast");
    for member in &members {
        assert_eq!(member.receive_text(), "hello");
    }
}

#[test]
fn a_long_backlog_leaves_in_slices() {
    let settings = Settings::default().backlog_limit(64 << 20);
    let (sim, _) = stage_with(settings, Limits::default());
    let peer = sim.open("/");
    peer.stall();
    peer.set_capacity(0);
    peer.send("flood 128 32768");
    sim.drive();
    assert!(sim.stats().buffered >= 4 << 20);
    peer.set_capacity(16 << 20);
    peer.resume();
    let before = sim.turns();
    while sim.stats().buffered > 0 {
        sim.step();
    }
    let turns = sim.turns() - before;
    assert!((8..100).contains(&turns), "{turns} turns for 4 MiB");
}

#[test]
fn a_mass_disconnect_does_not_hold_the_loop() {
    let (sim, diary) = stage();
    let peers: Vec<_> = (0..5_000)
        .map(|_| sim.connect().upgrade("/", &[]))
        .collect();
    let bystander = sim.open("/");
    peers.iter().for_each(|peer| peer.cut());
    let mut echoes = 0;
    while sim.stats().connections > 1 {
        assert_eq!(turns_of_an_echo(&sim, &bystander), 1);
        echoes += 1;
    }
    assert!(echoes > 50, "{echoes} echoes in one disconnect");
    assert_eq!(diary.read().len(), 5_000);
}

#[test]
fn a_publisher_that_floods_is_not_read_until_the_room_has_caught_up() {
    let settings = Settings::default().backlog_limit(64 << 20);
    let (sim, _) = stage_with(settings, Limits::default());
    let members: Vec<_> = (0..500).map(|_| sim.open("/?do=join+room")).collect();
    let message = format!("publish room {}", "x".repeat(1000));
    for _ in 0..2_000 {
        members[0].send(&message);
    }
    let mut highest = 0;
    while sim.step() {
        highest = highest.max(sim.stats().buffered);
    }
    // The log of the topic, what it was over when reading stopped, and one read that waits.
    assert!(highest < 256 << 10, "{highest} bytes were buffered");
    for member in &members {
        assert_eq!(member.arrived().len(), 2_000);
    }
}

#[test]
fn a_flooded_room_does_not_starve_another() {
    let (sim, _) = stage();
    let flooded: Vec<_> = (0..1_000).map(|_| sim.open("/?do=join+big")).collect();
    let quiet = sim.open("/?do=join+small");
    for _ in 0..500 {
        flooded[0].send(format!("publish big {}", "x".repeat(500)));
    }
    sim.step();
    for _ in 0..20 {
        let before = sim.turns();
        quiet.send("publish small hello");
        while quiet.arrived().is_empty() {
            assert!(sim.turns() - before < 4, "the small room waits");
            sim.step();
        }
    }
}

#[test]
fn a_flood_of_messages_delays_an_echo_by_turns_not_by_its_length() {
    let (sim, _) = stage();
    let (flood, bystander) = (sim.open("/"), sim.open("/"));
    for _ in 0..50_000 {
        flood.send("echo x");
    }
    sim.step();
    assert!(flood.unread() > 0, "one turn does not read it all");
    assert_eq!(turns_of_an_echo(&sim, &bystander), 1);
}
