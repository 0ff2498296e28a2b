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
