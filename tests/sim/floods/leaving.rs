//! Everybody leaves at once, by every way there is.

use super::{Bystander, FEW, Stage};
use dunlin::testing::{Conversation, Sim};
use dunlin::{BacklogPolicy, CloseCode};
use std::time::Duration;

const COUNT: usize = 3_000;
/// All of them were quiet, and each gets an answer at the same time as the bystander: some 3000 units
/// each, of which a turn reads 200 000.
const A_WORD_OF_EACH: u64 = COUNT as u64 / 66;

/// A crowd in a room, with something on its way to each, that leaves like this; the bystander waits
/// for so many turns at most.
fn all_leave(leave: impl Fn(&Conversation), most: u64) -> (Sim, u64) {
    let Stage { sim, .. } = Stage::new(BacklogPolicy::Close);
    let mut bystander = Bystander::new(&sim);
    let crowd: Vec<_> = (0..COUNT)
        .map(|_| sim.connect().upgrade("/room", &[]))
        .collect();
    sim.drive();
    crowd[0].send("last message");
    crowd.iter().for_each(leave);
    let before = sim.turns();
    while sim.stats().connections > 1 {
        bystander.step(&sim);
        assert!(sim.turns() - before < 2_000, "they do not go");
    }
    bystander.assert_waited_at_most(most);
    let stats = sim.stats();
    assert_eq!((stats.closed, stats.buffered), (COUNT as u64, 0));
    assert_eq!(sim.topics(), 0);
    let turns = sim.turns() - before;
    (sim, turns)
}

#[test]
fn a_crowd_that_is_cut() {
    let (_, turns) = all_leave(|one| one.cut(), FEW);
    // Letting go of a socket is 7000 units: at least 8 a turn, at most 80.
    assert!(
        (COUNT as u64 / 90..COUNT as u64 / 8).contains(&turns),
        "{turns}"
    );
}

#[test]
fn a_crowd_that_ends_its_direction() {
    all_leave(|one| one.half_close(), FEW);
}

#[test]
fn a_crowd_that_says_goodbye() {
    all_leave(|one| one.close(CloseCode::NORMAL, "bye"), A_WORD_OF_EACH);
}

#[test]
fn a_crowd_that_breaks_the_rules() {
    all_leave(|one| one.send_raw(&[0xff; 100]), A_WORD_OF_EACH);
}

#[test]
fn a_crowd_that_a_shutdown_sends_away_is_sent_away_in_slices() {
    let Stage { sim, .. } = Stage::new(BacklogPolicy::Close);
    let crowd: Vec<_> = (0..COUNT)
        .map(|_| sim.connect().upgrade("/room", &[]))
        .collect();
    sim.drive();
    crowd[0].send("last message");
    sim.remote().shutdown().expect("it runs");
    sim.advance(Duration::from_secs(5));
    assert!(sim.is_empty());
    for one in &crowd {
        assert_eq!(one.arrived().len(), 2, "the last message and the close");
    }
    assert_eq!(
        (sim.stats().closed, sim.stats().buffered),
        (COUNT as u64, 0)
    );
}
