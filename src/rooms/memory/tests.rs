//! What all rooms hold together.

use super::*;
use crate::rooms::Excerpt;
use crate::rooms::Position;

fn submit(memory: &mut Memory, operation: Operation) -> Vec<EngineEvent> {
    memory.submit(0, operation, Clock::default());
    std::iter::from_fn(|| memory.poll()).collect()
}

fn create(memory: &mut Memory) -> RoomId {
    let room = RoomId::random();
    let (name, key) = ("den".to_owned(), [7; 20]);
    submit(memory, Operation::Create { room, name, key });
    room
}

fn say(memory: &mut Memory, room: RoomId, text: &str, reference: Option<u128>) {
    let publish = Operation::Publish {
        room,
        author: Author::Guest("kim".into()),
        text: Some(text.to_owned()),
        reference,
    };
    submit(memory, publish);
}

fn read(memory: &mut Memory, room: RoomId, ask: Ask) -> Excerpt {
    let mut events = submit(memory, Operation::Read { room, ask });
    match events.pop() {
        Some(EngineEvent::Done(_, Ok(Outcome::Excerpt(excerpt)))) => excerpt,
        other => panic!("{other:?}"),
    }
}

#[test]
fn histories_and_marks_of_all_rooms_are_bounded_together() {
    let mut memory = Memory::new(RoomLimits::default());
    memory.limit_history(1 << 20);
    let rooms: Vec<_> = (0..50).map(|_| create(&mut memory)).collect();
    let quiet = create(&mut memory);
    say(&mut memory, quiet, "hello", Some(u128::MAX));
    for number in 0..50_000 {
        say(&mut memory, rooms[number % 50], "x", Some(number as u128));
        assert!(memory.held <= 1 << 20, "{}", memory.held);
    }
    let held: usize = memory.rooms.values().map(Room::held).sum();
    assert_eq!(memory.held, held);
    // With pointers of four bytes the steps in which tables grow fall otherwise.
    let least = if size_of::<usize>() == 8 {
        1 << 19
    } else {
        1 << 18
    };
    assert!(held > least, "{held}");
    say(&mut memory, quiet, "hello", Some(u128::MAX));
    assert_eq!(memory.rooms[&quiet].top, 1, "who says little is remembered");
}

#[test]
fn a_bound_that_is_lowered_is_kept_step_by_step() {
    let mut memory = Memory::new(RoomLimits::default());
    let rooms: Vec<_> = (0..50).map(|_| create(&mut memory)).collect();
    for number in 0..5_000 {
        say(&mut memory, rooms[number % 50], "x", None);
    }
    let before = memory.held;
    memory.limit_history(1000);
    memory.tick(Clock::default());
    assert!(memory.held > before / 2, "one tick does a part");
    for _ in 0..50 {
        memory.tick(Clock::default());
    }
    assert!(memory.held <= 1000, "{}", memory.held);
}

#[test]
fn a_member_that_missed_more_than_is_told_hears_of_the_gap() {
    let limits = RoomLimits {
        history_messages: 1000,
        message_rate: None,
        ..RoomLimits::default()
    };
    let mut memory = Memory::new(limits);
    let room = create(&mut memory);
    (0..300).for_each(|_| say(&mut memory, room, "x", None));
    let epoch = memory.rooms[&room].epoch;
    let since = Some(Position { epoch, id: 10 });
    let mut ask = Ask {
        since,
        last: 100,
        is_page: false,
    };
    let excerpt = read(&mut memory, room, ask);
    let ids = |excerpt: &Excerpt| (excerpt.messages[0].id, excerpt.messages.len());
    assert_eq!((ids(&excerpt), excerpt.recovered), ((201, 100), false));
    assert_eq!(excerpt.gaps, [(11, 200)]);
    ask.is_page = true;
    let page = read(&mut memory, room, ask);
    assert_eq!((ids(&page), page.recovered), ((11, 100), false));
    assert!(page.gaps.is_empty(), "the rest is another page");
}
