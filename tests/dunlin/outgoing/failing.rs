//! Calls that come to nothing: one failed event each, with a kind and a sentence.

use super::{call, caller, caller_with, hasty, to};
use crate::running::{Running, start, start_server};
use crate::wire_server::{Accepted, WireServer};
use crate::witness::{Account, Told, account};
use dunlin::Status;
use dunlin::{App, Call, ErrorKind, Limits, Response, Server, Settings};
use std::io::Write;
use std::net::{Shutdown, SocketAddr};
use std::time::Duration;

/// An address where nobody listens.
fn nowhere() -> SocketAddr {
    WireServer::bind().address()
}

/// A call that a peer answers with these bytes; what its handler is told.
#[track_caller]
fn answered(answer: impl FnOnce(&Accepted) -> String) -> (ErrorKind, String) {
    let (server, account) = caller(|tell| tell.witness());
    let peer = WireServer::bind();
    call(&server, to(peer.address()));
    let mut accepted = peer.accept();
    let answer = answer(&accepted);
    accepted.write(answer);
    let failed = account.failed();
    accepted.expect_end();
    nothing_else(server, &account);
    failed
}

#[track_caller]
fn nothing_else(server: Running, account: &Account) {
    drop(server);
    assert_eq!(account.rest(), [], "a call fails once and opens nothing");
}

#[test]
fn nobody_listens_there() {
    let (server, account) = caller(|tell| tell.witness());
    call(&server, to(nowhere()));
    let (kind, text) = account.failed();
    assert_eq!(kind, ErrorKind::Io);
    assert!(
        text.contains("cannot be made") && text.contains("refused"),
        "{text}"
    );
    nothing_else(server, &account);
}

#[test]
fn the_upgrade_is_refused_with_a_status() {
    let refusing = start(|| {
        App::new()
            .get("/page", |_, _| Response::ok("text/plain", b"a page"))
            .get("/secret", |_, _| Response::refusal(Status::UNAUTHORIZED))
    });
    let (server, account) = caller(|tell| tell.witness());
    for (target, status) in [
        ("/page", "200 OK"),
        ("/secret", "401 Unauthorized"),
        ("/nothing", "404 Not Found"),
    ] {
        call(&server, Call::new(refusing.address(), "localhost", target));
        let (kind, text) = account.failed();
        assert_eq!(kind, ErrorKind::Refused, "{text}");
        assert!(text.ends_with(status), "{text}");
    }
    nothing_else(server, &account);
}

#[test]
fn the_answer_breaks_the_protocol() {
    type Answer = fn(&Accepted) -> String;
    let wrong: [(Answer, &str); 6] = [
        (
            |peer| peer.switching(&[]).replace("Accept: ", "Accept: A"),
            "Sec-WebSocket-Accept does not fit",
        ),
        (
            |peer| peer.switching(&[]).replace("Upgrade: websocket\r\n", ""),
            "no `Upgrade: websocket`",
        ),
        (
            |peer| peer.switching(&["Sec-WebSocket-Protocol: v1"]),
            "subprotocol \"v1\", offered: none",
        ),
        (
            |peer| peer.switching(&["Sec-WebSocket-Extensions: permessage-deflate"]),
            "permessage-deflate, which was not offered",
        ),
        (
            |_| "SSH-2.0-OpenSSH\r\n".to_owned(),
            "does not answer in HTTP/1.1",
        ),
        (
            |_| "HTTP/1.1 1001 Huh\r\n\r\n".to_owned(),
            "no valid status line",
        ),
    ];
    for (answer, part) in wrong {
        let (kind, text) = answered(answer);
        assert_eq!(kind, ErrorKind::Protocol, "{text}");
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn the_head_of_the_answer_has_no_end() {
    let (kind, text) = answered(|_| format!("HTTP/1.1 101 Yes\r\nX: {}", "a".repeat(20_000)));
    assert_eq!(kind, ErrorKind::Limit, "{text}");
}

#[test]
fn the_parameters_of_an_extension_are_wrong() {
    let settings = || Settings::default().extension(dunlin::Deflate::new());
    let (server, account) = caller_with(settings, Limits::default(), |tell| tell.witness());
    let peer = WireServer::bind();
    call(&server, to(peer.address()));
    let answer = "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=20";
    peer.accept().switch(&[answer]);
    let (kind, text) = account.failed();
    assert_eq!(kind, ErrorKind::Protocol, "{text}");
    assert!(text.contains("server_max_window_bits"), "{text}");
    nothing_else(server, &account);
}

#[test]
fn the_server_closes_without_an_answer() {
    let (server, account) = caller(|tell| tell.witness());
    let peer = WireServer::bind();
    for begun in ["", "HTTP/1.1 101 Switching"] {
        call(&server, to(peer.address()));
        peer.accept().write(begun);
        let (kind, text) = account.failed();
        assert_eq!(kind, ErrorKind::Closed, "{text}");
        assert!(text.contains("without an answer"), "{text}");
    }
    nothing_else(server, &account);
}

#[test]
fn the_server_closes_before_the_request_is_sent() {
    let (server, account) = caller(|tell| tell.witness());
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    for _ in 0..50 {
        call(&server, to(listener.local_addr().expect("an address")));
        drop(listener.accept().expect("a caller"));
        assert_eq!(account.failed().0, ErrorKind::Closed);
    }
    nothing_else(server, &account);
}

#[test]
fn half_an_answer_and_the_end_come_with_the_connection() {
    let (server, account) = caller(|tell| tell.witness());
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    for _ in 0..50 {
        call(&server, to(listener.local_addr().expect("an address")));
        let (mut stream, _) = listener.accept().expect("a caller");
        stream
            .write_all(b"HTTP/1.1 101 Swi")
            .expect("it takes bytes");
        stream.shutdown(Shutdown::Write).expect("it is open");
        assert_eq!(account.failed().0, ErrorKind::Closed);
    }
    nothing_else(server, &account);
}

#[test]
fn the_server_never_answers() {
    let (server, account) = caller_with(Settings::default, hasty(), |tell| tell.witness());
    let peer = WireServer::bind();
    call(&server, to(peer.address()));
    let mut accepted = peer.accept();
    let (kind, text) = account.failed();
    assert_eq!(kind, ErrorKind::Timeout, "{text}");
    accepted.expect_end();
    nothing_else(server, &account);
}

#[test]
fn the_connection_is_never_accepted() {
    let (server, account) = caller_with(Settings::default, hasty(), |tell| tell.witness());
    // The kernel answers for a listener that does not accept; the request goes into the void.
    let peer = WireServer::bind();
    call(&server, to(peer.address()));
    assert_eq!(account.failed().0, ErrorKind::Timeout);
    nothing_else(server, &account);
}

#[test]
fn a_call_that_cannot_be_written_fails() {
    let (server, account) = caller(|tell| tell.witness());
    let peer = WireServer::bind();
    let address = peer.address();
    for (wrong, part) in [
        (Call::new(address, "two words", "/"), "two words"),
        (Call::new(address, "a", "no-slash"), "no-slash"),
        (to(address).field("X-Evil", "a\r\nX-Evil: b"), "X-Evil"),
        (to(address).field("Upgrade", "h2c"), "Upgrade"),
    ] {
        call(&server, wrong);
        let (kind, text) = account.failed();
        assert_eq!(kind, ErrorKind::Config, "{text}");
        assert!(text.contains(part), "{text}");
    }
    nothing_else(server, &account);
}

#[test]
fn a_handler_can_call_again_when_a_call_failed() {
    let (tell, account) = account();
    let peer = WireServer::bind();
    let second = peer.address();
    let server = start(move || {
        let again = Again {
            second,
            tell: tell.0.clone(),
        };
        App::new().outgoing("up", Settings::default(), again)
    });
    call(&server, to(nowhere()));
    assert_eq!(account.failed().0, ErrorKind::Io);
    let _accepted = peer.accept_session();
    account.opened();
}

/// Calls a second address when the first does not answer.
struct Again {
    second: SocketAddr,
    tell: std::sync::mpsc::Sender<Told>,
}

impl dunlin::Handler for Again {
    type Data = ();

    fn open(
        &mut self,
        _: &dunlin::Request<'_>,
        session: &mut dunlin::Session<'_>,
    ) -> dunlin::Open<()> {
        let _ = self.tell.send(Told::Opened(session.id()));
        dunlin::Open::Accept(())
    }

    fn message(&mut self, (): &mut (), _: &mut dunlin::Session<'_>, _: dunlin::Message<'_>) {}

    fn failed(
        &mut self,
        context: &mut dunlin::Context<'_>,
        id: dunlin::SessionId,
        call: &Call,
        error: &dunlin::Error,
    ) {
        assert_ne!(call.address(), self.second);
        assert_eq!(
            context.send(id, "nobody is there"),
            dunlin::SendOutcome::Closed
        );
        let told = Told::Failed(error.kind(), error.to_string());
        let _ = self.tell.send(told);
        context
            .connect("up", to(self.second))
            .expect("there is room");
    }
}

#[test]
fn a_call_can_begin_later() {
    let (tell, account) = account();
    let peer = WireServer::bind();
    let address = peer.address();
    let server = start(move || {
        App::new()
            .on_message("/", move |session, _| {
                for (target, ms) in [("/never", u64::MAX), ("/later", 10), ("/at-once", 0)] {
                    let call = Call::new(address, "a", target).after(Duration::from_millis(ms));
                    session.connect("up", call).expect("there is room");
                }
            })
            .outgoing("up", Settings::default(), tell.witness())
    });
    let mut client = server.open("/");
    client.send_text("call");
    let _accepted = ["GET /at-once ", "GET /later "].map(|wanted| {
        let mut accepted = peer.accept();
        assert!(accepted.request.starts_with(wanted), "{}", accepted.request);
        accepted.switch(&[]);
        account.opened();
        accepted
    });
    drop(server);
    let rest = account.rest();
    let failed = rest.iter().filter_map(|told| match told {
        Told::Failed(kind, _) => Some(*kind),
        _ => None,
    });
    assert_eq!(failed.collect::<Vec<_>>(), [ErrorKind::Closed], "{rest:?}");
}

#[test]
fn a_route_that_does_not_exist_is_an_error_at_once() {
    let (tell, account) = account();
    let server = start(move || {
        App::new().on_message("/", move |session, _| {
            let error = session
                .connect("down", to(nowhere()))
                .expect_err("no such route");
            assert_eq!(error.kind(), ErrorKind::Config);
            tell.note(error.to_string());
        })
    });
    let mut client = server.open("/");
    client.send_text("call");
    assert!(account.note().contains("\"down\""));
    // From another thread it can only be logged.
    server
        .remote()
        .connect("down", to(nowhere()))
        .expect("it runs");
}

#[test]
fn a_full_server_makes_no_calls() {
    let (tell, account) = account();
    let server = start_server(move || {
        let note = tell.clone();
        let app = App::new()
            .on_message("/", move |session, _| {
                let error = session
                    .connect("up", to(nowhere()))
                    .expect_err("it is full");
                note.note(format!("{:?} {error}", error.kind()));
            })
            .outgoing("up", Settings::default(), tell.witness());
        Server::new(app).limits(Limits::default().max_connections(1))
    });
    let mut client = server.open("/");
    client.send_text("call");
    let note = account.note();
    assert!(
        note.starts_with("Limit ") && note.contains("full"),
        "{note}"
    );
    // What another thread asks for is told to the handler.
    call(&server, to(nowhere()));
    assert_eq!(account.failed().0, ErrorKind::Limit);
}

#[test]
fn two_outgoing_routes_of_one_name_are_an_error_at_start() {
    let handler = || account().0.witness();
    let app = App::new()
        .outgoing("up", Settings::default(), handler())
        .outgoing("up", Settings::default(), handler());
    let server = Server::new(app).listen("127.0.0.1:0").expect("a free port");
    let error = server.run().expect_err("it must not start");
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("\"up\""), "{error}");
}
