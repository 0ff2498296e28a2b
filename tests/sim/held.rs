//! Whoever publishes is held back while a topic is behind, by whatever way it publishes; and what
//! waits for the loop is bounded.

use dunlin::MAX_WAITING_COMMANDS;
use dunlin::testing::{Conversation, Sim};
use dunlin::{
    App, Context, ErrorKind, Handle, Handler, Message, Open, Request, Response, Route, Session,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Members of a room, and three ways to publish to it that are not a session's own.
fn crowd() -> (Sim, Handle<Crowd>, Vec<Conversation>) {
    let route = Route::new(Crowd);
    let handle = route.handle();
    let app = App::new()
        .route("/room", route)
        .post("/say", |request, context| {
            let text = std::str::from_utf8(request.body()).unwrap_or_default();
            context.publish("room", text);
            Response::no_content()
        });
    let sim = Sim::new(app).expect("a good program");
    let members = (0..1_000).map(|_| sim.open("/room")).collect();
    (sim, handle, members)
}

struct Crowd;

impl Handler for Crowd {
    type Data = ();

    fn open(&mut self, _: &Request<'_>, session: &mut Session<'_>) -> Open<()> {
        session.join("room");
        Open::Accept(())
    }

    fn message(&mut self, (): &mut (), session: &mut Session<'_>, message: Message<'_>) {
        session.context().publish("room", message);
    }
}

/// Steps until the simulation rests; the most that waited meanwhile, in bytes.
fn most_that_waits(sim: &Sim, members: &[Conversation]) -> u64 {
    let mut most = 0;
    while sim.step() {
        most = most.max(sim.stats().buffered);
        members.iter().for_each(|member| drop(member.arrived()));
    }
    most
}

/// A log that is held back: what holds a publisher, and what one step adds.
const LOG: u64 = 256 << 10;

#[test]
fn who_publishes_by_a_context_is_held_as_any_publisher() {
    let (sim, _, members) = crowd();
    for _ in 0..3_000 {
        members[0].send(&*"x".repeat(1_000));
    }
    let most = most_that_waits(&sim, &members);
    assert!(most <= LOG, "{most} bytes waited");
    assert_eq!(sim.stats().sent, 3_000 * 1_000);
}

#[test]
fn an_http_connection_that_publishes_is_held() {
    let (sim, _, members) = crowd();
    let head = "POST /say HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n";
    let line = sim.connect();
    let request = format!("{head}{}", "x".repeat(1_000));
    line.send_raw(request.repeat(3_000).as_bytes());
    let most = most_that_waits(&sim, &members);
    assert!(most <= LOG, "{most} bytes waited");
    assert_eq!(sim.stats().sent, 3_000 * 1_000);
}

#[test]
fn calls_of_another_thread_that_publish_are_held() {
    let (sim, handle, members) = crowd();
    let id = members[0].id().expect("it is open");
    for number in 0..3_000 {
        let text = "x".repeat(1_000);
        let called = if number % 2 == 0 {
            let called = handle.call(move |_, context| {
                context.publish("room", &*text);
            });
            called.is_ok()
        } else {
            let called = handle.call_session(id, move |_, found| {
                let (_, session) = found.unwrap_or_else(|_| panic!("it is open"));
                session.publish("room", &*text);
            });
            called.is_ok()
        };
        assert!(called);
    }
    let most = most_that_waits(&sim, &members);
    assert!(most <= LOG, "{most} bytes waited");
    assert_eq!(sim.stats().sent, 3_000 * 1_000);
}

#[test]
fn as_many_calls_may_wait_as_commands_and_one_more_comes_back() {
    let (sim, handle, _) = crowd();
    let ran = Arc::new(AtomicUsize::new(0));
    let call = |kept: &Arc<AtomicUsize>| {
        let kept = Arc::clone(kept);
        move |_: &mut Crowd, _: &mut Context<'_>| {
            kept.fetch_add(1, Ordering::Relaxed);
        }
    };
    for _ in 0..MAX_WAITING_COMMANDS {
        handle.call(call(&ran)).expect("there is room");
    }
    let rejected = handle.call(call(&ran)).expect_err("there is no room");
    assert_eq!(rejected.error.kind(), ErrorKind::Full);
    sim.drive();
    handle.call(rejected.call).expect("there is room again");
    sim.drive();
    let ran = ran.load(Ordering::Relaxed);
    assert_eq!(ran, MAX_WAITING_COMMANDS + 1);
}
