//! Who comes and goes, and what is told of it when.

use super::*;

struct Room {
    damper: Damper,
    id: RoomId,
    members: usize,
}

impl Room {
    fn new() -> Self {
        Self {
            damper: Damper::default(),
            id: RoomId::random(),
            members: 1,
        }
    }

    fn presence(&self, name: &str) -> Presence {
        Presence {
            room: self.id,
            name: name.into(),
            members: self.members,
            is_counted: false,
            place: 0,
        }
    }

    fn arrives(&mut self, name: &str, now: u64) -> Vec<String> {
        self.members += 1;
        let presence = self.presence(name);
        let news = self.damper.arrived(&presence, now);
        news.iter().map(show).collect()
    }

    fn departs(&mut self, name: &str, now: u64) {
        self.members -= 1;
        let presence = self.presence(name);
        self.damper.departed(&presence, now);
    }

    fn told(&mut self, now: u64) -> Vec<String> {
        std::iter::from_fn(|| self.damper.next(now).as_ref().map(show)).collect()
    }
}

fn show(news: &News) -> String {
    let sign = if news.is_in { '+' } else { '-' };
    let name = news.name.as_deref().unwrap_or("");
    format!("{sign}{name} {}", news.members)
}

#[test]
fn who_comes_is_told_at_once_and_who_goes_a_second_later() {
    let mut room = Room::new();
    assert_eq!(room.arrives("kim", 0), ["+kim 2"]);
    room.departs("kim", 5000);
    assert!(room.told(5999).is_empty());
    assert_eq!(room.told(6000), ["-kim 1"]);
    assert!(room.told(8000).is_empty());
    assert!(room.damper.is_settled() && room.damper.rooms.is_empty());
}

#[test]
fn a_reload_is_no_news() {
    let mut room = Room::new();
    room.arrives("kim", 0);
    assert!(room.told(2000).is_empty());
    room.departs("kim", 3000);
    assert!(room.arrives("kim", 3900).is_empty());
    assert!(room.told(10_000).is_empty());
    assert!(room.damper.is_settled() && room.damper.rooms.is_empty());
}

#[test]
fn a_name_that_flickers_is_told_once_a_second_at_most() {
    let mut room = Room::new();
    let (mut joined, mut left) = (0, 0);
    for tick in 0..1000 {
        let now = tick * 10;
        let told = if tick % 2 == 0 {
            room.arrives("kim", now)
        } else {
            room.departs("kim", now);
            Vec::new()
        };
        for news in told.into_iter().chain(room.told(now)) {
            if news.starts_with('+') {
                joined += 1
            } else {
                left += 1
            }
        }
    }
    assert!(joined <= 11 && left <= 11, "{joined} joined, {left} left");
    let last = room.told(20_000);
    assert_eq!(last, ["-kim 1"], "it is away in the end");
}

#[test]
fn who_was_told_a_number_while_somebody_was_away_is_told_the_right_one() {
    let mut room = Room::new();
    room.members = 3;
    room.departs("kim", 0);
    assert_eq!(room.arrives("lee", 100), ["+lee 3"]);
    assert!(room.arrives("kim", 200).is_empty());
    assert_eq!(room.told(1300), ["+ 4"]);
    assert!(room.told(5000).is_empty());
    assert!(room.damper.is_settled() && room.damper.rooms.is_empty());
}

#[test]
fn a_name_that_comes_back_into_a_crowd_is_not_said_to_be_gone() {
    let mut room = Room::new();
    room.members = CROWD;
    room.departs("kim", 0);
    for name in ["lee", "mo"] {
        room.arrives(name, 100);
    }
    room.arrives("kim", 200);
    let told = room.told(3000);
    assert!(told.iter().all(|news| !news.contains("kim")), "{told:?}");
    assert_eq!(told.last().map(|news| &**news), Some("+ 502"));
}

#[test]
fn a_crowd_that_has_gone_leaves_nothing_behind() {
    let mut room = Room::new();
    for at in 0..5000 {
        room.departs("kim", at);
        room.arrives("kim", at);
    }
    assert!(room.damper.due.capacity() > KEPT);
    while !room.damper.is_settled() {
        room.told(20_000);
    }
    assert!(room.damper.due.capacity() <= KEPT);
}

#[test]
fn of_a_crowd_the_number_is_told_once_a_second() {
    let mut room = Room::new();
    room.members = CROWD;
    for at in 0..100 {
        assert!(room.arrives(&format!("user{at}"), at).is_empty());
    }
    assert!(room.told(999).is_empty());
    assert_eq!(
        room.told(1000),
        [" 600"].map(|members| format!("+{members}"))
    );
    assert!(room.told(5000).is_empty());
    assert!(room.damper.is_settled() && room.damper.rooms.is_empty());
}

#[test]
fn who_is_told_to_be_gone_and_goes_again_unheard_is_out_of_the_number() {
    let mut room = Room::new();
    room.arrives("kim", 0);
    room.departs("kim", 5000);
    assert_eq!(room.told(6000), ["-kim 1"]);
    // It came back where nobody heard of it, and somebody was told a number with it.
    room.members = 3;
    room.damper.counted(room.id, 3);
    room.departs("kim", 6600);
    assert_eq!(room.told(8000), ["+ 2"]);
    assert!(room.told(10_000).is_empty());
}

#[test]
fn a_number_is_told_at_once_where_pushes_were_missed() {
    let mut room = Room::new();
    let news = room.damper.counted_anew(room.id, 7, 0);
    assert_eq!(show(&news), "+ 7");
    assert!(room.told(2000).is_empty());
    // Less than somebody knew a moment ago.
    room.members = 7;
    room.arrives("kim", 3000);
    let news = room.damper.counted_anew(room.id, 2, 3100);
    assert_eq!(show(&news), "- 2");
    assert!(room.told(6000).is_empty());
    assert!(room.damper.is_settled());
}

#[test]
fn who_was_told_a_number_ahead_of_who_came_and_went_is_told_the_last_one() {
    let mut room = Room::new();
    room.members = 8;
    // It was told seven, for somebody had left.
    room.damper.is_ahead(room.id, 8, 7, 0);
    room.departs("kim", 10);
    assert!(room.arrives("kim", 20).is_empty());
    assert_eq!(room.told(1500), ["+ 8"]);
    assert!(room.told(5000).is_empty());
    // Where all is as it was told, nothing more is.
    room.damper.is_ahead(room.id, 8, 8, 6000);
    assert!(room.told(9000).is_empty());
    assert!(room.damper.is_settled());
}

#[test]
fn a_number_that_somebody_was_told_ahead_of_a_crowd_is_told_to_the_crowd() {
    let mut room = Room::new();
    room.members = CROWD + 2;
    room.damper
        .is_ahead(room.id, room.members, room.members - 1, 0);
    room.departs("kim", 10);
    assert_eq!(room.told(1500), [format!("- {}", CROWD + 1)]);
    assert!(room.told(5000).is_empty());
    assert!(room.damper.is_settled());
}

#[test]
fn who_was_out_of_the_number_before_it_is_said_to_have_left_is_in_it_when_it_is_back() {
    let mut room = Room::new();
    room.members = 8;
    let left = Presence {
        is_counted: true,
        ..room.presence("kim")
    };
    room.damper.departed(&left, 0);
    assert!(room.arrives("kim", 10).is_empty());
    assert_eq!(room.told(2000), ["+ 9"]);
    assert!(room.told(5000).is_empty());
    // Who stays away is said to have left, and the number stays.
    room.damper.departed(&Presence { members: 9, ..left }, 6000);
    assert_eq!(room.told(7000), ["-kim 9"]);
    assert!(room.told(9000).is_empty());
}

#[test]
fn who_comes_in_where_nobody_heard_of_who_left_is_told_no_older_number() {
    let mut room = Room::new();
    room.members = 7;
    assert_eq!(room.arrives("kim", 0), ["+kim 8"]);
    // All who were here are gone, and somebody leaves elsewhere.
    room.damper.is_ahead(room.id, 8, 7, 400);
    assert_eq!(room.told(1500), ["- 7"]);
    assert!(room.told(5000).is_empty());
    assert!(room.damper.is_settled());
}
