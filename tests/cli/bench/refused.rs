//! What cannot be run is refused before anything is connected.

use super::{bench, counting, url};
use crate::binary::{dunlin, run};
use std::process::Command;

#[test]
fn a_wrong_command_line_says_what_was_wanted_and_connects_to_nobody() {
    let (server, count) = counting();
    let url = url(&server, "/echo");
    for (scenario, more, parts) in [
        ("echo", &["--duration", "0s"][..], ["0s", "1ms to 60min"]),
        ("echo", &["--rate", "nan"], ["NaN", "0.001"]),
        ("echo", &["--visit", "2"], ["--visit", "the scenario churn"]),
        ("idle", &["--rate", "5"], ["--rate", "such as echo"]),
        ("echo", &["--senders", "2"], ["--senders", "broadcast"]),
        ("echo", &["--workers", "7"], ["7 workers", "fewer"]),
        (
            "broadcast",
            &["--senders", "9", "--workers", "7"],
            ["7 workers", "fewer"],
        ),
        (
            "echo",
            &["--window", "65536", "--size", "5"],
            ["65536", "--window"],
        ),
        (
            "echo",
            &["--fail", "p99<20"],
            ["20 has no unit", "p99<20ms"],
        ),
        ("echo", &["--html", "/"], ["--html / cannot", "a file"]),
        (
            "echo",
            &["--html", "/nowhere/at/all.html"],
            ["cannot be written", "a folder that exists"],
        ),
    ] {
        let ended = bench(scenario, &url, more);
        assert_eq!(ended.code, Some(2), "{more:?}: {}{}", ended.out, ended.err);
        for part in parts {
            assert!(ended.err.contains(part), "{more:?}: {}", ended.err);
        }
    }
    assert_eq!(count.all(), [0, 0, 0]);
}

#[test]
fn floods_go_to_near_addresses_only() {
    let ended = run(&mut dunlin(&["bench", "bystander", "ws://192.0.2.1/"]));
    assert_eq!(ended.code, Some(2), "{}", ended.out);
    for part in ["192.0.2.1", "--this-server-is-mine"] {
        assert!(ended.err.contains(part), "{}", ended.err);
    }
}

#[test]
fn too_few_descriptors_are_told_with_the_workers_that_would_do() {
    let (server, count) = counting();
    let line = format!(
        "ulimit -n 64 && exec {} bench idle {} -q --connections 100",
        env!("CARGO_BIN_EXE_dunlin"),
        url(&server, "/echo")
    );
    let ended = run(Command::new("sh").args(["-c", &line]));
    assert_eq!(ended.code, Some(2), "{}{}", ended.out, ended.err);
    for part in ["140 open files", "64 are allowed", "--workers 5"] {
        assert!(ended.err.contains(part), "{}", ended.err);
    }
    assert_eq!(count.all(), [0, 0, 0]);
}
