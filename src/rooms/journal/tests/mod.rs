//! What a journal brings back, after an end in order, after a kill, and after damage.

mod space;

use super::Journal;
use super::boot::boot_id;
use super::load::{self, Worth};
use super::record::Record;
use super::segments::{self, Folder};
use crate::config::RoomLimits;
use crate::rooms::RoomId;
use crate::rooms::engine::{Ask, Author, Clock, Engine, EngineEvent, Operation, Outcome};
use crate::rooms::memory::Memory;
use crate::rooms::{Excerpt, Position};
use crate::wire::error::ErrorKind;
use std::fs;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// A folder of its own, removed in the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("dunlin-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Self(path)
    }

    fn open(&self) -> Memory {
        let limits = RoomLimits {
            message_rate: None,
            ..RoomLimits::default()
        };
        self.open_with(&limits)
    }

    fn open_with(&self, limits: &RoomLimits) -> Memory {
        let (journal, saved) = Journal::open(&self.0, limits, clock()).expect("a good folder");
        Memory::with_journal(limits.clone(), journal, saved, clock())
    }

    /// What a kill leaves: the files as they are now.
    fn copy(&self, name: &str) -> Scratch {
        let copy = Scratch::new(name);
        fs::create_dir_all(&copy.0).unwrap();
        for entry in fs::read_dir(&self.0).unwrap() {
            let path = entry.unwrap().path();
            fs::copy(&path, copy.0.join(path.file_name().unwrap())).unwrap();
        }
        copy
    }

    fn segments(&self) -> Vec<PathBuf> {
        let mut paths: Vec<_> = fs::read_dir(&self.0)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|end| end == "log"))
            .collect();
        paths.sort();
        paths
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn clock() -> Clock {
    Clock {
        now: 1_000_000,
        unix: crate::rooms::state::unix(),
    }
}

fn ask(memory: &mut Memory, operation: Operation) -> Outcome {
    memory.submit(0, operation, clock());
    let first = memory.poll();
    while memory.poll().is_some() {}
    match first {
        Some(EngineEvent::Done(_, outcome)) => outcome.expect("a good operation"),
        Some(EngineEvent::Message { epoch, message, .. }) => Outcome::Published(epoch, message),
        other => panic!("{other:?}"),
    }
}

fn create(memory: &mut Memory) -> RoomId {
    let room = RoomId::random();
    let (name, key) = ("den".to_owned(), [7; 20]);
    ask(memory, Operation::Create { room, name, key });
    room
}

fn say(memory: &mut Memory, room: RoomId, text: &str) -> Position {
    say_once(memory, room, text, None)
}

fn say_once(memory: &mut Memory, room: RoomId, text: &str, reference: Option<u128>) -> Position {
    let author = Author::Guest(Rc::from("kim"));
    let text = Some(text.to_owned());
    let publish = Operation::Publish {
        room,
        author,
        text,
        reference,
    };
    match ask(memory, publish) {
        Outcome::Published(epoch, message) => Position {
            epoch,
            id: message.id,
        },
        other => panic!("{other:?}"),
    }
}

fn read(memory: &mut Memory, room: RoomId, since: Option<Position>) -> Excerpt {
    let (last, is_page) = (100, true);
    let ask_for = Ask {
        since,
        last,
        is_page,
    };
    let read = Operation::Read { room, ask: ask_for };
    match ask(memory, read) {
        Outcome::Excerpt(excerpt) => excerpt,
        other => panic!("{other:?}"),
    }
}

fn texts(excerpt: &Excerpt) -> Vec<&str> {
    let messages = excerpt.messages.iter();
    messages
        .map(|message| message.text.as_deref().unwrap())
        .collect()
}

/// Waits until the thread has written so many bytes that a condition on the files holds.
fn wait_until(condition: impl Fn() -> bool) {
    let until = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < until, "the thread does not write");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn holds(scratch: &Scratch, text: &str) -> bool {
    let mut paths = scratch.segments().into_iter();
    paths.any(|path| {
        let bytes = fs::read(path).unwrap_or_default();
        bytes
            .windows(text.len())
            .any(|part| part == text.as_bytes())
    })
}

#[test]
fn an_end_in_order_keeps_rooms_ids_history_and_marks() {
    let scratch = Scratch::new("order");
    let mut memory = scratch.open();
    let (first, second) = (create(&mut memory), create(&mut memory));
    say(&mut memory, first, "one");
    let position = say_once(&mut memory, first, "two", Some(7));
    let deleted = create(&mut memory);
    ask(
        &mut memory,
        Operation::Delete {
            room: deleted,
            key: [7; 20],
        },
    );
    drop(memory);
    let mut memory = scratch.open();
    let Outcome::List(rooms) = ask(&mut memory, Operation::List { after: 0, most: 9 }) else {
        panic!("a list");
    };
    let ids: Vec<_> = rooms.iter().map(|room| room.id).collect();
    assert_eq!(ids, [first, second]);
    let excerpt = read(&mut memory, first, Some(position));
    assert!(excerpt.recovered && excerpt.messages.is_empty());
    assert_eq!(texts(&read(&mut memory, first, None)), ["one", "two"]);
    assert_eq!(say_once(&mut memory, first, "two", Some(7)), position);
    let next = say(&mut memory, first, "three");
    assert_eq!((next.epoch, next.id), (position.epoch, 3));
    let wrong = Operation::Delete {
        room: first,
        key: [8; 20],
    };
    memory.submit(0, wrong, clock());
    assert!(
        matches!(memory.poll(), Some(EngineEvent::Done(_, Err(_)))),
        "its key is kept"
    );
}

#[test]
fn a_kill_keeps_the_epoch_and_gives_no_id_twice() {
    let scratch = Scratch::new("kill");
    let mut memory = scratch.open();
    let room = create(&mut memory);
    let mut given = Vec::new();
    for number in 0..500 {
        given.push(say(&mut memory, room, &format!("message {number}.")));
        if number == 400 {
            wait_until(|| holds(&scratch, "message 400."));
        }
    }
    let killed = scratch.copy("killed");
    let mut memory = killed.open();
    let excerpt = read(&mut memory, room, None);
    assert!(excerpt.top >= 500, "{}", excerpt.top);
    let next = say(&mut memory, room, "next");
    assert!(given.iter().all(|position| *position != next), "{next}");
    let written = read(&mut memory, room, Some(given[400]));
    assert!(!written.recovered, "nobody knows what was said last");
}

#[test]
fn a_second_kill_loses_no_more_than_the_first_and_forgets_no_mark() {
    let scratch = Scratch::new("twice");
    let mut memory = scratch.open();
    let room = create(&mut memory);
    say(&mut memory, room, "first life");
    let marked = say_once(&mut memory, room, "marked", Some(7));
    wait_until(|| holds(&scratch, "marked"));
    let killed = scratch.copy("twice-killed");
    let mut memory = killed.open();
    let second = say(&mut memory, room, "second life");
    wait_until(|| holds(&killed, "second life"));
    let again = killed.copy("twice-killed-again");
    let mut memory = again.open();
    say(&mut memory, room, "third life");
    let lives = ["first life", "marked", "second life", "third life"];
    let excerpt = read(&mut memory, room, Some(marked));
    assert_eq!(texts(&excerpt), lives[2..]);
    let (first, last) = (second.id + 1, excerpt.top - 1);
    assert_eq!(
        excerpt.gaps,
        [(marked.id + 1, second.id - 1), (first, last)]
    );
    assert!(!excerpt.recovered);
    assert_eq!(texts(&read(&mut memory, room, None)), lives);
    assert_eq!(say_once(&mut memory, room, "marked", Some(7)), marked);
}

#[test]
fn a_kill_right_after_a_start_gives_no_id_twice() {
    let scratch = Scratch::new("early");
    let mut memory = scratch.open();
    let room = create(&mut memory);
    say(&mut memory, room, "before");
    drop(memory);
    let mut memory = scratch.open();
    let killed = scratch.copy("early-killed");
    let given = say(&mut memory, room, "not on disk yet");
    let mut memory = killed.open();
    let next = say(&mut memory, room, "next");
    assert_eq!(next.epoch, given.epoch);
    assert_ne!(next, given);
}

#[test]
fn ids_that_are_used_up_faster_than_the_disk_writes_are_of_a_new_epoch() {
    let scratch = Scratch::new("fast");
    let mut memory = scratch.open();
    let room = create(&mut memory);
    wait_until(|| holds(&scratch, "den"));
    let given: Vec<_> = (0..300).map(|_| say(&mut memory, room, "x")).collect();
    assert!(
        given
            .iter()
            .any(|position| position.epoch != given[0].epoch)
    );
    let killed = scratch.copy("fast-killed");
    let mut memory = killed.open();
    let next = say(&mut memory, room, "next");
    assert!(given.iter().all(|position| *position != next), "{next}");
}

#[test]
fn another_boot_of_the_machine_begins_new_epochs() {
    let scratch = Scratch::new("boot");
    let mut memory = scratch.open();
    let room = create(&mut memory);
    let position = say(&mut memory, room, "before");
    wait_until(|| holds(&scratch, "before"));
    let crashed = scratch.copy("boot-crashed");
    // The boot id stands in the first record of the segment.
    let path = crashed.segments().pop().unwrap();
    let mut bytes = fs::read(&path).unwrap();
    let start = segments::MAGIC.len();
    let mut run = Vec::new();
    Record::Run([1; 16]).write(&mut run);
    bytes[start..start + run.len()].copy_from_slice(&run);
    fs::write(&path, bytes).unwrap();
    let mut memory = crashed.open();
    let excerpt = read(&mut memory, room, Some(position));
    assert!(excerpt.epoch != position.epoch && !excerpt.recovered);
    assert_eq!(texts(&excerpt), ["before"]);
    // A kill before all rooms have their new epochs on disk is no kill of a run of theirs.
    let half = crashed.copy("boot-half");
    let path = half.segments().pop().unwrap();
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() - run.len()]).unwrap();
    let excerpt = read(&mut half.open(), room, Some(position));
    assert_ne!(excerpt.epoch, position.epoch);
}

#[test]
fn a_journal_that_is_cut_or_damaged_anywhere_opens_with_what_is_before_that() {
    let scratch = Scratch::new("damage");
    let mut memory = scratch.open();
    let room = create(&mut memory);
    for text in ["one", "two", "three"] {
        say(&mut memory, room, text);
    }
    drop(memory);
    let bytes = fs::read(&scratch.segments()[0]).unwrap();
    for at in 0..bytes.len() {
        for damage in [true, false] {
            let copy = scratch.copy("damage-copy");
            let mut changed = bytes.clone();
            if damage {
                changed[at] ^= 0x10;
            } else {
                changed.truncate(at);
            }
            fs::write(&copy.segments()[0], changed).unwrap();
            let folder = Folder::open(&copy.0).unwrap();
            let worth = Worth {
                messages: 100,
                time: 300_000,
                bytes: 256 << 10,
                total: 64 << 20,
            };
            let loaded = load::load(&folder, boot_id(), worth, clock().unix).unwrap();
            let Some(saved) = loaded.saved.first() else {
                continue;
            };
            let ids: Vec<_> = saved
                .messages
                .iter()
                .map(|(message, _)| message.id)
                .collect();
            assert_eq!(ids, (1..=ids.len() as u64).collect::<Vec<_>>());
            assert!(saved.top >= 3, "an id would be given twice, cut at {at}");
            drop(folder);
            // What was cut is gone: it opens again as it did.
            let folder = Folder::open(&copy.0).unwrap();
            let again = load::load(&folder, boot_id(), worth, clock().unix).unwrap();
            assert_eq!(again.saved.len(), 1);
        }
    }
}

#[test]
fn two_processes_cannot_have_one_folder() {
    let scratch = Scratch::new("lock");
    let memory = scratch.open();
    let refused = Journal::open(&scratch.0, &RoomLimits::default(), clock());
    let error = refused.err().expect("locked");
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("another process"), "{error}");
    drop(memory);
    scratch.open();
}

#[test]
fn what_a_full_queue_loses_is_no_false_recovery() {
    let scratch = Scratch::new("full");
    let mut memory = scratch.open();
    let room = create(&mut memory);
    let text = "x".repeat(60 << 10);
    let positions: Vec<_> = (0..200).map(|_| say(&mut memory, room, &text)).collect();
    drop(memory);
    let mut memory = scratch.open();
    let excerpt = read(&mut memory, room, None);
    assert_eq!(excerpt.top, 200);
    for position in positions {
        let excerpt = read(&mut memory, room, Some(position));
        let there = excerpt.messages.len() as u64;
        assert!(
            !excerpt.recovered || there == 200 - position.id,
            "{position}: {there}"
        );
    }
}

#[test]
fn a_text_that_fills_the_queue_alone_is_kept() {
    let scratch = Scratch::new("long");
    let limits = RoomLimits {
        max_text: 1 << 20,
        history_bytes: 4 << 20,
        ..RoomLimits::default()
    };
    let mut memory = scratch.open_with(&limits);
    let room = create(&mut memory);
    wait_until(|| fs::metadata(&scratch.segments()[0]).unwrap().len() > 100);
    let text = "x".repeat(1 << 20);
    say(&mut memory, room, &text);
    drop(memory);
    let mut memory = scratch.open_with(&limits);
    assert_eq!(texts(&read(&mut memory, room, None)), [text]);
}
