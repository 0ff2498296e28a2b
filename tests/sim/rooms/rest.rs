//! Rooms over plain HTTP.

use super::*;
use dunlin::Limits;
use dunlin::config::RoomLimits;
use dunlin::rooms::Rooms;
use std::time::Duration;

const JSON: &str = "application/json;charset=UTF-8";

#[test]
fn a_room_is_made_listed_looked_at_and_deleted_by_its_key() {
    let sim = Sim::new(apps::rooms::mount(App::new())).unwrap();
    assert_eq!(sim.get("/chat").text(), "[]");
    let made = sim.request(Method::Post, "/chat?name=%EB%B0%A9").send();
    assert_eq!(
        (made.status().code(), made.field("content-type")),
        (200, Some(JSON))
    );
    let key = made.field("room-key").expect("a key").to_owned();
    assert_eq!(key.len(), 64);
    let room = made.json::<Value>()["roomId"].as_str().unwrap().to_owned();
    let text = format!(r#"{{"roomId":"{room}","name":"방","sessions":0}}"#);
    assert_eq!(made.text(), text);
    assert_eq!(sim.get(&format!("/chat/{room}")).text(), text);
    let form = sim
        .request(Method::Post, "/chat")
        .header("Content-Type", "application/x-www-form-urlencoded");
    let second = form.body("name=two").send().json::<Value>()["roomId"]
        .as_str()
        .unwrap()
        .to_owned();
    let list = format!(r#"[{text},{{"roomId":"{second}","name":"two","sessions":0}}]"#);
    assert_eq!(sim.get("/chat").text(), list);
    let delete = |room: &str, key: &str| {
        let request = sim.request(Method::Delete, &format!("/chat/{room}"));
        request.header("Room-Key", key).send().status().code()
    };
    assert_eq!(delete(&room, ""), 403);
    assert_eq!(delete(&room, &key.replace(|_: char| true, "0")), 403);
    assert_eq!(delete(&second, &key), 403);
    let (kim, lee) = (
        plain_member(&sim, &room, "kim"),
        v1_member(&sim, &room, "lee"),
    );
    assert_eq!(
        sim.get(&format!("/chat/{room}")).json::<Value>()["sessions"],
        2
    );
    kim.receive_all();
    assert_eq!(delete(&room, &key), 204);
    sim.advance(Duration::from_millis(10));
    let Some(dunlin::testing::Received::Close { code, reason }) = kim.receive() else {
        panic!("a Close");
    };
    assert_eq!((code, &*reason), (1000.into(), "Room closed"));
    assert_eq!(
        lee.receive_text(),
        format!(r#"{{"type":"CLOSED","roomId":"{room}","reason":"Room closed"}}"#)
    );
    assert_eq!(delete(&room, &key), 404);
    assert_eq!(sim.get(&format!("/chat/{room}")).status().code(), 404);
}

#[test]
fn a_room_without_a_name_is_refused_in_these_bytes() {
    let (sim, _) = server();
    let answer = sim.request(Method::Post, "/chat").send();
    let text = r#"{"status":400,"error":"Bad Request","message":"Required parameter 'name' is not present","path":"/chat"}"#;
    assert_eq!(
        (
            answer.status().code(),
            answer.text(),
            answer.field("content-type")
        ),
        (400, text, Some(JSON))
    );
    assert_eq!(
        sim.request(Method::Put, "/chat").send().status().code(),
        405
    );
    let long = format!("/chat?name={}", "x".repeat(129));
    assert_eq!(sim.request(Method::Post, &long).send().status().code(), 413);
    let hidden = sim.request(Method::Post, "/chat?name=a%E2%80%AEb").send();
    assert_eq!(hidden.status().code(), 400, "{}", hidden.text());
}

#[test]
fn a_plain_get_of_the_socket_is_426() {
    let (sim, _) = server();
    assert_eq!(sim.get("/ws/chat").status().code(), 426);
}

#[test]
fn a_script_talks_and_reads() {
    let (sim, room) = server();
    let kim = v1_member(&sim, &room, "kim");
    let messages = format!("/chat/{room}/messages");
    let posted = sim
        .request(Method::Post, &messages)
        .body("from a script")
        .send();
    let receipt = posted.json::<Value>();
    assert_eq!(
        posted.text(),
        format!(r#"{{"epoch":{},"id":1}}"#, receipt["epoch"])
    );
    let heard = json(&kim);
    assert_eq!(
        (&heard["sender"], &heard["message"]),
        (&"guest".into(), &"from a script".into())
    );
    let said = serde_json::json!({"sender": "bot", "message": "two", "ref": "x"});
    for _ in 0..2 {
        let posted = sim.request(Method::Post, &messages).json(&said).send();
        assert_eq!(posted.json::<Value>()["id"], 2);
    }
    let taken = serde_json::json!({"sender": "kim", "message": "me?"});
    assert_eq!(
        sim.request(Method::Post, &messages)
            .json(&taken)
            .send()
            .status()
            .code(),
        409
    );
    let epoch = receipt["epoch"].as_str().unwrap();
    let page = sim.get(&format!("{messages}?after=1&epoch={epoch}&limit=10"));
    let date = page.json::<Value>()["messages"][0]["date"].clone();
    assert_eq!(
        page.text(),
        format!(
            r#"{{"roomId":"{room}","epoch":"{epoch}","id":2,"recovered":true,"messages":[{{"type":"TALK","roomId":"{room}","sender":"bot","message":"two","id":2,"date":{date}}}]}}"#
        )
    );
    assert_eq!(
        sim.get(&messages).json::<Value>()["messages"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    let members = sim.get(&format!("/chat/{room}/members"));
    assert_eq!(
        members.text(),
        format!(r#"{{"roomId":"{room}","members":1,"names":["kim"]}}"#)
    );
    for wrong in [
        "?after=1",
        "?after=x&epoch=0000000000000000",
        "?after=1&epoch=1",
        "?limit=x",
    ] {
        assert_eq!(
            sim.get(&format!("{messages}{wrong}")).status().code(),
            400,
            "{wrong}"
        );
    }
    let binary = sim
        .request(Method::Post, &messages)
        .header("Content-Type", "image/png")
        .body("x");
    assert_eq!(binary.send().status().code(), 415);
    let nowhere = "/chat/dd8e4018-1ca8-4fb1-bd57-fd3de4c47a61/messages";
    assert_eq!(
        sim.request(Method::Post, nowhere)
            .body("x")
            .send()
            .status()
            .code(),
        404
    );
}

#[test]
fn thousands_of_rooms_are_listed_in_order_and_no_more_are_made() {
    let mut limits = RoomLimits::default();
    limits.max_rooms = 1000;
    let rooms = Rooms::with_limits(limits).unwrap();
    let app = apps::rooms::mount_with(App::new(), &rooms);
    let sim = Sim::with(app, Limits::default(), 1).unwrap();
    let ids: Vec<_> = (0..1000).map(|_| create(&sim, "a")).collect();
    let list = sim.get("/chat").json::<Value>();
    let listed: Vec<_> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|room| room["roomId"].as_str().unwrap())
        .collect();
    assert_eq!(listed, ids);
    let refused = sim.request(Method::Post, "/chat?name=a").send();
    assert_eq!(refused.status().code(), 503);
    assert!(refused.field("retry-after").is_some());
    let kim = plain_member(&sim, &ids[0], "kim");
    sim.advance(Duration::from_secs(61));
    let new = create(&sim, "new");
    let list = sim.get("/chat").text().to_owned();
    assert!(list.contains(&ids[0]) && !list.contains(&ids[1]) && list.contains(&new));
    assert!(kim.is_open());
}

#[test]
fn a_room_that_nobody_uses_for_a_day_is_dropped() {
    let (sim, room) = server();
    let busy = create(&sim, "busy");
    let kim = v1_member(&sim, &busy, "kim");
    for _ in 0..25 {
        sim.advance(Duration::from_secs(3600));
    }
    assert_eq!(sim.get(&format!("/chat/{room}")).status().code(), 404);
    assert_eq!(sim.get(&format!("/chat/{busy}")).status().code(), 200);
    assert!(kim.is_open());
}

#[test]
fn a_script_that_is_too_fast_is_told_to_wait() {
    let (sim, room) = server();
    let messages = format!("/chat/{room}/messages");
    let say = || sim.request(Method::Post, &messages).body("x").send();
    let taken = (0..60).filter(|_| say().status().code() == 200).count();
    assert_eq!(taken, 50);
    let refused = say();
    assert_eq!(
        (refused.status().code(), refused.field("retry-after")),
        (429, Some("1"))
    );
    let kim = v1_member(&sim, &room, "kim");
    talk(&kim, &room, "members have rates of their own", "");
    assert_eq!(json(&kim)["id"], 51);
    sim.advance(Duration::from_secs(1));
    assert_eq!(say().status().code(), 200);
}

#[test]
fn what_the_server_itself_refuses_of_these_paths_is_json() {
    let (sim, room) = server();
    let refused = sim.request(Method::Put, "/chat").send();
    let text = r#"{"status":405,"error":"Method Not Allowed","message":"405 Method Not Allowed","path":"/chat"}"#;
    assert_eq!((refused.status().code(), refused.text()), (405, text));
    assert_eq!(refused.field("content-type"), Some(JSON));
    assert_eq!(refused.field("allow"), Some("GET, HEAD, POST"));
    let messages = format!("/chat/{room}/messages");
    let long = sim
        .request(Method::Post, &messages)
        .body("x".repeat(70 << 10))
        .send();
    assert_eq!(
        (long.status().code(), long.field("content-type")),
        (413, Some(JSON))
    );
    let path = r#""path":"/chat/{roomId}/messages"}"#;
    assert!(long.text().ends_with(path), "{}", long.text());
}
