//! Members and followers that read slowly where the backlog policy drops messages: they are told so, and get
//! what they missed when they come back.

use super::*;
use dunlin::BacklogPolicy;
use std::time::Duration;

fn server_that_drops(policy: BacklogPolicy) -> (Sim, String) {
    let app = apps::rooms::mount(App::new()).map_settings(|settings| {
        let settings = settings.backlog_mark(2 << 10).backlog_limit(4 << 10);
        settings.backlog(policy)
    });
    let sim = Sim::new(app).expect("a good program");
    let room = create(&sim, "den");
    (sim, room)
}

/// Long texts and short ones: where a long one found no room, a short one may.
fn say_much(sim: &Sim, from: &Conversation, room: &str) {
    for number in 0..45 {
        let length = if number % 3 == 0 { 700 } else { 20 };
        talk(from, room, &"x".repeat(length), "");
        sim.drive();
    }
}

/// The ids of the messages that came, and what came behind them.
fn split(told: &[Value]) -> (Vec<u64>, Vec<&Value>) {
    let talks = told.iter().filter_map(|told| told["id"].as_u64());
    let others = told.iter().filter(|told| told["type"] != "TALK");
    (talks.collect(), others.collect())
}

#[test]
fn a_slow_member_is_told_that_it_is_out_and_gets_what_it_missed() {
    for policy in [BacklogPolicy::DropNewest, BacklogPolicy::DropOldest] {
        let (sim, room) = server_that_drops(policy);
        let kim = v1_member(&sim, &room, "kim");
        let lee = v1(&sim);
        let entered = enter(&lee, &room, "lee", "");
        let epoch = entered["epoch"].as_str().unwrap();
        lee.set_capacity(500);
        lee.stall();
        say_much(&sim, &kim, &room);
        lee.resume();
        sim.drive();
        let told = all_json(&lee);
        let (ids, others) = split(&told);
        let closed = serde_json::json!({"type": "CLOSED", "roomId": room, "reason": "slow"});
        assert_eq!(others, [&closed], "{policy:?}");
        assert_eq!(told.last(), Some(&closed), "{policy:?}");
        let members = sim.get(&format!("/chat/{room}/members")).json::<Value>();
        assert_eq!(members["names"], serde_json::json!(["kim"]), "{policy:?}");
        // Ids grow by one: what comes behind a hole was not got in order, and is got again.
        let got = (1..)
            .zip(&ids)
            .take_while(|(number, id)| number == *id)
            .count();
        let since = format!(r#","since":{{"epoch":"{epoch}","id":{got}}}"#);
        let entered = enter(&lee, &room, "lee", &since);
        let missed = entered["messages"].as_array().unwrap().iter();
        let missed: Vec<_> = missed
            .map(|message| message["id"].as_u64().unwrap())
            .collect();
        assert_eq!(
            missed,
            (got as u64 + 1..=45).collect::<Vec<_>>(),
            "{policy:?}"
        );
        assert_eq!(entered["recovered"], true, "{policy:?}");
        talk(&kim, &room, "on", "");
        assert_eq!(json(&lee)["id"], 46, "{policy:?}");
        sim.advance(Duration::from_secs(3));
        assert_eq!(lee.waiting(), 0, "{policy:?}");
    }
}

#[test]
fn a_follower_that_comes_back_to_a_history_longer_than_its_backlog_gets_all_of_it() {
    let app = apps::rooms::mount(App::new());
    let app = app.map_settings(|settings| settings.backlog_mark(64 << 10).backlog_limit(100 << 10));
    let sim = Sim::new(app).expect("a good program");
    let room = create(&sim, "den");
    let events = format!("/chat/{room}/events");
    let follower = sim.follow(&events);
    let messages = format!("/chat/{room}/messages");
    let post = |text: &str| {
        let said = serde_json::json!({ "message": text });
        let answer = sim.request(Method::Post, &messages).json(&said).send();
        assert_eq!(answer.status().code(), 200, "{}", answer.text());
    };
    post("first");
    let last = follower
        .next_event()
        .and_then(|event| event.id)
        .expect("an id");
    follower.cut();
    for _ in 0..3 {
        let long = format!("{messages}?sender=bot");
        let text = "x".repeat(60 << 10);
        let answer = sim.request(Method::Post, &long).body(text).send();
        assert_eq!(answer.status().code(), 200, "{}", answer.text());
    }
    let mut again = sim
        .follow_with(&events, &[("Last-Event-ID", &last)])
        .expect("a stream");
    let mut heard = Vec::new();
    for _ in 0..5 {
        heard.extend(again.receive_all().into_iter().filter_map(|event| event.id));
        if again.end().is_none() {
            break;
        }
        let last = heard.last().unwrap_or(&last).clone();
        again = sim
            .follow_with(&events, &[("Last-Event-ID", &last)])
            .expect("a stream");
    }
    assert_eq!(heard.len(), 3);
}
