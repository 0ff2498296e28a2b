//! Runs by seeds, and what a seed seldom comes to.

use super::*;
use crate::rooms::RoomId;
use crate::sim::{Conversation, Received};
use serde_json::{Value, json};

#[test]
fn rooms_of_three_servers_stay_one() {
    let seen = Seen::of(0..12, simulate_hubs);
    assert!(seen.has_all(), "{seen:?}");
}

#[test]
fn a_run_is_decided_by_its_seed() {
    let runs = [simulate_hubs(3), simulate_hubs(3)];
    let [first, second] = runs.map(|run| format!("{run:?}"));
    assert_eq!(first, second);
}

/// Lets so many moments of 25 milliseconds pass without trouble.
fn pass(world: &mut World, moments: usize) {
    for _ in 0..moments {
        world.step(false).unwrap();
    }
}

fn enter(world: &World, at: usize, room: RoomId, name: &str) -> Conversation {
    let session = world.hubs[at].as_ref().unwrap().open();
    session.receive_all();
    assert!(session.is_open());
    let enter = json!({"type": "ENTER", "roomId": room, "sender": name});
    session.send(&*enter.to_string());
    session
}

/// What a session was told of members, and the last number.
fn members(session: &Conversation) -> (Vec<String>, u64) {
    let (mut told, mut last) = (Vec::new(), 0);
    for received in session.arrived() {
        let Received::Text(text) = received else {
            panic!("{received:?}");
        };
        let text: Value = serde_json::from_str(&text).unwrap();
        let name = text["name"].as_str().or(text["sender"].as_str());
        last = text["members"].as_u64().unwrap();
        let kind = text["type"].as_str().unwrap();
        told.push(format!("{kind} {} {last}", name.unwrap_or("")));
    }
    (told, last)
}

#[test]
fn who_is_in_before_that_is_pushed_knows_the_number_in_the_end() {
    let mut world = World::new(1);
    world.people.clear();
    let room = world.rooms[0];
    pass(&mut world, 20);
    let (kim, lee) = (enter(&world, 0, room, "kim"), enter(&world, 1, room, "lee"));
    pass(&mut world, 80);
    assert_eq!(members(&kim).1, 2);
    lee.cut();
    // It is pushed that lee is out, and told to nobody yet.
    pass(&mut world, 10);
    let park = enter(&world, 0, room, "park");
    world.hubs[0].as_mut().unwrap().pushed_at = world.now + 1500;
    pass(&mut world, 59);
    // Its answer is newer than what is pushed: nobody is told an older number behind it.
    assert_eq!(members(&park).0, ["ENTERED park 2", "LEFT lee 2"]);
    pass(&mut world, 80);
    assert_eq!(members(&park).0, ["JOINED  2"]);
    assert_eq!(members(&kim).1, 2);
}
