//! The world of `benches/million` with 20 000 connections: whatever all of them do at once, no turn passes its
//! budget and one step, and nobody is left out.

#[path = "../../benches/million/crowd.rs"]
mod crowd;
#[path = "../../benches/million/world.rs"]
mod world;

use std::time::Duration;
use world::{MOST, PING_PERIOD, World};

const CONNECTIONS: u64 = 20_000;
/// Units that it may cost to open one: twice what it does.
const MOST_EACH: u64 = 24_000;

#[test]
fn whatever_a_crowd_does_at_once_no_turn_passes_its_budget_and_nobody_is_left_out() {
    // Every turn is checked by the world itself.
    let mut world = World::new(CONNECTIONS as usize, || 0);
    world.crowd().connect(CONNECTIONS as usize);
    let opening = world.rest();
    assert_eq!(world.crowd().seen.opened, CONNECTIONS);
    assert!(opening.work / CONNECTIONS < MOST_EACH, "{opening:?}");

    let idle = world.turns(100);
    assert_eq!(idle.work, 0, "nothing to do costs nothing: {idle:?}");

    world.pass(PING_PERIOD + Duration::from_millis(opening.turns));
    assert_eq!(world.crowd().seen.pings, CONNECTIONS);
    world.sleep(PING_PERIOD + Duration::from_secs(5));
    world.rest();
    assert_eq!(world.crowd().seen.pings, 2 * CONNECTIONS);

    world.crowd().join_all();
    world.rest();
    assert_eq!(world.turn.hub.stats().received, CONNECTIONS);
    world.crowd().publish(0);
    let news = world.rest();
    assert_eq!(world.crowd().seen.news, CONNECTIONS);
    assert!(news.most_work > MOST / 2, "the budget is used: {news:?}");

    world.crowd().cut_all();
    world.rest();
    assert_eq!(world.crowd().seen.closed, CONNECTIONS);
    assert!(world.turn.hub.is_empty());
}
