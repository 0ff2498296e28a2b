//! The timers of handlers.

use crate::puppet::{millis, secs, stage, stage_with};
use dunlin::Limits;
use dunlin::testing::Sim;
use dunlin::{App, Handler, Message, Open, Request, Session, SessionId, Settings};

#[test]
fn a_timer_runs_out_to_the_millisecond() {
    let (sim, diary) = stage();
    let peer = sim.open("/");
    peer.send("timer 1234 7");
    sim.advance(millis(1233));
    assert_eq!(diary.read(), [""; 0]);
    sim.advance(millis(1));
    assert_eq!(diary.read(), ["0 timer 7 at 1234"]);
    sim.advance(secs(10));
    assert_eq!(diary.read(), [""; 0], "once");
    drop(peer);
}

#[test]
fn timers_of_several_sessions_come_in_the_order_of_time() {
    let (sim, diary) = stage();
    let (a, b) = (sim.open("/"), sim.open("/"));
    a.send("timer 30 1; timer 10 2");
    b.send("timer 20 1");
    sim.advance(millis(50));
    let expected = ["0 timer 2 at 10", "1 timer 1 at 20", "0 timer 1 at 30"];
    assert_eq!(diary.read(), expected);
}

#[test]
fn a_timer_of_zero_comes_in_the_same_turn_or_the_next() {
    let (sim, diary) = stage();
    sim.open("/").send("timer 0 1");
    sim.drive();
    assert_eq!(diary.read(), ["0 timer 1 at 0"]);
}

#[test]
fn a_token_that_runs_is_set_anew_and_a_cancelled_one_is_silent() {
    let (sim, diary) = stage();
    let peer = sim.open("/");
    peer.send("timer 100 1; timer 100 2; timer 200 1; cancel 2");
    sim.advance(secs(1));
    assert_eq!(diary.read(), ["0 timer 1 at 200"]);
}

#[test]
fn a_session_that_ends_leaves_no_timer() {
    let settings = Settings::default().ping_period(None);
    let (sim, diary) = stage_with(settings, Limits::default());
    let peer = sim.open("/");
    peer.send("timer 3600000 1");
    sim.drive();
    peer.cut();
    sim.drive();
    sim.advance(secs(10));
    assert_eq!(sim.next_deadline(), None);
    assert_eq!(diary.read().len(), 1, "its close event only");
}

#[test]
fn timers_still_run_while_the_peers_close_is_awaited() {
    let (sim, diary) = stage();
    let peer = sim.open("/");
    peer.manual();
    peer.send("timer 1000 1; close 1000");
    sim.advance(secs(2));
    assert_eq!(diary.read(), ["0 timer 1 at 1000"]);
}

#[test]
fn a_session_sets_and_cancels_the_timers_of_another() {
    struct Timed(Vec<SessionId>);
    impl Handler for Timed {
        type Data = ();
        fn open(&mut self, _: &Request<'_>, session: &mut Session<'_>) -> Open<()> {
            self.0.push(session.id());
            Open::Accept(())
        }
        fn message(&mut self, (): &mut (), session: &mut Session<'_>, message: Message<'_>) {
            let (first, context) = (self.0[0], session.context());
            match message.text() {
                Some("set") => context.set_session_timer(first, secs(5), 7),
                _ => assert!(context.cancel_session_timer(first, 7)),
            }
        }
        fn timer(&mut self, (): &mut (), session: &mut Session<'_>, token: u64) {
            session.send(format!("timer {token}"));
        }
    }
    let sim = Sim::new(App::new().ws("/", Timed(Vec::new()))).expect("the program is right");
    let (first, second) = (sim.open("/"), sim.open("/"));
    second.send("set");
    sim.advance(secs(4));
    assert_eq!(first.receive(), None);
    sim.advance(secs(2));
    assert_eq!(first.receive_text(), "timer 7");
    second.send("set");
    second.send("cancel");
    sim.advance(secs(10));
    assert_eq!((first.receive(), second.receive()), (None, None));
    first.cut();
    sim.drive();
    second.send("set");
    sim.advance(secs(10));
    assert_eq!(second.end(), None);
}
