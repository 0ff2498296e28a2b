//! How many are in, as a node tells it, when something of it was missed or comes out of order.

use super::super::line::command_bytes;
use super::super::node::{COMMANDS, PUSHES, TIME_LIMIT};
use super::super::request::Where;
use super::presence::{hold_lease, join, join_elsewhere, members_of};
use super::table::Table;
use super::{count, follow, publish};
use crate::rooms::engine::{EngineEvent, Operation, Outcome};
use crate::rooms::{RoomError, RoomId};

/// A number that is told, and whose coming or going tells it, if anybody's.
fn told(events: &[EngineEvent]) -> Vec<String> {
    let told = events.iter().filter_map(|event| match event {
        EngineEvent::Arrived(who) => Some(format!("+{} {}", who.name, who.members)),
        EngineEvent::Departed(who) => Some(format!("-{} {}", who.name, who.members)),
        EngineEvent::Counted { members, .. } => Some(format!("={members}")),
        _ => None,
    });
    told.collect()
}

/// A push from somewhere else.
fn push(table: &mut Table, room: RoomId, text: &str) {
    let channel = table.node.keys.channel(room);
    let words = [b"PUBLISH".to_vec(), channel, text.as_bytes().to_vec()];
    table.server.receive(table.other, &command_bytes(&words));
    table.server.take_output(table.other);
}

#[test]
fn who_came_while_no_pushes_were_heard_is_counted() {
    for comes in [false, true] {
        let mut table = Table::new();
        let room = table.create(1);
        table.ask(join(room, 1)).unwrap();
        hold_lease(&mut table);
        table.cut(PUSHES);
        if comes {
            join_elsewhere(&mut table, room, 2);
        }
        let told = told(&table.pass(1_000));
        // Nothing is told where nothing was missed.
        assert_eq!(told, if comes { vec!["=2"] } else { vec![] });
    }
}

#[test]
fn a_push_that_was_missed_shows_by_the_next_one() {
    let mut table = Table::new();
    let room = table.create(1);
    table.ask(join(room, 1)).unwrap();
    let lee = "J 0000000000000009 0000000000000001 2 3 3\nlee";
    // It has the third number, and the second was never told.
    push(&mut table, room, lee);
    assert_eq!(told(&table.settle()), ["=2", "+lee 2"]);
    // Once more is no news.
    push(&mut table, room, lee);
    assert_eq!(told(&table.settle()), ["+lee 2"]);
}

#[test]
fn a_push_that_comes_late_tells_the_newest_number_and_that_it_was_told() {
    let mut table = Table::new();
    let room = table.create(1);
    table.ask(join(room, 1)).unwrap();
    let place = "0000000000000009 0000000000000001";
    push(&mut table, room, &format!("J {place} 2 3 3\nlee"));
    table.settle();
    let late = |events: &[EngineEvent]| match events {
        [EngineEvent::Departed(who)] => Some((who.members, who.is_counted)),
        _ => None,
    };
    push(&mut table, room, &format!("L {place} 1 2 3\nlee"));
    assert_eq!(late(&table.settle()), Some((2, true)));
    push(&mut table, room, &format!("L {place} 1 4 3\nlee"));
    assert_eq!(late(&table.settle()), Some((1, false)));
}

/// Somebody is in a room, and somebody else has come in and does not hear so.
fn unanswered() -> (Table, RoomId) {
    let mut table = Table::new();
    let room = table.create(1);
    table.ask(join(room, 1)).unwrap();
    hold_lease(&mut table);
    table.is_mute[COMMANDS] = true;
    table.submit(join(room, 2));
    table.say(COMMANDS);
    (table, room)
}

#[test]
fn who_comes_in_is_told_the_newest_number() {
    let (mut table, room) = unanswered();
    // Before its answer is heard somebody else comes in.
    join_elsewhere(&mut table, room, 3);
    assert_eq!(told(&table.settle()), ["+user3 3"]);
    table.is_mute[COMMANDS] = false;
    assert_eq!(told(&table.settle()), ["+user2 3"]);
    assert_eq!(members_of(&table, room), 3);
}

#[test]
fn who_is_elsewhere_before_it_is_in_is_counted_here() {
    let (mut table, room) = unanswered();
    join_elsewhere(&mut table, room, 2);
    assert!(told(&table.settle()).is_empty());
    table.is_mute[COMMANDS] = false;
    let events = table.settle();
    assert_eq!(told(&events), ["+user2 2"]);
    let is_replaced = |event: &EngineEvent| matches!(event, EngineEvent::Replaced { place: 2, .. });
    assert!(events.iter().any(is_replaced));
    assert_eq!(members_of(&table, room), 2);
}

#[test]
fn who_is_let_go_and_said_to_be_in_again_before_it_hears_so_is_counted() {
    let (mut table, room) = unanswered();
    let own = Where {
        node: table.node.id,
        place: 2,
    };
    // The node seemed to be gone for a moment, in which somebody else came in.
    push(&mut table, room, &format!("L {own} 1 3 5\nuser2"));
    let lee = "J 0000000000000009 0000000000000001 2 4 3\nlee";
    push(&mut table, room, lee);
    push(&mut table, room, &format!("J {own} 3 5 5\nuser2"));
    assert_eq!(told(&table.settle()), ["+lee 2"]);
    table.is_mute[COMMANDS] = false;
    // What it hears now is the answer of before.
    let events = table.settle();
    assert_eq!(told(&events), ["+user2 3"]);
    let is_counted =
        |event: &EngineEvent| matches!(event, EngineEvent::Arrived(who) if who.is_counted);
    assert!(!events.iter().any(is_counted));
}

#[test]
fn who_leaves_and_is_refused_when_it_comes_again_is_not_counted() {
    let mut table = Table::new();
    let room = table.create(1);
    table.ask(join(room, 1)).unwrap();
    let Ok(Outcome::Joined(joined)) = table.ask(join(room, 2)) else {
        panic!("it is in");
    };
    table.submit(Operation::Leave {
        room,
        member: joined.member,
        place: 2,
    });
    table.say(COMMANDS);
    // It comes again before it is heard that it left, and the engine takes nothing for a while.
    table.submit(join(room, 2));
    table.server.is_readonly = true;
    let mut events = table.pass(TIME_LIMIT + 1_000);
    table.server.is_readonly = false;
    events.extend(table.pass(5_000));
    assert_eq!(count(&events, &RoomError::Unavailable), 1);
    assert_eq!(members_of(&table, room), 1);
    assert_eq!(told(&events), ["=1"]);
}

#[test]
fn pushes_that_an_answer_was_ahead_of_and_that_are_lost_are_counted() {
    let mut table = Table::new();
    let room = table.create(1);
    table.ask(join(room, 1)).unwrap();
    hold_lease(&mut table);
    table.is_mute[PUSHES] = true;
    join_elsewhere(&mut table, room, 3);
    table.ask(join(room, 2)).unwrap();
    table.cut(PUSHES);
    table.is_mute[PUSHES] = false;
    // Who is in already has not heard of two.
    assert_eq!(told(&table.pass(5_000)), ["=3"]);
}

#[test]
fn an_engine_with_older_data_counts_anew() {
    let mut table = Table::new();
    let room = table.create(1);
    let older = table.server.snapshot();
    for identity in 2..5 {
        join_elsewhere(&mut table, room, identity);
    }
    table.is_mute[COMMANDS] = true;
    table.submit(join(room, 1));
    table.settle();
    assert_eq!(members_of(&table, room), 4);
    // It is in before it hears so, and the engine forgets all of them.
    table.restart(older);
    table.is_mute[COMMANDS] = false;
    assert_eq!(told(&table.pass(1_000)), ["=1"]);
    table.submit(join(room, 5));
    assert_eq!(told(&table.settle()), ["+user5 2"]);
    assert_eq!(members_of(&table, room), 2);
}

#[test]
fn who_waits_for_a_message_that_the_engine_forgets_knows_its_new_number() {
    let mut table = Table::new();
    let room = table.create(1);
    table.ask(follow(room)).unwrap();
    let older = table.server.snapshot();
    for identity in 2..5 {
        join_elsewhere(&mut table, room, identity);
    }
    // The answer tells of a message that is not heard, so that it waits.
    table.is_mute[PUSHES] = true;
    table.submit(publish(room, 1));
    table.submit(join(room, 1));
    table.say(COMMANDS);
    table.cut(PUSHES);
    table.hear(COMMANDS);
    assert_eq!(members_of(&table, room), 4);
    table.is_mute[PUSHES] = false;
    table.restart(older);
    table.pass(5_000);
    assert_eq!(members_of(&table, room), 1);
    table.submit(join(room, 5));
    assert_eq!(told(&table.settle()), ["+user5 2"]);
}

#[test]
fn an_answer_that_comes_before_the_pushes_is_ahead_of_them() {
    for is_ahead in [false, true] {
        let mut table = Table::new();
        let room = table.create(1);
        table.ask(join(room, 1)).unwrap();
        table.is_mute[PUSHES] = is_ahead;
        table.submit(join(room, 2));
        let events = table.settle();
        let found = events.iter().find_map(|event| match event {
            EngineEvent::Done(_, Ok(crate::rooms::engine::Outcome::Joined(joined))) => {
                Some(joined.ahead_of)
            }
            _ => None,
        });
        assert_eq!(found, Some(is_ahead.then_some(1)));
        table.is_mute[PUSHES] = false;
        let mut events = events;
        events.extend(table.settle());
        assert_eq!(told(&events), ["+user2 2"]);
    }
}
