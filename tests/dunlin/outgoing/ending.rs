//! The end of outgoing sessions: the same rules as for those that come in.

use super::{call, caller, connected, to};
use crate::running::start;
use crate::wire_frame::Frame;
use crate::wire_server::WireServer;
use crate::witness::{Told, account};
use dunlin::Status;
use dunlin::{App, CloseCode, ClosedBy, ErrorKind, Response, Settings};

#[test]
fn the_server_closes() {
    let (server, mut peer, account) = connected(|tell| tell.witness());
    peer.send(Frame::close(4000, "enough"));
    assert_eq!(peer.read_close(), (4000, String::new()));
    peer.expect_end();
    account.closed(4000, "enough", ClosedBy::Peer);
    drop(server);
    assert_eq!(account.rest(), [], "one close event");
}

#[test]
fn we_close() {
    let (server, mut peer, account) = connected(|tell| {
        tell.witness()
            .on_message(|session, _| session.close(CloseCode::NORMAL, "done"))
    });
    peer.send(Frame::text("enough?"));
    assert_eq!(peer.read_close(), (1000, "done".to_owned()));
    peer.send(Frame::text("under way"));
    peer.send(Frame::close(1000, ""));
    peer.expect_end();
    assert_eq!(account.next(), Told::Text("enough?".into()));
    assert_eq!(account.next(), Told::Text("under way".into()));
    account.closed(1000, "done", ClosedBy::Us);
    drop(server);
    assert_eq!(account.rest(), [], "one close event");
}

#[test]
fn the_connection_is_lost() {
    let (server, peer, account) = connected(|tell| tell.witness());
    drop(peer);
    account.closed(1006, "", ClosedBy::Lost);
    drop(server);
    assert_eq!(account.rest(), [], "one close event");
}

#[test]
fn a_masked_frame_of_the_server_is_a_protocol_error() {
    let (_server, mut peer, account) = connected(|tell| tell.witness());
    peer.send(Frame::text("masked").mask([1, 2, 3, 4]));
    assert_eq!(peer.read_close().0, 1002);
    account.closed(1002, "frame is masked", ClosedBy::Us);
}

#[test]
fn a_panic_ends_that_session_alone() {
    let (server, mut peer, account) = connected(|tell| {
        tell.witness()
            .on_message(|session, message| match message.text() {
                Some("panic") => panic!("on purpose"),
                _ => {
                    let _ = session.send("fine");
                }
            })
    });
    let second = WireServer::bind();
    call(&server, to(second.address()));
    let mut other = second.accept_session();
    account.opened();
    peer.send(Frame::text("panic"));
    assert_eq!(peer.read_close(), (1011, "Internal error".to_owned()));
    assert_eq!(account.next(), Told::Text("panic".into()));
    account.closed(1011, "Internal error", ClosedBy::Us);
    other.send(Frame::text("and you?"));
    assert_eq!(other.read_text(), "fine");
}

#[test]
fn a_handler_that_refuses_at_open_closes_with_1000_and_hears_nothing_more() {
    let (server, account) = caller(|tell| {
        tell.witness().on_open(|request, session| {
            session.join("room");
            match request.path() {
                "/refused" => Err(Response::new(Status::FORBIDDEN)),
                "/panic" => panic!("on purpose"),
                _ => Ok(()),
            }
        })
    });
    let peer = WireServer::bind();
    for (target, code) in [("/refused", 1000), ("/panic", 1011)] {
        call(&server, dunlin::Call::new(peer.address(), "a", target));
        let mut accepted = peer.accept();
        let first = Frame::text("for nobody").bytes();
        let answer = [accepted.switching(&[]).as_bytes(), &first].concat();
        accepted.write(answer);
        assert_eq!(accepted.read_close().0, code, "{target}");
        accepted.send(Frame::text("for nobody"));
        accepted.send(Frame::close(1000, ""));
        accepted.expect_end();
    }
    // What was said to those two reaches nobody else.
    call(&server, to(peer.address()));
    let mut accepted = peer.accept_session();
    account.opened();
    accepted.send(Frame::close(1000, "bye"));
    assert_eq!(accepted.read_close().0, 1000);
    account.closed(1000, "bye", ClosedBy::Peer);
    drop(server);
    assert_eq!(account.rest(), [], "no event of a session that was refused");
}

#[test]
fn shutdown_closes_outgoing_sessions_and_calls_too() {
    let (server, mut open, account) = connected(|tell| tell.witness());
    let silent = WireServer::bind();
    call(&server, to(silent.address()));
    let mut calling = silent.accept();
    server.remote().shutdown().expect("it runs");
    assert_eq!(open.read_close().0, 1001);
    open.send(Frame::close(1001, ""));
    open.expect_end();
    calling.expect_end();
    server.stop().expect("it ends well");
    let rest = account.rest();
    assert_eq!(rest.len(), 2, "{rest:?}");
    let failed = rest.iter().find_map(|told| match told {
        Told::Failed(kind, _) => Some(*kind),
        _ => None,
    });
    assert_eq!(failed, Some(ErrorKind::Closed));
    let ends = |told: &Told| matches!(told, Told::Closed(reason) if reason.code.get() == 1001);
    assert!(rest.iter().any(ends), "{rest:?}");
}

#[test]
fn a_call_under_way_can_be_taken_back() {
    let (tell, account) = account();
    let silent = WireServer::bind();
    let address = silent.address();
    let server = start(move || {
        let mut calls = Vec::new();
        let inside =
            move |session: &mut dunlin::Session<'_>, message: dunlin::Message<'_>| match message
                .text()
            {
                Some("call") => calls.extend(session.connect("up", to(address))),
                _ => calls
                    .drain(..)
                    .for_each(|id| session.close_other(id, CloseCode::NORMAL, "never mind")),
            };
        App::new()
            .on_message("/", inside)
            .outgoing("up", Settings::default(), tell.witness())
    });
    let mut client = server.open("/");
    client.send_text("call");
    let mut calling = silent.accept();
    client.send_text("take it back");
    calling.expect_end();
    assert_eq!(account.failed().0, ErrorKind::Closed);
    drop(server);
    assert_eq!(account.rest(), []);
}

#[test]
fn calls_do_not_count_as_connections_of_an_address() {
    let (tell, account) = account();
    let limits = dunlin::Limits::default().max_per_address(1);
    let server = crate::running::start_server(move || {
        let app = App::new()
            .on_message("/", |session, message| {
                let _ = session.send(message);
            })
            .outgoing("up", Settings::default(), tell.witness());
        dunlin::Server::new(app).limits(limits)
    });
    let peer = WireServer::bind();
    let _accepted = [(); 3].map(|()| {
        call(&server, to(peer.address()));
        let accepted = peer.accept_session();
        account.opened();
        accepted
    });
    let mut client = server.open("/");
    client.send_text("welcome");
    assert_eq!(client.read_text(), "welcome");
    assert_eq!(
        server.remote().stats().accepted,
        1,
        "calls are not accepted connections"
    );
}
