//! Turns that the caller makes.

use super::{echo, tcp};
use crate::running::assert_echo;
use crate::wire_client::WireClient;
use dunlin::{App, ErrorKind, Running, Server};
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use std::os::fd::AsRawFd;
use std::thread;
use std::time::{Duration, Instant};

/// Never reached when all is well.
const LONG: Duration = Duration::from_secs(30);

fn start(app: App) -> Running {
    let server = Server::bind(app, "127.0.0.1:0").expect("a free port");
    server.start().expect("it starts")
}

/// A client that sees its echo and then the orderly end, in a thread of its own.
fn client(server: &Running) -> thread::JoinHandle<()> {
    let address = tcp(&server.addresses()[0]);
    let remote = server.remote();
    thread::spawn(move || {
        let mut client = WireClient::connect(address);
        client.upgrade("/echo", &[]);
        assert_echo(&mut client);
        remote.shutdown().expect("it runs");
        client.expect_close(1001, "Server stopping");
    })
}

#[test]
fn a_stepped_server_serves_and_ends_in_order() {
    let mut server = start(echo());
    let client = client(&server);
    while server.step(Some(LONG)).expect("a turn") {}
    client.join().expect("it was served");
}

#[test]
fn a_step_waits_no_longer_than_told() {
    let mut server = start(App::new());
    for wait in [Duration::ZERO, Duration::from_millis(1)] {
        let begun = Instant::now();
        assert!(server.step(Some(wait)).expect("a turn"));
        assert!(begun.elapsed() < LONG);
    }
}

#[test]
fn after_the_end_steps_do_nothing_and_a_remote_is_told() {
    let mut server = start(App::new());
    let remote = server.remote();
    server.shutdown();
    while server.step(None).expect("a turn") {}
    for _ in 0..3 {
        assert!(!server.step(None).expect("no turn"));
    }
    assert_eq!(server.until_next_turn(), None);
    server.shutdown();
    // The value still lives: nothing may wait for a turn that never comes.
    for answer in [remote.publish("news", "late"), remote.shutdown()] {
        assert_eq!(answer.expect_err("it is over").kind(), ErrorKind::Closed);
    }
    server.run().expect("it has ended already");
}

#[test]
fn a_remote_wakes_a_step_without_a_time_limit() {
    let mut server = start(App::new());
    while server.until_next_turn() == Some(Duration::ZERO) {
        server.step(None).expect("a turn");
    }
    let remote = server.remote();
    let other = thread::spawn(move || remote.shutdown());
    while server.step(None).expect("a turn") {}
    other.join().expect("no panic").expect("it ran");
}

#[test]
fn commands_from_before_the_start_are_done_in_the_first_turns() {
    let server = Server::bind(App::new(), "127.0.0.1:0").expect("a free port");
    server.remote().shutdown().expect("it waits");
    server.run().expect("it ends at once");
}

#[test]
fn the_descriptor_in_another_poll_tells_when_a_turn_is_needed() {
    let mut server = start(echo());
    let mut poll = Poll::new().expect("a poll");
    let mut events = Events::with_capacity(8);
    let descriptor = server.as_raw_fd();
    poll.registry()
        .register(&mut SourceFd(&descriptor), Token(7), Interest::READABLE)
        .expect("it can be watched");
    let client = client(&server);
    loop {
        let wait = server.until_next_turn().unwrap_or(LONG).min(LONG);
        let begun = Instant::now();
        poll.poll(&mut events, Some(wait)).expect("a poll");
        assert!(begun.elapsed() < LONG, "the descriptor told nothing");
        if !server.step(Some(Duration::ZERO)).expect("a turn") {
            break;
        }
    }
    client.join().expect("it was served");
}

#[test]
fn a_dropped_server_cuts_its_connections_at_once() {
    let mut server = start(echo());
    let address = tcp(&server.addresses()[0]);
    let (tell, told) = std::sync::mpsc::channel();
    let client = thread::spawn(move || {
        let mut client = WireClient::connect(address);
        client.upgrade("/echo", &[]);
        tell.send(()).expect("the test waits");
        assert_eq!(client.read_to_end(), b"", "no Close");
    });
    while told.try_recv().is_err() {
        assert!(server.step(Some(Duration::from_millis(1))).expect("a turn"));
    }
    let remote = server.remote();
    drop(server);
    client.join().expect("it was cut");
    let error = remote.publish("news", "late").expect_err("it is gone");
    assert_eq!(error.kind(), ErrorKind::Closed);
}

#[test]
fn a_program_has_the_remote_of_its_server() {
    let server = Server::with(|remote| {
        echo().get("/publish", move |_, _| {
            remote.publish("news", "from a route").expect("it runs");
            dunlin::Response::ok("text/plain", b"")
        })
    });
    let server = server.listen("127.0.0.1:0").expect("a free port");
    let mut server = server.start().expect("it starts");
    let address = tcp(&server.addresses()[0]);
    let remote = server.remote();
    let client = thread::spawn(move || {
        let mut client = WireClient::connect(address);
        client.upgrade("/echo", &[]);
        let (head, _) = WireClient::connect(address).request("GET", "/publish", &[]);
        assert_eq!(head.status, 200);
        assert_eq!(client.read_text(), "from a route");
        remote.shutdown().expect("it runs");
        client.expect_close(1001, "Server stopping");
    });
    while server.step(None).expect("a turn") {}
    client.join().expect("it was served");
}
