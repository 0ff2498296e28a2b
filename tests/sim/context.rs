//! What programs can do outside of one session: contexts, timers of the program, calls of handles,
//! and pauses.

use crate::puppet::{millis, secs};
use dunlin::testing::{Conversation, Received, Sim};
use dunlin::{
    App, CloseCode, CloseReason, Context, ErrorKind, Handle, Handler, Message, Open, Request,
    Response, Route, SendOutcome, Session, SessionId, Settings,
};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

/// A lobby that keeps the place of a player who left for half a minute.
#[derive(Default)]
struct Lobby {
    players: HashMap<u64, String>,
    next: u64,
}

impl Handler for Lobby {
    type Data = u64;

    fn open(&mut self, request: &Request<'_>, session: &mut Session<'_>) -> Open<u64> {
        let name = request.query("name").unwrap_or_default().into_owned();
        session.join("lobby");
        let known = self.players.iter().find(|(_, known)| **known == name);
        if let Some((&number, _)) = known {
            session.context().cancel_timer(number);
            session.publish("lobby", &*format!("{name} is back"));
            return Open::Accept(number);
        }
        self.next += 1;
        self.players.insert(self.next, name);
        Open::Accept(self.next)
    }

    fn message(&mut self, _: &mut u64, session: &mut Session<'_>, _: Message<'_>) {
        session.send(&*format!("{} players", self.players.len()));
    }

    fn program_timer(&mut self, context: &mut Context<'_>, number: u64) {
        if let Some(name) = self.players.remove(&number) {
            context.publish("lobby", &*format!("{name} is gone"));
        }
    }

    fn close(&mut self, number: u64, session: &mut Session<'_>, _: &CloseReason) {
        assert_eq!(session.send("to the dead"), SendOutcome::Closed);
        assert!(session.context().set_timer(secs(30), number));
    }
}

fn lobby() -> (Sim, Handle<Lobby>) {
    let lobby = Route::new(Lobby::default());
    let handle = lobby.handle();
    let app = App::new()
        .route("/lobby", lobby)
        .get("/tell", |request, context| {
            assert!(!context.set_timer(secs(1), 1), "there is no event for it");
            let told = context.publish("lobby", &*request.query("what").unwrap_or_default());
            Response::ok("text/plain", told.to_string().into_bytes())
        });
    (Sim::new(app).expect("a good program"), handle)
}

fn texts(conversation: &Conversation) -> Vec<String> {
    let texts = conversation.arrived().into_iter();
    let text = |received| match received {
        Received::Text(text) => text,
        other => panic!("a text was expected, not {other:?}"),
    };
    texts.map(text).collect()
}

#[test]
fn a_timer_of_the_program_outlives_the_session_that_set_it() {
    let (sim, _) = lobby();
    let (ann, bob) = (sim.open("/lobby?name=ann"), sim.open("/lobby?name=bob"));
    ann.cut();
    sim.drive();
    sim.advance(secs(29));
    assert_eq!(texts(&bob), [""; 0]);
    sim.advance(secs(1));
    assert_eq!(texts(&bob), ["ann is gone"]);
    bob.send("?");
    sim.drive();
    assert_eq!(texts(&bob), ["1 players"]);
}

#[test]
fn a_timer_of_the_program_is_cancelled_by_a_later_session() {
    let (sim, _) = lobby();
    let (ann, bob) = (sim.open("/lobby?name=ann"), sim.open("/lobby?name=bob"));
    ann.cut();
    sim.advance(secs(29));
    let _ann = sim.open("/lobby?name=ann");
    assert_eq!(texts(&bob), ["ann is back"]);
    sim.advance(secs(60));
    assert_eq!(texts(&bob), [""; 0]);
}

#[test]
fn an_http_route_publishes() {
    let (sim, _) = lobby();
    let bob = sim.open("/lobby?name=bob");
    assert_eq!(sim.get("/tell?what=hello").text(), "1");
    assert_eq!(texts(&bob), ["hello"]);
}

#[test]
fn another_thread_calls_the_handler_and_a_session() {
    let (sim, handle) = lobby();
    let (ann, bob) = (sim.open("/lobby?name=ann"), sim.open("/lobby?name=bob"));
    let id = ann.id().expect("it is open");
    let thread = std::thread::spawn(move || {
        handle
            .call(|lobby, context| {
                let (open, members) = (lobby.players.len(), context.members("lobby").len());
                context.publish("lobby", &*format!("{open} and {members}"));
            })
            .expect("there is room");
        let tell = |what: &'static str| {
            move |_: &mut Lobby, found: Result<(&mut u64, &mut Session<'_>), &mut Context<'_>>| {
                match found {
                    Ok((number, session)) => {
                        session.send(&*format!("{what} {number}"));
                    }
                    Err(context) => {
                        context.publish("lobby", &*format!("nobody is there for {what}"));
                    }
                }
            }
        };
        handle.call_session(id, tell("one")).expect("there is room");
        (handle, tell)
    });
    let (handle, tell) = thread.join().expect("it does not panic");
    sim.drive();
    assert_eq!(texts(&ann), ["2 and 2", "one 1"]);
    ann.cut();
    handle.call_session(id, tell("two")).expect("there is room");
    sim.drive();
    handle
        .call_session(id, tell("three"))
        .expect("there is room");
    sim.drive();
    let heard = texts(&bob);
    assert_eq!(heard.first().map(String::as_str), Some("2 and 2"));
    let last = heard.last().map(String::as_str);
    assert_eq!(last, Some("nobody is there for three"));
}

#[test]
fn a_call_that_is_not_taken_comes_back() {
    let route = Route::new(Lobby::default());
    let handle = route.handle();
    let kept = vec![1, 2, 3];
    let call = move |_: &mut Lobby, _: &mut Context<'_>| drop(kept);
    let rejected = handle.call(call).expect_err("no server runs");
    assert_eq!(rejected.error.kind(), ErrorKind::Closed);
    let sim = Sim::new(App::new().route("/lobby", route)).expect("a good program");
    handle.call(rejected.call).expect("now it runs");
    sim.drive();
    drop(sim);
    let after = handle.call(|_, _| ()).expect_err("it has stopped");
    assert_eq!(after.error.kind(), ErrorKind::Closed);
}

#[test]
fn a_call_that_panics_ends_no_session_but_its_own() {
    let (sim, handle) = lobby();
    let (ann, bob) = (sim.open("/lobby?name=ann"), sim.open("/lobby?name=bob"));
    sim.expect_panics();
    let fall = || std::panic::resume_unwind(Box::new("on purpose"));
    handle.call(move |_, _| fall()).expect("there is room");
    sim.drive();
    let id = ann.id().expect("it is open");
    assert!(ann.is_open() && bob.is_open());
    let called = handle.call_session(id, move |_, _| fall());
    called.expect("there is room");
    sim.drive();
    assert_eq!(ann.receive(), Some(Received::close(1011, "Internal error")));
    assert!(bob.is_open());
    assert_eq!(sim.take_panics(), ["on purpose"; 2]);
}

#[test]
fn members_are_listed_and_closed() {
    let (sim, handle) = lobby();
    let crowd: Vec<_> = (0..20)
        .map(|number| sim.open(&format!("/lobby?name={number}")))
        .collect();
    let called = handle.call(|_, context| {
        let members = context.members("lobby");
        assert!(members.iter().all(|member| context.is_open(*member)));
        assert!(members.iter().all(|member| context.peer(*member).is_some()));
        assert!(context.leave(members[0], "lobby"));
        assert_eq!(
            context.join(members[1], "lobby"),
            dunlin::JoinOutcome::Already
        );
        let told = context.publish_except(members[1], "lobby", "farewell");
        assert_eq!(told, 18);
        assert_eq!(
            context.close_members("lobby", CloseCode::GOING_AWAY, "moving"),
            19
        );
        assert!(!context.is_open(members[1]));
    });
    called.expect("there is room");
    sim.drive();
    let farewell = |one: &&Conversation| one.receive() == Some(Received::text("farewell"));
    let closed = |one: &Conversation| one.receive() == Some(Received::close(1001, "moving"));
    assert_eq!(crowd.iter().filter(farewell).count(), 18);
    assert_eq!(crowd.iter().filter(|one| closed(one)).count(), 18);
    let stats = sim.stats();
    assert_eq!((stats.opened, stats.connections), (20, 1));
}

/// Takes one request at a time and answers when it is told.
fn one_at_a_time() -> (Sim, Rc<RefCell<Vec<SessionId>>>) {
    let waiting = Rc::new(RefCell::new(Vec::new()));
    let heard = Rc::clone(&waiting);
    let app = App::new()
        .on_message("/", move |session, message| {
            assert!(session.pause());
            assert!(!session.pause(), "it is paused already");
            session.send(message);
            heard.borrow_mut().push(session.id());
        })
        .get("/resume", {
            let waiting = Rc::clone(&waiting);
            move |_, context| {
                let mut waiting = waiting.borrow_mut();
                let resumed = waiting.drain(..);
                let count = resumed.filter(|id| context.resume(*id)).count();
                Response::ok("text/plain", count.to_string().into_bytes())
            }
        });
    (Sim::new(app).expect("a good program"), waiting)
}

fn resume(sim: &Sim) -> String {
    let line = sim.connect();
    line.send_raw(b"GET /resume HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    sim.drive();
    let answer = line.receive_http();
    answer.rsplit("\r\n").next().unwrap_or_default().to_owned()
}

#[test]
fn a_paused_session_hears_nothing_until_it_is_resumed() {
    let (sim, waiting) = one_at_a_time();
    let peer = sim.open("/");
    for text in ["one", "two", "three"] {
        peer.send(text);
    }
    sim.drive();
    assert_eq!(texts(&peer), ["one"]);
    // No ping timeout is concluded from a pong that was not read.
    sim.advance(secs(600));
    assert!(peer.is_open());
    for text in ["two", "three"] {
        assert_eq!(resume(&sim), "1");
        assert_eq!(texts(&peer), [text]);
    }
    assert_eq!(resume(&sim), "1");
    assert_eq!(resume(&sim), "0");
    assert!(waiting.borrow().is_empty());
    peer.close(CloseCode::NORMAL, "");
    sim.drive();
    assert!(peer.is_over());
}

#[test]
fn a_paused_session_can_be_closed_and_a_lost_one_is_noticed_when_it_goes_on() {
    let (sim, waiting) = one_at_a_time();
    let (closed, lost) = (sim.open("/"), sim.open("/"));
    closed.send("one");
    lost.send("one");
    sim.drive();
    lost.cut();
    sim.drive();
    sim.advance(millis(100));
    let ids = waiting.borrow().clone();
    assert_eq!(ids.len(), 2);
    let remote = sim.remote();
    remote
        .close(ids[0], CloseCode::NORMAL, "enough")
        .expect("it runs");
    sim.drive();
    assert_eq!(texts_and_close(&closed), ("one".to_owned(), 1000));
    resume(&sim);
    assert_eq!(sim.stats().connections, 0);
}

fn texts_and_close(conversation: &Conversation) -> (String, u16) {
    let mut text = String::new();
    for received in conversation.receive_all() {
        match received {
            Received::Text(more) => text += &more,
            Received::Close { code, .. } => return (text, code.get()),
            _ => {}
        }
    }
    panic!("no Close came behind {text:?}")
}

#[test]
fn a_send_tells_that_the_backlog_is_above_its_mark() {
    let outcomes = Rc::new(RefCell::new(Vec::new()));
    let seen = Rc::clone(&outcomes);
    let settings = Settings::default().backlog_mark(1_000).backlog_limit(3_000);
    let app = App::new().on_message_with("/", settings, move |session, _| {
        let text = "x".repeat(500);
        let sends = (0..7).map(|_| session.send(&*text));
        seen.borrow_mut().extend(sends);
    });
    let sim = Sim::new(app).expect("a good program");
    let peer = sim.open("/");
    peer.set_capacity(0);
    peer.stall();
    peer.send("go");
    sim.drive();
    let outcomes = outcomes.borrow();
    assert_eq!(outcomes[0], SendOutcome::Queued);
    assert_eq!(outcomes[3], SendOutcome::AboveMark);
    assert!(outcomes[3].is_queued());
    assert!(!outcomes[6].is_queued(), "{outcomes:?}");
}

#[test]
fn routes_share_a_handler() {
    let shared = Rc::new(RefCell::new(Lobby::default()));
    let app = App::new()
        .ws("/one", Rc::clone(&shared))
        .ws("/two", Rc::clone(&shared));
    let sim = Sim::new(app).expect("a good program");
    let (one, _two) = (sim.open("/one?name=a"), sim.open("/two?name=b"));
    one.send("?");
    sim.drive();
    assert_eq!(texts(&one), ["2 players"]);
    assert_eq!(shared.borrow().players.len(), 2);
}

#[test]
fn a_shutdown_reaches_a_paused_session() {
    let (sim, _) = one_at_a_time();
    let peer = sim.open("/");
    peer.send("one");
    sim.drive();
    sim.remote().shutdown().expect("it runs");
    sim.drive();
    assert_eq!(texts_and_close(&peer), ("one".to_owned(), 1001));
    assert!(sim.is_empty());
}
