//! Small messages and control frames, answered and not.

use super::{FEW, Flood, Stage, whole};
use dunlin::{BacklogPolicy, Limits, OpCode, Settings};

const COUNTS: [usize; 4] = [1, 4, 100, 900];

/// More small frames than a connection gets through in a turn.
fn many(opcode: OpCode, payload: &[u8]) -> Vec<u8> {
    whole(opcode, payload).repeat(3_000)
}

/// Long enough for a round of all of them, and for who was busy to be quiet again.
fn turns(count: usize) -> u64 {
    80 + count as u64 / 8
}

#[test]
fn empty_texts_that_are_read() {
    for count in COUNTS {
        let supply = many(OpCode::Text, b"");
        let mut flood =
            Flood::of_sessions(Stage::new(BacklogPolicy::Close), "/echo", count, supply);
        flood.run(turns(count));
        flood.assert_all_are_served();
        assert!(!flood.is_over());
        flood.assert_leaves_nothing();
    }
}

#[test]
fn empty_texts_whose_echoes_are_not_read_end_with_1008() {
    for count in COUNTS {
        let supply = many(OpCode::Text, b"");
        let flood = Flood::of_sessions(Stage::new(BacklogPolicy::Close), "/echo", count, supply);
        let mut flood = flood.stalled();
        flood.run(turns(count));
        flood.assert_all_are_served();
        flood.run(3 * turns(count));
        flood.assert_all_end_in_time();
        flood.assert_leaves_nothing();
    }
}

#[test]
fn empty_texts_that_are_not_read_are_not_read_from_either_where_reading_stops() {
    for count in [1, 4, 100] {
        let supply = many(OpCode::Text, b"");
        let flood = Flood::of_sessions(
            Stage::new(BacklogPolicy::StopReading),
            "/echo",
            count,
            supply,
        );
        let mut flood = flood.stalled();
        flood.run(100);
        assert!(!flood.is_over());
        flood.assert_all_end_in_time();
        flood.assert_leaves_nothing();
    }
}

#[test]
fn pings_that_are_read() {
    for count in COUNTS {
        let supply = many(OpCode::Ping, b"?");
        let mut flood =
            Flood::of_sessions(Stage::new(BacklogPolicy::Close), "/echo", count, supply);
        flood.run(turns(count));
        flood.assert_all_are_served();
        flood.assert_leaves_nothing();
    }
}

#[test]
fn pings_that_are_not_read() {
    for count in COUNTS {
        let supply = many(OpCode::Ping, &[b'?'; 125]);
        let flood = Flood::of_sessions(Stage::new(BacklogPolicy::Close), "/echo", count, supply);
        let mut flood = flood.stalled();
        flood.run(turns(count));
        // A read brings 250 pings, which are answered at some 480 units each: eight shares.
        flood.assert_all_are_served_every(8 * super::a_round(count));
        // What one read brought, the pongs of one share, and the newest.
        let buffered = flood.sim.stats().buffered;
        assert!(buffered <= count as u64 * (96 << 10), "{buffered}");
        flood.assert_leaves_nothing();
    }
}

#[test]
fn pongs_that_nobody_asked_for() {
    for count in COUNTS {
        let supply = many(OpCode::Pong, b"!");
        let mut flood =
            Flood::of_sessions(Stage::new(BacklogPolicy::Close), "/deaf", count, supply);
        flood.run(turns(count));
        flood.assert_all_are_served();
        flood.assert_leaves_nothing();
    }
}

#[test]
fn a_single_message_is_answered_at_once_however_many_flood_and_whenever_it_comes() {
    let supply = many(OpCode::Text, b"");
    let mut flood = Flood::of_sessions(Stage::new(BacklogPolicy::Close), "/echo", 100, supply);
    flood.run(1);
    let lone = flood.sim.connect().upgrade("/echo", &[]);
    for pause in [1, 2, 63, 64, 65, 100] {
        flood.run(pause);
        assert!(lone.is_open());
        lone.send("once");
        flood.run(1);
        assert_eq!(lone.arrived().len(), 1, "{pause} turns after it came");
    }
    flood.assert_all_are_served();
}

#[test]
fn a_message_that_comes_in_two_parts_waits_for_nobody_either() {
    let supply = many(OpCode::Text, b"");
    let mut flood = Flood::of_sessions(Stage::new(BacklogPolicy::Close), "/echo", 100, supply);
    flood.run(1);
    let lone = flood.sim.connect().upgrade("/echo", &[]);
    let message = whole(OpCode::Text, b"in two parts");
    for at in [1, 2, 5, 8] {
        flood.run(3);
        lone.send_raw(&message[..at]);
        flood.run(1);
        lone.send_raw(&message[at..]);
        flood.run(1);
        assert_eq!(lone.arrived().len(), 1, "cut at {at}");
    }
}

#[test]
fn a_crowd_that_never_uses_up_its_shares_delays_a_bystander_by_its_own_round() {
    // Nobody here floods: 900 messages arrive in every turn, and all of them are quiet. Their round
    // costs 900 reads and sends, some 2.1 million units, of which a turn reads 225 000.
    let supply = whole(OpCode::Text, b"");
    let mut flood = Flood::of_sessions(Stage::new(BacklogPolicy::Close), "/echo", 900, supply);
    flood.run(100);
    flood.bystander.assert_waited_at_most(12);
    flood
        .bystander
        .assert_waited_for_at_most(3 * super::MILLISECOND);
    flood.assert_leaves_nothing();
}

#[test]
fn a_busy_one_is_served_all_the_time_however_many_are_quiet() {
    // A round of 900 who each say a word in every turn takes all that a turn may read, and more.
    let supply = whole(OpCode::Text, b"");
    let mut flood = Flood::of_sessions(Stage::new(BacklogPolicy::Close), "/echo", 900, supply);
    let busy = flood.sim.open("/echo");
    busy.send_raw(&many(OpCode::Text, b"").repeat(100));
    flood.run(1);
    busy.arrived();
    let (mut waited, mut longest) = (0, 0);
    for _ in 0..60 {
        flood.run(1);
        waited = if busy.arrived().is_empty() {
            waited + 1
        } else {
            0
        };
        longest = longest.max(waited);
    }
    assert!(busy.unread() > 0, "it had something to say all the time");
    // Once in a while it counts as quiet again, and waits for a round of those.
    assert!(longest <= 14, "it was not served for {longest} turns");
}

#[test]
fn long_texts_whose_memory_is_given_back() {
    let supply = whole(OpCode::Text, &[b'x'; 1 << 20]);
    let stage = Stage::with(
        Settings::default().max_message_size(1 << 20),
        Limits::default(),
    );
    let mut flood = Flood::of_sessions(stage, "/echo", 60, supply);
    // Who frees it is not who happens to come next, or a bystander would be found busy.
    flood.run(600);
    flood.bystander.assert_waited_at_most(FEW);
    flood.assert_leaves_nothing();
}
