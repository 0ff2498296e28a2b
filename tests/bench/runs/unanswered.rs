//! What is never answered, answered out of order, or by nobody any more is told as it is.

use super::{plan, serve, summary};
use dunlin::{App, Handler, Message, Open, Request, ServerThread, Session};
use dunlin_bench::plan::{Pace, Plan, Scenario};
use dunlin_bench::run::{Progress, run};
use dunlin_bench::summary::{Ended, Environment, Summary};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// Of one connection: it keeps a number of messages and answers them from the last to the first.
struct Backwards(Vec<String>);

impl Handler for Backwards {
    type Data = ();

    fn open(&mut self, _: &Request<'_>, _: &mut Session<'_>) -> Open<()> {
        Open::Accept(())
    }

    fn message(&mut self, (): &mut (), session: &mut Session<'_>, message: Message<'_>) {
        if let Message::Text(text) = message {
            self.0.push(text.to_string());
        }
        if self.0.len() == 100 {
            for text in self.0.drain(..).rev() {
                session.send(&*text);
            }
        }
    }
}

#[test]
fn answers_from_the_last_to_the_first_are_late_and_none_counts_twice() {
    let server = serve(|| App::new().ws("/echo", Backwards(Vec::new())));
    let mut plan = plan(&server, "/echo", Scenario::Echo);
    (plan.connections, plan.pace, plan.window) = (1, Pace::Window(200), 200);
    plan.timeout = Duration::from_millis(200);
    let found = summary(&plan);
    let messages = &found.messages;
    assert!(
        messages.sent > 200 && messages.reordered > 90,
        "{messages:?}"
    );
    assert_eq!(messages.duplicates, 0, "{messages:?}");
    // What did not fill a hundred is not answered.
    assert_eq!(messages.lost, messages.sent % 100, "{messages:?}");
    assert_eq!(messages.answered + messages.lost, messages.sent);
}

/// Answers some messages, then none.
struct Tired {
    answers: u32,
}

impl Handler for Tired {
    type Data = ();

    fn open(&mut self, _: &Request<'_>, _: &mut Session<'_>) -> Open<()> {
        Open::Accept(())
    }

    fn message(&mut self, (): &mut (), session: &mut Session<'_>, message: Message<'_>) {
        if self.answers > 0 {
            self.answers -= 1;
            session.send(message);
        }
    }
}

#[test]
fn who_is_never_answered_has_waited_in_both_loops() {
    for pace in [Pace::Window(2), Pace::Rate(500.0)] {
        let server = serve(|| App::new().ws("/echo", Tired { answers: 20 }));
        let mut plan = plan(&server, "/echo", Scenario::Echo);
        (plan.pace, plan.window) = (pace, 2);
        (plan.duration, plan.timeout) = (Duration::from_millis(400), Duration::from_secs(1));
        let found = summary(&plan);
        let messages = &found.messages;
        assert_eq!(messages.answered, 20);
        assert_eq!(messages.lost, 10, "{messages:?}");
        let (count, max) = (found.response.count, found.response.max);
        assert!(max >= 1_000_000_000, "they were waited for: {max}");
        // Of the first ones some left before the measured span began.
        let all = messages.sent + messages.unsent;
        assert!(count <= all && count + 20 > all, "{messages:?}, {count}");
        assert_eq!(messages.unsent > 0, pace != Pace::Window(2));
        if messages.unsent > 0 {
            assert!(
                found.response.p50 > 500_000_000,
                "what could not even be sent, too: {:?}",
                found.response
            );
        }
    }
}

#[test]
fn visits_that_wait_for_a_free_connection_are_the_servers_affair() {
    let server = serve(|| App::new().on_message("/echo", |session, message| session.send(message)));
    let mut plan = plan(&server, "/echo", Scenario::Churn);
    (plan.connections, plan.pace) = (1, Pace::Rate(1e6));
    let found = summary(&plan);
    assert!(found.messages.unsent > 1000, "{:?}", found.messages);
    let blamed = found.invalid.iter().any(|why| why.contains("intended"));
    assert!(!blamed, "{:?}", found.invalid);
}

/// A run whose server ends when something was answered or, of a storm, all are there.
fn without_its_server(server: ServerThread, plan: &Plan) -> Summary {
    let mut server = Some(server);
    let stop = AtomicBool::new(false);
    let mut kill = |progress: &Progress| {
        let second = &progress.second;
        if (second.answered > 0 || second.phase != "ramp")
            && let Some(server) = server.take()
        {
            server.stop().expect("it stops");
        }
    };
    run(plan, Environment::default(), &[], &mut kill, &stop).expect("it runs")
}

#[test]
fn a_server_that_ends_in_the_warm_up_is_told_at_once_and_nothing_is_judged() {
    let server = serve(|| App::new().on_message("/echo", |session, message| session.send(message)));
    let mut plan = plan(&server, "/echo", Scenario::Echo);
    plan.warmup = Duration::from_secs(60);
    let begun = Instant::now();
    let found = without_its_server(server, &plan);
    assert!(begun.elapsed() < Duration::from_secs(50));
    assert_eq!(found.ended, Ended::Lost);
    assert_eq!((found.measured_ns, found.generator.busy), (0, 0.0));
    assert!(found.invalid.is_empty(), "{:?}", found.invalid);
    assert!(found.messages.answered > 0);
}

#[test]
fn nobody_who_comes_back_to_a_server_that_is_gone_calls_the_run_complete() {
    for scenario in [Scenario::Churn, Scenario::Storm] {
        let server =
            serve(|| App::new().on_message("/echo", |session, message| session.send(message)));
        let mut plan = plan(&server, "/echo", scenario);
        plan.duration = Duration::from_secs(2);
        let found = without_its_server(server, &plan);
        assert_eq!(found.ended, Ended::Lost, "{found:?}");
        // Each tries again, but not as fast as a loop turns.
        let errors: u64 = found.errors.values().sum();
        assert!((1..1000).contains(&errors), "{:?}", found.errors);
    }
}

#[test]
fn a_stop_in_the_warm_up_waits_for_the_answers_that_are_under_way() {
    let server = serve(|| App::new().on_message("/echo", |session, message| session.send(message)));
    let mut plan = plan(&server, "/echo", Scenario::Echo);
    (plan.warmup, plan.connections) = (Duration::from_secs(60), 50);
    let stop = AtomicBool::new(false);
    let mut once = |progress: &Progress| stop.store(progress.second.answered > 0, Relaxed);
    let found = run(&plan, Environment::default(), &[], &mut once, &stop).expect("it runs");
    assert_eq!(found.ended, Ended::Interrupted);
    assert_eq!(found.messages.answered, found.messages.sent);
    assert_eq!((found.messages.lost, found.messages.cut), (0, 0));
    assert_eq!(found.measured_ns, 0);
}
