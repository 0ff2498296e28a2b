//! However a session ends: one open, then one close, with the reason.

use crate::running::{Running, assert_silent, start};
use crate::wire_client::{Frame, WireClient};
use crate::witness::{Account, Told, account};
use dunlin::{App, CloseCode, ClosedBy, Message, SendOutcome, Session};

/// A server whose messages are orders, with one open session.
fn open() -> (Running, WireClient, Account) {
    let (tell, account) = account();
    let server = start(move || App::new().ws("/", tell.witness().on_message(obey)));
    let client = server.open("/");
    account.opened();
    (server, client, account)
}

fn obey(session: &mut Session<'_>, message: Message<'_>) {
    match message.text() {
        Some("close") => {
            let _ = session.send("last");
            session.close(CloseCode::new(4321), "as ordered");
            assert_eq!(session.send("too late"), SendOutcome::Closed);
            assert_eq!(session.ping(b"too late"), SendOutcome::Closed);
            assert_eq!(session.join("too late"), dunlin::JoinOutcome::Closed);
            session.close(CloseCode::NORMAL, "twice");
        }
        Some("close badly") => session.close(CloseCode::ABNORMAL, "no such code"),
        Some("close at length") => session.close(CloseCode::NORMAL, &"님".repeat(50)),
        Some("panic") => panic!("on purpose"),
        _ => {}
    }
}

/// Sees that the session has ended so and that nothing else is told.
#[track_caller]
fn ended(server: Running, account: &Account, code: u16, reason: &str, by: ClosedBy) {
    account.closed(code, reason, by);
    drop(server);
    assert_eq!(account.rest(), [], "one open, one close, nothing behind it");
}

#[test]
fn the_peer_closes() {
    let (server, mut client, account) = open();
    client.send(Frame::close(4000, "enough 충분"));
    assert_eq!(client.read_close(), (4000, String::new()));
    client.expect_end();
    ended(server, &account, 4000, "enough 충분", ClosedBy::Peer);
}

#[test]
fn the_peer_closes_without_a_code() {
    let (server, mut client, account) = open();
    client.send(Frame::empty_close());
    assert_eq!(client.read_frame(), Frame::empty_close());
    client.expect_end();
    ended(server, &account, 1005, "", ClosedBy::Peer);
}

#[test]
fn the_handler_closes() {
    let (server, mut client, account) = open();
    client.send_text("close");
    assert_eq!(client.read_text(), "last");
    client.expect_close(4321, "as ordered");
    assert_eq!(account.next(), Told::Text("close".into()));
    ended(server, &account, 4321, "as ordered", ClosedBy::Us);
}

#[test]
fn what_arrives_behind_our_close_is_still_delivered() {
    let (server, mut client, account) = open();
    client.send_text("close");
    client.read_text();
    client.read_close();
    client.send_text("still under way");
    client.send(Frame::close(4321, ""));
    client.expect_end();
    assert_eq!(account.next(), Told::Text("close".into()));
    assert_eq!(account.next(), Told::Text("still under way".into()));
    ended(server, &account, 4321, "as ordered", ClosedBy::Us);
}

#[test]
fn a_code_that_may_not_be_sent_becomes_1011_and_a_long_reason_is_cut() {
    let (server, mut client, account) = open();
    client.send_text("close badly");
    client.expect_close(1011, "no such code");
    account.next();
    ended(server, &account, 1011, "no such code", ClosedBy::Us);

    let (server, mut client, account) = open();
    client.send_text("close at length");
    let reason = "님".repeat(41);
    client.expect_close(1000, &reason);
    account.next();
    ended(server, &account, 1000, &reason, ClosedBy::Us);
}

#[test]
fn the_connection_is_lost() {
    let (server, client, account) = open();
    drop(client);
    ended(server, &account, 1006, "", ClosedBy::Lost);
}

#[test]
fn the_connection_is_lost_inside_a_message() {
    let (server, mut client, account) = open();
    client.send(Frame::text("one of").more());
    client.write([0x80]);
    client.shut_write();
    ended(server, &account, 1006, "", ClosedBy::Lost);
}

#[test]
fn the_connection_is_lost_behind_our_close() {
    let (server, mut client, account) = open();
    client.send_text("close");
    client.read_text();
    client.read_close();
    drop(client);
    account.next();
    ended(server, &account, 4321, "as ordered", ClosedBy::Us);
}

#[test]
fn the_peer_breaks_the_protocol() {
    let (server, mut client, account) = open();
    client.write(Frame::text("not masked").bytes());
    client.expect_close(1002, "frame is not masked");
    ended(server, &account, 1002, "frame is not masked", ClosedBy::Us);
}

#[test]
fn the_handler_panics_and_no_other_session_notices() {
    let (server, mut client, account) = open();
    let mut other = server.open("/");
    account.opened();
    client.send_text("panic");
    client.expect_close(1011, "Internal error");
    assert_eq!(account.next(), Told::Text("panic".into()));
    account.closed(1011, "Internal error", ClosedBy::Us);
    assert_silent(&mut other);
    other.leave();
    ended(server, &account, 1000, "", ClosedBy::Peer);
}

#[test]
fn the_server_stops() {
    let (server, mut client, account) = open();
    server.remote().shutdown().expect("it runs");
    client.expect_close(1001, "Server stopping");
    ended(server, &account, 1001, "Server stopping", ClosedBy::Us);
}

#[test]
fn another_thread_closes() {
    let (tell, account) = account();
    let server = start(move || App::new().ws("/", tell.witness()));
    let mut client = server.open("/");
    let id = account.opened();
    let remote = server.remote().clone();
    remote.send(id, "goodbye").expect("it runs");
    remote
        .close(id, CloseCode::new(4999), "from elsewhere")
        .expect("it runs");
    assert_eq!(client.read_text(), "goodbye");
    client.expect_close(4999, "from elsewhere");
    // All of this names nobody any more and harms nobody.
    remote.send(id, "anyone?").expect("it runs");
    remote.close(id, CloseCode::NORMAL, "").expect("it runs");
    ended(server, &account, 4999, "from elsewhere", ClosedBy::Us);
}

#[test]
fn ids_of_sessions_that_ended_are_harmless() {
    let (tell, account) = account();
    let server = start(move || {
        let mut first = None;
        let witness = tell.witness().on_message(move |session, _| {
            let first = *first.get_or_insert(session.id());
            let answer = session.send_to(first, "to the first");
            session.close_other(first, CloseCode::NORMAL, "over");
            let again = session.send_to(first, "to the first");
            let _ = session.send(format!("{answer:?} {again:?}"));
        });
        App::new().ws("/", witness)
    });
    let mut first = server.open("/");
    account.opened();
    first.send_text("me");
    assert_eq!(first.read_text(), "to the first");
    first.expect_close(1000, "over");
    account.next();
    account.closed(1000, "over", ClosedBy::Us);
    // This one may well stand where the first stood.
    let mut second = server.open("/");
    second.send_text("me");
    assert_eq!(second.read_text(), "Closed Closed");
    assert_silent(&mut second);
}

#[test]
fn a_handler_that_ends_others_is_told_of_them_later_and_once() {
    let (tell, account) = account();
    let server = start(move || {
        let mut ids = Vec::new();
        let note = tell.clone();
        let witness = tell.witness().on_message(move |session, message| {
            ids.push(session.id());
            if message.text() == Some("all out") {
                for id in &ids {
                    session.close_other(*id, CloseCode::new(4000), "out");
                }
                note.note("done");
            }
        });
        App::new().ws("/", witness)
    });
    let mut clients: Vec<_> = (0..3).map(|_| server.open("/")).collect();
    for client in &mut clients {
        client.send_text("here");
        account.opened();
    }
    for _ in 0..3 {
        assert_eq!(account.next(), Told::Text("here".into()));
    }
    clients[1].send_text("all out");
    assert_eq!(account.next(), Told::Text("all out".into()));
    assert_eq!(account.note(), "done", "no handler runs inside a handler");
    for client in &mut clients {
        client.expect_close(4000, "out");
        account.closed(4000, "out", ClosedBy::Us);
    }
    drop(server);
    assert_eq!(account.rest(), []);
}
