//! Sessions that are opened or refused later, by a ticket.

use crate::puppet::{millis, secs};
use dunlin::testing::{End, Received, Sim};
use dunlin::{
    App, Call, CloseReason, Context, Error, Handler, Limits, Message, Open, OpenTicket, RawFrame,
    RawHandler, Request, Response, Session, SessionId, Settings, Status,
};
use std::cell::RefCell;
use std::rc::Rc;

/// Whoever comes gets a ticket; `accepted` does what the data say.
#[derive(Default)]
struct Lobby {
    tickets: Vec<OpenTicket<String>>,
    told: Vec<String>,
}

type Shared = Rc<RefCell<Lobby>>;

impl Handler for Lobby {
    type Data = String;

    fn open(&mut self, request: &Request<'_>, session: &mut Session<'_>) -> Open<String> {
        let _ = session.send("this is forgotten");
        session.join("room");
        session.set_timer(secs(1), 7);
        if request.query("now").is_some() {
            return Open::Accept("now".to_owned());
        }
        let (open, ticket) = Open::later(session);
        self.tickets.push(ticket);
        open
    }

    fn accepted(&mut self, name: &mut String, session: &mut Session<'_>) {
        self.told.push(format!("accepted {name}"));
        match &**name {
            "panic" => panic!("on purpose"),
            "v2" => {
                assert!(session.choose_protocol("v2"));
                assert!(!session.choose_protocol("v9"), "it was not offered");
            }
            "cookie" => {
                assert!(session.add_answer_field("Set-Cookie", "a=1"));
                assert!(session.add_answer_field("Set-Cookie", "b=2"));
                for name in ["Connection", "Sec-WebSocket-Accept", "a b", "Date"] {
                    assert!(!session.add_answer_field(name, "x"), "{name}");
                }
                assert!(!session.add_answer_field("X", "a\r\nb"));
                let _ = session.send("sent");
                assert!(!session.add_answer_field("X", "too late"));
                assert!(!session.choose_protocol("v2"), "too late");
            }
            "close" => session.close(4000, "at once"),
            _ => {}
        }
        let _ = session.send(format!("hello {name}"));
    }

    fn message(&mut self, name: &mut String, session: &mut Session<'_>, message: Message<'_>) {
        let text = message.text().expect("a text");
        let _ = session.send(format!("{name}: {text}"));
        assert!(!session.add_answer_field("X", "too late"));
    }

    fn timer(&mut self, _: &mut String, _: &mut Session<'_>, token: u64) {
        self.told.push(format!("timer {token}"));
    }

    fn abandoned(&mut self, name: String, context: &mut Context<'_>) {
        self.told.push(format!("abandoned {name}"));
        assert_eq!(context.caller(), None);
    }

    fn close(&mut self, name: String, _: &mut Session<'_>, reason: &CloseReason) {
        self.told.push(format!("closed {name} {}", reason.code));
    }
}

fn stage() -> (Sim, Shared) {
    let lobby = Shared::default();
    let settings = Settings::default().protocols(["v1"]);
    let app = App::new().ws_with("/", settings, Rc::clone(&lobby));
    (Sim::new(app).expect("the program is right"), lobby)
}

fn take(lobby: &Shared) -> OpenTicket<String> {
    lobby.borrow_mut().tickets.remove(0)
}

fn told(lobby: &Shared) -> Vec<String> {
    std::mem::take(&mut lobby.borrow_mut().told)
}

#[test]
fn an_accepted_session_is_greeted_behind_the_101_and_nothing_of_its_open_event_happened() {
    let (sim, lobby) = stage();
    let peer = sim.connect().upgrade("/", &[]);
    sim.advance(secs(5));
    assert!(!peer.is_open());
    assert_eq!((sim.topics(), sim.stats().opened), (0, 0));
    assert!(take(&lobby).accept("Ann".to_owned()));
    sim.drive();
    assert!(peer.is_open());
    assert_eq!(peer.receive_text(), "hello Ann");
    peer.send("hi");
    assert_eq!(peer.receive_text(), "Ann: hi");
    assert_eq!(told(&lobby), ["accepted Ann"]);
    assert_eq!((sim.topics(), sim.stats().opened), (0, 1));
    peer.close(1000, "");
    sim.drive();
    assert_eq!(told(&lobby), ["closed Ann 1000"]);
}

#[test]
fn another_thread_accepts_with_data_that_stay_on_the_loops_thread() {
    let (sim, lobby) = stage();
    let peer = sim.connect().upgrade("/", &[]);
    sim.drive();
    let ticket = take(&lobby);
    let accepted = std::thread::spawn(move || ticket.accept_with(|| "Bob".to_owned()));
    assert!(accepted.join().expect("no panic"));
    sim.drive();
    assert_eq!(peer.receive_text(), "hello Bob");
}

#[test]
fn a_refusal_is_the_response_of_the_ticket() {
    let (sim, lobby) = stage();
    let line = sim.connect();
    line.upgrade("/", &[]);
    sim.drive();
    let refusal = Response::refusal(Status::UNAUTHORIZED).field("WWW-Authenticate", "Bearer");
    assert!(take(&lobby).refuse(refusal));
    let answer = line.receive_http();
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    assert!(answer.contains("WWW-Authenticate: Bearer\r\n"), "{answer}");
    assert!(!answer.contains("forgotten") && answer.contains("Connection: close\r\n"));
    assert_eq!(line.end(), Some(End::Finished));
    assert_eq!(told(&lobby), [""; 0]);
}

#[test]
fn without_an_answer_it_is_503() {
    let (sim, lobby) = stage();
    let (dropped, late) = (sim.connect(), sim.connect());
    dropped.upgrade("/", &[]);
    late.upgrade("/", &[]);
    sim.drive();
    drop(take(&lobby));
    assert!(dropped.receive_http().starts_with("HTTP/1.1 503 "));
    sim.advance(millis(10_100));
    assert!(late.receive_http().starts_with("HTTP/1.1 503 "));
    assert!(!take(&lobby).accept("too late".to_owned()));
    sim.drive();
    assert_eq!(told(&lobby), [""; 0]);
}

#[test]
fn a_peer_that_ends_while_it_waits_is_gone_at_once() {
    let (sim, lobby) = stage();
    let (ended, cut) = (
        sim.connect().upgrade("/", &[]),
        sim.connect().upgrade("/", &[]),
    );
    sim.drive();
    ended.half_close();
    cut.cut();
    sim.drive();
    assert!(sim.is_empty());
    for _ in 0..2 {
        let ticket = take(&lobby);
        assert!(!ticket.is_waiting());
        assert!(!ticket.accept("nobody".to_owned()));
    }
    sim.drive();
    assert_eq!(told(&lobby), [""; 0]);
}

#[test]
fn data_of_a_session_whose_peer_leaves_as_it_is_accepted_come_back() {
    let (sim, lobby) = stage();
    let peer = sim.connect().upgrade("/", &[]);
    sim.drive();
    let ticket = take(&lobby);
    // The end is read before the answer is looked at, in the same turn.
    peer.cut();
    assert!(ticket.accept("Ann".to_owned()));
    sim.drive();
    assert_eq!(told(&lobby), ["abandoned Ann"]);
    assert_eq!((sim.stats().opened, sim.is_empty()), (0, true));
}

#[test]
fn data_of_a_session_that_cannot_be_opened_any_more_come_back() {
    let (sim, lobby) = stage();
    let line = sim.connect();
    line.upgrade("/", &[]);
    sim.drive();
    let ticket = take(&lobby);
    let mut limits = Limits::default();
    (limits.head.max_head, limits.head.max_target) = (64, 64);
    sim.remote().reload(limits).expect("good limits");
    assert!(ticket.accept("Ann".to_owned()));
    assert!(line.receive_http().starts_with("HTTP/1.1 503 "));
    assert_eq!(told(&lobby), ["abandoned Ann"]);
}

#[test]
fn frames_behind_the_request_wait_and_are_heard_after_the_greeting() {
    let (sim, lobby) = stage();
    let peer = sim.connect().upgrade("/", &[]);
    peer.send("early");
    sim.drive();
    peer.send("later");
    sim.drive();
    assert_eq!(told(&lobby), [""; 0]);
    take(&lobby).accept("Ann".to_owned());
    for text in ["hello Ann", "Ann: early", "Ann: later"] {
        assert_eq!(peer.receive_text(), text);
    }
    assert_eq!(sim.stats().buffered, 0);
}

#[test]
fn a_subprotocol_may_be_chosen_of_those_that_were_offered() {
    let (sim, lobby) = stage();
    let offer = [("Sec-WebSocket-Protocol", "v1, v2")];
    let peer = sim.connect().upgrade("/", &offer);
    sim.drive();
    take(&lobby).accept("v2".to_owned());
    assert_eq!(peer.receive_text(), "hello v2");
    assert_eq!(peer.protocol().as_deref(), Some("v2"));
    let peer = sim.connect().upgrade("/", &offer);
    sim.drive();
    take(&lobby).accept("settings".to_owned());
    assert_eq!(peer.receive_text(), "hello settings");
    assert_eq!(peer.protocol().as_deref(), Some("v1"));
}

#[test]
fn the_101_may_carry_fields_until_something_is_sent() {
    let (sim, lobby) = stage();
    let line = sim.connect();
    line.send_raw(
        b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
          Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    );
    sim.drive();
    take(&lobby).accept("cookie".to_owned());
    let answer = line.receive_http();
    assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
    assert!(answer.contains("\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n\r\n"));
    assert_eq!(answer.matches("HTTP/1.1 101 ").count(), 1);
    assert!(!answer.contains("too late"));
}

#[test]
fn a_panic_when_it_is_accepted_ends_that_session_with_1011() {
    let (sim, lobby) = stage();
    sim.expect_panics();
    let peer = sim.connect().upgrade("/", &[]);
    sim.drive();
    take(&lobby).accept("panic".to_owned());
    let close = Received::close(1011, "Internal error");
    assert_eq!(peer.receive(), Some(close));
    assert_eq!(told(&lobby), ["accepted panic", "closed panic 1011"]);
    let peer = sim.connect().upgrade("/", &[]);
    sim.drive();
    take(&lobby).accept_with(|| panic!("on purpose"));
    sim.drive();
    assert!(!peer.is_open());
    assert_eq!(told(&lobby), [""; 0]);
    assert_eq!(sim.stats().opened, sim.stats().closed);
}

#[test]
fn a_session_may_be_closed_when_it_is_accepted() {
    let (sim, lobby) = stage();
    let peer = sim.connect().upgrade("/", &[]);
    sim.drive();
    take(&lobby).accept("close".to_owned());
    assert_eq!(peer.receive(), Some(Received::close(4000, "at once")));
    sim.advance(secs(11));
    assert_eq!(told(&lobby), ["accepted close", "closed close 4000"]);
    assert!(sim.is_empty());
}

#[test]
fn raw_sessions_open_later_too() {
    #[derive(Default)]
    struct Raw(Rc<RefCell<Vec<OpenTicket<()>>>>);
    impl RawHandler for Raw {
        type Data = ();
        fn open(&mut self, _: &Request<'_>, session: &mut Session<'_>) -> Open<()> {
            let (open, ticket) = Open::later(session);
            self.0.borrow_mut().push(ticket);
            open
        }
        fn accepted(&mut self, (): &mut (), session: &mut Session<'_>) {
            let _ = session.send("raw");
        }
        fn frame(&mut self, (): &mut (), _: &mut Session<'_>, _: RawFrame<'_>) {}
    }
    let raw = Raw::default();
    let tickets = Rc::clone(&raw.0);
    let sim = Sim::new(App::new().ws_raw("/", Settings::default(), raw)).unwrap();
    let peer = sim.connect().upgrade("/", &[]);
    sim.drive();
    tickets.borrow_mut().remove(0).accept(());
    assert_eq!(peer.receive_text(), "raw");
}

#[test]
fn an_outgoing_session_cannot_be_opened_later() {
    #[derive(Default)]
    struct Caller;
    impl Handler for Caller {
        type Data = ();
        fn open(&mut self, _: &Request<'_>, session: &mut Session<'_>) -> Open<()> {
            Open::later(session).0
        }
        fn message(&mut self, (): &mut (), _: &mut Session<'_>, _: Message<'_>) {}
        fn failed(&mut self, _: &mut Context<'_>, _: SessionId, _: &Call, _: &Error) {}
    }
    let app = App::new().outgoing("up", Settings::default(), Caller);
    let sim = Sim::new(app).unwrap();
    let call = Call::new(([127, 0, 0, 1], 9).into(), "a", "/");
    sim.remote().connect("up", call).unwrap();
    let server = sim.next_call().expect("it calls").accept();
    assert_eq!(server.receive(), Some(Received::close(1000, "")));
    sim.advance(secs(11));
    assert_eq!(sim.stats().opened, 0);
    assert!(sim.is_empty());
}
