//! Raw sessions: the handler sees every frame, and answers for itself.

use crate::running::{Running, assert_silent, start};
use crate::wire_client::{Frame, WireClient};
use crate::witness::{Account, Teller, Told, account};
use dunlin::Deflate;
use dunlin::{
    App, CloseCode, CloseReason, ClosedBy, Open, RawFrame, RawHandler, Request, Session, Settings,
};
use dunlin::{OpCode, Reserved};
use std::time::Duration;

type Frames = Box<dyn FnMut(&mut Session<'_>, RawFrame<'_>)>;

/// Tells every event, and does with frames what a test wants.
struct Raw {
    tell: Teller,
    frame: Frames,
}

impl RawHandler for Raw {
    type Data = ();

    fn open(&mut self, _: &Request<'_>, session: &mut Session<'_>) -> Open<()> {
        let _ = self.tell.0.send(Told::Opened(session.id()));
        Open::Accept(())
    }

    fn frame(&mut self, (): &mut (), session: &mut Session<'_>, frame: RawFrame<'_>) {
        let (opcode, fin) = (frame.opcode, if frame.fin { "" } else { " and more" });
        let payload = frame.payload.escape_ascii();
        self.tell.note(format!("{opcode:?} {payload}{fin}"));
        (self.frame)(session, frame);
    }

    fn timer(&mut self, (): &mut (), session: &mut Session<'_>, token: u64) {
        let _ = self.tell.0.send(Told::Timer(token));
        session.close(CloseCode::new(4000 + token as u16), "late");
    }

    fn close(&mut self, (): (), _: &mut Session<'_>, reason: &CloseReason) {
        let _ = self.tell.0.send(Told::Closed(reason.clone()));
    }
}

/// A raw route at `/` and its account.
fn raw(
    settings: impl FnOnce() -> Settings + Send + 'static,
    frame: impl FnMut(&mut Session<'_>, RawFrame<'_>) + Send + 'static,
) -> (Running, Account) {
    let (tell, account) = account();
    let server = start(move || {
        let frame = Box::new(frame);
        App::new().ws_raw("/", settings(), Raw { tell, frame })
    });
    (server, account)
}

/// The same behind one open session.
fn open(
    frame: impl FnMut(&mut Session<'_>, RawFrame<'_>) + Send + 'static,
) -> (Running, WireClient, Account) {
    let (server, account) = raw(Settings::default, frame);
    let client = server.open("/");
    account.opened();
    (server, client, account)
}

fn whole(opcode: OpCode, payload: &[u8]) -> RawFrame<'_> {
    RawFrame {
        fin: true,
        reserved: Reserved::NONE,
        opcode,
        payload,
    }
}

/// The payload of a Close.
fn parting(code: u16, reason: &str) -> Vec<u8> {
    [&code.to_be_bytes(), reason.as_bytes()].concat()
}

#[test]
fn every_frame_is_seen_as_it_came_and_nothing_is_answered() {
    let (_server, mut client, account) = open(|session, frame| {
        if frame.payload == b"done?" {
            let _ = session.send("done");
        }
    });
    client.send(Frame::ping(b"anyone?"));
    client.send(Frame::text("one ").more());
    client.send(Frame::pong(b"unasked"));
    client.send(Frame::continuation(*b"").more());
    client.send(Frame::continuation(*b"two"));
    client.send(Frame::binary(*b"\x00\xff"));
    client.send_text("done?");
    for wanted in [
        "Ping anyone?",
        "Text one  and more",
        "Pong unasked",
        "Continuation  and more",
        "Continuation two",
        "Binary \\x00\\xff",
        "Text done?",
    ] {
        assert_eq!(account.note(), wanted);
    }
    assert_eq!(client.read_text(), "done", "nothing may come before");
}

#[test]
fn a_pong_goes_out_when_the_handler_sends_it() {
    let (_server, mut client, _account) = open(|session, frame| {
        if frame.opcode == OpCode::Ping {
            let _ = session.send_frame(whole(OpCode::Pong, frame.payload));
        }
    });
    client.send(Frame::ping(b"anyone?"));
    assert_eq!(client.read_frame(), Frame::pong(b"anyone?"));
}

#[test]
fn frames_go_out_as_they_are_given() {
    let (_server, mut client, _account) = open(|session, _| {
        let mut first = whole(OpCode::Text, b"one ");
        first.fin = false;
        let _ = session.send_frame(first);
        let _ = session.send_frame(whole(OpCode::Ping, b"between"));
        let _ = session.send_frame(whole(OpCode::Continuation, b"two"));
    });
    client.send_text("talk");
    assert_eq!(client.read_frame(), Frame::text("one ").more());
    assert_eq!(client.read_frame(), Frame::ping(b"between"));
    assert_eq!(client.read_frame(), Frame::continuation(*b"two"));
}

#[test]
fn text_is_not_checked_to_be_utf_8() {
    let (_server, mut client, account) = open(|_, _| {});
    client.send(Frame::new(0x1, [0xff]));
    assert_eq!(account.note(), "Text \\xff");
}

#[test]
fn breaking_the_protocol_is_still_answered_with_1002() {
    let wrong = [
        Frame::text("bits").reserved(0x40),
        Frame::ping(&[0; 126]),
        Frame::ping(b"in parts").more(),
        Frame::continuation(*b"of nothing"),
        Frame::new(0x3, *b"unknown"),
    ];
    for frame in wrong {
        let (server, mut client, account) = open(|_, _| {});
        let seen = format!("{frame:?}");
        client.send(frame);
        assert_eq!(client.read_close().0, 1002, "{seen}");
        client.expect_end();
        let Told::Closed(reason) = account.next() else {
            panic!("{seen}: the frame reached the handler");
        };
        assert_eq!(
            (reason.code.get(), reason.by),
            (1002, ClosedBy::Us),
            "{seen}"
        );
        drop(server);
        assert_eq!(account.rest(), [], "{seen}");
    }
}

#[test]
fn a_peers_close_is_the_handlers_to_answer() {
    let (server, mut client, account) = open(|session, frame| {
        if frame.opcode == OpCode::Close {
            let _ = session.send_frame(whole(OpCode::Text, b"wait"));
            let _ = session.send_frame(whole(OpCode::Close, &parting(4001, "you too")));
        }
    });
    client.send(Frame::close(4000, "enough"));
    assert_eq!(client.read_text(), "wait");
    client.expect_close(4001, "you too");
    assert_eq!(account.note(), "Close \\x0f\\xa0enough");
    account.closed(4000, "enough", ClosedBy::Peer);
    drop(server);
    assert_eq!(account.rest(), [], "one close event");
}

#[test]
fn a_peers_close_can_be_answered_by_the_plain_close_of_a_session() {
    let (server, mut client, account) = open(|session, frame| {
        if frame.opcode == OpCode::Close {
            session.close(CloseCode::NORMAL, "bye");
        }
    });
    client.send(Frame::empty_close());
    client.expect_close(1000, "bye");
    assert_eq!(account.note(), "Close ");
    account.closed(1005, "", ClosedBy::Peer);
    drop(server);
    assert_eq!(account.rest(), [], "one close event");
}

#[test]
fn a_peers_close_can_be_answered_later() {
    let (server, mut client, account) = open(|session, frame| {
        if frame.opcode == OpCode::Close {
            session.set_timer(Duration::from_millis(1), 7);
        }
    });
    client.send(Frame::close(1000, ""));
    client.expect_close(4007, "late");
    account.note();
    assert_eq!(account.next(), Told::Timer(7));
    account.closed(1000, "", ClosedBy::Peer);
    drop(server);
    assert_eq!(account.rest(), [], "one close event");
}

#[test]
fn a_handler_that_closes_first_sees_the_answer() {
    let (server, mut client, account) = open(|session, frame| {
        if frame.opcode == OpCode::Text {
            let _ = session.send_frame(whole(OpCode::Close, &parting(4002, "go")));
            // Nothing may follow a Close (RFC 6455 §5.5.1).
            assert_eq!(session.send("too late"), dunlin::SendOutcome::Closed);
        }
    });
    client.send_text("shall I?");
    assert_eq!(client.read_close(), (4002, "go".to_owned()));
    client.send(Frame::text("still under way"));
    client.send(Frame::close(1000, "gone"));
    client.expect_end();
    assert_eq!(account.note(), "Text shall I?");
    assert_eq!(account.note(), "Text still under way");
    assert_eq!(account.note(), "Close \\x03\\xe8gone");
    account.closed(4002, "go", ClosedBy::Us);
    drop(server);
    assert_eq!(account.rest(), [], "one close event");
}

#[test]
fn a_handler_that_never_answers_a_close_is_cut() {
    let settings = || Settings::default().close_timeout(Duration::from_secs(1));
    let (server, account) = raw(settings, |_, _| {});
    let mut client = server.open("/");
    account.opened();
    client.send(Frame::close(1000, "anyone?"));
    client.expect_end();
    account.note();
    account.closed(1000, "anyone?", ClosedBy::Peer);
    drop(server);
    assert_eq!(account.rest(), [], "one close event");
}

#[test]
fn no_extension_is_agreed_on() {
    let settings = || Settings::default().extension(Deflate::new());
    let (server, _account) = raw(settings, |_, _| {});
    let offer = "Sec-WebSocket-Extensions: permessage-deflate";
    let head = server.connect().upgrade("/", &[offer]);
    assert_eq!(head.field("sec-websocket-extensions"), None);
}

#[test]
fn topics_work_from_raw_sessions_and_reach_them() {
    let (server, account) = raw(Settings::default, |session, frame| match frame.payload {
        b"join" => {
            session.join("room");
            let _ = session.send("joined");
        }
        _ => {
            session.publish("room", "to all");
        }
    });
    let mut clients = [server.open("/"), server.open("/")];
    for client in &mut clients {
        client.send_text("join");
        assert_eq!(client.read_text(), "joined");
    }
    clients[0].send(Frame::ping(b"publish"));
    for client in &mut clients {
        assert_eq!(client.read_text(), "to all");
    }
    drop(account);
}

#[test]
fn a_closure_is_a_raw_handler() {
    let server = start(|| {
        App::new().ws_raw(
            "/",
            Settings::default(),
            |session: &mut Session<'_>, frame: RawFrame<'_>| {
                let _ = session.send_frame(frame);
            },
        )
    });
    let mut client = server.open("/");
    for frame in [
        Frame::text("a").more(),
        Frame::ping(b"b"),
        Frame::continuation(*b"c"),
    ] {
        client.send(frame.clone());
        assert_eq!(client.read_frame(), frame);
    }
    client.send(Frame::close(4711, "as it is"));
    client.expect_close(4711, "as it is");
}

#[test]
fn a_raw_session_beside_a_plain_one_changes_nothing_there() {
    let server = start(|| {
        App::new()
            .ws_raw(
                "/raw",
                Settings::default(),
                |_: &mut Session<'_>, _: RawFrame<'_>| {},
            )
            .on_message("/plain", |_, _| {})
    });
    let _raw = server.open("/raw");
    assert_silent(&mut server.open("/plain"));
}
