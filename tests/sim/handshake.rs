//! SPEC 5 and 6: what happens before a session, and who is not let in.

use crate::puppet::{millis, secs, stage, stage_with};
use dunlin::Limits;
use dunlin::testing::End;
use dunlin::{ErrorKind, Settings};

const PAGE: &[u8] = b"GET /page HTTP/1.1\r\nHost: localhost\r\n\r\n";

fn limits() -> Limits {
    Limits::default()
}

#[test]
fn a_head_that_is_not_complete_in_10_s_is_answered_408() {
    let (sim, _) = stage();
    let line = sim.connect();
    line.send_raw(b"GET /page HTTP/1.1\r\n");
    sim.advance(millis(9_900));
    assert_eq!(line.receive_http(), "");
    sim.advance(millis(100));
    assert!(line.receive_http().starts_with("HTTP/1.1 408 "));
    assert_eq!(line.end(), Some(End::Finished));
}

#[test]
fn the_deadline_of_a_head_holds_however_it_trickles() {
    let (sim, _) = stage();
    let line = sim.connect();
    for byte in &PAGE[..20] {
        line.send_raw(&[*byte]);
        sim.advance(millis(500));
    }
    assert!(line.receive_http().starts_with("HTTP/1.1 408 "));
}

#[test]
fn a_connection_that_says_nothing_is_answered_408() {
    let (sim, _) = stage();
    let line = sim.connect();
    sim.advance(secs(10));
    assert!(line.receive_http().starts_with("HTTP/1.1 408 "));
}

#[test]
fn a_deadline_is_over_also_when_the_clock_jumps_an_hour() {
    let (sim, _) = stage();
    let line = sim.connect();
    sim.drive();
    sim.jump(secs(3600));
    assert!(line.receive_http().starts_with("HTTP/1.1 408 "));
}

#[test]
fn a_head_may_come_byte_by_byte() {
    let (sim, _) = stage();
    let line = sim.connect();
    line.trickle(1);
    line.send_raw(PAGE);
    let answer = line.receive_http();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\npage"), "{answer}");
}

#[test]
fn an_upgrade_may_come_byte_by_byte_with_its_first_messages_behind_it() {
    let (sim, _) = stage();
    let line = sim.connect();
    line.trickle(1);
    let peer = line.upgrade("/", &[]);
    peer.send("echo one");
    peer.send("echo two");
    assert_eq!(peer.receive_text(), "one");
    assert_eq!(peer.receive_text(), "two");
    drop(sim);
}

#[test]
fn the_first_messages_may_come_in_one_read_with_the_upgrade() {
    let (sim, _) = stage();
    let peer = sim.connect().upgrade("/", &[]);
    peer.send("echo one");
    peer.send("echo two");
    assert_eq!(peer.receive_text(), "one");
    assert_eq!(peer.receive_text(), "two");
}

#[test]
fn a_body_that_is_not_complete_in_10_s_is_answered_408() {
    let (sim, _) = stage();
    let line = sim.connect();
    line.send_raw(b"GET /page HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nhalf");
    sim.advance(millis(9_900));
    assert_eq!(line.receive_http(), "");
    sim.advance(millis(100));
    assert!(line.receive_http().starts_with("HTTP/1.1 408 "));
}

#[test]
fn an_idle_connection_is_kept_for_60_s_and_then_ended_without_a_word() {
    let (sim, _) = stage();
    let line = sim.connect();
    line.send_raw(PAGE);
    assert!(line.receive_http().starts_with("HTTP/1.1 200 "));
    sim.advance(millis(59_900));
    assert_eq!(line.end(), None);
    sim.advance(millis(100));
    assert_eq!(line.receive_http(), "");
    assert_eq!(line.end(), Some(End::Finished));
}

#[test]
fn every_request_has_a_deadline_of_its_own() {
    let (sim, _) = stage();
    let line = sim.connect();
    for _ in 0..3 {
        sim.advance(secs(5));
        line.send_raw(PAGE);
        assert!(line.receive_http().starts_with("HTTP/1.1 200 "));
        sim.advance(secs(50));
        line.send_raw(&PAGE[..10]);
        sim.advance(secs(5));
        line.send_raw(&PAGE[10..]);
        assert!(line.receive_http().starts_with("HTTP/1.1 200 "));
    }
    line.send_raw(&PAGE[..10]);
    sim.advance(secs(10));
    assert!(line.receive_http().starts_with("HTTP/1.1 408 "));
}

#[test]
fn a_late_request_is_not_refused_for_the_deadline_that_it_met() {
    let (sim, _) = stage();
    let line = sim.connect();
    sim.drive();
    line.send_raw(PAGE);
    sim.jump(secs(10));
    let answer = line.receive_http();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(!answer.contains("408"), "{answer}");
}

#[test]
fn pipelined_requests_are_answered_one_after_another() {
    let (sim, _) = stage();
    let line = sim.connect();
    line.set_capacity(100);
    line.send_raw(&PAGE.repeat(50));
    let answers = line.receive_http();
    assert_eq!(answers.matches("HTTP/1.1 200 OK\r\n").count(), 50);
    assert_eq!(sim.stats().buffered, 0);
}

#[test]
fn a_peer_that_sends_requests_and_reads_no_answers_is_not_read_for_ever() {
    let (sim, _) = stage();
    let line = sim.connect();
    line.set_capacity(1000);
    line.stall();
    for _ in 0..100 {
        line.send_raw(&PAGE.repeat(1000));
        sim.drive();
    }
    assert!(line.unread() > 0);
    assert!(sim.stats().buffered < 1 << 20, "{:?}", sim.stats());
    line.resume();
    let answers = line.receive_http();
    assert_eq!(answers.matches("HTTP/1.1 200 OK\r\n").count(), 100_000);
}

#[test]
fn a_refused_upgrade_is_answered_and_ended() {
    let (sim, _) = stage();
    let error = sim.open_with("/nowhere", &[]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(error.to_string().contains("404 Not Found"), "{error}");
    sim.advance(secs(2));
    assert!(sim.is_empty());
}

#[test]
fn after_a_refusal_what_arrives_is_thrown_away_up_to_64_kib_or_2_s() {
    let (sim, _) = stage();
    let line = sim.connect();
    line.manual();
    line.send_raw(b"garbage\r\n\r\n");
    sim.drive();
    line.send_raw(&[b'x'; 60 << 10]);
    sim.advance(millis(1_900));
    assert!(!sim.is_empty());
    assert!(line.receive_http().starts_with("HTTP/1.1 400 "));
    line.send_raw(&[b'x'; 8 << 10]);
    sim.drive();
    assert!(sim.is_empty());
}

#[test]
fn one_connection_too_many_gets_503_and_room_is_made_by_leaving() {
    let (sim, _) = stage_with(Settings::default(), limits().max_connections(2));
    let (first, _second) = (sim.open("/"), sim.open("/"));
    let error = sim.open_with("/", &[]).unwrap_err();
    assert!(error.to_string().contains("503"), "{error}");
    first.cut();
    sim.advance(secs(2));
    sim.open("/");
}

#[test]
fn the_refusal_of_a_full_server_tells_when_to_come_back() {
    let (sim, _) = stage_with(Settings::default(), limits().max_connections(1));
    let _first = sim.open("/");
    let line = sim.connect();
    let answer = line.receive_http();
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(answer.contains("\r\nRetry-After: "), "{answer}");
}

#[test]
fn refused_connections_are_bounded_too() {
    let (sim, _) = stage_with(Settings::default(), limits().max_connections(1));
    let _first = sim.open("/");
    let lines: Vec<_> = (0..100).map(|_| sim.connect()).collect();
    // They stay, or the next ones would take their places.
    lines.iter().for_each(|line| line.manual());
    sim.drive();
    assert!(sim.stats().connections <= 33, "{:?}", sim.stats());
    let told = lines.iter().filter(|line| !line.receive_raw().is_empty());
    assert_eq!(told.count(), 32);
    sim.advance(secs(2));
    assert_eq!(sim.stats().connections, 1);
}

#[test]
fn the_next_ones_are_told_again_when_the_refused_ones_are_gone() {
    let (sim, _) = stage_with(Settings::default(), limits().max_connections(1));
    let _first = sim.open("/");
    for _ in 0..3 {
        let lines: Vec<_> = (0..32).map(|_| sim.connect()).collect();
        sim.drive();
        for line in &lines {
            assert!(line.receive_http().starts_with("HTTP/1.1 503 "));
        }
        sim.advance(secs(2));
    }
}

#[test]
fn an_address_with_too_many_connections_gets_429_and_others_do_not() {
    let (sim, _) = stage_with(Settings::default(), limits().max_per_address(2));
    let (first, _second) = (sim.open("/"), sim.open("/"));
    let line = sim.connect();
    assert!(line.receive_http().starts_with("HTTP/1.1 429 "));
    let other = sim.connect_from([127, 0, 0, 2].into());
    other.send_raw(PAGE);
    assert!(other.receive_http().starts_with("HTTP/1.1 200 "));
    first.cut();
    sim.advance(secs(2));
    sim.open("/");
}
