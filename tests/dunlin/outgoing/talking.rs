//! The call itself and the messages of its session.

use super::{call, caller, caller_with, connected, to};
use crate::running::start;
use crate::wire_frame::Frame;
use crate::wire_server::WireServer;
use crate::witness::{Told, account};
use dunlin::Deflate;
use dunlin::{App, Call, Limits, Settings};

#[test]
fn an_echo_comes_back_through_another_server() {
    let echo = start(|| {
        App::new().on_message("/echo", |session, message| {
            let _ = session.send(message);
        })
    });
    let (server, account) = caller(|tell| {
        tell.witness().on_open(|_, session| {
            let _ = session.send("first words");
            let _ = session.send(vec![7u8; 100_000]);
            Ok(())
        })
    });
    let address = echo.address();
    call(&server, Call::new(address, "localhost", "/echo"));
    account.opened();
    assert_eq!(account.next(), Told::Text("first words".into()));
    assert_eq!(account.next(), Told::Binary(vec![7; 100_000]));
}

#[test]
fn the_request_is_an_upgrade_with_host_target_and_fields() {
    let (server, _account) = caller(|tell| tell.witness());
    let peer = WireServer::bind();
    let wanted = Call::new(peer.address(), "chat.example:81", "/room/7?key=a%20b")
        .field("Origin", "https://example.org")
        .field("Authorization", "Bearer x");
    call(&server, wanted);
    let accepted = peer.accept();
    let first = accepted.request.lines().next();
    assert_eq!(first, Some("GET /room/7?key=a%20b HTTP/1.1"));
    for (name, value) in [
        ("Host", "chat.example:81"),
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Version", "13"),
        ("Origin", "https://example.org"),
        ("Authorization", "Bearer x"),
    ] {
        assert_eq!(accepted.field(name), Some(value), "{name}");
    }
    for absent in ["Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions"] {
        assert_eq!(accepted.field(absent), None, "nothing is offered");
    }
}

#[test]
fn every_call_has_a_key_of_its_own() {
    let (server, _account) = caller(|tell| tell.witness());
    let peer = WireServer::bind();
    let keys = [(); 2].map(|()| {
        call(&server, to(peer.address()));
        let key = peer.accept().field("sec-websocket-key").map(str::to_owned);
        key.expect("a key")
    });
    assert_eq!(keys[0].len(), 24);
    assert_ne!(keys[0], keys[1]);
}

#[test]
fn a_handler_sees_at_open_what_was_asked_and_the_fields_of_the_answer() {
    let (server, account) = caller(|tell| {
        let note = tell.clone();
        tell.witness().on_open(move |request, session| {
            let (host, query) = (request.host(), request.query("q"));
            let (path, field) = (request.path(), request.header("x-served-by"));
            note.note(format!(
                "{path} {query:?} {host:?} {field:?} {}",
                session.peer()
            ));
            Ok(())
        })
    });
    let peer = WireServer::bind();
    call(&server, Call::new(peer.address(), "a.example", "/room?q=1"));
    peer.accept().switch(&["X-Served-By: two"]);
    let wanted = format!(
        r#"/room Some("1") Some("a.example") Some("two") {}"#,
        peer.address()
    );
    assert_eq!(account.note(), wanted);
}

#[test]
fn subprotocol_and_extension_are_agreed_on_and_used() {
    let settings = || {
        Settings::default()
            .protocols(["v2.chat", "v1.chat"])
            .extension(Deflate::new())
    };
    let echo = start(move || {
        App::new().on_message_with("/", settings(), |session, message| {
            assert!(session.extensions().is_some());
            let _ = session.send(message);
        })
    });
    let text = "compress me ".repeat(100);
    let said = text.clone();
    let (server, account) = caller_with(settings, Limits::default(), |tell| {
        let note = tell.clone();
        tell.witness().on_open(move |_, session| {
            let extensions = session.extensions().unwrap_or_default();
            note.note(format!("{:?} {extensions}", session.protocol()));
            let _ = session.send(&said);
            Ok(())
        })
    });
    call(&server, to(echo.address()));
    let note = account.note();
    assert!(
        note.starts_with(r#"Some("v2.chat") permessage-deflate"#),
        "{note}"
    );
    account.opened();
    assert_eq!(account.next(), Told::Text(text));
}

#[test]
fn what_is_sent_is_compressed_first_and_masked_then() {
    let settings = || Settings::default().extension(Deflate::new());
    let (server, _account) = caller_with(settings, Limits::default(), |tell| {
        tell.witness().on_open(|_, session| {
            let _ = session.send("compress me ".repeat(100));
            Ok(())
        })
    });
    let peer = WireServer::bind();
    call(&server, to(peer.address()));
    let mut accepted = peer.accept();
    let offer = accepted
        .field("sec-websocket-extensions")
        .expect("an offer");
    assert!(offer.starts_with("permessage-deflate"), "{offer}");
    let agreed = "permessage-deflate; server_no_context_takeover";
    accepted.switch(&[&format!("Sec-WebSocket-Extensions: {agreed}")]);
    let frame = accepted.read_frame();
    assert_eq!((frame.opcode, frame.reserved), (0x1, 0x40));
    assert!(frame.payload.len() < 200, "{frame:?}");
    // The same bytes are a message for the caller, too.
    let mut back = frame;
    back.mask = None;
    accepted.send(back);
    drop(server);
}

#[test]
fn every_frame_is_masked_with_a_key_of_its_own() {
    let (_server, mut peer, _account) = connected(|tell| {
        tell.witness().on_message(|session, message| {
            let _ = session.send(message);
        })
    });
    let mut keys = Vec::new();
    for text in ["one", "one", "two"] {
        peer.send(Frame::text(text));
        let frame = peer.read_frame();
        assert_eq!(frame.payload, text.as_bytes());
        keys.push(frame.mask);
    }
    for _ in 0..20 {
        peer.send(Frame::ping(b"and pongs"));
        let frame = peer.read_frame();
        assert_eq!((frame.opcode, &*frame.payload), (0xA, &b"and pongs"[..]));
        keys.push(frame.mask);
    }
    peer.send(Frame::close(1000, ""));
    let close = peer.read_frame();
    assert_eq!(close.close_parts(), (1000, ""));
    keys.push(close.mask);
    let all = keys.len();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), all);
}

#[test]
fn bytes_behind_the_answer_are_the_first_frames() {
    let (server, account) = caller(|tell| tell.witness());
    let peer = WireServer::bind();
    call(&server, to(peer.address()));
    let mut accepted = peer.accept();
    let first = Frame::text("right behind").bytes();
    let half = Frame::text("in two reads").bytes();
    let answer = [accepted.switching(&[]).as_bytes(), &first, &half[..5]].concat();
    accepted.write(answer);
    account.opened();
    assert_eq!(account.next(), Told::Text("right behind".into()));
    accepted.write(&half[5..]);
    assert_eq!(account.next(), Told::Text("in two reads".into()));
}

#[test]
fn an_answer_may_trickle_and_interim_answers_are_skipped() {
    let (server, account) = caller(|tell| tell.witness());
    let peer = WireServer::bind();
    call(&server, to(peer.address()));
    let mut accepted = peer.accept();
    let interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
    let answer = format!("{interim}{}", accepted.switching(&[]));
    for byte in answer.bytes() {
        accepted.write([byte]);
    }
    account.opened();
}

#[test]
fn fragments_and_pings_of_the_server_are_understood() {
    let (_server, mut peer, account) = connected(|tell| tell.witness());
    peer.send(Frame::text("in ").more());
    peer.send(Frame::ping(b"between"));
    peer.send(Frame::continuation(*b"parts"));
    assert_eq!(account.next(), Told::Text("in parts".into()));
    assert_eq!(peer.read_frame().payload, b"between");
}

#[test]
fn outgoing_sessions_subscribe_and_publish_like_any_other() {
    let (tell, account) = account();
    let server = start(move || {
        let join = |_: &dunlin::Request<'_>, session: &mut dunlin::Session<'_>| {
            session.join("room");
            Ok(())
        };
        let publish = |session: &mut dunlin::Session<'_>, message: dunlin::Message<'_>| {
            session.publish("room", message);
        };
        let inside = tell.witness().on_open(join).on_message(publish);
        let outside = tell.witness().on_open(join).on_message(publish);
        App::new()
            .ws("/", inside)
            .outgoing("up", Settings::default(), outside)
    });
    let mut client = server.open("/");
    account.opened();
    let peer = WireServer::bind();
    call(&server, to(peer.address()));
    let mut accepted = peer.accept_session();
    account.opened();
    client.send_text("from within");
    assert_eq!(client.read_text(), "from within");
    assert_eq!(accepted.read_text(), "from within");
    accepted.send(Frame::text("from outside"));
    assert_eq!(client.read_text(), "from outside");
    assert_eq!(accepted.read_text(), "from outside");
}
