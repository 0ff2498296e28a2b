//! What a run counts is what the server counts.

use super::{plan, serve, summary};
use dunlin::{App, Deflate, Handler, Message, Open, Request, Route, Session};
use dunlin_bench::plan::{Pace, Scenario};
use dunlin_bench::summary::Ended;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// What a server counted.
#[derive(Default)]
struct Count {
    opened: AtomicU64,
    messages: AtomicU64,
    bytes: AtomicU64,
}

/// An echo that counts.
struct Counting(Arc<Count>);

impl Handler for Counting {
    type Data = ();

    fn open(&mut self, _: &Request<'_>, _: &mut Session<'_>) -> Open<()> {
        self.0.opened.fetch_add(1, Relaxed);
        Open::Accept(())
    }

    fn message(&mut self, (): &mut (), session: &mut Session<'_>, message: Message<'_>) {
        self.0.messages.fetch_add(1, Relaxed);
        self.0.bytes.fetch_add(message.len() as u64, Relaxed);
        session.send(message);
    }
}

fn counting() -> (dunlin::ServerThread, Arc<Count>) {
    let count = Arc::new(Count::default());
    let its = Arc::clone(&count);
    let server = serve(move || {
        let echo = Route::new(Counting(its)).extension(Deflate::default());
        App::new().route("/echo", echo)
    });
    (server, count)
}

#[test]
fn an_echo_is_counted_to_the_message_and_byte_in_both_loops() {
    for (pace, window) in [
        (Pace::Window(1), 1),
        (Pace::Window(16), 16),
        (Pace::Rate(2000.0), 256),
    ] {
        for (text, size, deflate) in [(true, 5, false), (false, 1000, false), (true, 300, true)] {
            let (server, count) = counting();
            let mut plan = plan(&server, "/echo", Scenario::Echo);
            (plan.pace, plan.window) = (pace, window);
            (plan.text, plan.size, plan.deflate) = (text, size, deflate);
            let found = summary(&plan);
            let messages = &found.messages;
            let counted = count.messages.load(Relaxed);
            assert_eq!(found.ended, Ended::Complete, "{found:?}");
            assert!(
                messages.sent > 0 && messages.sent == counted,
                "{messages:?}"
            );
            assert_eq!(messages.sent_bytes, count.bytes.load(Relaxed));
            assert_eq!(messages.sent_bytes, messages.sent * size as u64);
            assert_eq!((messages.answered, messages.received), (counted, counted));
            assert_eq!(messages.received_bytes, messages.sent_bytes);
            let wrong = (messages.lost, messages.cut, messages.duplicates);
            assert_eq!(
                (wrong, messages.reordered, messages.others),
                ((0, 0, 0), 0, 0)
            );
            assert!(
                found.errors.is_empty() && found.closes.is_empty(),
                "{found:?}"
            );
            assert_eq!(found.connections.opened, 5);
            assert_eq!(found.connections.deflated, if deflate { 5 } else { 0 });
            // Every message of the measured span has its time, whenever its answer came. In open loop that is
            // the span in which it was due: some of those that leave in it were due before.
            let (times, sent) = (found.response.count, messages.sent_measured);
            assert!(times <= sent && sent <= messages.sent, "{messages:?}");
            assert!(
                times == sent || matches!(pace, Pace::Rate(_)),
                "{times}, {sent}"
            );
            assert_eq!(found.service.count, found.response.count);
            // The last part of a second is there, too.
            let sent: u64 = found.seconds.iter().map(|second| second.sent).sum();
            assert_eq!(sent, messages.sent);
        }
    }
}

#[test]
fn a_broadcast_is_delivered_to_everybody_and_counted() {
    let server = serve(|| {
        App::new().on_message("/all", |session, message| {
            session.join("all");
            session.publish("all", message);
        })
    });
    // A receiver says nothing, so it joins when it opens.
    drop(server);
    let server = serve(|| App::new().ws("/all", Room));
    for (pace, window, senders) in [
        (Pace::Window(1), 1, 1),
        (Pace::Window(4), 4, 3),
        (Pace::Rate(500.0), 256, 2),
    ] {
        let mut plan = plan(&server, "/all", Scenario::Broadcast);
        (plan.pace, plan.window, plan.senders, plan.connections) = (pace, window, senders, 20);
        let found = summary(&plan);
        let messages = &found.messages;
        assert!(messages.sent > 0, "{found:?}");
        assert_eq!(messages.expected, messages.sent * 20);
        assert_eq!(messages.answered, messages.expected, "{messages:?}");
        assert_eq!(
            (messages.lost, messages.cut, messages.duplicates),
            (0, 0, 0)
        );
        let first = found.first_receiver.expect("measured").count;
        let last = found.last_receiver.expect("measured").count;
        assert_eq!(
            (first, last),
            (messages.sent_measured, messages.sent_measured)
        );
        assert_eq!(found.response.count, messages.sent_measured * 20);
    }
}

/// Everybody gets what anybody says.
struct Room;

impl Handler for Room {
    type Data = ();

    fn open(&mut self, _: &Request<'_>, session: &mut Session<'_>) -> Open<()> {
        session.join("all");
        Open::Accept(())
    }

    fn message(&mut self, (): &mut (), session: &mut Session<'_>, message: Message<'_>) {
        session.publish("all", message);
    }
}

#[test]
fn slow_readers_get_no_part_in_what_the_honest_ones_are_owed() {
    let server = serve(|| App::new().ws("/all", Room));
    let mut plan = plan(&server, "/all", Scenario::Slow);
    (plan.connections, plan.slow) = (10, 3);
    let found = summary(&plan);
    assert_eq!(found.connections.opened, 14, "{found:?}");
    assert_eq!(found.messages.expected, found.messages.sent * 10);
    assert_eq!(found.messages.answered, found.messages.expected);
}

#[test]
fn visitors_come_talk_and_leave_and_each_is_counted() {
    for pace in [Pace::Window(1), Pace::Rate(300.0)] {
        let (server, count) = counting();
        let mut plan = plan(&server, "/echo", Scenario::Churn);
        (plan.pace, plan.visit) = (pace, 3);
        let found = summary(&plan);
        assert!(found.connections.opened >= 5, "{found:?}");
        assert_eq!(found.connections.opened, count.opened.load(Relaxed));
        assert_eq!(found.messages.sent, count.messages.load(Relaxed));
        assert_eq!(found.messages.lost, 0);
        assert!(found.messages.answered + found.messages.cut == found.messages.sent);
        assert!(
            found.errors.is_empty() && found.closes.is_empty(),
            "{found:?}"
        );
        assert_eq!(found.upgrade.count, found.connections.opened);
    }
}

#[test]
fn in_a_storm_everybody_leaves_and_everybody_comes_back() {
    let (server, count) = counting();
    let mut plan = plan(&server, "/echo", Scenario::Storm);
    (plan.connections, plan.duration) = (50, Duration::from_millis(800));
    let found = summary(&plan);
    let reconnect = found.reconnect.expect("measured");
    assert!(
        reconnect.count >= 50 && reconnect.count.is_multiple_of(50),
        "{reconnect:?}"
    );
    // The first round may begin before the measured span does.
    let all = 50 + reconnect.count;
    assert!([all, all + 50].contains(&found.connections.opened));
    assert_eq!(found.connections.opened, count.opened.load(Relaxed));
    assert!(found.errors.is_empty() && found.closes.is_empty());
}

#[test]
fn idle_connections_are_held_and_say_nothing() {
    let (server, count) = counting();
    let mut plan = plan(&server, "/echo", Scenario::Idle);
    plan.connections = 300;
    let found = summary(&plan);
    assert_eq!(found.ended, Ended::Complete);
    assert_eq!(found.connections.open_at_end, 300, "{found:?}");
    assert_eq!((found.connect.count, found.upgrade.count), (300, 300));
    assert_eq!(count.messages.load(Relaxed), 0);
    assert_eq!(found.messages.sent, 0);
}

#[test]
fn a_ramp_takes_the_time_that_it_is_given() {
    let (server, _) = counting();
    let mut plan = plan(&server, "/echo", Scenario::Idle);
    (plan.ramp, plan.duration) = (Duration::from_millis(300), Duration::from_millis(10));
    let found = summary(&plan);
    // The last of five begins at four fifths.
    assert!(
        found.connections.ramp_ns >= 240_000_000,
        "{:?}",
        found.connections
    );
}
