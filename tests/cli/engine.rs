//! `dunlin serve --engine`: what is refused before the start, that no password is shown, and that ports can be shared.

use crate::binary::{Ended, Serving, dunlin, run};

fn check(more: &[&str]) -> Ended {
    run(dunlin(&["config", "check"]).args(more))
}

#[test]
fn a_password_of_the_engine_is_taken_and_never_shown() {
    let address = "redis://kim:hush-hush@engine.example:7000/2";
    for ended in [
        run(&mut dunlin(&["config", "print", "--engine", address])),
        run(dunlin(&["config", "print"]).env("DUNLIN_ENGINE", address)),
    ] {
        assert_eq!(ended.code, Some(0), "{}", ended.err);
        let shown = "\nengine = \"redis://engine.example:7000/2\"\n";
        assert!(ended.out.contains(shown), "{}", ended.out);
        assert!(!ended.out.contains("hush-hush") && !ended.err.contains("hush-hush"));
    }
    let wrong = check(&["--engine", "redis://kim:hush-hush@engine.example:port"]);
    assert_eq!(wrong.code, Some(2), "{}", wrong.err);
    assert!(!wrong.err.contains("hush-hush"), "{}", wrong.err);
}

#[test]
fn settings_of_an_engine_that_cannot_be_are_refused_with_their_cure() {
    let engine = "redis://127.0.0.1:6379";
    for (given, parts) in [
        (
            &["--engine", "127.0.0.1:6379"][..],
            &["in --engine: ", "redis://127.0.0.1:6379"][..],
        ),
        (
            &["--engine", engine, "--history-dir", "rooms"],
            &[
                "in --history-dir: ",
                "--engine alone",
                "--history-dir alone",
            ],
        ),
        (
            &["--engine", engine, "--engine-prefix", "a{b}"],
            &["in --engine-prefix: ", "without braces"],
        ),
        (
            &["--engine", engine, "--engine-ca", "ca.pem"],
            &["in --engine-ca: ", "rediss://"],
        ),
        (
            &["--engine-ca", "ca.pem"],
            &["in --engine-ca: ", "rediss://"],
        ),
    ] {
        let ended = check(given);
        assert_eq!(ended.code, Some(2), "{given:?}: {}", ended.err);
        for part in parts {
            assert!(
                ended.err.contains(part),
                "{part} is missing in {}",
                ended.err
            );
        }
    }
    let both = check(&["--engine", engine, "--engine-prefix", "shop"]);
    assert_eq!(both.code, Some(0), "{}", both.err);
}

#[test]
#[cfg(feature = "tls")]
fn a_file_of_authorities_that_is_not_there_is_named() {
    let given = [
        "--engine",
        "rediss://engine.example",
        "--engine-ca",
        "/nowhere/ca.pem",
    ];
    let ended = check(&given);
    assert_eq!(ended.code, Some(2), "{}", ended.err);
    assert!(ended.err.contains("in --engine-ca: "), "{}", ended.err);
    assert!(ended.err.contains("/nowhere/ca.pem"), "{}", ended.err);
}

#[test]
fn two_processes_share_a_port_where_both_ask_for_it_and_a_third_is_told_that_it_is_taken() {
    let (_first, address) = Serving::on_free_port(&["--reuse-port"]);
    let address = address.to_string();
    let mut second = dunlin(&["serve", "--reuse-port", "--listen", &address]);
    let mut second = Serving::start(&mut second);
    assert!(second.out_line().contains(&address));
    let third = run(&mut dunlin(&["serve", "--listen", &address]));
    assert_eq!(third.code, Some(1), "{}", third.err);
    assert!(
        third.err.contains("another program has it"),
        "{}",
        third.err
    );
}
