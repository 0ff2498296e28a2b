//! The log of `dunlin serve`: what it tells, and what it must never tell.

use crate::binary::{Serving, address_in, dunlin, open};
use crate::wire_client::WireClient;
use std::net::SocketAddr;

/// Time, level, message.
#[track_caller]
fn parts(line: &str) -> (&str, &str, &str) {
    let (time, rest) = line.split_once(' ').expect("a time");
    let (level, message) = rest.split_once(' ').expect("a level");
    (time, level, message.trim_start())
}

#[test]
fn a_peer_of_ipv4_has_the_same_name_at_an_address_of_ipv6() {
    let mut command = dunlin(&["serve", "--listen", "[::ffff:127.0.0.1]:0"]);
    let mut serving = Serving::start(&mut command);
    let port = address_in(&serving.out_line()).port();
    let _client = open(SocketAddr::from(([127, 0, 0, 1], port)), "/flow");
    let line = serving.log_line("opened on /flow");
    assert!(line.contains(" of 127.0.0.1:"), "{line}");
}

#[test]
fn a_line_is_a_utc_time_a_level_and_a_message() {
    let (serving, address) = Serving::on_free_port(&[]);
    let mut client = open(address, "/chat");
    client.read_text();
    let line = serving.log_line("Adding");
    let (time, level, message) = parts(&line);
    assert_eq!((level, message), ("INFO", "Adding user!"));
    assert_eq!(time.len(), "2026-01-31T23:59:59.999Z".len(), "{line}");
    assert!(time.starts_with("20") && time.ends_with('Z'), "{line}");
}

#[test]
fn the_chat_tells_who_comes_and_goes() {
    let (serving, address) = Serving::on_free_port(&[]);
    let mut first = open(address, "/chat");
    first.read_text();
    serving.log_line("Adding user!");
    let mut second = open(address, "/chat");
    second.read_text();
    serving.log_line("Adding user!");
    second.leave();
    serving.log_line("Removing user1!");
    drop(first);
    serving.log_line("Removing user0!");
}

#[test]
fn the_browser_chat_tells_of_sessions_and_messages_by_connection() {
    let (serving, address) = Serving::on_free_port(&[]);
    let mut client = open(address, "/chatt");
    let line = serving.log_line("session opened ");
    let id = line.rsplit(' ').next().expect("an id").to_owned();
    client.send_text("a secret");
    assert_eq!(client.read_text(), "a secret");
    client.leave();
    serving.signal("TERM");
    let (_, _, log) = serving.end();
    let received: Vec<_> = log
        .iter()
        .filter(|line| line.contains("received"))
        .collect();
    assert_eq!(received.len(), 1, "{log:#?}");
    assert!(received[0].ends_with(&format!("received {id}")), "{log:#?}");
    assert!(
        log.iter()
            .any(|line| line.contains(&format!("session closed {id} 1000"))),
        "{log:#?}"
    );
    assert!(!log.iter().any(|line| line.contains("secret")), "{log:#?}");
}

#[test]
fn message_text_is_there_at_debug_level_without_control_characters() {
    let (serving, address) = Serving::on_free_port(&["--log", "debug"]);
    let mut client = open(address, "/chatt");
    client.send_text("one\ntwo\u{1b}[2J");
    client.read_text();
    let line = serving.log_line("text of ");
    assert_eq!(parts(&line).1, "DEBUG");
    assert!(line.ends_with("one\\ntwo\\u{1b}[2J"), "{line}");
}

#[test]
fn a_quiet_log_is_quiet() {
    let (serving, address) = Serving::on_free_port(&["--log", "off"]);
    let mut client = open(address, "/chat");
    client.read_text();
    client.leave();
    serving.signal("TERM");
    let (_, _, log) = serving.end();
    assert_eq!(log, Vec::<String>::new());
}

/// More lines of 45 bytes than a pipe (64 KiB) and the queue of the log (256 KiB) hold together.
const TOO_MANY_LINES: usize = 8000;

/// A server at log level info whose standard error nobody reads, with both full.
fn serve_with_a_full_pipe() -> (Serving, SocketAddr) {
    let (serving, address) = Serving::on_free_port_unread(&["--log", "info"]);
    for _ in 0..100 {
        open(address, "/chatt").leave();
    }
    let mut client = open(address, "/chatt");
    const BATCH: usize = 100;
    for _ in 0..TOO_MANY_LINES / BATCH {
        (0..BATCH).for_each(|_| client.send_text("a line for each"));
        for _ in 0..BATCH {
            assert_eq!(client.read_text(), "a line for each");
        }
    }
    client.leave();
    (serving, address)
}

/// Sees a text come back.
#[track_caller]
fn assert_echo(client: &mut WireClient) {
    client.send_text("are you there?");
    assert_eq!(client.read_text(), "are you there?");
}

#[test]
fn a_full_standard_error_stops_neither_the_server_nor_its_end() {
    let (serving, address) = serve_with_a_full_pipe();
    let mut client = open(address, "/echo-raw");
    assert_echo(&mut client);
    serving.signal("TERM");
    assert_eq!(client.read_close().0, 1001);
    drop(client);
    assert_eq!(serving.end_unread().code(), Some(0));
}

#[test]
fn a_full_standard_error_does_not_hold_up_a_second_signal() {
    let (serving, address) = serve_with_a_full_pipe();
    let mut client = open(address, "/echo-raw");
    serving.signal("TERM");
    assert_eq!(client.read_close().0, 1001);
    serving.signal("TERM");
    assert_eq!(serving.end_unread().code(), Some(1));
}

#[test]
fn lines_that_found_no_room_are_told_when_the_log_is_read_again() {
    let (mut serving, address) = serve_with_a_full_pipe();
    serving.read_log();
    let line = serving.log_line(" log lines were dropped");
    assert_eq!(parts(&line).1, "WARN");
    open(address, "/chat").read_text();
    serving.log_line("Adding user!");
}

#[test]
fn a_slow_reader_that_was_cut_shows_in_the_log() {
    let (serving, address) = Serving::on_free_port(&["--log", "info"]);
    let silent = open(address, "/chatt");
    let line = serving.log_line("session opened ");
    let id = line.rsplit(' ').next().expect("an id").to_owned();
    let mut talker = open(address, "/chatt");
    let text = "x".repeat(60 << 10);
    // More than both kernels keep for it, and its backlog.
    for _ in 0..300 {
        talker.send_text(&text);
        assert_eq!(talker.read_text().len(), text.len());
    }
    let line = serving.log_line("reads too slowly");
    let (_, level, message) = parts(&line);
    assert_eq!(level, "INFO");
    assert!(
        message.starts_with(&format!("session {id} of 127.0.0.1:")),
        "{line}"
    );
    assert!(message.ends_with("closed with 1008"), "{line}");
    drop(silent);
}

#[test]
fn a_session_is_told_with_peer_path_code_duration_and_bytes() {
    let (serving, address) = Serving::on_free_port(&[]);
    let mut client = open(address, "/echo-raw");
    let peer = client.stream().local_addr().expect("an address");
    let line = serving.log_line("opened on /echo-raw");
    assert!(line.contains(&format!(" of {peer} ")), "{line}");
    assert_echo(&mut client);
    client.leave();
    let line = serving.log_line("closed with 1000");
    assert!(
        line.contains(&format!(" of {peer} on /echo-raw ")),
        "{line}"
    );
    assert!(line.ends_with(" s, 14 B in"), "{line}");
}

#[test]
fn the_log_names_a_refused_origin_without_its_control_bytes() {
    let (serving, address) = Serving::on_free_port(&[]);
    let mut client = WireClient::connect(address);
    let origin = "Origin: http://elsewhere.example:8080";
    client.write(WireClient::upgrade_head("/chatt", &[origin]));
    assert_eq!(client.read_head().status, 403);
    serving.log_line("\"http://elsewhere.example:8080\"");
}
