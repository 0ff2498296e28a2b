//! The semantics, one by one.

use super::super::request::{Census, Declared, RawExcerpt, Where};
use super::*;
use crate::rooms::Epoch;
use crate::rooms::engine::Ask;
use std::rc::Rc;

const HERE: Where = Where { node: 1, place: 10 };
const THERE: Where = Where { node: 2, place: 20 };

/// One room, asked by one node.
struct Table {
    model: Model,
    room: RoomId,
    run: u64,
    fresh: u64,
    seen: Option<Position>,
    retention: Retention,
    now: u64,
    pushes: Vec<Push>,
}

impl Table {
    fn empty() -> Self {
        Self {
            model: Model::default(),
            room: RoomId::of_bits(7),
            run: 1,
            fresh: 100,
            seen: None,
            retention: Retention {
                messages: 3,
                bytes: 1000,
                age: 10_000,
                empty: Some(60_000),
            },
            now: 1_000_000,
            pushes: Vec::new(),
        }
    }

    fn new() -> Self {
        let mut table = Self::empty();
        assert_eq!(table.create(5), Answer::Created { number: 5 });
        table
    }

    fn run(&mut self, act: Act) -> Answer {
        self.fresh += 1;
        let request = Request {
            room: self.room,
            run: self.run,
            fresh: Epoch::of_bits(self.fresh),
            seen: self.seen,
            act,
        };
        let (answer, pushes) = self.model.run(&request, &self.retention, self.now);
        self.pushes = pushes;
        answer
    }

    fn create(&mut self, number: u64) -> Answer {
        let (name, key) = ("room".into(), [1; 20]);
        self.run(Act::Create { name, key, number })
    }

    fn join(&mut self, name: &str, identity: u64, at: Where) -> Answer {
        let ask = Ask {
            since: None,
            last: 2,
            is_page: false,
        };
        self.run(Act::Join {
            name: name.into(),
            identity,
            at,
            ask,
        })
    }

    fn leave(&mut self, name: &str, at: Where) -> Answer {
        let name = name.into();
        self.run(Act::Leave { name, at })
    }

    fn say(&mut self, speaker: Speaker, text: &str, key: u128) -> Answer {
        self.run(Act::Publish {
            speaker,
            sender: "kim".into(),
            text: Some(text.into()),
            key,
        })
    }

    fn read(&mut self, since: Option<Position>, last: usize, is_page: bool) -> RawExcerpt {
        let ask = Ask {
            since,
            last,
            is_page,
        };
        match self.run(Act::Read { ask }) {
            Answer::Excerpt(excerpt) => excerpt,
            other => panic!("{other:?}"),
        }
    }

    fn ids(&mut self, since: Option<Position>, last: usize, is_page: bool) -> (bool, Vec<u64>) {
        let excerpt = self.read(since, last, is_page);
        let ids = excerpt.messages.iter().map(|message| message.id);
        (excerpt.is_here, ids.collect())
    }
}

fn refused(error: RoomError) -> Answer {
    Answer::Refused(error)
}

fn at(epoch: u64, id: u64) -> Position {
    let epoch = Epoch::of_bits(epoch);
    Position { epoch, id }
}

#[test]
fn a_room_is_made_once() {
    let mut table = Table::empty();
    assert_eq!(table.run(Act::Describe), refused(RoomError::UnknownRoom));
    assert_eq!(table.create(5), Answer::Created { number: 5 });
    assert_eq!(table.create(6), Answer::Created { number: 5 });
    let room = Answer::Room {
        name: "room".into(),
        key: [1; 20],
        number: 5,
        members: 0,
    };
    assert_eq!(table.run(Act::Describe), room);
    let wrong = table.run(Act::Delete { key: [2; 20] });
    assert_eq!(wrong, refused(RoomError::WrongKey));
    let deleted = table.run(Act::Delete { key: [1; 20] });
    assert_eq!(
        (deleted, &*table.pushes),
        (Answer::Deleted, &[Push::Closed][..])
    );
    assert_eq!(table.run(Act::Describe), refused(RoomError::UnknownRoom));
    table.now += DELETED_FOR;
    let again = table.create(7);
    assert_eq!(
        again,
        refused(RoomError::UnknownRoom),
        "that is known for an hour"
    );
    table.now += 1;
    assert_eq!(table.create(7), Answer::Created { number: 7 });
}

#[test]
fn what_is_said_twice_under_a_key_has_one_place_in_the_order() {
    let mut table = Table::empty();
    table.retention.empty = None;
    table.create(5);
    let Answer::Published {
        epoch, id, date, ..
    } = table.say(Speaker::User, "a", 1)
    else {
        panic!("not published");
    };
    assert_eq!((id, date, table.pushes.len()), (1, table.now, 1));
    table.now += KNOWN_FOR;
    let again = table.say(Speaker::User, "b", 1);
    let message = RoomMessage::new(1, date, "kim".into(), Some("a".into()));
    let known = Some(message);
    let published = Answer::Published {
        epoch,
        id,
        date,
        known,
    };
    assert_eq!((again, table.pushes.len()), (published, 0));
    table.now += 1;
    table.say(Speaker::User, "b", 1);
    assert_eq!(
        table.pushes.len(),
        1,
        "after five minutes it is another message"
    );
}

#[test]
fn members_speak_from_their_places_and_guests_under_free_names() {
    let mut table = Table::new();
    let member = table.say(Speaker::Member(HERE), "a", 1);
    assert_eq!(member, refused(RoomError::NotEntered));
    table.join("kim", 1, HERE);
    let guest = table.say(Speaker::Guest, "a", 1);
    assert_eq!(guest, refused(RoomError::NameTaken));
    let elsewhere = table.say(Speaker::Member(THERE), "a", 1);
    assert_eq!(elsewhere, refused(RoomError::NotEntered));
    for (key, speaker) in [(1, Speaker::Member(HERE)), (2, Speaker::User)] {
        table.say(speaker, "a", key);
        assert_eq!(table.pushes.len(), 1, "{speaker:?}");
    }
}

#[test]
fn another_process_of_the_engine_begins_an_epoch_before_anything_else() {
    let mut table = Table::new();
    let first = table.fresh;
    table.say(Speaker::User, "a", 1);
    table.run = 2;
    table.say(Speaker::User, "b", 2);
    let second = table.fresh;
    assert_eq!(table.pushes[0], Push::Epoch(at(second, 1)));
    assert!(matches!(&table.pushes[1], Push::Message { message, .. } if message.id == 2));
    assert_eq!(table.ids(Some(at(first, 1)), 9, false), (true, vec![2]));
    let lost = table.ids(Some(at(first, 2)), 9, false);
    assert_eq!(
        lost,
        (false, vec![1, 2]),
        "that one was lost with its process"
    );
    assert_eq!(table.ids(Some(at(second, 2)), 9, false), (true, vec![]));
}

#[test]
fn an_engine_that_is_behind_what_was_seen_begins_an_epoch_even_when_it_refuses() {
    let mut table = Table::new();
    table.say(Speaker::User, "a", 1);
    let first = table.fresh - 1;
    table.seen = Some(at(first, 1));
    table.read(None, 1, false);
    assert_eq!(table.pushes, []);
    table.seen = Some(at(first, 2));
    assert_eq!(table.leave("lee", HERE), refused(RoomError::NotEntered));
    assert_eq!(table.pushes, [Push::Epoch(at(table.fresh, 1))]);
    // Of an epoch that is over a node may have seen more than was kept.
    table.read(None, 1, false);
    assert_eq!(table.pushes, []);
}

#[test]
fn a_room_knows_sixteen_epochs_before_its_own() {
    let mut table = Table::new();
    let first = table.fresh;
    for run in 2..18 {
        table.run = run;
        table.run(Act::Describe);
    }
    assert!(table.ids(Some(at(first, 0)), 9, false).0);
    table.run = 18;
    assert!(!table.ids(Some(at(first, 0)), 9, false).0);
}

#[test]
fn what_was_said_in_a_lost_order_is_not_mistaken_for_what_has_its_id_now() {
    let mut table = Table::new();
    let lagging = table.model.clone();
    table.say(Speaker::User, "a", 1);
    let said = table.model.said.clone();
    (table.model, table.run) = (lagging, 2);
    table.say(Speaker::User, "b", 2);
    // The key was kept though the message was not: an engine may drop what it likes.
    table.model.said.extend(said);
    let again = table.say(Speaker::User, "a", 1);
    assert!(
        matches!(
            again,
            Answer::Published {
                id: 1,
                known: None,
                ..
            }
        ),
        "{again:?}"
    );
}

#[test]
fn a_page_is_the_first_part_and_anything_else_the_newest() {
    let mut table = Table::new();
    for key in 0..5 {
        table.say(Speaker::User, "a", key);
    }
    let epoch = table.model.rooms[&table.room].epoch.bits();
    assert_eq!(
        table.ids(None, 9, false),
        (true, vec![3, 4, 5]),
        "three are kept"
    );
    assert_eq!(table.ids(None, 2, true), (true, vec![4, 5]));
    assert_eq!(table.ids(Some(at(epoch, 0)), 2, true), (true, vec![3, 4]));
    assert_eq!(table.ids(Some(at(epoch, 3)), 1, true), (true, vec![4]));
    assert_eq!(table.ids(Some(at(epoch, 3)), 1, false), (true, vec![5]));
    assert_eq!(table.ids(Some(at(epoch, 5)), 9, true), (true, vec![]));
    assert_eq!(
        table.ids(Some(at(epoch, 6)), 9, true),
        (false, vec![3, 4, 5])
    );
    assert_eq!(table.ids(Some(at(1, 0)), 2, true), (false, vec![4, 5]));
    assert_eq!(table.ids(None, 0, false), (true, vec![]));
}

#[test]
fn a_history_has_bounds_of_number_size_and_age() {
    let mut table = Table::new();
    let long = "x".repeat(2000);
    table.say(Speaker::User, "a", 1);
    table.say(Speaker::User, &long, 2);
    assert_eq!(
        table.ids(None, 9, false).1,
        [2],
        "the newest stays whatever its size"
    );
    table.say(Speaker::User, "b", 3);
    assert_eq!(table.ids(None, 9, false).1, [3]);
    table.now += table.retention.age;
    assert_eq!(table.ids(None, 9, false).1, [3]);
    table.now += 1;
    assert_eq!(table.ids(None, 9, false).1, [0; 0]);
    table.retention.bytes = 0;
    table.say(Speaker::User, "c", 4);
    assert_eq!(table.ids(None, 9, false).1, [0; 0], "nothing is to be kept");
}

#[test]
fn at_most_sixty_four_messages_are_forgotten_at_once() {
    let mut table = Table::new();
    table.retention.messages = 100;
    table.retention.bytes = 1 << 20;
    for key in 0..100 {
        table.say(Speaker::User, "a", key);
    }
    table.retention.messages = 3;
    assert_eq!(table.ids(None, 999, false).1.len(), 36);
    assert_eq!(table.ids(None, 999, false).1.len(), 3);
}

fn census(members: usize, changes: u64) -> Census {
    Census { members, changes }
}

#[test]
fn a_member_enters_moves_and_leaves() {
    let mut table = Table::new();
    let name: Rc<str> = "lee".into();
    let joined = |answer| match answer {
        Answer::Joined { excerpt, before } => (excerpt.census.members, before),
        other => panic!("{other:?}"),
    };
    assert_eq!(joined(table.join("lee", 1, HERE)), (1, None));
    let came = Push::Joined {
        name: name.clone(),
        at: HERE,
        census: census(1, 1),
    };
    assert_eq!(table.pushes, [came]);
    assert_eq!(joined(table.join("lee", 2, HERE)), (1, Some(HERE)));
    assert_eq!(table.pushes, [], "it is where it was");
    let taken = table.join("lee", 1, THERE);
    assert_eq!(taken, refused(RoomError::NameTaken));
    assert_eq!(joined(table.join("lee", 2, THERE)), (1, Some(HERE)));
    let from = HERE;
    let moved = Push::Moved {
        name: name.clone(),
        from,
    };
    assert_eq!(table.pushes, [moved]);
    assert_eq!(table.leave("lee", HERE), refused(RoomError::NotEntered));
    assert_eq!(table.leave("lee", THERE), Answer::Left { members: 0 });
    let left = Push::Left {
        name,
        at: THERE,
        census: census(0, 2),
    };
    assert_eq!(table.pushes, [left]);
}

#[test]
fn a_node_declares_its_members_and_learns_who_is_elsewhere() {
    let mut table = Table::new();
    table.join("lee", 1, THERE);
    table.join("park", 2, HERE);
    let declared = |name: &str, identity| Declared {
        name: name.into(),
        identity,
        place: HERE.place,
    };
    let members = vec![declared("kim", 3), declared("lee", 1), declared("park", 4)];
    let answer = table.run(Act::Declare { node: 1, members });
    let lost = vec!["lee".into()];
    assert_eq!(answer, Answer::Declared { lost });
    let came = Push::Joined {
        name: "kim".into(),
        at: HERE,
        census: census(3, 3),
    };
    assert_eq!(table.pushes, [came]);
    assert_eq!(table.model.rooms[&table.room].members["park"], (HERE, 4));
    let members = vec![("kim".into(), HERE.place), ("park".into(), HERE.place)];
    assert_eq!(
        table.run(Act::Audit { node: 1 }),
        Answer::Audited { members }
    );
    let named = Answer::Names {
        members: 3,
        names: vec!["kim".into(), "lee".into()],
    };
    assert_eq!(table.run(Act::Names { most: 2 }), named);
}

#[test]
fn members_of_a_node_that_is_gone_leave_a_few_at_a_time() {
    let mut table = Table::new();
    for name in ["a", "b", "c"] {
        table.join(name, 1, HERE);
    }
    table.join("d", 1, THERE);
    let swept = table.run(Act::Sweep { node: 1, most: 2 });
    assert_eq!(
        (swept, table.pushes.len()),
        (Answer::Swept { has_more: true }, 2)
    );
    let swept = table.run(Act::Sweep { node: 1, most: 2 });
    assert_eq!(
        (swept, table.pushes.len()),
        (Answer::Swept { has_more: false }, 1)
    );
    let left = Push::Left {
        name: "c".into(),
        at: HERE,
        census: census(1, 7),
    };
    assert_eq!(table.pushes, [left]);
}

#[test]
fn a_room_without_members_goes_when_it_is_not_used() {
    let mut table = Table::new();
    let empty = table.retention.empty.unwrap();
    table.now += empty;
    table.say(Speaker::User, "a", 1);
    table.now += empty;
    table.join("lee", 1, HERE);
    table.now += 10 * empty;
    assert_eq!(table.leave("lee", HERE), Answer::Left { members: 0 });
    table.now += empty;
    table.read(None, 1, false);
    table.now += 1;
    assert_eq!(table.run(Act::Describe), refused(RoomError::UnknownRoom));
}
