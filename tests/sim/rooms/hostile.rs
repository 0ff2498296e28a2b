//! What a peer can do to a room and to its members.

use super::*;
use dunlin::rooms::{Enter, Format, FormatId, Member, RoomId, Rooms, Told};
use dunlin::testing::Received;
use dunlin::{CloseReason, Handler, Message, Open, Request, Session};
use std::time::Duration;

/// A character that takes nine bytes when an error repeats it as Rust does.
const UNSEEN: &str = "\u{200b}";

#[test]
fn an_error_does_not_repeat_a_text_in_the_wrong_place() {
    let (sim, room) = server();
    let long = UNSEEN.repeat(100_000);
    let (v1, plain) = (v1(&sim), plain(&sim));
    for wrong in [
        format!(r#"{{"type":"ENTER","roomId":"{room}","sender":"kim","since":"{long}"}}"#),
        format!(
            r#"{{"type":"ENTER","roomId":"{room}","sender":"kim","since":{{"epoch":"0","id":"{long}"}}}}"#
        ),
        format!(r#"{{"type":"ENTER","roomId":"{room}","sender":"kim","last":"{long}"}}"#),
        format!(r#""{long}""#),
        format!(r#"["ENTER","{room}","kim",null]"#),
    ] {
        v1.send(&*wrong);
        let error = v1.receive_text();
        assert!(
            error.contains("bad-json") && error.len() < 400,
            "{} bytes",
            error.len()
        );
    }
    for wrong in [
        format!(r#""{long}""#),
        format!(r#"["ENTER","{room}","kim",null]"#),
    ] {
        plain.send(&*wrong);
        let error = plain.receive_text();
        assert!(error.starts_with(r#"{"type":"ERROR","roomId":null,"sender":"server""#));
        assert!(error.len() < 400, "{} bytes", error.len());
    }
    let messages = format!("/chat/{room}/messages");
    let request = sim.request(Method::Post, &messages);
    let request = request.header("Content-Type", "application/json");
    let answer = request
        .body(format!("\"{}\"", UNSEEN.repeat(20_000)))
        .send();
    assert_eq!(answer.status().code(), 400);
    assert!(answer.text().len() < 400, "{} bytes", answer.text().len());
}

#[test]
fn a_history_full_of_escapes_keeps_nobody_out() {
    let (sim, room) = server();
    let kim = v1_member(&sim, &room, "kim");
    for _ in 0..40 {
        talk(&kim, &room, &"\\u0001".repeat(60_000), "");
        sim.advance(Duration::from_millis(100));
        kim.receive_all();
    }
    let lee = v1(&sim);
    let entered = enter(&lee, &room, "lee", r#","last":100"#);
    assert_eq!(entered["type"], "ENTERED");
    assert!(entered.to_string().len() < 300 << 10);
    talk(&lee, &room, "hi", "");
    assert_eq!(json(&lee)["message"], "hi");
}

#[test]
fn who_goes_on_entering_too_fast_ends_with_1008() {
    let (sim, room) = server();
    let kim = v1(&sim);
    // Within the rate of messages, and more than twice the rate of ENTERs.
    for _ in 0..250 {
        kim.send(format!(
            r#"{{"type":"ENTER","roomId":"{room}","sender":"kim"}}"#
        ));
        sim.advance(Duration::from_millis(20));
    }
    let last = kim.receive_all().pop();
    assert!(
        matches!(last, Some(Received::Close { code, .. }) if code == 1008.into()),
        "{last:?}"
    );
}

#[test]
fn a_crowd_is_let_go_part_by_part_when_its_room_is_deleted() {
    let (sim, room) = server();
    let key = {
        let made = sim.request(Method::Post, "/chat?name=den").send();
        let room = made.json::<Value>()["roomId"].as_str().unwrap().to_owned();
        (room, made.field("room-key").expect("a key").to_owned())
    };
    let (crowded, key) = key;
    let members: Vec<_> = (0..300)
        .map(|at| plain_member(&sim, &crowded, &format!("user{at}")))
        .collect();
    let both = v1_member(&sim, &crowded, "both");
    assert_eq!(enter(&both, &room, "both", "")["type"], "ENTERED");
    sim.advance(Duration::from_secs(3));
    let request = sim.request(Method::Delete, &format!("/chat/{crowded}"));
    assert_eq!(request.header("Room-Key", &key).send().status().code(), 204);
    let is_close = |received: &Received| matches!(received, Received::Close { .. });
    let closed = || {
        let closed = members
            .iter()
            .filter(|member| member.receive_all().iter().any(is_close));
        closed.count()
    };
    let first = closed();
    assert!(first <= 64, "{first} at once");
    talk(&both, &crowded, "hi", "");
    sim.advance(Duration::from_millis(20));
    assert_eq!(first + closed(), 300);
    let told = both.receive_all();
    let is_closed = |received: &Received| format!("{received:?}").contains("Room closed");
    assert!(told.iter().any(is_closed), "{told:?}");
    talk(&both, &room, "here", "");
    assert_eq!(json(&both)["message"], "here", "another room goes on");
}

#[test]
fn a_crowd_that_leaves_at_once_is_told_part_by_part() {
    let (sim, room) = server();
    let members: Vec<_> = (0..400)
        .map(|at| v1_member(&sim, &room, &format!("user{at}")))
        .collect();
    let kim = v1_member(&sim, &room, "kim");
    sim.advance(Duration::from_secs(3));
    kim.receive_all();
    members.iter().for_each(|member| member.cut());
    sim.drive();
    let (mut told, mut most) = (0, 0);
    for _ in 0..1500 {
        sim.advance(Duration::from_millis(1));
        let now = kim.receive_all().len();
        (told, most) = (told + now, most.max(now));
    }
    assert_eq!(told, 400);
    assert!(most <= 64, "{most} in a millisecond");
}

/// Words for members that panic when somebody has left.
struct Touchy;

impl Format for Touchy {
    fn encode(&self, _: Option<RoomId>, told: &Told<'_>) -> Option<String> {
        match told {
            Told::Left { .. } => panic!("nobody leaves"),
            _ => None,
        }
    }
}

/// A route whose sessions enter the room that they name.
struct Entrance(Rooms, FormatId);

impl Handler for Entrance {
    type Data = Member;

    fn open(&mut self, _: &Request<'_>, session: &mut Session<'_>) -> Open<Member> {
        Open::Accept(self.0.admit(session, self.1))
    }

    fn message(&mut self, member: &mut Member, session: &mut Session<'_>, message: Message<'_>) {
        let Message::Text(room) = message else { return };
        let room = room.parse().expect("a room");
        let enter = Enter {
            name: "touchy",
            ..Enter::default()
        };
        let entered = self.0.enter(session.context(), member, room, &enter);
        entered.expect("a good name");
    }

    fn close(&mut self, member: Member, session: &mut Session<'_>, _: &CloseReason) {
        self.0.depart(session.context(), &member);
    }
}

#[test]
fn time_goes_on_for_rooms_after_a_panic_in_the_words_of_a_program() {
    let rooms = Rooms::new();
    let format = rooms.add_format(Touchy);
    let app = App::new().ws("/touchy", Entrance(rooms.clone(), format));
    let sim = Sim::new(apps::rooms::mount_with(app, &rooms)).expect("a good program");
    sim.expect_panics();
    let room = create(&sim, "den");
    let touchy = sim.open("/touchy");
    touchy.send(&*room);
    let (kim, lee) = (v1_member(&sim, &room, "kim"), v1_member(&sim, &room, "lee"));
    kim.cut();
    sim.advance(Duration::from_secs(2));
    assert_eq!(sim.take_panics().len(), 1);
    touchy.cut();
    sim.advance(Duration::from_secs(3));
    lee.receive_all();
    let max = v1_member(&sim, &room, "max");
    max.cut();
    sim.advance(Duration::from_secs(3));
    let told = lee.receive_all();
    assert!(format!("{told:?}").contains("LEFT"), "{told:?}");
}

#[test]
fn a_follower_that_missed_more_than_its_backlog_holds_gets_all_of_it_by_coming_back() {
    let rooms = Rooms::new();
    let app = apps::rooms::mount_with(App::new(), &rooms);
    let app = app.map_settings(|settings| settings.backlog_mark(10_000).backlog_limit(40_000));
    let sim = Sim::new(app).expect("a good program");
    let room = create(&sim, "den");
    let kim = v1_member(&sim, &room, "kim");
    let events = format!("/chat/{room}/events");
    let follower = sim.follow(&events);
    talk(&kim, &room, "one", "");
    let mut id = follower
        .next_event()
        .and_then(|event| event.id)
        .expect("an id");
    follower.cut();
    for _ in 0..20 {
        talk(&kim, &room, &"x".repeat(5000), "");
        kim.receive_all();
    }
    let mut came = Vec::new();
    for _ in 0..20 {
        let again = sim.follow(&format!("{events}?since={id}"));
        let ids = again.receive_all().into_iter().filter_map(|event| event.id);
        came.extend(ids);
        id = came.last().expect("an event").clone();
        if came.len() >= 20 {
            break;
        }
        sim.advance(Duration::from_secs(1));
        assert!(again.end().is_some(), "it is told to come again: {came:?}");
    }
    let numbers = came.iter().map(|id| id.rsplit(':').next().unwrap());
    assert!(
        numbers.eq((2..=21).map(|number| number.to_string())),
        "{came:?}"
    );
}
