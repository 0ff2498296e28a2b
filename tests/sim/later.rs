//! Answers that come later, over HTTP: a request waits for its ticket, and nobody else does.

use crate::puppet::{millis, secs};
use dunlin::testing::{End, Line, Sim};
use dunlin::{Answer, App, Limits, Message, Response, Session, Ticket};
use std::cell::RefCell;
use std::rc::Rc;

type Tickets = Rc<RefCell<Vec<Ticket>>>;

/// `/later` keeps its ticket, `/now` answers; a text on `/` is the answer to the oldest ticket.
fn stage() -> (Sim, Tickets) {
    let tickets = Tickets::default();
    let (kept, answered) = (Rc::clone(&tickets), Rc::clone(&tickets));
    let app = App::new()
        .get("/later", move |_, context| {
            let (answer, ticket) = Answer::later(context);
            kept.borrow_mut().push(ticket);
            answer
        })
        .get("/now", |_, _| Response::text("now"))
        .on_message("/", move |_: &mut Session<'_>, message: Message<'_>| {
            let text = message.text().expect("a text").to_owned();
            answered.borrow_mut().remove(0).answer(Response::text(text));
        });
    (Sim::new(app).expect("the program is right"), tickets)
}

fn ask(sim: &Sim, method: &str, path: &str) -> Line {
    let line = sim.connect();
    line.send_raw(format!("{method} {path} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes());
    line
}

fn take(tickets: &Tickets) -> Ticket {
    tickets.borrow_mut().remove(0)
}

#[test]
fn an_event_of_another_session_answers() {
    let (sim, _) = stage();
    let line = ask(&sim, "GET", "/later");
    assert_eq!(line.receive_http(), "");
    sim.open("/").send("from a session");
    let answer = line.receive_http();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains("Connection: keep-alive\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\nfrom a session"), "{answer}");
    line.send_raw(b"GET /now HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(line.receive_http().ends_with("\r\n\r\nnow"));
}

#[test]
fn another_thread_answers() {
    let (sim, tickets) = stage();
    let line = ask(&sim, "GET", "/later");
    sim.drive();
    let ticket = take(&tickets);
    let answered = std::thread::spawn(move || ticket.answer(Response::text("done")));
    assert!(answered.join().expect("no panic"));
    assert!(line.receive_http().ends_with("\r\n\r\ndone"));
}

#[test]
fn requests_behind_one_that_waits_are_answered_after_it() {
    let (sim, tickets) = stage();
    let line = ask(&sim, "GET", "/later");
    line.send_raw(b"GET /now HTTP/1.1\r\nHost: a\r\n\r\n");
    sim.drive();
    line.send_raw(b"GET /now HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(line.receive_http(), "");
    assert_eq!(line.unread(), 30, "nothing is read from a peer that waits");
    take(&tickets).answer(Response::text("first"));
    let answers = line.receive_http();
    let bodies: Vec<&str> = answers
        .split("\r\n\r\n")
        .skip(1)
        .map(|rest| rest.split("HTTP/1.1").next().unwrap_or_default())
        .collect();
    assert_eq!(bodies, ["first", "now", "now"]);
}

#[test]
fn a_ticket_that_is_dropped_answers_503() {
    let (sim, tickets) = stage();
    let line = ask(&sim, "GET", "/later");
    sim.drive();
    drop(take(&tickets));
    let answer = line.receive_http();
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(answer.contains("Retry-After: "), "{answer}");
    assert_eq!(line.end(), Some(End::Finished));
}

#[test]
fn nobody_waits_longer_than_10_s_or_the_time_that_was_set() {
    let (sim, tickets) = stage();
    let line = ask(&sim, "GET", "/later");
    sim.advance(millis(9_900));
    assert_eq!(line.receive_http(), "");
    sim.advance(millis(200));
    assert!(line.receive_http().starts_with("HTTP/1.1 503 "));
    let ticket = take(&tickets);
    assert!(!ticket.is_waiting());
    assert!(!ticket.answer(Response::text("too late")));
    assert_eq!(line.receive_http(), "");

    let kept = Tickets::default();
    let keep = Rc::clone(&kept);
    let app = App::new().get("/", move |_, context| {
        let (answer, ticket) = Answer::later_within(context, secs(60));
        keep.borrow_mut().push(ticket);
        answer
    });
    let sim = Sim::new(app).expect("the program is right");
    let line = ask(&sim, "GET", "/");
    sim.advance(millis(59_900));
    assert_eq!(line.receive_http(), "");
    sim.advance(millis(200));
    assert!(line.receive_http().starts_with("HTTP/1.1 503 "));
}

#[test]
fn no_time_that_is_set_is_longer_than_30_min() {
    for time in [secs(1_800), secs(1_801), std::time::Duration::MAX] {
        let kept = Tickets::default();
        let keep = Rc::clone(&kept);
        let app = App::new().get("/", move |_, context| {
            let (answer, ticket) = Answer::later_within(context, time);
            keep.borrow_mut().push(ticket);
            answer
        });
        let sim = Sim::new(app).expect("the program is right");
        let line = ask(&sim, "GET", "/");
        sim.drive();
        sim.advance(secs(1_799));
        assert_eq!(line.receive_http(), "");
        sim.advance(millis(1_200));
        assert!(line.receive_http().starts_with("HTTP/1.1 503 "), "{time:?}");
    }
}

#[test]
fn head_gets_no_body_whatever_the_answer() {
    let (sim, tickets) = stage();
    let line = ask(&sim, "HEAD", "/later");
    sim.drive();
    take(&tickets).answer(Response::text("body"));
    let answer = line.receive_http();
    assert!(answer.contains("Content-Length: 4\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\n"), "{answer}");
    let line = ask(&sim, "HEAD", "/later");
    sim.drive();
    drop(take(&tickets));
    let answer = line.receive_http();
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.ends_with("\r\n\r\n"));
}

#[test]
fn the_ticket_of_a_peer_that_has_left_says_so() {
    let (sim, tickets) = stage();
    let line = ask(&sim, "GET", "/later");
    sim.drive();
    let ticket = take(&tickets);
    assert!(ticket.is_waiting());
    line.cut();
    sim.advance(secs(11));
    assert!(!ticket.is_waiting());
    assert!(!ticket.answer(Response::text("nobody")));
    assert!(sim.is_empty());
}

#[test]
fn a_peer_that_only_stopped_asking_is_answered() {
    let (sim, tickets) = stage();
    let line = ask(&sim, "GET", "/later");
    line.half_close();
    sim.drive();
    take(&tickets).answer(Response::text("still"));
    assert!(line.receive_http().ends_with("\r\n\r\nstill"));
    sim.advance(secs(1));
    assert!(sim.is_empty());
}

#[test]
fn past_the_most_tickets_the_answer_is_503_at_once_and_later_is_possible_again() {
    let (sim, tickets) = stage();
    let lines: Vec<Line> = (0..Limits::default().max_tickets)
        .map(|_| ask(&sim, "GET", "/later"))
        .collect();
    sim.drive();
    let one_more = ask(&sim, "GET", "/later");
    assert!(one_more.receive_http().starts_with("HTTP/1.1 503 "));
    assert!(!tickets.borrow_mut().pop().expect("its ticket").is_waiting());
    take(&tickets).answer(Response::text("one"));
    assert!(lines[0].receive_http().ends_with("one"));
    let again = ask(&sim, "GET", "/later");
    assert_eq!(again.receive_http(), "");
    tickets.borrow_mut().drain(..).for_each(|ticket| {
        ticket.answer(Response::text("all"));
    });
    assert!(again.receive_http().ends_with("all"));
}

#[test]
fn shutdown_does_not_wait_for_tickets() {
    let (sim, tickets) = stage();
    let line = ask(&sim, "GET", "/later");
    sim.drive();
    sim.remote().shutdown().expect("it runs");
    assert!(line.receive_http().starts_with("HTTP/1.1 503 "));
    assert!(!take(&tickets).is_waiting());
}

#[test]
fn a_ticket_may_answer_before_the_handler_has_returned() {
    let app = App::new().get("/", |_, context| {
        let (answer, ticket) = Answer::later(context);
        assert!(ticket.answer(Response::text("at once")));
        answer
    });
    let sim = Sim::new(app).expect("the program is right");
    assert!(ask(&sim, "GET", "/").receive_http().ends_with("at once"));
}

#[test]
fn a_ticket_whose_request_was_answered_otherwise_does_nothing() {
    let tickets = Tickets::default();
    let kept = Rc::clone(&tickets);
    let app = App::new().get("/", move |_, context| {
        let (_, ticket) = Answer::later(context);
        kept.borrow_mut().push(ticket);
        Response::text("now")
    });
    let sim = Sim::new(app).expect("the program is right");
    let line = ask(&sim, "GET", "/");
    assert!(line.receive_http().ends_with("now"));
    assert!(!take(&tickets).answer(Response::text("again")));
    assert_eq!(line.receive_http(), "");
}

#[test]
fn what_waits_counts_as_held_and_is_given_back() {
    let (sim, tickets) = stage();
    let line = ask(&sim, "GET", "/later");
    line.send_raw(&[0; 5_000]);
    sim.drive();
    assert_eq!(sim.stats().buffered, 5_000 - line.unread() as u64);
    take(&tickets).answer(Response::text("a"));
    assert!(line.receive_http().contains("HTTP/1.1 400 "));
    assert_eq!(sim.stats().buffered, 0);
}
