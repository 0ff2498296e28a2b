//! Sessions among each other: sends, closes, stale names, panics.

use crate::puppet::{TOLD_TO, secs, stage};
use dunlin::ErrorKind;
use dunlin::MAX_COMMAND_BYTES;
use dunlin::testing::Received;

#[test]
fn a_message_can_be_sent_to_another_session() {
    let (sim, diary) = stage();
    let (a, b) = (sim.open("/"), sim.open("/"));
    a.send("tell 1 hello; tell 0 self; echo behind");
    assert_eq!(b.receive_text(), "hello");
    assert_eq!(a.receive_text(), "self");
    assert_eq!(a.receive_text(), "behind");
    assert_eq!(diary.read(), ["tell 1: Queued", "tell 0: Queued"]);
}

#[test]
fn the_id_of_a_session_that_is_gone_is_harmless() {
    let (sim, diary) = stage();
    let (gone, a) = (sim.open("/"), sim.open("/"));
    gone.cut();
    sim.drive();
    let heir = sim.open("/");
    diary.read();
    a.send("tell 0 hello; close-other 0 bye");
    sim.drive();
    assert_eq!(diary.read(), ["tell 0: Closed"]);
    assert_eq!(heir.receive_all(), []);
    assert!(
        heir.id().is_some(),
        "whoever has the place now is not meant"
    );
}

#[test]
fn closing_another_session_while_going_through_all_is_safe() {
    let (sim, diary) = stage();
    let peers: Vec<_> = (0..5).map(|_| sim.open("/")).collect();
    peers[2].send("close-all; tell 4 late");
    sim.drive();
    for peer in &peers {
        assert_eq!(peer.receive_all(), [Received::close(1000, "all")]);
    }
    let mut events = diary.read();
    assert_eq!(events.remove(0), "tell 4: Closed");
    events.sort();
    let expected: Vec<_> = (0..5)
        .map(|number| format!("{number} closed 1000 all by Us"))
        .collect();
    assert_eq!(events, expected);
}

#[test]
fn a_panicking_handler_ends_its_session_only_with_1011() {
    let (sim, diary) = stage();
    sim.expect_panics();
    let (a, b) = (sim.open("/?do=join+room"), sim.open("/?do=join+room"));
    a.send("echo before; panic; echo never");
    assert_eq!(a.receive_text(), "before");
    assert_eq!(a.receive(), Some(Received::close(1011, "Internal error")));
    assert_eq!(diary.read(), ["0 closed 1011 Internal error by Us"]);
    b.send("publish room alive");
    assert_eq!(b.receive_text(), "alive");
    sim.open("/").send("echo new");
    assert_eq!(sim.take_panics(), [TOLD_TO]);
}

#[test]
fn a_panic_in_the_open_event_ends_that_session_only() {
    let (sim, diary) = stage();
    sim.expect_panics();
    let a = sim.open("/?do=timer+5000+1;join+room;panic");
    assert_eq!(a.receive(), Some(Received::close(1011, "Internal error")));
    sim.advance(secs(20));
    assert!(sim.is_empty());
    assert_eq!(sim.topics(), 0);
    assert_eq!(diary.read(), [""; 0], "no other event follows");
    assert_eq!(sim.take_panics(), [TOLD_TO]);
}

#[test]
fn a_panic_in_a_timer_ends_that_session_only() {
    let (sim, _) = stage();
    sim.expect_panics();
    let a = sim.open("/");
    a.send("timer 10 1; panic");
    assert_eq!(a.receive(), Some(Received::close(1011, "Internal error")));
    sim.advance(secs(1));
    assert!(sim.is_empty());
}

#[test]
fn remote_commands_to_sessions_that_are_gone_are_harmless() {
    let (sim, diary) = stage();
    let peer = sim.open("/");
    let id = peer.id().expect("it lives");
    let remote = sim.remote();
    peer.cut();
    sim.drive();
    diary.read();
    let heir = sim.open("/");
    remote.send(id, "late").unwrap();
    remote.close(id, dunlin::CloseCode::NORMAL, "late").unwrap();
    sim.drive();
    assert_eq!(heir.receive_all(), []);
    assert_eq!(diary.read(), [""; 0]);
}

#[test]
fn a_command_of_the_most_bytes_is_taken_and_none_of_a_byte_more() {
    let (sim, _) = stage();
    let remote = sim.remote();
    let topic = "nobody is here";
    let message = vec![0; MAX_COMMAND_BYTES - topic.len() + 1];
    let publish = |bytes: &[u8]| remote.publish(topic, bytes).map_err(|error| error.kind());
    assert_eq!(publish(&message), Err(ErrorKind::Limit));
    assert_eq!(publish(&message[1..]), Ok(()));
    // Nothing else is taken beside it.
    assert_eq!(publish(b""), Err(ErrorKind::Full));
    sim.drive();
    assert_eq!(publish(b""), Ok(()));
}

#[test]
fn other_threads_publish_send_and_close_through_the_remote() {
    let (sim, diary) = stage();
    let (a, b) = (sim.open("/?do=join+room"), sim.open("/?do=join+room"));
    let remote = sim.remote();
    remote.publish("room", "all").unwrap();
    remote.send(a.id().unwrap(), "one").unwrap();
    let code = dunlin::CloseCode::new(4000);
    remote.close(b.id().unwrap(), code, "go").unwrap();
    let expected = [Received::text("all"), Received::text("one")];
    assert_eq!(a.receive_all(), expected);
    let expected = [Received::text("all"), Received::close(4000, "go")];
    assert_eq!(b.receive_all(), expected);
    assert_eq!(diary.read(), ["1 closed 4000 go by Us"]);
    assert_eq!(remote.stats().connections, 1);
}
