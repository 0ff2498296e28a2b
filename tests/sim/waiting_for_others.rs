//! One session waits until another has taken what was sent to it.

use crate::puppet::secs;
use dunlin::testing::{Conversation, Received, Sim};
use dunlin::{App, CloseCode, Message, SendOutcome, Session, SessionId, Settings};
use std::cell::RefCell;
use std::rc::Rc;

/// What comes from the second session goes to the first, no faster than that takes it.
fn pair() -> (Sim, Conversation, Conversation) {
    let first: Rc<RefCell<Option<SessionId>>> = Rc::default();
    let settings = Settings::default()
        .backlog_mark(4_000)
        .backlog_limit(20_000);
    let relay = move |session: &mut Session<'_>, message: Message<'_>| {
        let mut first = first.borrow_mut();
        let Some(to) = *first else {
            *first = Some(session.id());
            return;
        };
        if message.text() == Some("end the first") {
            return session.context().close(to, 1000, "asked");
        }
        match session.send_to(to, message) {
            SendOutcome::AboveMark => assert!(session.pause_until_drained(to)),
            SendOutcome::Queued => assert!(!session.pause_until_drained(to)),
            outcome => session.close(CloseCode::INTERNAL_ERROR, &format!("{outcome:?}")),
        }
    };
    let app = App::new().ws_with("/", settings, relay);
    let sim = Sim::new(app).expect("the program is right");
    let (first, second) = (sim.open("/"), sim.open("/"));
    first.send("I am the first");
    sim.drive();
    first.set_capacity(1_000);
    (sim, first, second)
}

#[test]
fn nothing_is_read_while_the_other_takes_nothing_and_all_arrives_at_last() {
    let (sim, first, second) = pair();
    first.stall();
    for _ in 0..300 {
        second.send(vec![7; 1_000]);
    }
    sim.drive();
    assert!(second.unread() > 200_000, "{}", second.unread());
    first.resume();
    let received = first.receive_all();
    assert_eq!(received.len(), 300);
    assert_eq!((second.unread(), second.end()), (0, None));
}

#[test]
fn whoever_waits_is_read_again_when_the_other_is_over() {
    for how in ["cut", "slow"] {
        let (sim, first, second) = pair();
        first.stall();
        for _ in 0..100 {
            second.send(vec![7; 1_000]);
        }
        sim.drive();
        assert!(second.unread() > 0);
        match how {
            "cut" => first.cut(),
            _ => sim.advance(secs(11)),
        }
        sim.drive();
        assert_eq!(second.unread(), 0, "{how}");
        let close = Received::close(1011, "Closed");
        assert_eq!(second.receive(), Some(close), "{how}");
    }
}

#[test]
fn to_close_with_1005_is_to_send_no_code() {
    let app = App::new().on_message("/", |session, _| session.close(1005, "left out"));
    let sim = Sim::new(app).expect("the program is right");
    let peer = sim.open("/");
    peer.send("close");
    assert_eq!(peer.receive(), Some(Received::close(1005, "")));
}

#[test]
fn a_closure_may_return_what_became_of_its_send() {
    let app = App::new().on_message("/", |session, message| session.send(message));
    let sim = Sim::new(app).expect("the program is right");
    let peer = sim.open("/");
    peer.send("echo");
    assert_eq!(peer.receive_text(), "echo");
}
