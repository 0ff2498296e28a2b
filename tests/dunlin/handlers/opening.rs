//! The open event: what the request says, and refusing it.

use crate::running::{Running, assert_silent, start};
use crate::wire_client::{Frame, WireClient};
use crate::witness::{Teller, account};
use dunlin::Status;
use dunlin::{App, Request, Response};

/// A route that notes what `ask` says of each request.
fn asking(
    pattern: &'static str,
    tell: Teller,
    ask: impl Fn(&Request<'_>) -> String + Send + 'static,
) -> Running {
    start(move || {
        let note = tell.clone();
        let witness = tell.witness().on_open(move |request, _| {
            note.note(ask(request));
            Ok(())
        });
        App::new().ws(pattern, witness)
    })
}

/// What a handler says of a request for this path with these fields.
#[track_caller]
fn asked(
    pattern: &'static str,
    path: &str,
    fields: &[&str],
    ask: impl Fn(&Request<'_>) -> String + Send + 'static,
) -> String {
    let (tell, account) = account();
    let server = asking(pattern, tell, ask);
    server.connect().upgrade(path, fields);
    account.note()
}

#[test]
fn path_parameters_are_decoded() {
    let id = |request: &Request<'_>| format!("{:?} {:?}", request.param("id"), request.param("no"));
    let said = asked("/room/{id}", "/room/a%20b%2Fc", &[], id);
    assert_eq!(said, r#"Some("a b/c") None"#);
    let tail = |request: &Request<'_>| format!("{:?}", request.param("path"));
    let said = asked("/files/{path...}", "/files/a/b%20c/", &[], tail);
    assert_eq!(said, r#"Some("a/b c/")"#);
}

#[test]
fn path_and_query_are_there_as_they_came_and_decoded() {
    let path = |request: &Request<'_>| format!("{} {}", request.path(), request.query_string());
    let said = asked("/room/{id}", "/room/%41?a=%20&b", &[], path);
    assert_eq!(said, "/room/%41 a=%20&b");
    let query = |request: &Request<'_>| {
        let values = ["name", "empty", "flag", "none"].map(|name| request.query(name));
        format!("{values:?}")
    };
    let said = asked("/", "/?name=kim+chul%20su&name=two&empty=&flag", &[], query);
    assert_eq!(said, r#"[Some("kim chul su"), Some(""), Some(""), None]"#);
}

#[test]
fn header_fields_are_found_in_any_case_and_all_of_them() {
    let fields = [
        "X-Token: one",
        "x-token: two",
        "Cookie: a=1; b=2",
        "Cookie: c=x=y",
    ];
    let said = asked("/", "/", &fields, |request| {
        let all: Vec<_> = request.headers("X-TOKEN").collect();
        let cookies = ["a", "b", "c", "d"].map(|name| request.cookie(name));
        format!("{:?} {all:?} {cookies:?}", request.header("x-Token"))
    });
    assert_eq!(
        said,
        r#"Some("one") ["one", "two"] [Some("1"), Some("2"), Some("x=y"), None]"#
    );
}

#[test]
fn method_host_body_and_peer_are_there() {
    let (tell, account) = account();
    let server = asking("/", tell, |request| {
        let (method, host) = (request.method(), request.host());
        format!(
            "{method:?} {host:?} {:?} {}",
            request.body(),
            request.peer()
        )
    });
    let mut client = server.connect();
    client.upgrade("/", &[]);
    let own = client.stream().local_addr().expect("an address");
    assert_eq!(account.note(), format!(r#"Get Some("localhost") [] {own}"#));
}

#[test]
fn what_is_sent_at_open_comes_right_behind_the_101() {
    let (tell, _account) = account();
    let server = start(move || {
        let witness = tell.witness().on_open(|_, session| {
            let _ = session.send("one");
            let _ = session.send("two");
            let _ = session.ping(b"three");
            Ok(())
        });
        App::new().ws("/", witness)
    });
    let mut client = server.greeted("/", "one");
    assert_eq!(client.read_text(), "two");
    assert_eq!(client.read_frame(), Frame::ping(b"three"));
}

#[test]
fn a_handler_can_refuse_before_the_101_and_nothing_else_happens() {
    let (tell, account) = account();
    let server = start(move || {
        let witness = tell.witness().on_open(|request, session| {
            session.join("room");
            let _ = session.send("this was never said");
            session.set_timer(std::time::Duration::ZERO, 1);
            match request.query("token") {
                Some(_) => Ok(()),
                None => {
                    Err(Response::refusal(Status::UNAUTHORIZED).field("WWW-Authenticate", "Bearer"))
                }
            }
        });
        let witness = witness.on_message(|session, _| {
            session.publish(
                "room",
                format!("{} here", session.subscribers("room")).as_str(),
            );
        });
        App::new().ws("/", witness)
    });
    let mut refused = server.connect();
    refused.write(WireClient::upgrade_head("/", &[]));
    let head = refused.read_head();
    assert_eq!(head.status, 401);
    assert_eq!(head.field("www-authenticate"), Some("Bearer"));
    assert_eq!(head.field("connection"), Some("close"));
    assert_eq!(head.field("sec-websocket-accept"), None);
    assert_eq!(refused.read_body(&head), b"401 Unauthorized\n");
    refused.expect_end();

    let mut member = server.greeted("/?token=1", "this was never said");
    account.opened();
    member.send_text("who?");
    assert_eq!(member.read_text(), "1 here");
    drop((member, server));
    let timers = |told: &&crate::witness::Told| **told == crate::witness::Told::Timer(1);
    let rest = account.rest();
    assert_eq!(rest.iter().filter(timers).count(), 1, "{rest:?}");
}

#[test]
fn a_panic_at_open_ends_that_session_with_1011_and_has_no_close_event() {
    let (tell, account) = account();
    let server = start(move || {
        let witness = tell
            .witness()
            .on_open(|request, _| match request.query("panic") {
                Some(_) => panic!("on purpose"),
                None => Ok(()),
            });
        App::new().ws("/", witness)
    });
    let mut other = server.open("/");
    account.opened();
    server.open("/?panic").expect_close(1011, "Internal error");
    assert_silent(&mut other);
    other.leave();
    drop(server);
    assert_eq!(account.rest().len(), 1, "the end of the other one");
}
