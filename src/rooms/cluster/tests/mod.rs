//! One node beside a modelled engine: what the simulation never comes to, limits and silence.

mod count;
mod lost;
mod presence;
mod table;

use super::asked::Then;
use super::greeting::SILENCE;
use super::mending::{DECLARED_AT_ONCE, MENDED_AT_ONCE};
use super::node::{COMMANDS, MOST_ASKED, MOST_ASKED_BYTES, PUSHES, TIME_LIMIT};
use super::waiting::SUBSCRIBED_AT_ONCE;
use crate::rooms::engine::{Ask, Author, Engine, EngineEvent, Operation, Outcome};
use crate::rooms::{RoomError, RoomId};
use presence::{join, members_of};
use table::Table;

/// Nothing of a history.
const NOTHING: Ask = Ask {
    since: None,
    last: 0,
    is_page: false,
};

#[test]
fn a_list_goes_on_behind_rooms_whose_time_is_over() {
    let mut table = Table::new();
    table.create(1);
    for number in 2..9 {
        let gone = RoomId::of_bits(100 + number);
        table.operate("INCR dunlin:number");
        table.operate(&format!("ZADD dunlin:rooms {number} {gone}"));
    }
    for there in 2..5 {
        table.create(there);
    }
    // Whole pages of them stand before what is there.
    assert_eq!(table.list(1, 3), ["room 2", "room 3", "room 4"]);
    assert_eq!(table.list(0, 3), ["room 1", "room 2", "room 3"]);
    assert_eq!(table.list(0, 100).len(), 4);
    assert_eq!(table.list(11, 3), [""; 0]);
    // They were taken out of the directory.
    assert_eq!(table.operate("ZCARD dunlin:rooms"), ":4\r\n");
}

fn describe() -> Operation {
    let room = RoomId::of_bits(9);
    Operation::Describe { room }
}

/// How many operations had this outcome.
fn count(events: &[EngineEvent], error: &RoomError) -> usize {
    let is_it =
        |event: &&EngineEvent| matches!(event, EngineEvent::Done(_, Err(of)) if of == error);
    events.iter().filter(is_it).count()
}

#[test]
fn so_many_requests_wait_for_the_engine_and_one_more_is_refused() {
    let mut table = Table::new();
    for _ in 0..MOST_ASKED {
        table.submit(describe());
    }
    assert!(table.node.poll().is_none());
    let refused = table.submit(describe());
    let event = table.node.poll();
    assert!(
        matches!(event, Some(EngineEvent::Done(token, Err(RoomError::Unavailable))) if token == refused)
    );
    let events = table.settle();
    assert_eq!(count(&events, &RoomError::UnknownRoom), MOST_ASKED);
    // There is room again.
    assert!(matches!(table.ask(describe()), Err(RoomError::UnknownRoom)));
}

fn publish(room: RoomId, length: usize) -> Operation {
    Operation::Publish {
        room,
        author: Author::User("ada".into()),
        text: Some("x".repeat(length)),
        reference: None,
    }
}

#[test]
fn so_many_bytes_wait_for_the_engine_and_more_are_refused() {
    let mut table = Table::new();
    let room = table.create(1);
    table.submit(publish(room, 0));
    let rest = table.node.sent_bytes;
    table.settle();
    assert_eq!(table.node.sent_bytes, 0);
    // One byte less than there may be: something else is asked for, then nothing more.
    table.submit(publish(room, MOST_ASKED_BYTES - 1 - rest));
    assert_eq!(table.node.sent_bytes, MOST_ASKED_BYTES - 1);
    table.submit(describe());
    assert!(table.node.poll().is_none());
    table.submit(describe());
    let event = table.node.poll();
    assert!(matches!(
        event,
        Some(EngineEvent::Done(_, Err(RoomError::Unavailable)))
    ));
    table.settle();
    assert!(matches!(table.ask(describe()), Err(RoomError::UnknownRoom)));
}

fn follow(room: RoomId) -> Operation {
    let ask = NOTHING;
    Operation::Follow { room, ask }
}

/// So many rooms that somebody follows.
fn followed(table: &mut Table, count: usize) -> Vec<RoomId> {
    let rooms = (1..=count as u128).map(|bits| {
        let room = table.create(bits);
        table.ask(follow(room)).unwrap();
        room
    });
    rooms.collect()
}

#[test]
fn so_many_rooms_are_subscribed_to_at_once_and_the_rest_afterwards() {
    for more in [0, 1] {
        let mut table = Table::new();
        followed(&mut table, SUBSCRIBED_AT_ONCE + more);
        table.cut(PUSHES);
        table.dial();
        table.say(PUSHES);
        table.hear(PUSHES);
        // Behind that of the node's own channel.
        let asked = |said: Vec<u8>, channels: usize| {
            let wanted = format!("*{}\r\n$9\r\nSUBSCRIBE\r\n", channels + 1);
            let said = String::from_utf8(said).unwrap();
            said.matches(&wanted).count()
        };
        assert_eq!(asked(table.say(PUSHES), SUBSCRIBED_AT_ONCE), 1);
        assert_eq!(table.node.to_subscribe.len(), more);
        table.hear(PUSHES);
        assert_eq!(asked(table.say(PUSHES), more), more);
    }
}

#[test]
fn so_many_rooms_are_mended_at_once_and_the_rest_afterwards() {
    for more in [0, 1] {
        let mut table = Table::new();
        let rooms = followed(&mut table, MENDED_AT_ONCE + more);
        table.cut(PUSHES);
        table.is_mute[COMMANDS] = true;
        table.settle();
        assert_eq!(table.node.mends, MENDED_AT_ONCE);
        assert_eq!(table.node.to_mend.len(), more);
        table.is_mute[COMMANDS] = false;
        table.settle();
        assert_eq!((table.node.mends, table.node.to_mend.len()), (0, 0));
        assert_eq!(table.node.stats.mended as usize, rooms.len());
    }
}

#[test]
fn so_many_members_are_declared_in_one_request_and_the_rest_in_another() {
    for (members, requests) in [(DECLARED_AT_ONCE, 1), (DECLARED_AT_ONCE + 1, 2)] {
        let mut table = Table::new();
        let room = table.create(1);
        for place in 1..=members as u64 {
            table.ask(join(room, place)).unwrap();
        }
        // Another process with the same data.
        let data = table.server.snapshot();
        table.restart(data);
        let mut declared = 0;
        while table.node.stats.mended == 0 || table.node.mends > 0 || !table.node.sent.is_empty() {
            table.dial();
            for which in [COMMANDS, PUSHES] {
                table.say(which);
            }
            for which in [PUSHES, COMMANDS] {
                table.hear(which);
            }
            declared += table.asked(|then| matches!(then, Then::Declare));
        }
        assert_eq!(declared, requests);
        assert_eq!(members_of(&table, room), members);
    }
}

#[test]
fn a_line_of_pushes_that_is_silent_is_asked_and_given_up() {
    let mut table = Table::new();
    table.pass(SILENCE - 1);
    assert_eq!(table.node.probing, None);
    // What it says to itself comes back.
    table.pass(1);
    assert_eq!((table.node.probing, table.node.pushed), (None, SILENCE));
    table.is_mute[PUSHES] = true;
    table.pass(SILENCE);
    assert_eq!(table.node.probing, Some(2 * SILENCE));
    table.pass(TIME_LIMIT - 1);
    assert!(table.node.is_ready());
    table.pass(1);
    assert_eq!(table.node.stats.disconnects, 2);
    // It comes back.
    table.is_mute[PUSHES] = false;
    table.pass(1_000);
    assert!(table.node.is_ready());
}

#[test]
fn a_line_of_commands_without_an_answer_is_given_up() {
    let mut table = Table::new();
    table.is_mute[COMMANDS] = true;
    let token = table.submit(describe());
    assert!(table.pass(TIME_LIMIT - 1).is_empty());
    assert!(table.node.is_ready());
    let events = table.pass(1);
    assert_eq!(table.node.stats.disconnects, 1);
    assert!(matches!(
        events[..],
        [EngineEvent::Done(of, Err(RoomError::Unavailable))] if of == token
    ));
}

#[test]
fn a_connection_whose_greeting_is_not_answered_is_given_up() {
    let mut table = Table::new();
    table.cut(COMMANDS);
    table.is_mute[COMMANDS] = true;
    table.pass(TIME_LIMIT - 1);
    assert!(table.node.lines[COMMANDS].is_open());
    assert_eq!(table.node.lines[COMMANDS].attempts, 1);
    table.pass(1);
    assert_eq!(table.node.lines[COMMANDS].attempts, 2);
    table.is_mute[COMMANDS] = false;
    table.pass(1_000);
    assert!(table.node.is_ready());
}

#[test]
fn who_comes_in_while_too_much_is_said_reads_once_more() {
    let mut table = Table::new();
    let room = followed(&mut table, 1)[0];
    for (lengths, asked_anew) in [([1, 1], 0), ([2 << 20, 2 << 20], 1)] {
        table.is_mute[COMMANDS] = true;
        let token = table.submit(follow(room));
        table.say(COMMANDS);
        for length in lengths {
            table.submit(publish(room, length));
        }
        table.say(COMMANDS);
        table.hear(PUSHES);
        table.is_mute[COMMANDS] = false;
        table.hear(COMMANDS);
        let anew = table.asked(|then| matches!(then, Then::Again(_)));
        assert_eq!(anew, asked_anew);
        let events = table.settle();
        let told = events.iter().find_map(|event| match event {
            EngineEvent::Done(of, Ok(Outcome::Excerpt(excerpt))) if *of == token => Some(excerpt),
            _ => None,
        });
        assert_eq!(
            told.unwrap().top,
            table.server.data().rooms.room(room).unwrap().newest
        );
    }
}

#[test]
fn what_is_pushed_while_a_room_is_mended_is_held_or_read_once_more() {
    // As much as may be held, and more.
    for length in [1 << 10, 1 << 20] {
        let mut table = Table::new();
        let room = followed(&mut table, 1)[0];
        table.cut(PUSHES);
        table.is_mute[COMMANDS] = true;
        table.settle();
        assert_eq!(table.node.mends, 1);
        for _ in 0..8 {
            table.submit(publish(room, length));
        }
        table.settle();
        table.is_mute[COMMANDS] = false;
        let events = table.settle();
        let ids = events.iter().filter_map(|event| match event {
            EngineEvent::Message { message, .. } => Some(message.id),
            _ => None,
        });
        assert_eq!(ids.collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6, 7, 8]);
        let read = if length == 1 << 20 { 8 } else { 0 };
        assert_eq!(table.node.stats.mended_messages, read);
    }
}
