//! Rooms that the engine does not know any more while somebody is in them, and engines that are of no use.

use super::super::asked::Then;
use super::super::line::Phase;
use super::super::node::{COMMANDS, MOST_ASKED, PUSHES};
use super::super::request::{Act, Speaker};
use super::super::server::Data;
use super::presence::{act_elsewhere, join, members_of};
use super::publish;
use super::table::Table;
use crate::rooms::engine::{Author, Engine, EngineEvent, Operation, Outcome, Token};
use crate::rooms::{RoomError, RoomId};

/// A room that somebody is in.
fn entered(table: &mut Table) -> RoomId {
    let room = table.create(1);
    assert!(matches!(table.ask(join(room, 7)), Ok(Outcome::Joined(_))));
    room
}

/// What came of an operation; a message that is pushed is its own receipt.
fn outcome(events: &[EngineEvent], token: Token) -> Result<(), RoomError> {
    let done = events.iter().find_map(|event| match event {
        EngineEvent::Done(of, outcome) if *of == token => {
            Some(outcome.as_ref().map(drop).map_err(RoomError::clone))
        }
        EngineEvent::Message { own: Some(of), .. } if *of == token => Some(Ok(())),
        _ => None,
    });
    done.expect("an answer")
}

/// Asks, and waits for what comes of it.
fn ask(table: &mut Table, operation: Operation) -> Result<(), RoomError> {
    let token = table.submit(operation);
    outcome(&table.settle(), token)
}

/// Both lines are up, and nothing was mended yet.
fn until_ready(table: &mut Table) {
    while !table.node.is_ready() {
        table.dial();
        for line in [COMMANDS, PUSHES] {
            table.say(line);
            table.hear(line);
        }
    }
}

/// Everything that somebody may ask about a room.
fn questions(room: RoomId) -> [Operation; 5] {
    let ask = super::NOTHING;
    [
        publish(room, 1),
        join(room, 8),
        Operation::Describe { room },
        Operation::Read { room, ask },
        Operation::Names { room, most: 9 },
    ]
}

#[test]
fn a_room_that_the_engine_has_lost_is_away_and_not_unknown_until_it_is_made_anew() {
    for which in 0..questions(RoomId::of_bits(1)).len() {
        let mut table = Table::new();
        let room = entered(&mut table);
        table.restart(Data::default());
        until_ready(&mut table);
        let question = || questions(room).into_iter().nth(which).expect("one of them");
        let token = table.submit(question());
        let events = table.settle();
        assert_eq!(
            outcome(&events, token),
            Err(RoomError::Unavailable),
            "{which}"
        );
        assert_eq!(members_of(&table, room), 1);
        assert!(ask(&mut table, question()).is_ok(), "{which}");
    }
}

#[test]
fn a_room_whose_facts_are_gone_from_an_engine_that_goes_on_is_made_anew_by_who_speaks() {
    let mut table = Table::new();
    let room = entered(&mut table);
    table.server.forget_data();
    assert_eq!(
        ask(&mut table, publish(room, 1)),
        Err(RoomError::Unavailable)
    );
    assert!(ask(&mut table, publish(room, 1)).is_ok());
    assert_eq!(members_of(&table, room), 1);
}

/// A room that somebody is in here, that the engine has lost, and that another node has made anew.
fn made_anew() -> (Table, RoomId) {
    let mut table = Table::new();
    let room = entered(&mut table);
    ask(&mut table, publish(room, 1)).unwrap();
    table.server.forget_data();
    let create = Act::Create {
        name: "room 1".into(),
        key: [7; 20],
        number: 1,
    };
    act_elsewhere(&mut table, room, create);
    (table, room)
}

#[test]
fn who_comes_into_a_room_that_another_node_has_made_anew_is_in_at_once() {
    let (mut table, room) = made_anew();
    assert_eq!(ask(&mut table, join(room, 8)), Ok(()));
    assert_eq!(members_of(&table, room), 2);
}

#[test]
fn who_is_in_a_room_that_another_node_has_made_anew_hears_what_is_said_there() {
    let (mut table, room) = made_anew();
    for key in [1, 2] {
        let publish = Act::Publish {
            speaker: Speaker::User,
            sender: "kim".into(),
            text: Some("anew".into()),
            key,
        };
        act_elsewhere(&mut table, room, publish);
    }
    let events = table.settle();
    let heard = events.iter().filter_map(|event| match event {
        EngineEvent::Message { message, .. } => Some(message.id),
        _ => None,
    });
    assert_eq!(heard.collect::<Vec<_>>(), [1, 2]);
    let is_epoch = |event: &&EngineEvent| matches!(event, EngineEvent::Epoch { .. });
    assert_eq!(events.iter().filter(is_epoch).count(), 1);
    // And it is in there.
    assert_eq!(members_of(&table, room), 1);
}

#[test]
fn what_was_said_before_has_its_receipt_in_its_place_of_a_new_order() {
    let mut table = Table::new();
    let room = entered(&mut table);
    let said = || Operation::Publish {
        room,
        author: Author::User("ada".into()),
        text: Some("once".into()),
        reference: Some(5),
    };
    ask(&mut table, said()).unwrap();
    let older = table.server.snapshot();
    // Another process begins an epoch, and one after it does not know of that.
    table.restart(older.clone());
    table.pass(1_000);
    table.restart(older);
    until_ready(&mut table);
    // It is said again behind the question for what was missed.
    while table.asked(|then| matches!(then, Then::Mend(_))) == 0 {
        assert!(!table.say(PUSHES).is_empty() | table.hear(PUSHES));
    }
    let token = table.submit(said());
    let events = table.pass(1_000);
    let told = events.iter().filter_map(|event| match event {
        EngineEvent::Epoch { begun, .. } => Some(format!("epoch at {}", begun.id)),
        EngineEvent::Message { message, own, .. } => Some(format!("{} {own:?}", message.id)),
        EngineEvent::Done(of, outcome) if *of == token => Some(format!("{outcome:?}")),
        _ => None,
    });
    let wanted = ["epoch at 0".to_owned(), format!("1 {:?}", Some(token))];
    assert_eq!(told.collect::<Vec<_>>(), wanted);
}

#[test]
fn a_room_that_was_deleted_is_closed_for_who_speaks_before_hearing_of_it() {
    let mut table = Table::new();
    let room = entered(&mut table);
    table.is_mute[PUSHES] = true;
    let delete = Operation::Delete { room, key: [7; 20] };
    assert!(matches!(table.ask(delete), Ok(Outcome::Deleted)));
    let token = table.submit(publish(room, 1));
    let events = table.settle();
    assert_eq!(outcome(&events, token), Err(RoomError::Unavailable));
    let is_closed = |event: &EngineEvent| matches!(event, EngineEvent::Closed { .. });
    assert_eq!(events.iter().filter(|event| is_closed(event)).count(), 1);
    assert_eq!(
        ask(&mut table, publish(room, 1)),
        Err(RoomError::UnknownRoom)
    );
}

/// How long the node waits until it tries this line again, milliseconds.
fn pause(table: &Table, which: usize) -> u64 {
    match table.node.lines[which].phase {
        Phase::Down { retry_at } => retry_at - table.now,
        phase => panic!("{phase:?}"),
    }
}

/// A line that is up each time, and on which what comes behind the greeting is answered so.
fn is_tried_less_and_less_often(which: usize, answer: &[u8]) {
    let mut table = Table::new();
    let mut attempts = Vec::new();
    for _ in 0..8 {
        table.cut(which);
        table.dial();
        table.say(which);
        table.hear(which);
        assert!(table.node.lines[which].is_up());
        table.node.lines[which].take_output();
        table.node.lines[which].feed(answer, table.now);
        while table.node.work(table.clock()) {}
        assert!(pause(&table, which) <= 10_000);
        attempts.push(table.node.lines[which].attempts);
        table.now += 10_000;
    }
    assert!(
        attempts.is_sorted_by(|one, next| one < next),
        "{attempts:?}"
    );
    // One that takes what it is asked is tried at once again when it is lost.
    table.pass(1_000);
    assert_eq!(table.node.lines[which].attempts, 0);
}

#[test]
fn an_engine_that_takes_no_writes_is_tried_less_and_less_often() {
    // It calls itself a master, and refuses what is written.
    let refused = b"-NOREPLICAS Not enough good replicas to write.\r\n";
    is_tried_less_and_less_often(COMMANDS, refused);
}

#[test]
fn an_engine_that_refuses_subscriptions_is_tried_less_and_less_often() {
    is_tried_less_and_less_often(PUSHES, b"-NOPERM no subscribe\r\n");
}

#[test]
fn an_engine_on_which_rooms_cannot_be_is_left_while_it_says_who_it_is() {
    for (mode, is_left) in [("standalone", false), ("cluster", true), ("sentinel", true)] {
        let mut table = Table::new();
        table.cut(COMMANDS);
        table.is_mute[COMMANDS] = true;
        table.dial();
        let info = format!("redis_mode:{mode}\r\nrun_id:{:040}\r\n", 7);
        let answers = format!("+OK\r\n${}\r\n{info}\r\n", info.len());
        table.node.lines[COMMANDS].feed(answers.as_bytes(), table.now);
        while table.node.work(table.clock()) {}
        assert_eq!(table.node.lines[COMMANDS].is_open(), !is_left, "{mode}");
    }
}

#[test]
fn a_line_of_pushes_that_leads_to_another_process_than_commands_is_given_up() {
    // A replica took over, and only the line of commands was cut: nothing that is published there is pushed here.
    let mut table = Table::new();
    let room = entered(&mut table);
    let data = table.server.snapshot();
    table.server.restore(data);
    table.cut(COMMANDS);
    table.dial();
    table.say(COMMANDS);
    table.hear(COMMANDS);
    assert!(table.node.lines[COMMANDS].is_up());
    assert!(!table.node.is_ready());
    assert_eq!(table.node.stats.disconnects, 2);
    table.pass(1_000);
    assert!(table.node.is_ready());
    assert_eq!(ask(&mut table, publish(room, 1)), Ok(()));
}

#[test]
fn a_crowd_that_leaves_at_once_is_out_at_once_and_nobody_is_refused() {
    let mut table = Table::new();
    let room = table.create(1);
    let count = MOST_ASKED as u64 + 100;
    let leaves: Vec<_> = (1..=count)
        .map(|place| match table.ask(join(room, place)) {
            Ok(Outcome::Joined(joined)) => Operation::Leave {
                room,
                member: joined.member,
                place,
            },
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(members_of(&table, room), MOST_ASKED + 100);
    for leave in leaves {
        table.submit(leave);
    }
    let left = std::iter::from_fn(|| table.node.poll());
    let left = left.filter(|event| matches!(event, EngineEvent::Done(_, Ok(Outcome::Left))));
    assert_eq!(left.count(), MOST_ASKED + 100);
    table.settle();
    assert_eq!(members_of(&table, room), 0);
}
