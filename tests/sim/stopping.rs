//! Shutdown: 1001 to everybody, then the rest is cut.

use crate::puppet::{millis, open_manual, secs, stage, stage_with};
use dunlin::Limits;
use dunlin::Settings;
use dunlin::testing::{End, Received};

#[test]
fn shutdown_closes_every_session_with_1001() {
    let (sim, diary) = stage();
    let peers: Vec<_> = (0..200).map(|_| sim.open("/")).collect();
    sim.remote().shutdown().unwrap();
    sim.drive();
    for peer in &peers {
        assert_eq!(
            peer.receive_all(),
            [Received::close(1001, "Server stopping")]
        );
    }
    assert!(sim.is_empty());
    let events = diary.read();
    assert_eq!(events.len(), 200);
    assert!(events[0].ends_with("closed 1001 Server stopping by Us"));
}

#[test]
fn what_was_published_before_shutdown_goes_out_before_the_close() {
    let (sim, _) = stage();
    let peers: Vec<_> = (0..200).map(|_| sim.open("/?do=join+room")).collect();
    sim.remote().publish("room", "close_event").unwrap();
    sim.remote().shutdown().unwrap();
    sim.drive();
    let expected = [
        Received::text("close_event"),
        Received::close(1001, "Server stopping"),
    ];
    for peer in &peers {
        assert_eq!(peer.receive_all(), expected);
    }
}

#[test]
fn a_stopping_server_lets_nobody_in() {
    let (sim, _) = stage();
    let (peer, line) = (open_manual(&sim), sim.connect());
    sim.drive();
    sim.remote().shutdown().unwrap();
    sim.drive();
    let error = sim.open_with("/", &[]).unwrap_err();
    assert!(error.to_string().contains("503"), "{error}");
    assert_eq!(line.end(), Some(End::Finished), "nothing was asked on it");
    assert_eq!(peer.end(), None, "its Close is awaited");
}

#[test]
fn a_request_that_comes_before_shutdown_reached_its_connection_gets_503() {
    let (sim, _) = stage();
    let lines: Vec<_> = (0..200).map(|_| sim.connect()).collect();
    sim.drive();
    sim.remote().shutdown().unwrap();
    sim.step();
    let last = &lines[199];
    last.send_raw(b"GET /page HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert!(last.receive_http().starts_with("HTTP/1.1 503 "));
}

#[test]
fn who_does_not_answer_is_cut_when_the_time_of_the_drain_is_over() {
    let (sim, _) = stage_with(Settings::default(), Limits::default().drain(secs(3)));
    let peer = open_manual(&sim);
    sim.remote().shutdown().unwrap();
    sim.advance(millis(2_900));
    assert!(!sim.is_empty());
    sim.advance(millis(100));
    assert!(sim.is_empty());
    assert!(peer.end().is_some());
}

#[test]
fn a_second_shutdown_cuts_what_is_left() {
    let (sim, diary) = stage();
    let _peers: Vec<_> = (0..200).map(|_| open_manual(&sim)).collect();
    sim.remote().shutdown().unwrap();
    sim.drive();
    assert_eq!(sim.stats().connections, 200);
    sim.remote().shutdown().unwrap();
    sim.drive();
    assert!(sim.is_empty());
    assert_eq!(diary.read().len(), 200);
}
