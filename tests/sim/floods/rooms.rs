//! Rooms whose members publish as fast as they can.

use super::{FEW, Flood, Stage, whole};
use dunlin::Limits;
use dunlin::OpCode;
use dunlin::{BacklogPolicy, Settings};

/// Turns within which each of so many publishers is read: a round of them, and while they are held
/// passes over all of them, of 300 sends a turn or so, until the log is short again.
fn round_of_publishers(count: usize) -> u64 {
    20 + count as u64 / 3
}

#[test]
fn publishers_in_one_room_that_read() {
    for count in [1, 4, 200, 900] {
        let supply = whole(OpCode::Text, &[b'x'; 100]).repeat(200);
        let mut flood = Flood::of_sessions(
            Stage::with(Settings::default(), Limits::default()),
            "/room",
            count,
            supply,
        );
        flood.run(60);
        flood.bystander.assert_waited_at_most(FEW);
        let (longest, most) = (flood.longest_wait, round_of_publishers(count));
        assert!(longest <= most, "{count}: not read for {longest} turns");
        assert!(!flood.is_over());
        flood.assert_leaves_nothing();
    }
}

#[test]
fn publishers_in_one_room_that_do_not_read_end_with_1008() {
    for count in [1, 4, 200, 900] {
        let supply = whole(OpCode::Text, &[b'x'; 100]).repeat(500);
        let flood = Flood::of_sessions(Stage::new(BacklogPolicy::Close), "/room", count, supply);
        let mut flood = flood.stalled();
        flood.run(150 + count as u64 / 6);
        flood.assert_all_end_in_time();
        flood.assert_leaves_nothing();
    }
}

#[test]
fn long_messages_into_a_room_where_half_do_not_read() {
    let stage = Stage::new(BacklogPolicy::DropOldest);
    let stalled: Vec<_> = (0..50).map(|_| stage.sim.open("/room")).collect();
    stalled.iter().for_each(|member| member.stall());
    let supply = whole(OpCode::Binary, &[0; 60_000]);
    let mut flood = Flood::of_sessions(stage, "/room", 50, supply);
    flood.run(200);
    flood.bystander.assert_waited_at_most(FEW);
    let buffered = flood.sim.stats().buffered;
    // A message beyond the limit for each of a hundred, and the log.
    assert!(buffered <= 100 * (128 << 10) + (4 << 20), "{buffered}");
    stalled.iter().for_each(|member| member.cut());
    flood.assert_leaves_nothing();
}

#[test]
fn one_publisher_floods_a_room_of_10_000() {
    let stage = Stage::new(BacklogPolicy::Close);
    let members: Vec<_> = (0..10_000)
        .map(|_| stage.sim.connect().upgrade("/room", &[]))
        .collect();
    stage.sim.drive();
    let supply = whole(OpCode::Text, &[b'x'; 100]).repeat(500);
    let mut flood = Flood::of_sessions(stage, "/room", 1, supply);
    for _ in 0..6 {
        flood.run(25);
        members.iter().for_each(|member| {
            member.arrived();
        });
    }
    flood.bystander.assert_waited_at_most(FEW);
    // A pass brings 64 KiB to each: 10 000 units, of which a turn delivers 480 000.
    assert!(flood.longest_wait < 250, "{}", flood.longest_wait);
    members.iter().for_each(|member| member.cut());
    flood.assert_leaves_nothing();
}
