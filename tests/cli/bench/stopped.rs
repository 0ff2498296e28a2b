//! Ctrl-C in each phase, a worker that dies, a server that dies: what was found until then is told.

use super::{counting, json, url};
use crate::binary::{Ended, Serving, dunlin};
use std::process::Command;

/// A long run with these flags, and its progress.
fn long(scenario: &str, url: &str, more: &[&str]) -> Serving {
    let fixed = ["bench", scenario, url, "--json", "--connections", "10"];
    Serving::start(&mut dunlin(&[&fixed, more].concat()))
}

fn end(serving: Serving) -> Ended {
    let (status, out, log) = serving.end();
    Ended {
        code: status.code(),
        out,
        err: log.join("\n"),
    }
}

#[test]
fn ctrl_c_in_each_phase_reports_and_is_130() {
    let (server, _) = counting();
    let url = url(&server, "/echo");
    let runs = [
        ("ramp", vec!["--ramp", "60s"]),
        ("warmup", vec!["--warmup", "60s"]),
        ("load", vec!["--warmup", "0s", "--duration", "60s"]),
    ];
    // All at a time: each waits for its first line of progress.
    let started = runs.map(|(phase, more)| (phase, long("echo", &url, &more)));
    for (phase, serving) in started {
        serving.log_line(phase);
        serving.signal("INT");
        let ended = end(serving);
        assert_eq!(ended.code, Some(130), "{phase}: {}", ended.err);
        let found = json(&ended);
        assert_eq!(found["ended"], "interrupted");
        let messages = &found["messages"];
        assert_eq!(
            messages["sent"], messages["answered"],
            "{phase}: {messages}"
        );
        assert_eq!(messages["lost"], 0, "{phase}: {messages}");
    }
}

#[test]
fn a_second_ctrl_c_does_not_wait_for_answers() {
    let (server, _) = counting();
    let more = ["--warmup", "0s", "--duration", "60s", "--timeout", "60s"];
    let serving = long("echo", &url(&server, "/nothing"), &more);
    serving.log_line("load");
    serving.signal("INT");
    serving.log_line("drain");
    serving.signal("INT");
    let ended = end(serving);
    assert_eq!((ended.code, &*ended.out), (Some(130), ""), "{}", ended.err);
}

#[test]
fn a_worker_that_dies_leaves_what_the_other_found_and_an_invalid_run() {
    let (server, _) = counting();
    let more = ["--warmup", "0s", "--duration", "60s", "--workers", "2"];
    let serving = long("echo", &url(&server, "/echo"), &more);
    serving.log_line("load");
    let line = format!("pgrep -P {} | head -n 1 | xargs kill -KILL", serving.id());
    let killed = Command::new("sh").args(["-c", &line]).status();
    assert!(killed.expect("a shell").success(), "{line}");
    let ended = end(serving);
    assert_eq!(ended.code, Some(3), "{}", ended.err);
    let found = json(&ended);
    let why = found["invalid"][0].as_str().expect("a reason");
    assert!(why.contains("a worker ended before its time"), "{why}");
    assert_eq!(found["connections"]["opened"], 5, "{found}");
    assert!(found["messages"]["answered"].as_u64() > Some(0), "{found}");
}

#[test]
fn a_server_that_dies_is_a_failure_with_what_was_found_until_then() {
    let (mut server, address) = Serving::on_free_port(&[]);
    let more = ["--warmup", "0s", "--duration", "60s"];
    let serving = long("echo", &format!("ws://{address}/echo-raw"), &more);
    serving.log_line("load");
    server.kill();
    let ended = end(serving);
    assert_eq!(ended.code, Some(1), "{}", ended.err);
    assert!(
        ended.err.contains("went away in the middle"),
        "{}",
        ended.err
    );
    let found = json(&ended);
    assert_eq!(found["ended"], "lost");
    assert!(found["response"]["count"].as_u64() > Some(0), "{found}");
}
