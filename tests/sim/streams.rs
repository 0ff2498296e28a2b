//! Responses in pieces: each is asked for when the peer has taken the one before.

use crate::puppet::{millis, secs};
use dunlin::testing::{End, Line, Sim};
use dunlin::{Answer, App, Message, Piece, Response, Session, SessionId, Status};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

/// What a stream says, and how often it was asked.
#[derive(Default)]
struct Script {
    pieces: VecDeque<Piece>,
    asked: usize,
    id: Option<SessionId>,
    dropped: bool,
}

type Shared = Rc<RefCell<Script>>;

struct Dropped(Shared);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.borrow_mut().dropped = true;
    }
}

fn bytes(text: &str) -> Piece {
    Piece::Bytes(text.as_bytes().to_vec())
}

/// `/stream` says the script and `End` behind it; a text on `/` is said next by a stream that waits.
fn stage(pieces: impl IntoIterator<Item = Piece>) -> (Sim, Shared) {
    let script = Shared::default();
    script.borrow_mut().pieces.extend(pieces);
    let (said, added) = (Rc::clone(&script), Rc::clone(&script));
    let app = App::new()
        .get("/stream", move |_, context| {
            said.borrow_mut().id = context.caller();
            let dropped = Dropped(Rc::clone(&said));
            Answer::stream(Response::text(""), move |_| {
                let mut script = dropped.0.borrow_mut();
                script.asked += 1;
                let piece = script.pieces.pop_front().unwrap_or(Piece::End);
                assert_ne!(piece, bytes("panic"), "on purpose");
                piece
            })
        })
        .get("/none", |_, _| {
            Answer::stream(Response::new(Status::NO_CONTENT), |_| bytes("a"))
        })
        .get("/first", |_, _| {
            Answer::stream(Response::text("first "), |_| Piece::End)
        })
        .get("/now", |_, _| Response::text("now"))
        .on_message(
            "/",
            move |session: &mut Session<'_>, message: Message<'_>| {
                let id = {
                    let mut script = added.borrow_mut();
                    script
                        .pieces
                        .push_back(bytes(message.text().expect("text")));
                    script.pieces.push_back(Piece::Wait);
                    script.id.expect("a stream")
                };
                let resumed = session.context().resume(id);
                let _ = session.send(format!("{resumed}"));
            },
        );
    (Sim::new(app).expect("the program is right"), script)
}

fn ask(sim: &Sim, line: &str) -> Line {
    let connection = sim.connect();
    connection.send_raw(format!("{line}\r\nHost: a\r\n\r\n").as_bytes());
    connection
}

const STREAM: &str = "GET /stream HTTP/1.1";

#[test]
fn pieces_are_chunks_and_the_next_request_follows() {
    let (sim, script) = stage([
        bytes("one"),
        bytes(""),
        bytes("0123456789abcdef"),
        Piece::End,
    ]);
    let line = ask(&sim, STREAM);
    line.send_raw(b"GET /now HTTP/1.1\r\nHost: a\r\n\r\n");
    let answer = line.receive_http();
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    assert!(head.starts_with("HTTP/1.1 200 OK"), "{head}");
    assert!(head.contains("Transfer-Encoding: chunked") && head.contains("keep-alive"));
    assert!(!head.contains("Content-Length"), "{head}");
    let (body, rest) = body.split_once("HTTP/1.1").expect("a second answer");
    assert_eq!(body, "3\r\none\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n");
    assert!(rest.ends_with("\r\n\r\nnow"), "{rest}");
    assert!(script.borrow().dropped);
    assert_eq!(sim.stats().buffered, 0);
}

#[test]
fn over_http_1_0_the_body_ends_with_the_connection() {
    let (sim, _) = stage([bytes("one "), bytes("two"), Piece::End]);
    let line = ask(&sim, "GET /stream HTTP/1.0");
    let answer = line.receive_http();
    assert!(answer.contains("Connection: close\r\n") && !answer.contains("chunked"));
    assert!(answer.ends_with("\r\n\r\none two"), "{answer}");
    assert_eq!(line.end(), Some(End::Finished));
}

#[test]
fn where_no_body_may_be_nothing_is_asked_for() {
    let (sim, script) = stage([bytes("one")]);
    let answer = ask(&sim, "HEAD /stream HTTP/1.1").receive_http();
    assert!(
        answer.contains("Transfer-Encoding: chunked\r\n"),
        "{answer}"
    );
    assert!(answer.ends_with("\r\n\r\n"), "{answer}");
    assert_eq!((script.borrow().asked, script.borrow().dropped), (0, true));
    let answer = ask(&sim, "GET /none HTTP/1.1").receive_http();
    assert!(answer.starts_with("HTTP/1.1 204 ") && answer.ends_with("\r\n\r\n"));
    let answer = ask(&sim, "GET /first HTTP/1.1").receive_http();
    assert!(
        answer.ends_with("\r\n\r\n6\r\nfirst \r\n0\r\n\r\n"),
        "{answer}"
    );
}

#[test]
fn a_length_that_is_known_is_told_and_must_be_kept() {
    for (length, pieces, ends_well) in [
        (6, vec!["one", "two"], true),
        (0, vec![], true),
        (5, vec!["one", "two"], false),
        (7, vec!["one", "two"], false),
    ] {
        let script = Rc::new(RefCell::new(pieces.into_iter()));
        let app = App::new().get("/", move |_, _| {
            let script = Rc::clone(&script);
            Answer::stream_sized(Response::text("left out"), length, move |_| {
                script.borrow_mut().next().map_or(Piece::End, bytes)
            })
        });
        let sim = Sim::new(app).expect("the program is right");
        let head = ask(&sim, "HEAD / HTTP/1.1").receive_http();
        let line = ask(&sim, "GET / HTTP/1.1");
        let answer = line.receive_http();
        for answer in [&head, &answer] {
            assert!(answer.contains(&format!("Content-Length: {length}\r\n")));
            assert!(!answer.contains("chunked") && !answer.contains("left out"));
        }
        assert!(head.ends_with("\r\n\r\n"));
        assert_eq!(line.end().is_none(), ends_well, "{length}: {answer}");
        if ends_well {
            assert!(answer.ends_with(if length == 0 { "\r\n\r\n" } else { "onetwo" }));
        }
    }
}

#[test]
fn a_peer_that_takes_nothing_costs_one_piece_and_is_cut_after_10_s() {
    let piece = || Piece::Bytes(vec![b'x'; 20_000]);
    let (sim, script) = stage([piece(), piece(), piece()]);
    let line = sim.connect();
    line.set_capacity(1_000);
    line.stall();
    line.send_raw(b"GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
    sim.advance(millis(9_900));
    assert_eq!(script.borrow().asked, 1);
    assert!(sim.stats().buffered < 21_000, "{:?}", sim.stats());
    assert_eq!(line.end(), None);
    sim.advance(millis(200));
    assert!(line.end().is_some() && script.borrow().dropped);
    assert_eq!(sim.stats().buffered, 0);
}

#[test]
fn a_peer_that_takes_slowly_gets_it_all() {
    let piece = || Piece::Bytes(vec![b'x'; 30_000]);
    let (sim, script) = stage([piece(), piece(), piece()]);
    let line = ask(&sim, STREAM);
    line.set_capacity(2_000);
    let mut turns = 0;
    while !script.borrow().dropped {
        line.resume();
        sim.step();
        line.stall();
        sim.advance(secs(1));
        turns += 1;
        assert!(turns < 200, "it does not end");
    }
    line.resume();
    let answer = line.receive_http();
    let (_, body) = answer.split_once("\r\n\r\n").expect("a head");
    assert_eq!(body.matches('x').count(), 90_000);
    assert!(answer.ends_with("0\r\n\r\n"));
}

#[test]
fn a_stream_that_waits_goes_on_when_it_is_resumed() {
    let (sim, script) = stage([Piece::Wait]);
    let line = ask(&sim, STREAM);
    assert!(line.receive_http().ends_with("\r\n\r\n"));
    sim.advance(secs(3600));
    assert_eq!((line.end(), script.borrow().asked), (None, 1));
    let session = sim.open("/");
    for text in ["one", "two"] {
        session.send(text);
        assert_eq!(session.receive_text(), "true");
        assert_eq!(line.receive_http(), format!("3\r\n{text}\r\n"));
    }
    line.half_close();
    sim.drive();
    assert!(script.borrow().dropped, "its peer has left");
    session.send("nobody");
    assert_eq!(session.receive_text(), "false");
}

#[test]
fn a_peer_that_ended_before_its_stream_waits_is_not_waited_for() {
    for pieces in [vec![Piece::Wait], vec![bytes("one"), Piece::Wait]] {
        let (sim, script) = stage(pieces);
        let line = ask(&sim, STREAM);
        line.half_close();
        sim.drive();
        assert!(script.borrow().dropped && sim.is_empty());
    }
}

#[test]
fn a_panic_cuts_the_connection_without_the_last_chunk() {
    let (sim, script) = stage([bytes("one"), bytes("panic")]);
    sim.expect_panics();
    let line = ask(&sim, STREAM);
    let answer = line.receive_http();
    assert!(!answer.contains("\r\n0\r\n"), "{answer}");
    assert!(line.end().is_some() && script.borrow().dropped);
    assert!(
        ask(&sim, "GET /now HTTP/1.1")
            .receive_http()
            .ends_with("now")
    );
}

#[test]
fn shutdown_ends_streams_without_the_last_chunk() {
    let (sim, script) = stage([bytes("one"), Piece::Wait]);
    let line = ask(&sim, STREAM);
    sim.drive();
    sim.remote().shutdown().expect("it runs");
    let answer = line.receive_http();
    assert!(answer.ends_with("3\r\none\r\n"), "{answer}");
    assert!(line.end().is_some() && script.borrow().dropped);
}

#[test]
fn streams_take_turns_with_everybody() {
    let app = App::new()
        .get("/endless", |_, _| {
            Answer::stream(Response::text(""), |_| Piece::Bytes(vec![b'x'; 64 << 10]))
        })
        .on_message("/", |session: &mut Session<'_>, message: Message<'_>| {
            let _ = session.send(message);
        });
    let sim = Sim::new(app).expect("the program is right");
    let peer = sim.open("/");
    let lines: Vec<Line> = (0..50)
        .map(|_| ask(&sim, "GET /endless HTTP/1.1"))
        .collect();
    for _ in 0..20 {
        sim.step();
    }
    peer.send("hello");
    let sent = sim.turns();
    while peer.arrived().is_empty() {
        sim.step();
    }
    assert!(sim.turns() - sent <= 2, "{} turns", sim.turns() - sent);
    lines.iter().for_each(Line::cut);
    sim.drive();
}

#[test]
fn a_long_body_leaves_in_parts_within_the_budget_of_each_turn() {
    let app = App::new().get("/long", |_, _| {
        Response::ok("text/plain", vec![b'x'; 8 << 20])
    });
    let sim = Sim::new(app).expect("the program is right");
    let line = sim.connect();
    line.set_capacity(64 << 20);
    line.send_raw(b"GET /long HTTP/1.1\r\nHost: a\r\n\r\n");
    let before = sim.turns();
    let answer = line.receive_raw();
    assert!(answer.len() > 8 << 20);
    assert!(sim.turns() - before > 10, "{} turns", sim.turns() - before);
}
