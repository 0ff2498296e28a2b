//! Requests: pipelined, in chunks of a byte, in heads of a byte, and upgrades in a storm.

use super::{Bystander, FEW, Flood, MILLISECOND, Stage, a_round};
use crate::puppet::secs;
use dunlin::BacklogPolicy;

const COUNTS: [usize; 4] = [1, 4, 100, 900];
const PAGE: &[u8] = b"GET /page HTTP/1.1\r\nHost: localhost\r\n\r\n";

fn flood(count: usize, supply: Vec<u8>) -> Flood {
    let stage = Stage::new(BacklogPolicy::Close);
    let lines = stage.lines(count);
    Flood::of_lines(stage, lines, supply)
}

#[test]
fn ten_thousand_pipelined_requests_whose_answers_are_read() {
    for count in COUNTS {
        let flood = flood(count, PAGE.repeat(10_000 / count.min(100)));
        // Also a smallest share takes one whole request.
        let mut flood = flood.first_within(2 * MILLISECOND + 5_000 * count as u64);
        flood.run(80 + count as u64 / 8);
        flood.assert_all_are_served();
        assert!(!flood.is_over());
        flood.assert_leaves_nothing();
    }
}

#[test]
fn ten_thousand_pipelined_requests_whose_answers_are_not_read() {
    for count in COUNTS {
        let flood = flood(count, PAGE.repeat(10_000 / count.min(100))).stalled();
        let mut flood = flood.first_within(2 * MILLISECOND + 5_000 * count as u64);
        flood.run(80 + count as u64 / 8);
        let buffered = flood.sim.stats().buffered;
        // The answers of one share, and what was read behind it.
        assert!(buffered <= count as u64 * (256 << 10), "{buffered}");
        flood.bystander.assert_waited_at_most(FEW);
        // The time of a connection that rests, and that of a last answer.
        flood.sim.advance(secs(60));
        flood.assert_all_end_in_time();
        flood.assert_leaves_nothing();
    }
}

#[test]
fn bodies_in_chunks_of_one_byte() {
    for count in COUNTS {
        let mut body =
            b"POST /form HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
                .to_vec();
        body.extend(b"1\r\nx\r\n".repeat(5_000));
        body.extend(b"0\r\n\r\n");
        // A body is looked at in pieces of 4 KiB, which are 20 000 units.
        let flood = flood(count, body);
        let mut flood = flood.first_within(5 * MILLISECOND);
        flood.run(80 + count as u64 / 8);
        // A body of 30 KB is 150 000 units: ten shares.
        flood.assert_all_are_served_every(11 * a_round(count));
        assert!(!flood.is_over());
        flood.assert_leaves_nothing();
    }
}

#[test]
fn heads_that_come_byte_by_byte() {
    for count in COUNTS {
        let mut flood = flood(count, PAGE.to_vec());
        flood.trickle(1);
        flood.run(100);
        // All are quiet, and the last bytes of 900 heads, and their answers, come at the same time.
        flood.bystander.assert_waited_for_at_most(4 * MILLISECOND);
        assert!(!flood.is_over());
        flood.assert_leaves_nothing();
    }
}

#[test]
fn long_heads_that_never_end() {
    for count in COUNTS {
        let mut head = b"GET /page HTTP/1.1\r\nHost: localhost\r\n".to_vec();
        head.extend(b"A: b\r\n".repeat(5_000));
        let mut flood = flood(count, head);
        flood.run(80 + count as u64 / 4);
        flood.assert_all_are_served();
        assert!(flood.is_over(), "a head of 30 KB is refused");
        flood.assert_leaves_nothing();
    }
}

#[test]
fn upgrades_in_a_storm() {
    let Stage { sim, .. } = Stage::new(BacklogPolicy::Close);
    let mut bystander = Bystander::new(&sim);
    let storm: Vec<_> = (0..2_000)
        .map(|_| sim.connect().upgrade("/echo", &[]))
        .collect();
    let before = sim.turns();
    while bystander.step(&sim) && !storm.iter().all(|one| one.is_open()) {
        assert!(sim.turns() - before < 1_000, "the storm does not end");
    }
    bystander.assert_waited_at_most(FEW);
    assert!(bystander.echoes > 50, "{} echoes", bystander.echoes);
    // Everybody got in, at some nine a turn or more.
    assert_eq!(sim.stats().opened, 2_001);
}

#[test]
fn upgrades_that_come_and_go_in_a_storm() {
    let Stage { sim, .. } = Stage::new(BacklogPolicy::Close);
    let mut bystander = Bystander::new(&sim);
    for _ in 0..150 {
        let storm: Vec<_> = (0..20)
            .map(|_| sim.connect().upgrade("/room", &[]))
            .collect();
        bystander.step(&sim);
        storm.iter().for_each(|one| one.cut());
        bystander.step(&sim);
    }
    bystander.assert_waited_at_most(FEW);
    sim.drive();
    let stats = sim.stats();
    assert_eq!(
        (stats.accepted, stats.connections, stats.buffered),
        (3_001, 1, 0)
    );
}

#[test]
fn an_upgrade_waits_for_no_flood() {
    let mut flood = flood(100, PAGE.repeat(100));
    flood.run(10);
    for _ in 0..20 {
        let late = flood.sim.connect().upgrade("/echo", &[]);
        flood.run(1);
        assert!(late.is_open());
    }
}
