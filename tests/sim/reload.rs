//! Limits that change while the server runs.

use crate::puppet::{millis, secs, stage_with};
use dunlin::hub::Limits;
use dunlin::sim::Sim;
use dunlin::{ErrorKind, Settings};

fn stage(limits: Limits) -> Sim {
    stage_with(Settings::default(), limits).0
}

fn reload(sim: &Sim, limits: Limits) {
    sim.remote().reload(limits).expect("good limits");
    sim.drive();
}

/// The first line of the answer to a request.
fn answer(sim: &Sim, request: &str) -> String {
    let line = sim.connect();
    line.send_raw(request.as_bytes());
    sim.drive();
    let answer = line.receive_http();
    answer.lines().next().unwrap_or_default().to_owned()
}

#[test]
fn a_lower_number_of_connections_holds_for_new_ones_and_closes_none() {
    let sim = stage(Limits::default());
    let first = sim.open("/");
    let second = sim.open("/");
    reload(&sim, Limits::default().max_connections(1));
    assert!(answer(&sim, "GET /page HTTP/1.1\r\nHost: a\r\n\r\n").contains(" 503 "));
    for conversation in [&first, &second] {
        conversation.send("echo here");
        sim.drive();
        assert_eq!(conversation.receive_text(), "here");
    }
    reload(&sim, Limits::default());
    assert!(answer(&sim, "GET /page HTTP/1.1\r\nHost: a\r\n\r\n").contains(" 200 "));
}

#[test]
fn hosts_and_sizes_of_a_head_hold_for_the_next_request() {
    let sim = stage(Limits::default());
    let request = "GET /page HTTP/1.1\r\nHost: a\r\n\r\n";
    assert!(answer(&sim, request).contains(" 200 "));
    reload(&sim, Limits::default().hosts(vec!["b".to_owned()]));
    assert!(answer(&sim, request).contains(" 421 "));
    let mut head = Limits::default().head;
    head.max_fields = 1;
    reload(&sim, Limits::default().head(head));
    let two = "GET /page HTTP/1.1\r\nHost: a\r\nAccept: b\r\n\r\n";
    assert!(answer(&sim, two).contains(" 431 "));
}

#[test]
fn a_time_for_a_head_holds_for_the_next_connection() {
    let sim = stage(Limits::default());
    reload(&sim, Limits::default().head_timeout(secs(2)));
    let line = sim.connect();
    line.send_raw(b"GET");
    sim.advance(millis(1_900));
    assert_eq!(line.receive_http(), "");
    sim.advance(millis(100));
    assert!(line.receive_http().starts_with("HTTP/1.1 408 "));
}

#[test]
fn what_does_not_reload_stays_as_it_was() {
    let sim = stage(Limits::default().max_per_address(2));
    reload(
        &sim,
        Limits::default().max_per_address(1).max_connections(10),
    );
    let _first = sim.open("/");
    assert!(answer(&sim, "GET /page HTTP/1.1\r\nHost: a\r\n\r\n").contains(" 200 "));
    let names = Limits::rows().iter().filter(|row| !row.reloads);
    let names: Vec<_> = names.map(|row| row.name).collect();
    assert_eq!(names, ["max_per_address", "proxy_protocol", "drain"]);
}

#[test]
fn limits_out_of_bounds_are_refused_at_once() {
    let sim = stage(Limits::default());
    let error = sim.remote().reload(Limits::default().max_connections(0));
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Config);
}
