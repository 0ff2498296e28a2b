//! Shutdown: 1001 to everybody, then the rest is cut.

use crate::puppet::{millis, open_manual, secs, stage, stage_with};
use dunlin::testing::{Conversation, End, Received};
use dunlin::{CloseCode, Limits, Settings};

#[test]
fn shutdown_closes_every_session_with_1001() {
    let (sim, diary) = stage();
    let peers: Vec<_> = (0..200).map(|_| sim.open("/")).collect();
    sim.remote().shutdown().unwrap();
    sim.advance(millis(200));
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
    sim.advance(millis(200));
    let expected = [
        Received::text("close_event"),
        Received::close(1001, "Server stopping"),
    ];
    for peer in &peers {
        assert_eq!(peer.receive_all(), expected);
    }
}

/// How many of these have got their Close.
fn closed(peers: &[Conversation]) -> usize {
    peers.iter().filter(|peer| peer.end().is_some()).count()
}

#[test]
fn a_hundred_sessions_are_closed_at_once() {
    let (sim, _) = stage();
    let peers: Vec<_> = (0..100).map(|_| sim.open("/")).collect();
    sim.remote().shutdown().unwrap();
    sim.drive();
    assert_eq!(closed(&peers), 100);
    assert!(sim.is_empty());
}

#[test]
fn a_crowd_is_closed_evenly_over_half_of_the_drain() {
    let (sim, _) = stage_with(Settings::default(), Limits::default().drain(secs(2)));
    let peers: Vec<_> = (0..2_000).map(|_| sim.open("/")).collect();
    sim.remote().shutdown().unwrap();
    sim.drive();
    let mut before = closed(&peers);
    assert_eq!(before, 20);
    for tenth in 1..10 {
        sim.advance(millis(100));
        let now = closed(&peers);
        assert_eq!(now - before, 200, "in tenth {tenth}");
        before = now;
    }
    sim.advance(millis(90));
    assert_eq!(closed(&peers), 2_000);
    assert!(sim.is_empty(), "nothing waits for the rest of the drain");
}

#[test]
fn who_waits_for_its_close_is_served_meanwhile_and_loses_nothing() {
    let (sim, _) = stage();
    let peers: Vec<_> = (0..500).map(|_| sim.open("/?do=join+room")).collect();
    sim.remote().shutdown().unwrap();
    let mut said = 0;
    while peers[499].end().is_none() {
        // The last one talks as long as it can.
        peers[499].send(format!("publish room {said}").as_str());
        said += 1;
        sim.advance(millis(10));
        assert!(said < 100, "half a second is enough");
    }
    assert!(said >= 40, "{said}");
    let mut longest = 0;
    for peer in &peers {
        let mut received = peer.receive_all();
        let last = received.pop().expect("a Close");
        assert_eq!(last, Received::close(1001, "Server stopping"));
        for (number, text) in received.iter().enumerate() {
            assert_eq!(
                *text,
                Received::text(number.to_string()),
                "in order, without a gap"
            );
        }
        assert!(received.len() >= longest, "who goes later gets more");
        longest = received.len();
    }
    assert!(longest >= said - 2, "{longest} of {said}");
}

/// The handshake is done, and whoever keeps the connection for itself keeps nobody from ending.
#[test]
fn peers_that_have_closed_and_keep_their_side_open_do_not_hold_the_end_up() {
    let (sim, _) = stage();
    let (before, after, silent) = (open_manual(&sim), open_manual(&sim), open_manual(&sim));
    before.close(CloseCode::NORMAL, "");
    assert_eq!(before.receive(), Some(Received::close(1000, "")));
    assert_eq!(before.end(), Some(End::Finished));
    sim.advance(millis(500));
    assert_eq!(sim.stats().connections, 3);
    sim.remote().shutdown().unwrap();
    sim.drive();
    let stopping = Some(Received::close(1001, "Server stopping"));
    assert_eq!(after.receive(), stopping);
    after.close(CloseCode::GOING_AWAY, "");
    sim.drive();
    assert_eq!(after.end(), Some(End::Finished));
    assert_eq!(sim.stats().connections, 1, "who has not answered");
    assert_eq!(silent.receive(), stopping);
    silent.close(CloseCode::GOING_AWAY, "");
    sim.drive();
    assert!(sim.is_empty());
}

#[test]
fn idle_connections_without_a_session_end_at_once() {
    let (sim, _) = stage();
    let _peers: Vec<_> = (0..2_000).map(|_| sim.open("/")).collect();
    let line = sim.connect();
    line.send_raw(b"GET /page HTTP/1.1\r\nHost: localhost\r\n\r\n");
    sim.drive();
    assert_eq!(line.end(), None);
    sim.remote().shutdown().unwrap();
    sim.drive();
    assert_eq!(line.end(), Some(End::Finished));
}

#[test]
fn nobody_outlives_the_drain_by_beginning_its_end_late() {
    let (sim, _) = stage_with(Settings::default(), Limits::default().drain(secs(3)));
    let peer = open_manual(&sim);
    sim.remote().shutdown().unwrap();
    sim.advance(millis(2_900));
    // Its Close is answered in the last moment; the end of its connection never comes.
    peer.close(1001, "");
    sim.advance(millis(50));
    sim.advance(millis(50));
    assert!(sim.is_empty());
}

#[test]
fn a_shutdown_that_finds_nobody_is_over_at_once() {
    let (sim, _) = stage();
    sim.remote().shutdown().unwrap();
    sim.drive();
    assert!(sim.is_empty());
    assert_eq!(sim.next_deadline(), None);
}

#[test]
fn a_clock_that_jumps_closes_everybody_and_cuts_who_stays() {
    let (sim, _) = stage();
    let _peers: Vec<_> = (0..300).map(|_| open_manual(&sim)).collect();
    sim.remote().shutdown().unwrap();
    sim.drive();
    sim.jump(secs(3600));
    sim.drive();
    assert!(sim.is_empty());
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
