//! The open event: accepted or refused as a whole, before the 101.

use crate::puppet::{secs, stage, stage_with};
use dunlin::Limits;
use dunlin::testing::{Received, Sim};
use dunlin::{App, BacklogPolicy, ErrorKind, Settings};

#[test]
fn a_refused_open_answers_its_status_in_place_of_the_101() {
    let (sim, diary) = stage();
    let error = sim.open_with("/?refuse", &[]).unwrap_err();
    assert!(error.to_string().contains("403 Forbidden"), "{error}");
    sim.advance(secs(2));
    assert!(sim.is_empty());
    assert_eq!(diary.read(), [""; 0], "no close event follows");
    assert_eq!((sim.stats().opened, sim.stats().closed), (0, 0));
}

#[test]
fn what_a_refused_open_sent_or_joined_has_no_effect() {
    let (sim, diary) = stage();
    let member = sim.open("/?do=join+room");
    let line = sim.connect();
    line.upgrade(
        "/?refuse&do=echo+secret;join+room;join+other;timer+1000+1;close+1000",
        &[],
    );
    member.send("publish room hello");
    assert_eq!(member.receive_text(), "hello");
    let answer = line.receive_http();
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
    assert!(!answer.contains("secret") && !answer.contains(" 101 "));
    assert_eq!(sim.topics(), 1);
    sim.advance(secs(5));
    assert_eq!(diary.read(), [""; 0]);
    assert_eq!(sim.stats().sent, 1);
}

#[test]
fn a_refused_open_that_sent_much_takes_all_of_it_back() {
    let (sim, _) = stage();
    let line = sim.connect();
    line.upgrade("/?refuse&do=flood+100+5000;flood+1+20000", &[]);
    let answer = line.receive_http();
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer:.100}");
}

#[test]
fn a_refused_open_behind_unsent_answers_takes_nothing_else_back() {
    let (sim, _) = stage();
    let line = sim.connect();
    line.set_capacity(200);
    line.stall();
    line.send_raw(&b"GET /page HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(5));
    sim.drive();
    line.upgrade("/?refuse&do=echo+secret", &[]);
    sim.drive();
    line.resume();
    let answers = line.receive_http();
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 5, "{answers}");
    assert_eq!(answers.matches("HTTP/1.1 403 ").count(), 1, "{answers}");
    assert!(!answers.contains(" 101 ") && !answers.contains("secret"));
    assert_eq!(sim.stats().buffered, 0);
}

#[test]
fn what_an_open_event_sends_arrives_behind_the_101() {
    let (sim, _) = stage();
    let peer = sim.open("/?do=echo+one;join+room;publish+room+two;echo+three");
    for expected in ["one", "two", "three"] {
        assert_eq!(peer.receive_text(), expected);
    }
}

#[test]
fn an_open_event_may_send_more_than_fits_the_line() {
    let (sim, _) = stage();
    sim.set_capacity(1000);
    let peer = sim.open("/?do=flood+50+5000;flood+1+20000");
    let received = peer.receive_all();
    assert_eq!(received.len(), 51);
    assert_eq!(sim.stats().buffered, 0);
}

#[test]
fn an_open_event_may_close_what_it_opens() {
    let (sim, diary) = stage();
    let peer = sim.open("/?do=close+4000+no");
    assert_eq!(peer.receive(), Some(Received::close(4000, "no")));
    sim.drive();
    assert!(sim.is_empty());
    assert_eq!(diary.read(), ["0 closed 4000 no by Us"]);
}

#[test]
fn the_first_backlog_of_a_session_can_be_dropped_like_any_other() {
    let settings = Settings::default()
        .backlog(BacklogPolicy::DropOldest)
        .backlog_mark(1000)
        .backlog_limit(2000);
    let (sim, _) = stage_with(settings, Limits::default());
    let peer = sim.open("/");
    peer.set_capacity(0);
    peer.stall();
    peer.send("flood 3 500");
    sim.drive();
    peer.send("flood 3 500; echo newest");
    sim.drive();
    assert!(sim.stats().buffered <= 2000, "{:?}", sim.stats());
    peer.set_capacity(64 << 10);
    peer.resume();
    assert!(peer.receive_all().len() <= 4);
}

#[test]
fn a_simulation_does_not_start_with_a_limit_out_of_bounds() {
    let limits = Limits::default().head_timeout(std::time::Duration::MAX);
    let error = Sim::with(App::new(), limits, 0).expect_err("it is out of bounds");
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("`head_timeout`"), "{error}");
}

#[test]
fn an_upgrade_whose_answer_is_waited_for_is_open_or_tells_why_not() {
    let (sim, _) = stage();
    let asked = ["/", "/nowhere"].map(|path| sim.connect().upgrade(path, &[]));
    assert!(!asked.iter().any(|conversation| conversation.is_answered()));
    sim.drive();
    assert!(asked.iter().all(|conversation| conversation.is_answered()));
    let [open, refused] = asked.map(|conversation| conversation.opened());
    open.expect("it is served").send("echo hello");
    let error = refused.expect_err("nothing is there");
    assert_eq!(error.kind(), ErrorKind::Refused);
    let unasked = sim.connect().upgrade("/", &[]).opened();
    assert_eq!(
        unasked.expect_err("no turn was made").kind(),
        ErrorKind::Closed
    );
}
