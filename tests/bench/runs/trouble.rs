//! What servers do wrong shows as what it is.

use super::{outcome, plan, plan_to, serve, summary};
use dunlin::{App, Handler, Message, Open, Request, Response, Session, Status};
use dunlin_bench::plan::{Pace, Scenario};
use dunlin_bench::run::{Failure, Progress, run};
use dunlin_bench::summary::{Ended, Environment};
use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

/// An echo with a fault at every tenth message.
struct Faulty {
    fault: &'static str,
    kept: Option<Vec<u8>>,
    count: u32,
}

impl Faulty {
    fn new(fault: &'static str) -> Self {
        let (kept, count) = (None, 0);
        Self { fault, kept, count }
    }
}

impl Handler for Faulty {
    type Data = ();

    fn open(&mut self, _: &Request<'_>, session: &mut Session<'_>) -> Open<()> {
        if self.fault == "greets" {
            session.send("welcome");
        }
        Open::Accept(())
    }

    fn message(&mut self, (): &mut (), session: &mut Session<'_>, message: Message<'_>) {
        self.count += 1;
        if let Some(kept) = self.kept.take() {
            session.send(message);
            session.send(std::str::from_utf8(&kept).expect("it was text"));
            return;
        }
        if !self.count.is_multiple_of(10) {
            session.send(message);
            return;
        }
        match (self.fault, message) {
            ("loses", _) => {}
            ("doubles", message) => {
                session.send(message);
                session.send(message);
            }
            ("swaps", Message::Text(text)) => self.kept = Some(text.as_bytes().to_vec()),
            ("alters", Message::Text(text)) => {
                session.send(text.replace('x', "y"));
            }
            ("closes", _) => session.close(1008, "enough"),
            (_, message) => {
                session.send(message);
            }
        }
    }
}

#[test]
fn loss_doubles_swaps_and_changes_are_told_apart() {
    for fault in ["loses", "doubles", "swaps", "alters", "greets"] {
        let server = serve(move || App::new().ws("/echo", Faulty::new(fault)));
        let mut plan = plan(&server, "/echo", Scenario::Echo);
        (plan.connections, plan.pace, plan.window) = (1, Pace::Window(20), 20);
        plan.timeout = Duration::from_millis(300);
        let found = summary(&plan);
        let messages = &found.messages;
        let altered = found.errors.get("answer: altered").copied().unwrap_or(0);
        assert!(messages.sent > 20, "{fault}: {found:?}");
        for (what, count) in [
            ("loses", messages.lost),
            ("doubles", messages.duplicates),
            ("swaps", messages.reordered),
            ("alters", altered),
            ("greets", messages.others),
        ] {
            // What is altered is lost as well, for its number cannot be trusted. One that was kept
            // for the next may be there at the end.
            let may_be = what == "loses" && ["alters", "swaps"].contains(&fault);
            assert!(
                may_be || (count > 0) == (what == fault),
                "{fault}, {what}: {found:?}"
            );
        }
        let whole = messages.answered + messages.lost;
        assert_eq!(whole, messages.sent, "{fault}: {messages:?}");
    }
}

#[test]
fn a_close_in_the_middle_is_told_with_its_code_and_what_it_cut() {
    let server = serve(|| App::new().ws("/echo", Faulty::new("closes")));
    let mut plan = plan(&server, "/echo", Scenario::Echo);
    (plan.pace, plan.window) = (Pace::Window(4), 4);
    let found = summary(&plan);
    assert_eq!(found.ended, Ended::Lost);
    assert_eq!(found.closes["1008 by the server"], 5, "{found:?}");
    let messages = &found.messages;
    assert!(messages.cut > 0 && messages.lost == 0, "{messages:?}");
    assert_eq!(messages.answered + messages.cut, messages.sent);
    assert!(
        found.notes.iter().any(|note| note.contains("enough")),
        "{:?}",
        found.notes
    );
}

#[test]
fn nobody_there_ends_soon_and_says_so() {
    let nowhere = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = nowhere.local_addr().expect("it is bound");
    drop(nowhere);
    let mut plan = plan_to(&format!("ws://{address}/"), Scenario::Echo);
    plan.connections = 5000;
    let found = summary(&plan);
    assert_eq!(found.ended, Ended::Nothing);
    let refused = found.errors["connect: connection refused"];
    assert!(
        (500..5000).contains(&refused),
        "the rest is not tried: {refused}"
    );
    assert!(
        found.notes.iter().any(|note| note.contains("refused")),
        "{:?}",
        found.notes
    );
}

#[test]
fn a_refused_handshake_is_told_with_its_status() {
    let server = serve(|| {
        App::new()
            .get("/page", |_, _| Response::ok("text/plain", b"a page"))
            .get("/no", |_, _| Response::refusal(Status::FORBIDDEN))
    });
    for (path, kind) in [
        ("/page", "handshake: 200"),
        ("/no", "handshake: 403"),
        ("/nowhere", "handshake: 404"),
    ] {
        let found = summary(&plan(&server, path, Scenario::Echo));
        assert_eq!(found.ended, Ended::Nothing);
        assert_eq!(found.errors[kind], 5, "{found:?}");
        assert_eq!(found.connect.count, 5, "the connections were made");
    }
}

#[test]
fn a_server_that_says_nothing_is_a_timeout() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = silent.local_addr().expect("it is bound");
    let mut plan = plan_to(&format!("ws://{address}/"), Scenario::Echo);
    plan.timeout = Duration::from_millis(50);
    let found = summary(&plan);
    assert_eq!(found.errors["handshake: timeout"], 5, "{found:?}");
}

#[test]
fn a_server_that_goes_away_leaves_what_was_found_until_then() {
    let server = serve(|| App::new().on_message("/echo", |session, message| session.send(message)));
    let mut plan = plan(&server, "/echo", Scenario::Echo);
    plan.duration = Duration::from_secs(60);
    let mut server = Some(server);
    let stop = AtomicBool::new(false);
    let begun = Instant::now();
    let mut kill = |progress: &Progress| {
        if progress.second.answered > 0
            && let Some(server) = server.take()
        {
            server.stop().expect("it stops");
        }
    };
    let found = run(&plan, Environment::default(), &[], &mut kill, &stop).expect("it runs");
    assert!(
        begun.elapsed() < Duration::from_secs(50),
        "it did not wait for the end"
    );
    assert_eq!(found.ended, Ended::Lost);
    assert_eq!(found.closes["1001 by the server"], 5, "{found:?}");
    assert!(found.messages.answered > 0 && found.response.count > 0);
}

#[test]
fn a_stop_from_outside_ends_the_run_with_what_it_has() {
    let server = serve(|| App::new().on_message("/echo", |session, message| session.send(message)));
    let mut plan = plan(&server, "/echo", Scenario::Echo);
    plan.duration = Duration::from_secs(60);
    let stop = AtomicBool::new(false);
    let found = thread::scope(|scope| {
        let running = scope.spawn(|| {
            let environment = Environment::default();
            let mut until = |progress: &Progress| {
                if progress.second.answered > 0 {
                    stop.store(true, Relaxed);
                }
            };
            run(&plan, environment, &[], &mut until, &stop)
        });
        running.join().expect("it does not panic").expect("it runs")
    });
    assert_eq!(found.ended, Ended::Interrupted);
    assert!(
        found.messages.answered > 0 && found.measured_ns > 0,
        "{found:?}"
    );
    assert_eq!(found.connections.open_at_end, 5);
}

/// An echo whose whole server sleeps for 100 ms now and then.
struct Stalling {
    next: Instant,
}

impl Handler for Stalling {
    type Data = ();

    fn open(&mut self, _: &Request<'_>, _: &mut Session<'_>) -> Open<()> {
        Open::Accept(())
    }

    fn message(&mut self, (): &mut (), session: &mut Session<'_>, message: Message<'_>) {
        if Instant::now() >= self.next {
            // The fault that is to be seen.
            thread::sleep(Duration::from_millis(100));
            self.next = Instant::now() + Duration::from_millis(400);
        }
        session.send(message);
    }
}

#[test]
fn a_stall_shows_in_open_loop_and_hides_in_closed_loop() {
    let next = Instant::now();
    let server = serve(move || App::new().ws("/echo", Stalling { next }));
    let mut plan = plan(&server, "/echo", Scenario::Echo);
    (plan.connections, plan.duration) = (2, Duration::from_secs(2));
    (plan.pace, plan.window) = (Pace::Rate(1000.0), 256);
    let open = summary(&plan);
    (plan.pace, plan.window) = (Pace::Window(1), 1);
    let closed = summary(&plan);
    // A fifth of the time is a stall: of what was to leave then, half waited 50 ms or more.
    assert!(open.response.p90 > 20_000_000, "{:?}", open.response);
    assert!(open.response.max > 90_000_000, "{:?}", open.response);
    // The closed loop asks twice in each stall and thousands of times between two.
    assert!(closed.response.max > 90_000_000, "{:?}", closed.response);
    let slow = |latency: &dunlin_bench::summary::Latency| {
        let curve = latency.curve.iter();
        curve.take_while(|(_, value)| *value < 20_000_000).count() as f64
            / latency.curve.len() as f64
    };
    assert!(slow(&open.response) < slow(&closed.response));
}

#[test]
fn a_plan_that_cannot_be_done_is_refused_before_anything_is_sent() {
    let server = serve(|| App::new().on_message("/echo", |session, message| session.send(message)));
    let mut plan = plan(&server, "/echo", Scenario::Broadcast);
    plan.size = 10;
    match outcome(&plan) {
        Err(Failure::Plan(text)) => assert!(text.contains("--size 28"), "{text}"),
        other => panic!("{other:?}"),
    }
}
