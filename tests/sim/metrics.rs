//! What is counted for an operator.

use crate::puppet::{millis, secs, stage, stage_with};
use dunlin::testing::Sim;
use dunlin::{App, Limits, NotReady, Response, Settings, Status};

/// A server with a WebSocket route for one origin, an HTTP route and an event stream.
fn site() -> Sim {
    let app = App::new()
        .on_message("/ws", |session, message| session.send(message))
        .get("/page", |_, _| Response::text("a page"))
        .get("/made", |_, _| Response::new(Status::CREATED))
        .sse(
            "/events",
            Settings::default(),
            |_: &mut dunlin::Session<'_>, _: dunlin::Message<'_>| {},
        );
    Sim::new(app).expect("the program is right")
}

#[test]
fn handshakes_are_counted_by_status_apart_from_other_answers() {
    let sim = site();
    let _session = sim.open("/ws");
    assert!(
        sim.open_with("/ws", &[("Origin", "https://foreign.example")])
            .is_err()
    );
    assert!(sim.open_with("/nowhere", &[]).is_err());
    let _stream = sim.follow("/events");
    sim.get("/page");
    sim.get("/made");
    sim.get("/nowhere");
    sim.get("/ws");
    let garbage = sim.connect();
    garbage.send_raw(b"GET nonsense\r\n\r\n");
    sim.drive();
    let metrics = sim.metrics();
    let handshakes = metrics.handshakes;
    assert_eq!(handshakes.of(Status::SWITCHING_PROTOCOLS), 1);
    assert_eq!(handshakes.of(Status::FORBIDDEN), 1);
    assert_eq!(handshakes.of(Status::NOT_FOUND), 1);
    assert_eq!(handshakes.total(), 3);
    let responses = metrics.responses;
    assert_eq!(responses.of(Status::OK), 2, "a page and a stream");
    assert_eq!(responses.of(Status::CREATED), 1);
    assert_eq!(responses.of(Status::NOT_FOUND), 1);
    assert_eq!(responses.of(Status::UPGRADE_REQUIRED), 1);
    assert_eq!(responses.of(Status::BAD_REQUEST), 1);
    assert_eq!(responses.total(), 6);
}

#[test]
fn closes_are_counted_by_code_and_bytes_both_ways() {
    let sim = site();
    let (polite, rude, private) = (sim.open("/ws"), sim.open("/ws"), sim.open("/ws"));
    let before = sim.metrics();
    polite.send("x".repeat(1000));
    sim.drive();
    assert_eq!(polite.receive_text().len(), 1000);
    let after = sim.metrics();
    // A header of 4 bytes, and of a client's message a mask.
    assert_eq!(after.bytes_received - before.bytes_received, 1008);
    assert_eq!(after.bytes_sent - before.bytes_sent, 1004);
    assert_eq!((after.stats.received, after.stats.sent), (1, 1));
    polite.close(1000, "");
    rude.cut();
    private.close(4001, "");
    sim.drive();
    let closes = sim.metrics().closes;
    assert_eq!(
        (closes.of(1000), closes.of(1006), closes.of(4999)),
        (1, 1, 1)
    );
    assert_eq!(closes.rows().map(|(_, count)| count).sum::<u64>(), 3);
}

#[test]
fn every_turn_is_counted_with_its_work() {
    let sim = site();
    let peer = sim.open("/ws");
    let before = (sim.metrics(), sim.turns());
    peer.send("hello");
    sim.drive();
    let after = sim.metrics();
    assert_eq!(
        after.lag.count() - before.0.lag.count(),
        sim.turns() - before.1
    );
    assert!(after.work > before.0.work);
    assert_eq!(after.turns_exhausted, 0, "{after:?}");
    assert_eq!(sim.remote().metrics().lag.count(), after.lag.count());
    assert_eq!(sim.remote().metrics().handshakes, after.handshakes);
}

#[test]
fn a_slow_reader_is_counted_when_it_is_closed() {
    let settings = Settings::default().backlog_mark(1024).backlog_limit(2048);
    let (sim, _) = stage_with(settings, Limits::default());
    sim.set_capacity(512);
    let slow = sim.open("/?do=join+room");
    slow.stall();
    for _ in 0..20 {
        sim.remote().publish("room", "x".repeat(500)).unwrap();
        sim.drive();
    }
    let metrics = sim.metrics();
    assert_eq!((metrics.slow_closed, metrics.stats.dropped), (1, 0));
    sim.advance(secs(30));
    assert_eq!(sim.metrics().closes.of(1008), 1);
}

#[test]
fn without_descriptors_a_server_is_not_ready_until_it_accepts_again() {
    let (sim, _) = stage();
    let first = sim.open("/");
    assert_eq!(sim.metrics().not_ready, None);
    sim.set_descriptors(1);
    let _waiting = sim.connect();
    sim.drive();
    let metrics = sim.metrics();
    assert_eq!(metrics.not_ready, Some(NotReady::AcceptPaused));
    assert_eq!(metrics.accept_pauses, 1);
    sim.advance(millis(50));
    assert_eq!(sim.metrics().accept_pauses, 1, "it is still the same");
    drop(first);
    sim.set_descriptors(10);
    sim.advance(millis(200));
    assert_eq!(sim.metrics().not_ready, None);
}

#[test]
fn a_server_that_was_short_of_memory_is_not_ready_for_a_second() {
    let settings = Settings::default().backlog_limit(1 << 20);
    let (sim, _) = stage_with(settings, Limits::default().max_buffered(64 << 10));
    sim.set_capacity(512);
    let slow = sim.open("/?do=join+room");
    slow.stall();
    for _ in 0..200 {
        sim.remote().publish("room", "x".repeat(1000)).unwrap();
        sim.drive();
    }
    assert_eq!(sim.metrics().not_ready, Some(NotReady::OutOfMemory));
    sim.advance(millis(1_001));
    assert_eq!(sim.metrics().not_ready, None);
}

#[test]
fn a_server_that_stops_is_not_ready_from_the_first_moment() {
    let (sim, _) = stage();
    let _peers: Vec<_> = (0..300).map(|_| sim.open("/")).collect();
    sim.remote().shutdown().unwrap();
    sim.step();
    assert_eq!(sim.metrics().not_ready, Some(NotReady::Stopping));
}
