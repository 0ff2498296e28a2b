//! The end of a server under a talking crowd: everybody is told, nothing is lost, and it is in time.

use crate::binary::{Serving, address_in, dunlin, open};
use crate::wire_client::{Frame, WireClient};
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::net::SocketAddr;

/// Sessions of the crowd; `DUNLIN_CROWD=5000` for as many as the open-file limit of this process allows.
fn crowd() -> usize {
    let crowd = std::env::var("DUNLIN_CROWD").ok();
    crowd.and_then(|crowd| crowd.parse().ok()).unwrap_or(400)
}

fn status(address: SocketAddr, path: &str) -> u16 {
    let mut client = WireClient::connect(address);
    client.request("GET", path, &["Connection: close"]).0.status
}

#[test]
fn a_talking_crowd_is_told_1001_and_loses_nothing() {
    const ROUNDS: usize = 3;
    let (serving, address) = Serving::on_free_port(&["--log", "warn"]);
    let mut clients: Vec<WireClient> = (0..crowd()).map(|_| open(address, "/echo-raw")).collect();
    for client in &mut clients {
        for round in 0..ROUNDS {
            client.send_text(&format!("{round}"));
        }
    }
    serving.signal("TERM");
    // What a client says while it waits for its Close is answered as well.
    let mut later = 0;
    for client in &mut clients {
        for round in 0..ROUNDS {
            assert_eq!(client.read_text(), round.to_string());
        }
        client.send_text("later");
        let mut frame = client.read_frame();
        if frame == Frame::text("later") {
            later += 1;
            frame = client.read_frame();
        }
        let reason = b"Server stopping";
        assert_eq!(
            frame.payload,
            [&1001_u16.to_be_bytes()[..], reason].concat()
        );
        client.send(Frame::close(1001, ""));
    }
    drop(clients);
    println!("{later} were answered while they waited for their Close");
    let (status, _, log) = serving.end();
    assert_eq!(status.code(), Some(0), "{log:#?}");
    assert_eq!(log, Vec::<String>::new(), "nobody was cut");
}

#[test]
fn readiness_fails_first_and_can_be_asked_until_the_end() {
    let (mut serving, public) = Serving::on_free_port(&["--admin", "127.0.0.1:0"]);
    let admin = address_in(&serving.out_line());
    let mut client = open(public, "/echo-raw");
    assert_eq!(status(admin, "/readyz"), 200);
    serving.signal("TERM");
    assert_eq!(client.read_close().0, 1001);
    assert_eq!(status(admin, "/readyz"), 503);
    assert_eq!(status(admin, "/healthz"), 200);
    let refused = std::net::TcpStream::connect(public);
    assert_eq!(
        refused.expect_err("closed").kind(),
        ErrorKind::ConnectionRefused
    );
    drop(client);
    assert_eq!(serving.end().0.code(), Some(0));
}

#[test]
fn who_stays_is_cut_when_the_drain_is_over_and_the_log_says_so() {
    let (serving, address) = Serving::on_free_port(&["--drain", "200ms"]);
    let mut client = open(address, "/echo-raw");
    serving.signal("TERM");
    assert_eq!(client.read_close().0, 1001);
    let (status, _, log) = serving.end();
    assert_eq!(status.code(), Some(0));
    assert!(
        log.iter()
            .any(|line| line.contains("1 connections are cut")),
        "{log:#?}"
    );
}

/// A pipe in place of a file, at which who reads waits for who writes.
fn pipe(name: &str) -> String {
    let path = format!("{}/{name}.toml", env!("CARGO_TARGET_TMPDIR"));
    let _ = std::fs::remove_file(&path);
    let made = std::process::Command::new("mkfifo").arg(&path).status();
    assert!(made.expect("mkfifo").success());
    path
}

#[test]
fn a_reload_that_is_asked_for_during_the_start_is_made_behind_it() {
    let path = pipe("starting");
    let mut command = dunlin(&["serve", "--listen", "127.0.0.1:0", "--config", &path]);
    let mut serving = Serving::start(&mut command);
    // It can be opened when the server has begun to read its configuration.
    let mut config = File::options().write(true).open(&path).expect("a pipe");
    serving.signal("HUP");
    config.write_all(b"max_body = 10\n").expect("it reads");
    drop(config);
    let address = address_in(&serving.out_line());
    serving.log_line("reading the configuration again");
    drop(open(address, "/echo-raw"));
    serving.signal("TERM");
    assert_eq!(serving.end().0.code(), Some(0));
}

/// A server that cannot end its reload: the file of its configuration is a pipe now, into which nobody writes.
fn stuck_in_a_reload(name: &str) -> (Serving, SocketAddr) {
    let path = format!("{}/{name}.toml", env!("CARGO_TARGET_TMPDIR"));
    let _ = std::fs::remove_file(&path);
    std::fs::write(&path, "").expect("a file");
    let (serving, address) = Serving::on_free_port(&["--config", &path]);
    pipe(name);
    serving.signal("HUP");
    serving.log_line("reading the configuration again");
    (serving, address)
}

#[test]
fn a_reload_that_does_not_end_is_in_the_way_of_no_other_signal() {
    let (serving, address) = stuck_in_a_reload("stuck-once");
    let mut client = open(address, "/echo-raw");
    serving.signal("HUP");
    serving.signal("TERM");
    assert_eq!(client.read_close().0, 1001);
    drop(client);
    assert_eq!(serving.end().0.code(), Some(0));

    let (serving, address) = stuck_in_a_reload("stuck-twice");
    let mut client = open(address, "/echo-raw");
    serving.signal("TERM");
    assert_eq!(client.read_close().0, 1001);
    serving.signal("TERM");
    assert_eq!(serving.end().0.code(), Some(1));
}
