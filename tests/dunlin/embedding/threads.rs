//! A server in a thread of its own.

use super::{echo, tcp};
use crate::running::assert_echo;
use crate::wire_client::WireClient;
use dunlin::{App, ErrorKind, Limits, Response, Server, ServerThread};
use std::net::TcpStream;
use std::sync::mpsc::channel;
use std::time::Duration;

const LOCAL: &str = "127.0.0.1:0";

fn spawn() -> ServerThread {
    Server::spawn(|| Server::bind(echo(), LOCAL)).expect("it starts")
}

fn open(server: &ServerThread) -> WireClient {
    let mut client = WireClient::connect(tcp(&server.addresses()[0]));
    client.upgrade("/echo", &[]);
    client
}

/// A program that panics when it is dropped, at the end of the loop.
fn panics_at_the_end() -> App {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("on purpose");
        }
    }
    let bomb = Bomb;
    App::new().get("/", move |_, _| {
        let _kept = &bomb;
        Response::ok("text/plain", b"")
    })
}

#[test]
fn stop_closes_sessions_in_order_and_gives_the_result() {
    let server = spawn();
    let mut client = open(&server);
    assert_echo(&mut client);
    let remote = server.remote();
    let closed = std::thread::spawn(move || client.expect_close(1001, "Server stopping"));
    server.stop().expect("it ends well");
    closed.join().expect("it was closed");
    let error = remote.publish("news", "late").expect_err("it is over");
    assert_eq!(error.kind(), ErrorKind::Closed);
}

#[test]
fn join_waits_for_a_shutdown_by_a_remote() {
    let server = spawn();
    assert!(!server.is_finished());
    server.remote().shutdown().expect("it runs");
    server.join().expect("it ends well");
}

#[test]
fn a_dropped_handle_stops_the_server_and_frees_its_port() {
    // An address of this test's own: nobody else takes its port.
    let server = Server::spawn(|| Server::bind(App::new(), "127.11.12.13:0"));
    let server = server.expect("it starts");
    let address = tcp(&server.addresses()[0]);
    drop(server);
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn a_dropped_handle_does_not_wait_for_a_handler_that_never_returns() {
    let (begin, begun) = channel();
    let (go_on, wait) = channel::<()>();
    let server = Server::spawn(move || {
        let app = App::new().get("/wait", move |_, _| {
            begin.send(()).expect("the test waits");
            // Ends with the test.
            let _ = wait.recv();
            Response::ok("text/plain", b"")
        });
        let limits = Limits::default().drain(Duration::from_millis(1));
        Ok(Server::bind(app, LOCAL)?.limits(limits))
    });
    let server = server.expect("it starts");
    let mut client = WireClient::connect(tcp(&server.addresses()[0]));
    client.write("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
    begun.recv().expect("it is called");
    let remote = server.remote();
    drop(server);
    remote
        .publish("news", "still there")
        .expect("it was not waited for");
    drop(go_on);
}

#[test]
fn a_detached_server_runs_on() {
    let server = spawn();
    let mut client = open(&server);
    let remote = server.detach();
    assert_echo(&mut client);
    remote.shutdown().expect("it runs");
    client.expect_close(1001, "Server stopping");
}

#[test]
fn errors_of_the_start_come_from_spawn() {
    let taken = std::net::TcpListener::bind(LOCAL).expect("a free port");
    let address = taken.local_addr().expect("an address").to_string();
    let error = Server::spawn(move || Server::bind(App::new(), &address));
    assert_eq!(error.expect_err("in use").kind(), ErrorKind::Io);
    let bad_route = || Server::bind(App::new().get("x", |_, _| Response::ok("", b"")), LOCAL);
    let bad_limit = || {
        let limits = Limits::default().max_connections(0);
        Ok(Server::bind(App::new(), LOCAL)?.limits(limits))
    };
    let nowhere = || Ok(Server::new(App::new()));
    for error in [
        Server::spawn(bad_route),
        Server::spawn(bad_limit),
        Server::spawn(nowhere),
    ] {
        assert_eq!(error.expect_err("a mistake").kind(), ErrorKind::Config);
    }
}

#[test]
fn a_panic_is_an_error_of_spawn_before_the_start_and_of_join_after_it() {
    let error = Server::spawn(|| panic!("while making it")).expect_err("it panicked");
    assert_eq!(error.kind(), ErrorKind::Panicked);
    assert!(error.to_string().contains("while making it"), "{error}");
    let server = Server::spawn(|| Server::bind(panics_at_the_end(), LOCAL));
    let error = server.expect("it starts").stop().expect_err("it panicked");
    assert_eq!(error.kind(), ErrorKind::Panicked);
    assert!(error.to_string().contains("on purpose"), "{error}");
    // A handle that is dropped has nobody to tell.
    drop(Server::spawn(|| Server::bind(panics_at_the_end(), LOCAL)).expect("it starts"));
}

#[test]
fn a_handle_in_the_hands_of_its_own_server_neither_waits_for_itself_nor_panics() {
    let (give, given) = channel::<ServerThread>();
    let (tell, told) = channel();
    let server = Server::spawn(move || {
        let app = App::new().get("/join", move |_, _| {
            let handle = given.recv().expect("the test gives it");
            let kind = handle.join().expect_err("impossible").kind();
            tell.send(kind).expect("the test waits");
            Response::ok("text/plain", b"")
        });
        Server::bind(app, LOCAL)
    });
    let server = server.expect("it starts");
    let (address, remote) = (tcp(&server.addresses()[0]), server.remote());
    give.send(server).expect("it listens");
    let (head, _) = WireClient::connect(address).request("GET", "/join", &[]);
    assert_eq!(head.status, 200);
    assert_eq!(told.recv(), Ok(ErrorKind::Closed));
    remote.shutdown().expect("it still runs");
}
