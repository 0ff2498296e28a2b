//! What a server refuses whatever the request says: too slow, too many, the wrong house, on its way out.

use super::{app, assert_refusal, assert_refused, limited, request};
use crate::running::{Running, assert_echo, start_server, turn, until};
use crate::wire_client::{Frame, WireClient};
use dunlin::{App, Handler, Limits, Message, Open, Request, Response, Server, Session, Status};
use std::io::Write;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

#[test]
fn a_head_that_does_not_end_in_its_time_is_408_also_when_it_trickles() {
    let server = limited(|limits| limits.head_timeout(Duration::from_secs(1)));
    let mut silent = server.connect();
    let mut half = server.connect();
    half.write(b"GET /hello HTTP/1.1\r\nHost: localhost\r\nA: ");
    let mut without_body = server.connect();
    without_body.write(request("POST /body HTTP/1.1", &["Content-Length: 3"]));
    let mut trickling = server.connect();
    trickling.write(b"GET /hello HTTP/1.1\r\nHost: localhost\r\nA: ");
    let wait = Some(Duration::from_millis(20));
    trickling
        .stream()
        .set_read_timeout(wait)
        .expect("a time limit");
    // A byte at a time for as long as nothing is answered.
    while trickling.stream().peek(&mut [0]).is_err() {
        trickling.write(b"a");
    }
    trickling
        .stream()
        .set_read_timeout(Some(Duration::from_secs(20)))
        .expect("a time limit");
    for (what, client) in [
        ("silent", &mut silent),
        ("half", &mut half),
        ("without body", &mut without_body),
        ("trickling", &mut trickling),
    ] {
        let answer = String::from_utf8(client.read_to_clean_end()).expect("text");
        assert_refusal(&answer, "408 Request Timeout", &[], what);
    }
}

#[test]
fn a_host_that_is_not_served_is_421() {
    let hosts = vec!["example.org".to_owned(), "[::1]".to_owned()];
    let server = limited(|limits| limits.hosts(Some(hosts)));
    let get = |host: &str| format!("GET /hello HTTP/1.1\r\nHost: {host}\r\n\r\n").into_bytes();
    let upgrade = WireClient::upgrade_head("/echo", &[]).into_bytes();
    let absolute = b"GET http://elsewhere/hello HTTP/1.1\r\nHost: example.org\r\n\r\n".to_vec();
    let requests = [
        ("another name", get("elsewhere")),
        ("a subdomain", get("www.example.org")),
        ("a longer name", get("example.org.elsewhere")),
        ("an upgrade", upgrade),
        ("an absolute target", absolute),
        ("no name", b"GET /hello HTTP/1.0\r\n\r\n".to_vec()),
    ];
    assert_refused(&server, "421 Misdirected Request", &[], &requests);
    for host in ["example.org", "EXAMPLE.org:8080", "[::1]", "[::1]:80"] {
        let mut client = server.connect();
        client.write(get(host));
        assert_eq!(client.read_head().status, 200, "{host}");
    }
}

#[test]
fn one_connection_too_many_of_an_address_is_429_until_another_has_gone() {
    assert_door("429 Too Many Requests", "1", |limits| {
        limits.max_per_address(2)
    });
}

#[test]
fn one_connection_too_many_of_all_is_503_until_another_has_gone() {
    assert_door("503 Service Unavailable", "5", |limits| {
        limits.max_connections(2)
    });
}

/// A server with two places: the third client is refused, whatever it says and however, until
/// one of the others has gone.
#[track_caller]
fn assert_door(status: &str, retry_after: &str, change: fn(Limits) -> Limits) {
    let server = limited(change);
    let mut first = server.open("/echo");
    let second = server.open("/echo");
    let requests = [
        ("a request", request("GET /hello HTTP/1.1", &[])),
        (
            "an upgrade",
            WireClient::upgrade_head("/echo", &[]).into_bytes(),
        ),
        ("garbage", b"\x16\x03\x01\x00".to_vec()),
        ("nothing", Vec::new()),
    ];
    assert_refused(&server, status, &[("Retry-After", retry_after)], &requests);
    assert_echo(&mut first);
    second.leave();
    let remote = server.remote();
    until(&mut first, "places are free", || {
        remote.stats().connections == 1
    });
    assert_echo(&mut server.open("/echo"));
}

#[test]
fn far_too_many_connections_at_once_are_refused_or_dropped_and_change_nothing() {
    let server = limited(|limits| limits.max_connections(1));
    let mut first = server.open("/echo");
    let crowd: Vec<WireClient> = (0..200).map(|_| server.connect()).collect();
    assert_echo(&mut first);
    for mut client in crowd {
        let answer = client.read_to_end();
        assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 503 "));
    }
    let remote = server.remote();
    until(&mut first, "the crowd is gone", || {
        remote.stats().connections == 1
    });
}

#[test]
fn a_request_that_had_begun_when_the_server_stopped_is_503_and_a_resting_connection_just_ends() {
    let server = limited(|limits| limits);
    let mut begun = server.connect();
    begun.write(b"GET /hello HTTP/1.1\r\nHost: local");
    let mut second = server.connect();
    second.write([request("GET /hello HTTP/1.1", &[]), b"GET /hel".to_vec()].concat());
    second.read_head();
    second.take(5);
    let mut resting = server.connect();
    assert_eq!(resting.request("GET", "/hello", &[]).0.status, 200);
    let mut session = server.open("/echo");
    let remote = server.remote().clone();
    until(&mut session, "all have come", || {
        remote.stats().connections == 4
    });
    // What was written has been read when a later connection has been served.
    assert_eq!(server.connect().request("GET", "/hello", &[]).0.status, 200);
    remote.shutdown().expect("it runs");
    for client in [&mut begun, &mut second] {
        let answer = String::from_utf8(client.read_to_clean_end()).expect("text");
        let fields = [("Retry-After", "5")];
        assert_refusal(&answer, "503 Service Unavailable", &fields, &answer);
    }
    assert_eq!(resting.read_to_clean_end(), b"");
    assert_eq!(session.read_close().0, 1001);
    drop((begun, second, resting, session));
    server.stop().expect("it ends well");
}

/// Refuses whoever is not asked in by name, after it has said and done things.
struct Porter(Sender<&'static str>);

impl Handler for Porter {
    type Data = ();

    fn open(&mut self, request: &Request<'_>, session: &mut Session<'_>) -> Open<()> {
        session.join("house");
        let _ = session.send("welcome");
        session.publish("house", "somebody came");
        match request.query("name").as_deref() {
            Some("friend") => Open::Accept(()),
            _ => Open::Refuse(
                Response::refusal(Status::UNAUTHORIZED).field("WWW-Authenticate", "Bearer"),
            ),
        }
    }

    fn message(&mut self, (): &mut (), session: &mut Session<'_>, _: Message<'_>) {
        let count = session.subscribers("house").to_string();
        let _ = session.send(&count);
    }

    fn close(&mut self, (): (), _: &mut Session<'_>, _: &dunlin::CloseReason) {
        let _ = self.0.send("closed");
    }
}

/// A server whose `/house` has a porter, and what that tells.
fn house() -> (Running, Receiver<&'static str>) {
    let (tell, told) = channel();
    let server = start_server(move || {
        let app: App = app().ws("/house", Porter(tell));
        let app = app.get("/big", |_, _| {
            Response::ok("text/plain", vec![b'a'; 60_000])
        });
        Server::new(app)
    });
    (server, told)
}

#[test]
fn a_handlers_refusal_goes_out_in_place_of_everything_that_it_did() {
    let (server, told) = house();
    let requests = [(
        "a stranger",
        WireClient::upgrade_head("/house", &[]).into_bytes(),
    )];
    let fields = [("WWW-Authenticate", "Bearer")];
    assert_refused(&server, "401 Unauthorized", &fields, &requests);
    let mut friend = server.open("/house?name=friend");
    for text in ["welcome", "somebody came"] {
        assert_eq!(friend.read_text(), text);
    }
    friend.send_text("how many?");
    assert_eq!(friend.read_text(), "1");
    friend.leave();
    assert_eq!(told.recv(), Ok("closed"));
    drop(server);
    assert!(told.recv().is_err(), "one session, one close");
}

/// A client that asks for 12 MB by pipelined requests, then for a session at `house`, and does not
/// read before the server waits for it; then it has read what it asked for first.
fn behind_answers(server: &Running, house: &str) -> WireClient {
    const ANSWERS: usize = 200;
    let mut client = WireClient::narrow(server.address());
    let mut requests = request("GET /big HTTP/1.1", &[]).repeat(ANSWERS);
    requests.extend_from_slice(WireClient::upgrade_head(house, &[]).as_bytes());
    requests.extend(Frame::text("how many?").mask([1, 2, 3, 4]).bytes());
    let mut writer = client.stream().try_clone().expect("a socket");
    let writing = thread::spawn(move || writer.write_all(&requests).expect("it is read"));
    let mut clock = server.open("/echo");
    let remote = server.remote();
    until(&mut clock, "a backlog", || remote.stats().buffered > 0);
    for _ in 0..100 {
        turn(&mut clock);
        let buffered = remote.stats().buffered;
        assert!(buffered < 512 << 10, "{buffered} bytes of answers wait");
    }
    for _ in 0..ANSWERS {
        let head = client.read_head();
        assert_eq!(head.status, 200);
        client.read_body(&head);
    }
    writing.join().expect("all was written");
    client
}

#[test]
fn a_refusal_behind_answers_that_wait_is_a_refusal_and_nothing_else() {
    let (server, _told) = house();
    let mut client = behind_answers(&server, "/house");
    let answer = String::from_utf8(client.read_to_clean_end()).expect("text");
    let fields = [("WWW-Authenticate", "Bearer")];
    assert_refusal(&answer, "401 Unauthorized", &fields, &answer);
}

#[test]
fn an_upgrade_behind_answers_that_wait_loses_nothing() {
    let (server, _told) = house();
    let mut client = behind_answers(&server, "/house?name=friend");
    assert_eq!(client.read_head().status, 101);
    for text in ["welcome", "somebody came", "1"] {
        assert_eq!(client.read_text(), text);
    }
}
