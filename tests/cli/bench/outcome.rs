//! Exit codes, and figures that agree with the server's own.

use super::{bench, counting, is_done, json, url};
use crate::binary::{dunlin, run};
use crate::false_server::Script;
use serde_json::Value;
use std::net::TcpListener;

#[track_caller]
fn number(value: &Value, path: &str) -> u64 {
    let found = value.pointer(path);
    found
        .and_then(Value::as_u64)
        .unwrap_or_else(|| panic!("{path}: {found:?}"))
}

#[test]
fn the_json_of_each_scenario_agrees_with_the_servers_own_count() {
    for (scenario, path, more) in [
        ("idle", "/echo", &[][..]),
        ("echo", "/echo", &["--window", "4", "--size", "33"]),
        ("echo", "/echo", &["--rate", "500", "--binary"]),
        ("echo", "/echo", &["--workers", "2", "--window", "2"]),
        ("broadcast", "/all", &["--senders", "2"]),
        ("broadcast", "/all", &["--workers", "2", "--rate", "200"]),
        ("churn", "/echo", &["--visit", "2"]),
        ("churn", "/echo", &["--rate", "100", "--workers", "2"]),
        ("storm", "/echo", &[]),
        ("slow", "/all", &["--slow", "2"]),
    ] {
        let (server, count) = counting();
        let ended = bench(scenario, &url(&server, path), &[&["--json"], more].concat());
        is_done(&ended);
        let found = json(&ended);
        let own = [
            "/connections/opened",
            "/messages/sent",
            "/messages/sent_bytes",
        ];
        let own = own.map(|path| number(&found, path));
        assert_eq!(own, count.all(), "{scenario} {more:?}");
        assert!(own[0] > 0, "{found}");
        let [expected, answered, lost, cut] = ["expected", "answered", "lost", "cut"]
            .map(|name| number(&found, &format!("/messages/{name}")));
        assert_eq!(expected, answered + lost + cut, "{scenario} {more:?}");
        assert_eq!((lost, cut), (0, 0), "{scenario} {more:?}");
        if path == "/echo" {
            assert_eq!(expected, own[1], "{scenario} {more:?}");
        } else {
            assert_eq!(expected, own[1] * 6, "{scenario} {more:?}");
        }
        assert_eq!(found["asked"]["scenario"], scenario);
        assert_eq!(found["ended"], "complete");
    }
}

#[test]
fn a_table_tells_the_same_and_nothing_goes_to_standard_error() {
    let (server, count) = counting();
    let ended = bench("echo", &url(&server, "/echo"), &["--rate", "200"]);
    is_done(&ended);
    assert_eq!(ended.err, "");
    let [_, messages, _] = count.all();
    let sent = ended.out.lines().find(|line| line.starts_with("messages"));
    let sent = sent.expect("a row").split_whitespace().nth(2);
    assert_eq!(sent, Some(&*messages.to_string()), "{}", ended.out);
    for part in ["open loop", "200 messages a second", "response", "lag p99"] {
        assert!(ended.out.contains(part), "{part}: {}", ended.out);
    }
}

#[test]
fn conditions_that_hold_do_not_hold_or_were_not_measured() {
    let (server, _) = counting();
    let url = url(&server, "/echo");
    let held = bench(
        "echo",
        &url,
        &["--fail", "loss=0,errors=0", "--fail", "p99<1min"],
    );
    is_done(&held);
    assert_eq!(held.out.matches(" held ").count(), 3, "{}", held.out);
    for condition in ["p99<1ns", "reconnect.p99<1min", "server.cpu<99%"] {
        let ended = bench("echo", &url, &["--fail", condition]);
        assert_eq!(ended.code, Some(99), "{condition}: {}", ended.out);
        assert!(ended.out.contains("NOT HELD"), "{}", ended.out);
    }
}

#[test]
fn a_server_that_is_not_there_or_not_one_is_a_failure_with_its_reason() {
    let gone = TcpListener::bind("127.0.0.1:0").expect("a port");
    let nowhere = format!("ws://{}/", gone.local_addr().expect("bound"));
    drop(gone);
    let refused = Script::answer("HTTP/1.1 403 Forbidden\r\n\r\n").start();
    let mail = Script::answer("220 mail.example ESMTP\r\n").start();
    let garbage = Script::upgrade().first(b"\xff\xff\xff\xff").start();
    let silent = counting().0;
    for (scenario, url, parts) in [
        ("echo", nowhere, ["takes no connection", "refused"]),
        ("echo", refused.url(), ["takes no connection", "403"]),
        ("churn", mail.url(), ["takes no connection", "HTTP/1.1"]),
        ("idle", garbage.url(), ["connection", "1002"]),
        (
            "echo",
            url(&silent, "/nothing"),
            ["answered none of 6 messages", "a path that echoes"],
        ),
        (
            "broadcast",
            url(&silent, "/nothing"),
            ["answered none of 1 messages", "to everybody"],
        ),
    ] {
        let ended = bench(scenario, &url, &["--timeout", "300ms"]);
        assert_eq!(ended.code, Some(1), "{url}: {}{}", ended.out, ended.err);
        for part in parts {
            assert!(ended.err.contains(part), "{scenario} {url}: {}", ended.err);
        }
        assert!(ended.err.contains("\nwanted: "), "{}", ended.err);
        assert!(!ended.out.is_empty(), "what was found is told");
    }
}

#[test]
fn find_names_the_most_that_holds_and_says_when_nothing_does() {
    let (server, _) = counting();
    let url = url(&server, "/echo");
    let find = |keep: &str, more: &[&str]| {
        let fixed = [
            "bench",
            "find",
            &url,
            "-q",
            "--over",
            "connections",
            "--keep",
            keep,
            "--start",
            "1",
            "--most",
            "4",
            "--warmup",
            "0s",
            "--duration",
            "50ms",
        ];
        run(&mut dunlin(&[&fixed, more].concat()))
    };
    let found = find("loss=0", &["--scenario", "idle", "--json"]);
    // Who says nothing loses nothing, and what was not measured does not hold.
    assert_eq!(found.code, Some(1), "{}{}", found.out, found.err);
    let found = find("opened=100%", &["--scenario", "idle", "--json"]);
    assert_eq!(found.code, Some(0), "{}{}", found.out, found.err);
    assert_eq!(json(&found)["found"]["best"], 4, "{}", found.out);
    let none = find("upgrade.p99<1ns", &["--scenario", "idle"]);
    assert_eq!(none.code, Some(1), "{}{}", none.out, none.err);
    assert!(none.out.contains("No result"), "{}", none.out);
}

#[test]
fn the_doctor_says_what_is_in_the_way_of_so_many() {
    let (server, _) = counting();
    let ended = run(&mut dunlin(&[
        "bench",
        "doctor",
        &url(&server, "/echo"),
        "--connections",
        "1",
    ]));
    assert_eq!(ended.code, Some(0), "{}{}", ended.out, ended.err);
    let ended = run(&mut dunlin(&[
        "bench",
        "doctor",
        "--connections",
        "100000000",
        "--json",
    ]));
    assert_eq!(ended.code, Some(1), "{}", ended.out);
    json(&ended);
}
