//! What is asked of a server whose calls fail: each small, so that every one of its calls can be tried.

use super::super::play::program::PIECES;
use super::Stage;
use dunlin::testing::{Conversation, Received};
use dunlin::{Limits, Method};
use std::time::Duration;

pub(super) fn handshake(stage: &Stage) {
    let peer = stage.open("/close");
    stage.rest();
    peer.close(1000, "bye");
    stage.sim.drive();
}

pub(super) fn refused(stage: &Stage) {
    for target in ["/close?no", "/nowhere"] {
        stage.open(target);
        stage.rest();
    }
}

/// What comes back is right, as far as it comes.
fn heard(peer: &Conversation, wanted: &[String]) {
    let mut wanted = wanted.iter();
    for received in peer.arrived() {
        if let Received::Text(text) = received {
            assert_eq!(Some(&text), wanted.next(), "a message is wrong");
        }
    }
}

pub(super) fn echo(stage: &Stage) {
    let peer = stage.open("/close");
    let texts: Vec<String> = (0..4).map(|at| format!("text {at}")).collect();
    for text in &texts {
        peer.send(text);
        stage.sim.drive();
    }
    stage.rest();
    heard(&peer, &texts);
    peer.close(1000, "bye");
    stage.sim.drive();
}

pub(super) fn big(stage: &Stage) {
    let peer = stage.open("/close");
    peer.set_capacity(9_000);
    let text = "b".repeat(60_000);
    peer.send(&text);
    stage.rest();
    heard(&peer, &[text]);
    peer.cut();
    stage.sim.drive();
}

pub(super) fn deflate(stage: &Stage) {
    let line = stage.sim.connect();
    line.send_raw(
        b"GET /squeeze HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
          Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
          Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
    );
    stage.sim.drive();
    // "Hello", as in RFC 7692 §7.2.3.1, under the mask of zeros.
    let hello = b"\xc1\x87\0\0\0\0\xf2\x48\xcd\xc9\xc9\x07\x00";
    for _ in 0..3 {
        line.send_raw(hello);
        stage.sim.drive();
    }
    stage.rest();
    line.cut();
    stage.sim.drive();
}

pub(super) fn broadcast(stage: &Stage) {
    let members: Vec<_> = (1..5)
        .map(|host| stage.open_from(host, "/room?name=a"))
        .collect();
    members[0].send("one");
    members[1].send("two");
    stage.rest();
    for member in &members {
        let said: Vec<_> = stage.record.borrow().said("a").to_vec();
        let texts = member.arrived();
        let texts = texts.iter().filter_map(|received| match received {
            Received::Text(text) if !text.starts_with("from ") => Some(text),
            _ => None,
        });
        let mut said = said.iter();
        for text in texts {
            assert!(
                said.any(|line| line == text),
                "{text} was not said, or twice"
            );
        }
    }
    members.iter().for_each(|member| member.half_close());
    stage.sim.drive();
}

pub(super) fn events(stage: &Stage) {
    let reader = stage.sim.connect().follow("/room/events?name=a", &[]);
    stage.sim.drive();
    let talker = stage.open("/room?name=a");
    talker.send("one");
    stage.rest();
    talker.send("two");
    stage.rest();
    reader.cut();
    talker.cut();
    stage.sim.drive();
}

pub(super) fn http(stage: &Stage) {
    let browser = stage.sim.http();
    let page = browser.request(Method::Get, "/page").start();
    let sum = browser.request(Method::Post, "/sum");
    let sum = sum.body(vec![b's'; 5_000]).start();
    let big = browser.request(Method::Get, "/big").start();
    stage.rest();
    let wanted = [(page, "page"), (sum, "5000"), (big, &"b".repeat(40_000))];
    for (answer, wanted) in wanted {
        if browser.end().is_none() && answer.is_complete() {
            assert!(answer.taken().text() == wanted, "a body is wrong");
        }
    }
    browser.half_close();
    stage.sim.drive();
}

pub(super) fn pieces(stage: &Stage) {
    let browser = stage.sim.http();
    browser.set_capacity(2_000);
    let answer = browser.request(Method::Get, "/pieces").start();
    stage.rest();
    if browser.end().is_none() && answer.is_complete() {
        assert_eq!(answer.taken().body().len(), PIECES);
    }
    browser.cut();
    stage.sim.drive();
}

pub(super) fn later(stage: &Stage) {
    let browser = stage.sim.http();
    let answer = browser.request(Method::Get, "/wait").start();
    let waiting = stage.open("/close?later");
    let peer = stage.open("/close");
    peer.send("ticket 2");
    stage.rest();
    if browser.end().is_none() && answer.is_complete() {
        assert_eq!(answer.taken().text(), "late");
    }
    for line in [&*browser, &*waiting, &*peer] {
        line.cut();
    }
    stage.sim.drive();
}

pub(super) fn call(stage: &Stage) {
    let peer = stage.open("/close");
    peer.send("call 0");
    stage.sim.drive();
    stage.rest();
    if let Some(call) = stage.sim.take_call() {
        let server = call.accept();
        server.send("hello, caller");
        stage.rest();
        server.close(1000, "bye");
    }
    peer.send("call 500");
    stage.rest();
    // Nobody answers this one.
    stage.sim.advance(Duration::from_secs(15));
    peer.cut();
    stage.sim.drive();
}

pub(super) fn history(stage: &Stage) {
    let browser = stage.sim.http();
    let answer = browser.request(Method::Post, "/chat?name=den").start();
    stage.rest();
    let is_here = browser.end().is_none() && answer.is_complete();
    browser.cut();
    if !is_here {
        return;
    }
    let room = answer.taken().json::<serde_json::Value>()["roomId"].clone();
    let room = room.as_str().unwrap_or_default().to_owned();
    let fields = [("Sec-WebSocket-Protocol", "dunlin.v1")];
    let member = stage.sim.connect().upgrade("/ws/chat", &fields);
    stage.sim.drive();
    member.send(format!(
        r#"{{"type":"ENTER","roomId":"{room}","sender":"kim"}}"#
    ));
    stage.sim.drive();
    member.send(format!(
        r#"{{"type":"TALK","roomId":"{room}","message":"hi","ref":"1"}}"#
    ));
    stage.rest();
    member.cut();
    stage.sim.drive();
}

pub(super) fn handle(stage: &Stage) {
    let peer = stage.open("/close");
    peer.send("join 0");
    stage.sim.drive();
    let called = stage.handle.call(|_, context| {
        context.publish("x", "by a handle");
    });
    assert!(called.is_ok(), "it runs");
    stage
        .sim
        .remote()
        .publish("x", "from outside")
        .expect("it runs");
    stage.rest();
    peer.cut();
    stage.sim.drive();
}

pub(super) fn slow(stage: &Stage) {
    let peer = stage.open("/close");
    peer.set_capacity(500);
    peer.stall();
    peer.send("flood 20 1000");
    stage.rest();
    peer.resume();
    stage.rest();
    peer.cut();
    stage.sim.drive();
}

pub(super) fn reload(stage: &Stage) {
    let peer = stage.open("/close");
    let remote = stage.sim.remote();
    remote
        .reload(Limits::default().max_connections(1))
        .expect("good limits");
    stage.sim.drive();
    stage.open_from(2, "/close");
    remote.reload(Limits::default()).expect("good limits");
    stage.sim.drive();
    stage.open_from(3, "/close").cut();
    peer.cut();
    stage.sim.drive();
}

pub(super) fn full(stage: &Stage) {
    stage.sim.set_descriptors(3);
    let peers: Vec<_> = (1..5).map(|host| stage.open_from(host, "/close")).collect();
    stage.rest();
    stage.sim.set_descriptors(usize::MAX);
    stage.rest();
    peers.iter().for_each(|peer| peer.cut());
    stage.sim.drive();
}

pub(super) fn leave(stage: &Stage) {
    let peers: Vec<_> = (1..7)
        .map(|host| stage.open_from(host, "/room?name=a"))
        .collect();
    for (at, peer) in peers.iter().enumerate() {
        match at % 3 {
            0 => peer.close(1000, "bye"),
            1 => peer.half_close(),
            _ => peer.cut(),
        }
    }
    stage.rest();
}

pub(super) fn shutdown(stage: &Stage) {
    let _peers: Vec<_> = ["/close", "/room?name=a", "/raw"]
        .map(|target| stage.open(target))
        .into();
    let _reader = stage.sim.connect().follow("/room/events?name=a", &[]);
    let browser = stage.sim.http();
    let _answer = browser.request(Method::Get, "/wait").start();
    stage.sim.drive();
    stage.sim.remote().shutdown().expect("it runs");
    stage.rest();
}
