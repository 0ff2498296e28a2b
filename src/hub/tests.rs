//! The hub driven by hand: its limits, keys that change their owner, and what rests cheaply.

use super::{Hub, Lost, Now, Transport};
use crate::app::remote::{Command, Wake};
use crate::app::{
    App, ConnInfo, Handler, Open, Peer, Remote, Request, Response, Session, SessionId,
};
use crate::config::Limits;
use crate::wire::message::Message;
use std::sync::Arc;
use std::time::Duration;

struct Asleep;

impl Wake for Asleep {
    fn wake(&self) {}
}

/// What all connections were sent.
#[derive(Default)]
struct Sent(Vec<u8>);

impl Transport for Sent {
    fn send(&mut self, _: u32, bytes: &[u8]) -> Result<usize, Lost> {
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn shutdown_write(&mut self, _: u32) {}

    fn close(&mut self, _: u32) {}
}

fn hub(limits: Limits) -> crate::Result<Hub> {
    let (remote, _inbox, _stats) = Remote::new(Arc::new(Asleep));
    Hub::new(App::new(), limits, [0; 32], remote)
}

#[test]
fn past_the_cap_of_all_buffered_bytes_a_new_connection_gets_503() {
    // Accepted in the turn that passed the cap: at its end the largest backlog goes.
    for (bytes, is_refused) in [(1000, false), (1001, true)] {
        let mut hub = hub(Limits::default().max_buffered(1000)).unwrap();
        let mut io = Sent::default();
        let first = hub.accept(ConnInfo::new(Peer::Unix)).unwrap();
        let mut half = format!("GET / HTTP/1.1\r\nA: {:<1$}", "", bytes - 19).into_bytes();
        hub.received(&mut io, first, &mut half);
        hub.accept(ConnInfo::new(Peer::Unix)).unwrap();
        hub.flush(&mut io);
        assert_eq!(io.0.starts_with(b"HTTP/1.1 503 "), is_refused, "{bytes}");
    }
}

#[test]
fn a_hub_does_not_start_with_a_limit_out_of_bounds() {
    let Err(error) = hub(Limits::default().keep_alive(Duration::MAX)) else {
        panic!("it started");
    };
    assert_eq!(error.kind(), crate::ErrorKind::Config);
    assert!(error.to_string().contains("`keep_alive`"), "{error}");
}

/// A hub of one route at `/` whose sessions are in two rooms.
fn rooms() -> Hub {
    struct Rooms;

    impl Handler for Rooms {
        type Data = ();

        fn open(&mut self, _: &Request<'_>, session: &mut Session<'_>) -> Open<()> {
            session.join("one");
            session.join("two");
            Open::Accept(())
        }

        fn message(&mut self, (): &mut (), _: &mut Session<'_>, _: Message<'_>) {}
    }

    let app = App::new()
        .ws("/", Rooms)
        .on_message("/echo", |session, message| {
            let _ = session.send(message);
        })
        .get("/page", |_, _| {
            Response::ok("text/plain", b"page".as_slice())
        });
    let (remote, _inbox, _stats) = Remote::new(Arc::new(Asleep));
    Hub::new(app, Limits::default(), [0; 32], remote).unwrap()
}

fn accept(hub: &mut Hub) -> SessionId {
    hub.accept(ConnInfo::new(Peer::Unix)).unwrap()
}

fn upgrade(target: &str) -> Vec<u8> {
    let key = "dGhlIHNhbXBsZSBub25jZQ==";
    format!(
        "GET {target} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
         Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    .into_bytes()
}

fn at(secs: u64) -> Now {
    Now {
        ms: secs * 1000,
        unix: secs,
    }
}

#[test]
fn the_deadline_of_a_connection_that_is_gone_is_not_that_of_the_next_owner_of_its_key() {
    let (mut hub, mut io) = (rooms(), Sent::default());
    let first = accept(&mut hub);
    // The time for its head is over, and it goes in the same turn, before anybody looks at that.
    hub.advance(at(11));
    hub.lost(first);
    hub.reap(&mut io);
    let next = accept(&mut hub);
    assert_eq!(first.index, next.index);
    hub.run_events(&mut io);
    hub.flush(&mut io);
    assert!(hub.knows(next) && io.0.is_empty(), "{:?}", io.0);
    // Its own time begins when it comes.
    hub.advance(at(20));
    hub.run_events(&mut io);
    hub.flush(&mut io);
    assert!(io.0.is_empty(), "{:?}", io.0);
    hub.advance(at(22));
    hub.run_events(&mut io);
    hub.flush(&mut io);
    assert!(io.0.starts_with(b"HTTP/1.1 408 "));
}

#[test]
fn a_head_that_came_in_two_parts_leaves_no_cold_state_behind() {
    let (mut hub, mut io) = (rooms(), Sent::default());
    let id = accept(&mut hub);
    let is_cold = |hub: &Hub| hub.core.slots[id.index as usize].cold.is_some();
    let mut request = upgrade("/echo");
    let (head, tail) = request.split_at_mut(30);
    hub.received(&mut io, id, head);
    hub.received(&mut io, id, tail);
    assert!(io.0.starts_with(b"HTTP/1.1 101 "));
    assert!(!is_cold(&hub), "after the upgrade");
    io.0.clear();
    // Text, 2 bytes, a mask of zeros.
    hub.received(&mut io, id, &mut [0x81, 0x82, 0, 0, 0, 0, b'h', b'i']);
    assert_eq!(io.0, [0x81, 2, b'h', b'i']);
    assert!(!is_cold(&hub), "after an answer");
}

#[test]
fn a_request_that_came_in_two_parts_leaves_no_cold_state_behind() {
    let (mut hub, mut io) = (rooms(), Sent::default());
    let id = accept(&mut hub);
    let mut request = b"GET /page HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec();
    let (head, tail) = request.split_at_mut(30);
    hub.received(&mut io, id, head);
    hub.received(&mut io, id, tail);
    assert!(io.0.starts_with(b"HTTP/1.1 200 "));
    assert!(hub.core.slots[id.index as usize].cold.is_none());
}

#[test]
fn a_member_of_two_topics_of_which_one_owes_is_sent_to_at_once() {
    let (mut hub, mut io) = (rooms(), Sent::default());
    let id = accept(&mut hub);
    hub.received(&mut io, id, &mut upgrade("/"));
    io.0.clear();
    for topic in ["one", "two"] {
        let command = Command::Publish {
            topic: topic.to_owned(),
            message: Message::Text("hi").into(),
        };
        hub.command(&mut io, command);
        hub.deliver(&mut io);
        assert_eq!(io.0, [0x81, 2, b'h', b'i'], "{topic}");
        io.0.clear();
        assert!(hub.core.dirty.is_empty(), "nothing waits in an outbox");
        assert!(hub.core.slots[id.index as usize].cold.is_none());
    }
}

#[test]
fn a_member_that_is_owed_by_two_topics_gets_both_in_their_order() {
    let (mut hub, mut io) = (rooms(), Sent::default());
    let id = accept(&mut hub);
    hub.received(&mut io, id, &mut upgrade("/"));
    io.0.clear();
    for (topic, text) in [("two", "a"), ("one", "b"), ("two", "c")] {
        let command = Command::Publish {
            topic: topic.to_owned(),
            message: Message::Text(text).into(),
        };
        hub.command(&mut io, command);
    }
    hub.deliver(&mut io);
    hub.flush(&mut io);
    assert_eq!(io.0, b"\x81\x01a\x81\x01b\x81\x01c");
}
