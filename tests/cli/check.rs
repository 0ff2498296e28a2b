//! `dunlin check`, with right servers and wrong ones.

use crate::binary::{dunlin, run};
use crate::false_server::Script;
use crate::running::{Running, start};
use dunlin::check::{self, Outcome, Target, Verdict};
use dunlin::{App, ErrorKind, apps};
use std::net::TcpListener;

fn ready() -> Running {
    start(|| apps::all(App::new()))
}

fn url(server: &Running, path: &str) -> String {
    format!("ws://{}{path}", server.address())
}

fn checked(url: &str, strict: bool) -> Vec<Outcome> {
    let mut target = Target::new(url).expect("a URL");
    target.strict = strict;
    let mut told = 0;
    let outcomes = check::run(&target, &mut |_| told += 1).expect("a server");
    assert_eq!(told, outcomes.len());
    outcomes
}

#[track_caller]
fn outcome<'o>(outcomes: &'o [Outcome], name: &str) -> (Verdict, &'o str) {
    let mut found = outcomes.iter().filter(|outcome| outcome.name == name);
    let outcome = found.next().unwrap_or_else(|| panic!("no check {name:?}"));
    (outcome.verdict, &outcome.seen)
}

/// The checks that are skipped against a server that does not echo.
const NEED_ECHO: [&str; 4] = [
    "echo, text",
    "echo, binary",
    "echo, 125 B to 64 KiB",
    "deflate, echo",
];

#[test]
fn dunlin_passes_every_check_strictly_as_an_echo() {
    let server = ready();
    let outcomes = checked(&url(&server, "/echo-raw"), true);
    assert_eq!(outcomes.len(), check::names().count());
    for outcome in &outcomes {
        assert_eq!(outcome.verdict, Verdict::Ok, "{outcome:?}");
    }
}

#[test]
fn a_server_that_is_no_echo_loses_those_checks_only() {
    let server = ready();
    for path in ["/echo", "/you-said", "/chat"] {
        for outcome in checked(&url(&server, path), true) {
            let wanted = if NEED_ECHO.contains(&outcome.name) {
                Verdict::Skipped
            } else {
                Verdict::Ok
            };
            assert_eq!(outcome.verdict, wanted, "{path}: {outcome:?}");
        }
    }
}

#[test]
fn a_server_that_takes_anything_and_says_goodbye_fails() {
    // 101 to every request, Close 1000 to whatever comes.
    let server = Script::upgrade().reply(b"\x88\x02\x03\xe8").start();
    let outcomes = checked(&server.url(), false);
    for (name, verdict, seen) in [
        ("handshake", Verdict::Ok, "101"),
        ("handshake, version 12", Verdict::Failed, "101"),
        ("handshake, no key", Verdict::Failed, "101"),
        ("echo, text", Verdict::Skipped, "not an echo: Close 1000"),
        ("ping, 125 bytes", Verdict::Failed, "Close 1000"),
        ("fragments, ping between", Verdict::Failed, "Close 1000"),
        ("deflate", Verdict::Skipped, "not agreed"),
        ("unmasked frame", Verdict::Failed, "Close 1000"),
        ("reserved bit 1", Verdict::Failed, "Close 1000"),
        ("continuation of nothing", Verdict::Failed, "Close 1000"),
        ("bad UTF-8", Verdict::Skipped, "as for any text"),
        ("close 1000", Verdict::Ok, "Close 1000"),
        (
            "close 4001",
            Verdict::Ok,
            "Close 1000, another code (allowed)",
        ),
        ("close 1005", Verdict::Failed, "Close 1000"),
    ] {
        let (found, said) = outcome(&outcomes, name);
        assert_eq!(found, verdict, "{name}: {said}");
        assert!(said.contains(seen), "{name}: {said}");
    }
}

#[test]
fn a_server_that_drops_what_is_wrong_is_allowed_to_but_not_strictly() {
    let server = Script::upgrade().reply(b"").start();
    for (strict, verdict) in [(false, Verdict::Ok), (true, Verdict::Failed)] {
        let outcomes = checked(&server.url(), strict);
        for name in [
            "unmasked frame",
            "reserved opcode",
            "bad UTF-8",
            "length 2^63",
        ] {
            let (found, said) = outcome(&outcomes, name);
            assert_eq!(found, verdict, "{name}: {said}");
            assert!(said.contains("the end, no Close"), "{name}: {said}");
        }
        for name in ["ping, empty", "close 1000"] {
            assert_eq!(outcome(&outcomes, name).0, Verdict::Failed, "{name}");
        }
    }
}

#[test]
fn a_server_that_breaks_the_protocol_itself_fails() {
    // A masked pong to whatever comes.
    let server = Script::upgrade().reply(b"\x8a\x80abcd").start();
    let outcomes = checked(&server.url(), false);
    for name in ["echo, text", "ping, empty", "close 1000", "unmasked frame"] {
        assert_eq!(
            outcome(&outcomes, name),
            (Verdict::Failed, "a masked frame")
        );
    }
}

#[test]
fn without_a_handshake_there_is_nothing_more_to_try() {
    for (answer, part) in [
        ("HTTP/1.1 403 Forbidden\r\n\r\n", "403 Forbidden"),
        ("HTTP/1.1 503 Busy\r\n\r\n", "503 Busy"),
        (
            "HTTP/1.1 101 A\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
            "does not fit the key",
        ),
        ("220 mail.example ESMTP\r\n", "HTTP/1.1"),
    ] {
        let server = Script::answer(answer).start();
        let outcomes = checked(&server.url(), false);
        assert_eq!(outcomes.len(), 1, "{answer}");
        let (verdict, seen) = outcome(&outcomes, "handshake");
        assert_eq!(verdict, Verdict::Failed);
        assert!(seen.contains(part), "{seen}");
    }
}

#[test]
fn nobody_at_the_address_is_an_error() {
    let gone = TcpListener::bind("127.0.0.1:0").unwrap();
    let target = Target::new(&format!("ws://{}/", gone.local_addr().unwrap())).unwrap();
    drop(gone);
    let error = check::run(&target, &mut |_| {}).expect_err("an error");
    assert_eq!(error.kind(), ErrorKind::Io);
}

mod command {
    use super::*;

    #[test]
    fn the_table_has_a_row_for_every_check_and_success_is_0() {
        let server = ready();
        let ended = run(&mut dunlin(&[
            "check",
            &url(&server, "/echo-raw"),
            "--strict",
        ]));
        assert_eq!(ended.code, Some(0), "{}{}", ended.out, ended.err);
        assert_eq!(ended.err, "");
        let lines: Vec<_> = ended.out.lines().collect();
        for column in ["CHECK", "EXPECTED", "RESULT", "MS", "SEEN"] {
            assert!(lines[0].contains(column), "{}", lines[0]);
        }
        for (line, name) in lines[1..].iter().zip(check::names()) {
            assert!(line.starts_with(name) && line.contains(" ok "), "{line}");
        }
        let all = check::names().count();
        assert_eq!(
            *lines.last().unwrap(),
            format!("{all} ok, 0 failed, 0 skipped")
        );
    }

    #[test]
    fn a_failed_check_exits_with_1_and_is_counted_on_standard_error() {
        let server = Script::upgrade().reply(b"").start();
        let ended = run(&mut dunlin(&["check", &server.url()]));
        assert_eq!(ended.code, Some(1));
        assert!(ended.out.contains("FAILED"), "{}", ended.out);
        assert!(ended.err.contains("checks failed"), "{}", ended.err);
    }

    #[test]
    fn json_is_one_document() {
        let server = ready();
        let ended = run(&mut dunlin(&[
            "check",
            "--json",
            &url(&server, "/echo-raw"),
        ]));
        assert_eq!(ended.code, Some(0), "{}", ended.err);
        let document: serde_json::Value = serde_json::from_str(&ended.out).expect("JSON");
        assert_eq!(document["passed"], true);
        let checks = document["checks"].as_array().expect("a list");
        assert_eq!(checks.len(), check::names().count());
        assert_eq!(checks[0]["name"], "handshake");
    }

    #[test]
    fn no_upgrade_says_what_to_try() {
        let server = ready();
        let ended = run(&mut dunlin(&["check", &url(&server, "/nowhere")]));
        assert_eq!(ended.code, Some(1));
        for part in ["does not upgrade: 404", "--header", "--protocol"] {
            assert!(ended.err.contains(part), "{}", ended.err);
        }
    }

    #[test]
    fn a_field_of_the_request_can_be_set() {
        let server = ready();
        let origin = "Origin: http://evil.example";
        let target = url(&server, "/echo-raw");
        let ended = run(&mut dunlin(&["check", &target, "--header", origin]));
        assert_eq!(ended.code, Some(1));
        assert!(ended.err.contains("403"), "{}", ended.err);
    }

    #[test]
    fn a_bad_url_is_a_usage_error_that_mends_it() {
        let ended = run(&mut dunlin(&["check", "127.0.0.1:8080/chat"]));
        assert_eq!(ended.code, Some(2));
        assert_eq!(ended.out, "");
        assert!(
            ended.err.contains("ws://127.0.0.1:8080/chat"),
            "{}",
            ended.err
        );
    }

    #[test]
    fn nobody_at_the_address_exits_with_1_and_names_it() {
        let gone = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = gone.local_addr().unwrap().to_string();
        drop(gone);
        let ended = run(&mut dunlin(&["check", &format!("ws://{address}/")]));
        assert_eq!(ended.code, Some(1));
        assert!(ended.err.contains(&address), "{}", ended.err);
        assert!(ended.err.contains("is it running"), "{}", ended.err);
    }
}
