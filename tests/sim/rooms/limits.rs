//! Rooms at their limits, and at the same moment.

use super::*;
use dunlin::Limits;
use dunlin::config::RoomLimits;
use dunlin::rooms::Rooms;
use std::time::Duration;

fn server_with(change: impl FnOnce(&mut RoomLimits)) -> Sim {
    let mut limits = RoomLimits::default();
    limits.message_rate = None;
    change(&mut limits);
    let rooms = Rooms::with_limits(limits).expect("limits within bounds");
    Sim::new(apps::rooms::mount_with(App::new(), &rooms)).expect("a good program")
}

fn post(sim: &Sim, room: &str, text: &str) {
    let messages = format!("/chat/{room}/messages");
    let answer = sim.request(Method::Post, &messages).body(text).send();
    assert_eq!(answer.status().code(), 200, "{}", answer.text());
}

/// What a room remembers.
fn kept(sim: &Sim, room: &str) -> Vec<String> {
    let read = sim.get(&format!("/chat/{room}/messages")).json::<Value>();
    let messages = read["messages"].as_array().expect("messages");
    let text = |message: &Value| message["message"].as_str().expect("a text").to_owned();
    messages.iter().map(text).collect()
}

#[test]
fn of_two_that_want_one_name_at_the_same_moment_one_has_it() {
    for seed in 0..20 {
        let app = apps::rooms::mount(App::new());
        let sim = Sim::with(app, Limits::default(), seed).unwrap();
        sim.shake();
        let room = create(&sim, "den");
        let (one, two) = (v1(&sim), v1(&sim));
        let third = plain(&sim);
        let said = line("ENTER", &room, "kim", "");
        for session in [&one, &two, &third] {
            session.send(said.as_str());
        }
        sim.drive();
        let first = [&one, &two, &third].map(json);
        let is_in = |answer: &&Value| answer["type"] != "ERROR";
        assert_eq!(
            first.iter().filter(is_in).count(),
            1,
            "seed {seed}: {first:?}"
        );
        let members = sim.get(&format!("/chat/{room}/members")).json::<Value>();
        assert_eq!(
            (&members["members"], &members["names"][0]),
            (&1.into(), &"kim".into()),
            "seed {seed}"
        );
        sim.advance(Duration::from_secs(3));
        assert_eq!(
            one.waiting() + two.waiting() + third.waiting(),
            0,
            "seed {seed}"
        );
    }
}

#[test]
fn ten_thousand_rooms_are_kept_and_listed_and_one_more_when_one_is_deleted() {
    let (sim, first) = server();
    let made = |number: usize| {
        let answer = sim
            .request(Method::Post, &format!("/chat?name=r{number}"))
            .send();
        let key = answer.field("room-key").unwrap_or_default().to_owned();
        (answer.status().code(), answer.text().to_owned(), key)
    };
    let rooms: Vec<_> = (1..10_000).map(made).collect();
    assert!(rooms.iter().all(|(status, ..)| *status == 200));
    assert_eq!(made(10_000).0, 503);
    let list = sim.get("/chat").json::<Value>();
    let list = list.as_array().expect("a list");
    assert_eq!(list.len(), 10_000);
    assert_eq!(list[0]["roomId"], *first);
    let kim = v1(&sim);
    let last = serde_json::from_str::<Value>(&rooms[9998].1).unwrap()["roomId"].clone();
    let last = last.as_str().expect("an id");
    assert_eq!(enter(&kim, last, "kim", "")["type"], "ENTERED");
    let (_, text, key) = &rooms[4000];
    let room = serde_json::from_str::<Value>(text).unwrap()["roomId"].clone();
    let gone = sim
        .request(Method::Delete, &format!("/chat/{}", room.as_str().unwrap()))
        .header("Room-Key", key)
        .send();
    assert_eq!(gone.status().code(), 204);
    assert_eq!((made(0).0, made(0).0), (200, 503));
}

#[test]
fn all_histories_together_stay_within_their_bound_and_the_newest_survive() {
    const TOTAL: usize = 1 << 20;
    let sim = server_with(|limits| limits.history_total = Some(TOTAL));
    let rooms: Vec<_> = (0..60).map(|_| create(&sim, "a")).collect();
    for round in 0..4 {
        for (number, room) in rooms.iter().enumerate() {
            let text = format!("{round} {}", "x".repeat(10_000 + 300 * number));
            post(&sim, room, &text);
            let newest = kept(&sim, room);
            assert_eq!(newest.last(), Some(&text), "room {number}, round {round}");
        }
    }
    let texts: Vec<_> = rooms.iter().flat_map(|room| kept(&sim, room)).collect();
    let bytes: usize = texts.iter().map(String::len).sum();
    assert!(bytes <= TOTAL, "{bytes} bytes");
    assert!(bytes > TOTAL * 9 / 10, "only {bytes} bytes are used");
}

#[test]
fn a_room_that_speaks_for_the_first_time_is_remembered_though_others_have_filled_all_there_is() {
    let sim = server_with(|limits| limits.history_total = Some(1 << 20));
    let rooms: Vec<_> = (0..60).map(|_| create(&sim, "a")).collect();
    for _ in 0..3 {
        for room in &rooms[20..50] {
            post(&sim, room, &"x".repeat(20_000));
        }
    }
    post(&sim, &rooms[0], "hello");
    post(&sim, &rooms[55], "hello");
    assert_eq!(kept(&sim, &rooms[0]), ["hello"]);
    assert_eq!(kept(&sim, &rooms[55]), ["hello"]);
    sim.advance(Duration::from_secs(3));
    post(&sim, &rooms[20], &"x".repeat(60_000));
    assert_eq!(kept(&sim, &rooms[0]), ["hello"]);
}

#[test]
fn a_session_hears_each_of_its_64_rooms_and_may_enter_another_when_it_leaves_one() {
    let sim = server_with(|limits| (limits.join_rate, limits.message_rate) = (None, None));
    let rooms: Vec<_> = (0..66).map(|_| create(&sim, "a")).collect();
    let (kim, lee) = (v1(&sim), plain(&sim));
    for (number, room) in rooms.iter().enumerate() {
        let told = enter(&kim, room, "kim", "");
        lee.send(line("ENTER", room, "lee", ""));
        let answer = json(&lee);
        let wanted = if number < 64 {
            ["ENTERED", "ENTER"]
        } else {
            ["ERROR"; 2]
        };
        assert_eq!([&told["type"], &answer["type"]], wanted, "{told} {answer}");
        kim.receive_all();
    }
    for room in &rooms[..64] {
        post(&sim, room, room);
        assert_eq!(json(&kim)["message"], **room);
        assert_eq!(json(&lee)["message"], **room);
    }
    for session in [&kim, &lee] {
        let name = if std::ptr::eq(session, &kim) {
            "kim"
        } else {
            "lee"
        };
        session.send(line("LEAVE", &rooms[7], name, ""));
        session.send(line("ENTER", &rooms[64], name, ""));
        session.send(line("ENTER", &rooms[65], name, ""));
    }
    kim.receive_all();
    lee.receive_all();
    let members =
        |room: &str| sim.get(&format!("/chat/{room}")).json::<Value>()["sessions"].clone();
    assert_eq!(members(&rooms[7]), 0);
    assert_eq!(
        (members(&rooms[64]), members(&rooms[65])),
        (2.into(), 0.into())
    );
    post(&sim, &rooms[7], "gone");
    post(&sim, &rooms[64], "here");
    assert_eq!(json(&kim)["message"], "here");
    assert_eq!(json(&lee)["message"], "here");
    kim.cut();
    lee.cut();
    sim.advance(Duration::from_secs(3));
    assert!(rooms.iter().all(|room| members(room) == 0));
    assert_eq!(sim.topics(), 0);
}

#[test]
fn a_follower_is_told_when_its_room_gives_way_to_a_new_one() {
    let sim = server_with(|limits| limits.max_rooms = 1);
    let room = create(&sim, "old");
    let follower = sim.follow(&format!("/chat/{room}/events"));
    sim.advance(Duration::from_secs(61));
    create(&sim, "new");
    sim.advance(Duration::from_millis(100));
    let event = follower.next_event().expect("an event");
    assert_eq!(event.name.as_deref(), Some("closed"));
    assert!(follower.end().is_some());
}

#[test]
fn a_mark_stays_that_of_its_member_when_it_tells_its_secret_elsewhere() {
    let (sim, room) = server();
    let other = create(&sim, "other");
    let kim = v1_member(&sim, &room, "kim");
    talk(&kim, &room, "hi", r#","ref":"1""#);
    let first = json(&kim);
    let client = r#","client":"0123456789abcdef""#;
    assert_eq!(enter(&kim, &other, "kim", client)["type"], "ENTERED");
    talk(&kim, &room, "hi", r#","ref":"1""#);
    assert_eq!(json(&kim), first);
}

#[test]
fn a_member_that_tells_its_secret_later_is_no_other_one() {
    let (sim, room) = server();
    let kim = v1_member(&sim, &room, "kim");
    let client = r#","client":"0123456789abcdef""#;
    assert_eq!(enter(&kim, &room, "kim", client)["type"], "ENTERED");
    let again = v1(&sim);
    assert_eq!(enter(&again, &room, "kim", client)["members"], 1);
    assert_eq!(json(&kim)["reason"], "replaced");
}

#[test]
fn who_comes_back_to_a_long_history_gets_the_newest_of_it_and_is_told_of_the_rest() {
    let sim = server_with(|limits| limits.history_messages = 300);
    let room = create(&sim, "den");
    let kim = v1(&sim);
    let entered = enter(&kim, &room, "kim", "");
    let epoch = entered["epoch"].as_str().unwrap();
    (0..250).for_each(|number| post(&sim, &room, &number.to_string()));
    let since = format!(r#","since":{{"epoch":"{epoch}","id":10}}"#);
    let lee = v1(&sim);
    let entered = enter(&lee, &room, "lee", &since);
    assert_eq!(entered["recovered"], false);
    let messages = entered["messages"].as_array().unwrap();
    assert_eq!(
        (&messages[0]["id"], &messages[99]["id"]),
        (&151.into(), &250.into())
    );
    let gap = format!(r#"{{"type":"GAP","roomId":"{room}","from":11,"to":150}}"#);
    assert_eq!(lee.receive_text(), gap);
    let follower = sim.follow(&format!("/chat/{room}/events?since={epoch}:10"));
    assert_eq!(follower.next_data(), gap);
    let heard = follower.receive_all();
    let last = heard.last().and_then(|event| event.id.clone());
    assert_eq!((heard.len(), last), (100, Some(format!("{epoch}:250"))));
    // Over HTTP a page is the first of what comes behind it: the next one goes on.
    let page = sim
        .get(&format!("/chat/{room}/messages?after=10&epoch={epoch}"))
        .json::<Value>();
    assert_eq!(page["messages"][0]["id"], 11);
}
