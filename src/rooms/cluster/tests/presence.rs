//! Who is in, as the engine and a node have it, when something of it was missed.

use super::super::lease::Asked;
use super::super::line::Frame;
use super::super::line::command_bytes;
use super::super::mending::MENDED_AT_ONCE;
use super::super::node::{COMMANDS, PUSHES};
use super::super::request::{Act, NodeId, Request, Where};
use super::super::script;
use super::super::sweep::ROOMS_AT_ONCE;
use super::table::Table;
use super::{NOTHING, follow};
use crate::config::RoomLimits;
use crate::rooms::engine::{Engine, EngineEvent, Operation, Outcome, Place};
use crate::rooms::{Epoch, RoomId};

/// Another node.
const OTHER: NodeId = 9;

pub(super) fn join(room: RoomId, place: Place) -> Operation {
    Operation::Join {
        room,
        name: format!("user{place}").into(),
        identity: place,
        place,
        ask: NOTHING,
    }
}

/// Members of a room, as the engine has them.
pub(super) fn members_of(table: &Table, room: RoomId) -> usize {
    table.server.data().rooms.room(room).unwrap().members.len()
}

/// Asks whether this node is said to be in any room.
fn exists(table: &Table) -> String {
    let list = String::from_utf8(table.node.keys.rooms_of(table.node.id)).unwrap();
    format!("EXISTS {list}")
}

/// Lets somebody into each of these rooms from this place.
fn join_all(table: &mut Table, rooms: &[RoomId], place: Place) -> Vec<Operation> {
    let leave = |room: &RoomId| match table.ask(join(*room, place)) {
        Ok(Outcome::Joined(joined)) => Operation::Leave {
            room: *room,
            member: joined.member,
            place,
        },
        other => panic!("{other:?}"),
    };
    rooms.iter().map(leave).collect()
}

/// Does a part of what there is to do.
fn step(table: &mut Table, number: usize) {
    match number % 5 {
        0 => table.dial(),
        1 => drop(table.say(COMMANDS)),
        2 => drop(table.hear(COMMANDS)),
        3 => drop(table.say(PUSHES)),
        _ => drop(table.hear(PUSHES)),
    }
}

#[test]
fn a_room_is_on_the_list_of_its_node_until_the_engine_has_let_everybody_go() {
    let mut table = Table::new();
    let room = table.create(1);
    let leaves = [1, 2].map(|place| join_all(&mut table, &[room], place));
    let exists = exists(&table);
    // What is left has to be said twice: whoever sweeps meanwhile finds the room.
    table.server.forget_scripts();
    for leave in leaves.into_iter().flatten() {
        table.submit(leave);
    }
    for _ in 0..2 {
        table.say(COMMANDS);
        assert_eq!(table.operate(&exists), ":1\r\n");
        table.hear(COMMANDS);
    }
    table.settle();
    assert_eq!(table.operate(&exists), ":0\r\n");
}

#[test]
fn an_engine_that_has_forgotten_who_left_is_told_in_however_many_rooms() {
    let mut table = Table::new();
    let rooms: Vec<_> = (1..=3 * ROOMS_AT_ONCE as u128 + 1)
        .map(|bits| table.create(bits))
        .collect();
    let leaves = join_all(&mut table, &rooms, 1);
    let older = table.server.snapshot();
    for leave in leaves {
        table.submit(leave);
    }
    table.settle();
    assert!(rooms.iter().all(|room| members_of(&table, *room) == 0));
    let exists = exists(&table);
    // The line may break once more while they are looked through.
    for steps in 0..20 {
        table.restart(older.clone());
        for number in 0..steps {
            step(&mut table, number);
        }
        table.cut(COMMANDS);
        table.pass(1_000);
        let members: usize = rooms.iter().map(|room| members_of(&table, *room)).sum();
        assert_eq!(members, 0, "{steps} steps");
        assert_eq!(table.operate(&exists), ":0\r\n", "{steps} steps");
    }
}

#[test]
fn a_room_that_is_left_while_the_list_is_looked_through_goes_off_it() {
    // Wherever in the list it stands: where that was looked at already, or not yet.
    for bits in 1_001..1_009 {
        leave_while_looking(bits);
    }
}

fn leave_while_looking(bits: u128) {
    let mut table = Table::new();
    let room = table.create(bits);
    let rooms: Vec<_> = (1..=8 * ROOMS_AT_ONCE as u128)
        .map(|bits| table.create(bits))
        .collect();
    let leaves = join_all(&mut table, &rooms, 1);
    let older = table.server.snapshot();
    for leave in leaves {
        table.submit(leave);
    }
    table.settle();
    table.restart(older);
    let mut steps = 0..;
    let mut go_on = |table: &mut Table| step(table, steps.next().unwrap());
    while !table.node.is_ready() {
        go_on(&mut table);
    }
    table.submit(join(room, 2));
    let member = loop {
        go_on(&mut table);
        if let Some(EngineEvent::Done(_, Ok(Outcome::Joined(joined)))) = table.node.poll() {
            break joined.member;
        }
    };
    let place = 2;
    table.submit(Operation::Leave {
        room,
        member,
        place,
    });
    while table.node.leaving.contains_key(&room) {
        assert!(table.node.lease.is_to_look);
        go_on(&mut table);
    }
    table.pass(1_000);
    let exists = exists(&table);
    assert_eq!(table.operate(&exists), ":0\r\n");
}

#[test]
fn an_engine_that_has_forgotten_who_left_is_told_though_the_last_leaves_before_it_is_asked() {
    for steps in 0..40 {
        let mut table = Table::new();
        // The last ones wait until others are mended, and their list is looked through in parts.
        let rooms: Vec<_> = (1..=ROOMS_AT_ONCE.max(MENDED_AT_ONCE) as u128 * 2)
            .map(|bits| table.create(bits))
            .collect();
        let first = join_all(&mut table, &rooms, 1);
        let last = join_all(&mut table, &rooms, 2);
        let older = table.server.snapshot();
        for leave in first {
            table.submit(leave);
        }
        table.settle();
        table.restart(older);
        for number in 0..steps {
            step(&mut table, number);
        }
        for leave in last {
            table.submit(leave);
        }
        table.pass(1_000);
        for room in rooms {
            assert_eq!(members_of(&table, room), 0, "left after {steps} steps");
        }
        let exists = exists(&table);
        assert_eq!(table.operate(&exists), ":0\r\n", "left after {steps} steps");
    }
}

#[test]
fn who_is_said_to_have_moved_is_not_in_where_it_was() {
    for is_in in [false, true] {
        let mut table = Table::new();
        let room = table.create(1);
        // Somebody follows it: its pushes are heard before anybody comes in.
        table.ask(follow(room)).unwrap();
        table.submit(join(room, 1));
        table.say(COMMANDS);
        if is_in {
            table.settle();
        }
        // A move of before, told late: the engine has let it in here once more since.
        let at = Where {
            node: table.node.id,
            place: 1,
        };
        let moved = format!("V {at} 5\nuser1").into_bytes();
        let words = [b"PUBLISH".to_vec(), table.node.keys.channel(room), moved];
        table.server.receive(table.other, &command_bytes(&words));
        table.hear(PUSHES);
        assert_eq!(members_of(&table, room), 1);
        let events = table.settle();
        let is_told = |event: &EngineEvent| matches!(event, EngineEvent::Replaced { place: 1, .. });
        assert_eq!(events.iter().filter(|event| is_told(event)).count(), 1);
        assert_eq!(members_of(&table, room), 0);
    }
}

/// The other node is there.
pub(super) fn hold_lease(table: &mut Table) {
    table.operate(&format!("SET dunlin:node:{OTHER:016x} 1"));
}

/// Somebody comes in at the other node, and may do so as who is in here.
pub(super) fn join_elsewhere(table: &mut Table, room: RoomId, identity: Place) {
    let join = Act::Join {
        name: format!("user{identity}").into(),
        identity,
        at: Where {
            node: OTHER,
            place: 1,
        },
        ask: NOTHING,
    };
    let answer = act_elsewhere(table, room, join);
    assert!(answer.starts_with(b"*9"), "{}", answer.escape_ascii());
}

/// What the engine answers the other node.
pub(super) fn act_elsewhere(table: &mut Table, room: RoomId, act: Act) -> Vec<u8> {
    let request = Request {
        room,
        run: table.node.run.unwrap(),
        fresh: Epoch::of_bits(0xfe),
        seen: None,
        act,
    };
    let command = script::command(&request, &table.node.keys, &RoomLimits::default());
    table.server.receive(table.other, &command_bytes(&command));
    table.server.take_output(table.other)
}

#[test]
fn who_moves_while_no_pushes_are_heard_is_replaced() {
    // A line may break while a room is mended, at any step of that, and while somebody comes in.
    let mut moved = [0; 2];
    for steps in 0..40 {
        for is_in in [false, true] {
            let mut table = Table::new();
            let room = table.create(1);
            table.ask(follow(room)).unwrap();
            if is_in {
                table.ask(join(room, 1)).unwrap();
            }
            table.cut(PUSHES);
            for number in 0..steps {
                step(&mut table, number);
            }
            if !is_in {
                table.submit(join(room, 1));
            }
            table.say(COMMANDS);
            if members_of(&table, room) == 0 {
                // It waits for the subscription.
                continue;
            }
            table.cut(PUSHES);
            // Answers come before the subscription, or behind it.
            table.is_mute[COMMANDS] = !is_in;
            while is_in && (!table.say(COMMANDS).is_empty() | table.hear(COMMANDS)) {}
            hold_lease(&mut table);
            join_elsewhere(&mut table, room, 1);
            let mut events = table.settle();
            table.is_mute[COMMANDS] = false;
            events.extend(table.pass(1_000));
            let is_out = |event: &EngineEvent| {
                matches!(
                    event,
                    EngineEvent::Replaced { place: 1, .. } | EngineEvent::Done(_, Err(_))
                )
            };
            let count = events.iter().filter(|event| is_out(event)).count();
            assert_eq!(count, 1, "{steps} steps, in: {is_in}: {events:?}");
            assert_eq!(members_of(&table, room), 1);
            moved[usize::from(is_in)] += 1;
        }
    }
    assert!(moved[0] > 10 && moved[1] == 40, "{moved:?}");
}

#[test]
fn a_member_is_never_in_without_what_a_sweep_looks_for() {
    let mut table = Table::new();
    let room = table.create(1);
    // A node that could say nothing else, and is gone.
    join_elsewhere(&mut table, room, 1);
    let list = format!("SMEMBERS dunlin:node:{OTHER:016x}:r");
    assert_eq!(table.operate(&list), format!("*1\r\n$36\r\n{room}\r\n"));
    assert_eq!(members_of(&table, room), 1);
    table.pass(10_000);
    assert_eq!(members_of(&table, room), 0);
    assert_eq!(table.operate(&list), "*0\r\n");
    // This one alone is left.
    assert_eq!(
        table.operate("SMEMBERS dunlin:nodes").matches('$').count(),
        1
    );
}

#[test]
fn a_sweep_whose_question_is_answered_with_an_error_is_begun_again() {
    for asked in [Asked::Rooms(OTHER), Asked::IsBack(OTHER)] {
        let mut table = Table::new();
        let room = table.create(1);
        join_elsewhere(&mut table, room, 1);
        table.node.lease.sweeping.insert(OTHER, 0);
        let error = Frame::Error("ERR not now".into());
        table.node.lease_answered(asked, &error);
        table.pass(10_000);
        assert_eq!(members_of(&table, room), 0);
    }
}

#[test]
fn who_is_declared_is_never_in_without_what_a_sweep_looks_for() {
    let mut table = Table::new();
    let room = table.create(1);
    join_all(&mut table, &[room], 1);
    let exists = exists(&table);
    let nodes = "EXISTS dunlin:nodes";
    table.operate(&exists.replace("EXISTS", "DEL"));
    table.operate("DEL dunlin:nodes");
    assert_eq!(table.operate(nodes), ":0\r\n");
    table.node.declare_all();
    table.pass(1);
    assert_eq!(table.operate(&exists), ":1\r\n");
    assert_eq!(table.operate(nodes), ":1\r\n");
}

#[test]
fn a_node_that_stops_is_forgotten_once_the_engine_has_let_everybody_go() {
    for is_refused in [false, true] {
        let mut table = Table::new();
        let rooms = [1, 2].map(|bits| table.create(bits));
        let leaves = join_all(&mut table, &rooms, 1);
        let exists = exists(&table);
        for leave in leaves {
            table.submit(leave);
        }
        table.node.stop(table.clock());
        // It takes no writes for a moment: whoever comes next finds what is left.
        table.server.is_readonly = is_refused;
        table.say(COMMANDS);
        table.server.is_readonly = false;
        table.operate("SADD dunlin:nodes 0000000000000009");
        assert_eq!(table.operate(&exists), ":1\r\n");
        while table.hear(COMMANDS) && !table.node.is_over() {
            table.say(COMMANDS);
        }
        assert!(table.node.is_over());
        let left = usize::from(is_refused);
        assert!(rooms.iter().all(|room| members_of(&table, *room) == left));
        assert_eq!(table.operate(&exists), format!(":{left}\r\n"));
        let nodes = table.operate("SMEMBERS dunlin:nodes");
        assert_eq!(nodes.matches('$').count(), 1 + left, "{nodes}");
    }
}

#[test]
fn a_room_that_is_deleted_goes_off_the_list_of_its_node() {
    let mut table = Table::new();
    let room = table.create(1);
    join_all(&mut table, &[room], 1);
    let exists = exists(&table);
    assert_eq!(table.operate(&exists), ":1\r\n");
    let key = [7; 20];
    table.ask(Operation::Delete { room, key }).unwrap();
    assert_eq!(table.operate(&exists), ":0\r\n");
    table.node.stop(table.clock());
    table.settle();
    assert_eq!(table.operate("EXISTS dunlin:nodes"), ":0\r\n");
}
