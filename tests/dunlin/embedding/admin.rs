//! A listener for operators: it answers while the server is full, and until everybody else is gone.

use super::{echo, tcp};
use crate::running::assert_echo;
use crate::wire_client::WireClient;
use dunlin::apps::operations;
use dunlin::{Address, App, Limits, Server, ServerThread};
use std::net::TcpListener;

const LOCAL: &str = "127.0.0.1:0";

fn admin() -> App {
    operations::metrics(operations::health(App::new())).on_message("/echo", |session, message| {
        session.send(message);
    })
}

/// A public listener and one for operators.
fn serve(limits: Limits) -> ServerThread {
    let server = Server::spawn(move || {
        let server = Server::bind(echo(), LOCAL)?.limits(limits);
        server.listen_admin(LOCAL, admin())
    });
    server.expect("it starts")
}

fn open(address: &Address) -> WireClient {
    let mut client = WireClient::connect(tcp(address));
    client.upgrade("/echo", &[]);
    client
}

fn get(address: &Address, path: &str) -> (u16, String) {
    let (head, body) = WireClient::connect(tcp(address)).request("GET", path, &[]);
    (head.status, String::from_utf8(body).expect("text"))
}

/// The value of a series in the text of Prometheus.
#[track_caller]
fn value(text: &str, series: &str) -> u64 {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.and_then(|value| value.parse().ok())
        .unwrap_or_else(|| panic!("no {series} in\n{text}"))
}

#[test]
fn the_admin_listener_answers_while_the_server_is_full_and_for_any_host_name() {
    let limits = Limits::default().max_connections(2);
    let server = serve(limits.hosts(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]));
    let [public, admin] = server.addresses() else {
        panic!("two addresses");
    };
    let mut sessions = [open(public), open(public)];
    sessions.iter_mut().for_each(assert_echo);
    assert_eq!(get(public, "/").0, 503);
    assert_eq!(get(admin, "/healthz"), (200, "ok\n".to_owned()));
    assert_eq!(get(admin, "/readyz"), (200, "ready\n".to_owned()));
    let (status, text) = get(admin, "/metrics");
    assert_eq!(status, 200);
    assert_eq!(value(&text, "dunlin_sessions"), 2);
    assert_eq!(value(&text, "dunlin_handshakes_total{status=\"101\"}"), 2);
    assert_eq!(
        value(&text, "dunlin_http_responses_total{status=\"503\"}"),
        1
    );
    assert_eq!(value(&text, "dunlin_messages_received_total"), 2);
    assert!(text.contains("dunlin_loop_lag_seconds_bucket{le=\"+Inf\"} "));
    // Its connections do not take the place of others.
    let _watching: Vec<_> = (0..20).map(|_| open(admin)).collect();
    drop(sessions);
    let mut late = loop {
        let mut client = WireClient::connect(tcp(public));
        client.write(WireClient::upgrade_head("/echo", &[]));
        match client.read_head().status {
            101 => break client,
            status => assert_eq!(status, 503),
        }
    };
    assert_echo(&mut late);
    let mut named = WireClient::connect(tcp(admin));
    named.write("GET /healthz HTTP/1.1\r\nHost: pod.internal:9090\r\nConnection: close\r\n\r\n");
    assert_eq!(named.read_head().status, 200);
}

#[test]
fn connections_of_the_admin_listener_have_a_bound_of_their_own() {
    let server = serve(Limits::default());
    let [public, admin] = server.addresses() else {
        panic!("two addresses");
    };
    let _crowd: Vec<_> = (0..32).map(|_| open(admin)).collect();
    assert_eq!(get(admin, "/healthz").0, 503);
    assert_echo(&mut open(public));
}

#[test]
fn readiness_fails_at_once_when_the_server_stops_and_can_be_asked_until_everybody_is_gone() {
    let server = serve(Limits::default());
    let [public, admin] = server.addresses() else {
        panic!("two addresses");
    };
    let (public, admin) = (public.clone(), admin.clone());
    let mut session = open(&public);
    let mut watching = open(&admin);
    server.remote().shutdown().expect("it runs");
    assert_eq!(session.read_close().0, 1001);
    // This one takes its time to answer the Close, so the server still runs.
    let (status, reason) = get(&admin, "/readyz");
    assert_eq!(status, 503);
    assert!(reason.contains("stopping"), "{reason}");
    assert_eq!(get(&admin, "/healthz").0, 200);
    assert!(get(&admin, "/metrics").1.contains("\ndunlin_ready 0\n"));
    assert_echo(&mut watching);
    assert!(
        std::net::TcpStream::connect(tcp(&public)).is_err(),
        "nobody accepts there"
    );
    drop(session);
    assert_eq!(
        watching.read_close().0,
        1001,
        "now that everybody else is gone"
    );
    drop(watching);
    server.join().expect("it ends well");
}

#[test]
fn a_second_shutdown_does_not_wait_for_those_who_watch() {
    let server = serve(Limits::default());
    let [public, admin] = server.addresses() else {
        panic!("two addresses");
    };
    let (_session, _watching) = (open(public), open(admin));
    let remote = server.remote();
    remote.shutdown().expect("it runs");
    remote.shutdown().expect("it runs");
    server.join().expect("it ends well");
}

#[test]
fn an_admin_socket_can_be_given() {
    let socket = TcpListener::bind(LOCAL).expect("a free port");
    let server = Server::spawn(move || {
        let server = Server::bind(echo(), LOCAL)?;
        server.listen_admin_on(socket, admin())
    });
    let server = server.expect("it starts");
    assert_eq!(get(&server.addresses()[1], "/readyz").0, 200);
    assert_eq!(get(&server.addresses()[0], "/readyz").0, 404);
}
