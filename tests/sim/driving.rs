//! Driving a simulation to a point: until a condition holds, with virtual time or with other threads.

use crate::puppet::{failure, millis, secs, stage};
use dunlin::testing::Sim;
use dunlin::{App, Handle, Handler, Message, Open, Remote, Request, Route, Session, SessionId};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

#[test]
fn time_goes_on_until_the_condition_holds_and_no_further() {
    let (sim, diary) = stage();
    let peer = sim.open("/");
    peer.send("timer 5000 1; timer 6000 2");
    let mut events = Vec::new();
    sim.drive_until(|| {
        events.extend(diary.read());
        !events.is_empty()
    });
    assert_eq!(events, ["0 timer 1 at 5000"]);
    assert_eq!(sim.now(), secs(5));
    sim.drive_until(|| true);
    assert_eq!(sim.now(), secs(5));
}

#[test]
fn a_condition_that_cannot_come_true_fails_with_the_state_of_the_server() {
    let (sim, _) = stage();
    let (message, at) = failure(|| sim.drive_until(|| false));
    assert!(at.starts_with("tests/sim/driving.rs:"), "{at}");
    assert_eq!(
        message,
        "the condition did not come true: at 0 ms the server rests; it has 0 connections, 0 sessions \
         and 0 bytes that wait, and would wake by itself never"
    );
    // A session is pinged for ever.
    let _peer = sim.open("/");
    let (message, _) = failure(|| sim.drive_until(|| false));
    assert!(message.contains("1 sessions"), "{message}");
    assert!(sim.now() > secs(3000) && sim.now() <= secs(3600));
}

#[test]
fn messages_that_wait_are_counted_and_stay() {
    let (sim, _) = stage();
    let peer = sim.open("/");
    peer.send("echo one; echo two");
    sim.drive_until(|| peer.waiting() == 2);
    assert_eq!([peer.receive_text(), peer.receive_text()], ["one", "two"]);
    assert_eq!(peer.waiting(), 0);
}

#[test]
fn the_backlog_of_a_peer_is_what_the_pipe_did_not_take() {
    let (sim, _) = stage();
    let peer = sim.open("/");
    peer.set_capacity(1000);
    peer.stall();
    peer.send("flood 1 5000");
    sim.drive();
    assert_eq!(peer.backlog(), 5000 + 4 - 1000);
    peer.resume();
    sim.drive();
    assert_eq!((peer.backlog(), peer.waiting()), (0, 1));
    peer.cut();
    sim.drive();
    assert_eq!(peer.backlog(), 0);
}

/// Hands every text to a thread, which answers by a handle.
struct Office {
    work: Sender<(SessionId, String)>,
    answered: u32,
}

impl Handler for Office {
    type Data = ();

    fn open(&mut self, _: &Request<'_>, _: &mut Session<'_>) -> Open<()> {
        Open::Accept(())
    }

    fn message(&mut self, (): &mut (), session: &mut Session<'_>, message: Message<'_>) {
        let text = message.text().expect("a text").to_owned();
        self.work.send((session.id(), text)).expect("it listens");
    }
}

fn office(worker: fn(&Receiver<(SessionId, String)>, &Handle<Office>)) -> Sim {
    let (work, orders) = channel();
    let office = Route::new(Office { work, answered: 0 });
    let handle = office.handle();
    thread::spawn(move || worker(&orders, &handle));
    Sim::new(App::new().route("/", office)).expect("the program is right")
}

#[test]
fn a_thread_that_a_handler_gave_work_to_answers_while_the_clock_stands() {
    let sim = office(|orders, handle| {
        for (id, text) in orders {
            let called = handle.call_session(id, move |office, found| {
                office.answered += 1;
                if let Ok((_, session)) = found {
                    session.send(&*format!("{}: {}", office.answered, text.to_uppercase()));
                }
            });
            called.expect("there is room");
        }
    });
    let peers = [sim.open("/"), sim.open("/")];
    for (number, peer) in (1..).zip(&peers) {
        peer.send("hello");
        sim.drive_threads_until(|| peer.waiting() == 1);
        assert_eq!(peer.receive_text(), format!("{number}: HELLO"));
    }
    assert_eq!(sim.now(), secs(0));
}

#[test]
fn a_thread_answers_by_a_remote_and_its_end_can_be_waited_for() {
    let remote: &OnceLock<Remote> = Box::leak(Box::default());
    let app = App::new().on_message("/", move |session, _| {
        let (remote, id) = (remote.get().expect("it is set").clone(), session.id());
        thread::spawn(move || remote.send(id, "from a thread").expect("it runs"));
    });
    let sim = Sim::new(app).expect("the program is right");
    remote.set(sim.remote()).expect("it is set once");
    let peer = sim.open("/");
    peer.send("go");
    sim.drive_threads_until(|| peer.waiting() == 1);
    assert_eq!(peer.receive_text(), "from a thread");
    // It asks for nothing.
    let thread = thread::spawn(|| 7);
    sim.drive_threads_until(|| thread.is_finished());
    assert_eq!(thread.join().expect("it does not panic"), 7);
}

#[test]
fn a_thread_that_never_answers_fails_the_test_in_bounded_time() {
    let sim = office(|orders, _| while orders.recv().is_ok() {});
    sim.wait_at_most(millis(1));
    let peer = sim.open("/");
    peer.send("hello");
    let (message, at) = failure(|| sim.drive_threads_until(|| peer.waiting() == 1));
    assert!(at.starts_with("tests/sim/driving.rs:"), "{at}");
    let part =
        "while other threads had 1ms: at 0 ms the server rests; it has 1 connections, 1 sessions";
    assert!(message.contains(part), "{message}");
}
