//! How much of a disk a journal takes.

use super::*;

#[test]
fn segments_are_bounded_and_old_ones_written_anew() {
    let scratch = Scratch::new("segments");
    let mut memory = scratch.open();
    let rooms: Vec<_> = (0..20).map(|_| create(&mut memory)).collect();
    let text = "x".repeat(60 << 10);
    // Some 40 MiB, as fast as the thread takes it.
    for number in 0..680 {
        say(&mut memory, rooms[number % 20], &format!("{number} {text}"));
        if number % 8 == 7 {
            wait_until(|| holds_last(&scratch, &format!("{number} x")));
        }
    }
    let total: u64 = scratch
        .segments()
        .iter()
        .map(|path| fs::metadata(path).unwrap().len())
        .sum();
    assert!(total < 30 << 20, "{total} bytes");
    let lengths = scratch
        .segments()
        .into_iter()
        .map(|path| fs::metadata(path).unwrap().len());
    assert!(lengths.max().unwrap() <= (4 << 20) + 20 * (256 << 10));
    let newest = texts(&read(&mut memory, rooms[19], None)).len();
    drop(memory);
    let mut memory = scratch.open();
    for room in &rooms {
        let excerpt = read(&mut memory, *room, None);
        assert_eq!((excerpt.top, texts(&excerpt).len()), (34, newest));
    }
}

#[test]
fn a_segment_that_a_full_disk_left_begun_is_begun_anew() {
    let scratch = Scratch::new("begun");
    let mut memory = scratch.open();
    let room = create(&mut memory);
    // As it is when there was room for its name and not for its first bytes.
    fs::write(scratch.0.join("rooms-0000000002.log"), b"dunlin ro").unwrap();
    let text = "x".repeat(60 << 10);
    for number in 0..80 {
        say(&mut memory, room, &format!("{number} {text}"));
        if number % 8 == 7 {
            wait_until(|| holds_last(&scratch, &format!("{number} x")));
        }
    }
    drop(memory);
    let mut memory = scratch.open();
    assert_eq!(read(&mut memory, room, None).top, 80);
}

#[test]
fn many_short_lives_leave_no_more_than_one_long_one() {
    let scratch = Scratch::new("lives");
    let mut memory = scratch.open();
    let room = create(&mut memory);
    let text = "x".repeat(60 << 10);
    for life in 0..100 {
        // Some say much, and most next to nothing.
        let texts = if life < 30 { 12 } else { 1 };
        for _ in 0..texts {
            say(&mut memory, room, &text);
        }
        drop(memory);
        memory = scratch.open();
    }
    let segments = scratch.segments();
    assert!(segments.len() <= 66, "{} segments", segments.len());
    let sizes = segments
        .iter()
        .map(|path| fs::metadata(path).unwrap().len());
    assert!(sizes.sum::<u64>() < 20 << 20);
    assert_eq!(read(&mut memory, room, None).top, 30 * 12 + 70);
}

#[test]
fn what_all_rooms_bring_back_is_bounded_together() {
    let scratch = Scratch::new("total");
    let mut memory = scratch.open();
    let rooms: Vec<_> = (0..40).map(|_| create(&mut memory)).collect();
    let text = "x".repeat(10 << 10);
    for (number, room) in rooms.iter().cycle().take(400).enumerate() {
        say(&mut memory, *room, &format!("{number} {text}"));
        if number % 40 == 39 {
            wait_until(|| holds_last(&scratch, &format!("{number} x")));
        }
    }
    drop(memory);
    let limits = RoomLimits {
        history_total: Some(1 << 20),
        message_rate: None,
        ..RoomLimits::default()
    };
    let mut memory = scratch.open_with(&limits);
    let kept: Vec<usize> = rooms
        .iter()
        .map(|room| texts(&read(&mut memory, *room, None)).len())
        .collect();
    let all: usize = kept.iter().sum();
    assert!(all * text.len() <= 1 << 20, "{kept:?}");
    assert!(kept.iter().all(|count| *count > 0), "{kept:?}");
}

fn holds_last(scratch: &Scratch, text: &str) -> bool {
    let paths = scratch.segments();
    paths.iter().rev().take(2).any(|path| {
        let bytes = fs::read(path).unwrap_or_default();
        bytes
            .windows(text.len())
            .any(|part| part == text.as_bytes())
    })
}
