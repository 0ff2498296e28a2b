//! TLS by the command: `serve --cert --key`, SIGHUP, and `chat`, `check` and `bench` over `wss://`.

#[path = "../dunlin/tls/authority.rs"]
mod authority;

use crate::binary::{Serving, dunlin, run};
use authority::Pair;
use std::path::PathBuf;
use std::process::Stdio;

/// The files of a pair, and the file of its authority.
struct Files {
    certificate: String,
    key: String,
    authority: String,
}

fn path(test: &str, name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("tls-{test}-{name}.pem"))
}

fn write(test: &str, pair: &Pair) -> Files {
    let write = |name: &str, text: &str| {
        let path = path(test, name);
        std::fs::write(&path, text).expect("a file");
        path.to_str().expect("text").to_owned()
    };
    Files {
        certificate: write("cert", &pair.certificate),
        key: write("key", &pair.key),
        authority: write("authority", &pair.authority),
    }
}

fn serve(files: &Files) -> (Serving, String) {
    let more = ["--cert", &files.certificate, "--key", &files.key];
    let (serving, address) = Serving::on_free_port(&more);
    (serving, format!("wss://localhost:{}", address.port()))
}

/// What `dunlin chat` prints of an echo.
fn said(url: &str, authority: &str) -> (Option<i32>, String, String) {
    let mut command = dunlin(&[
        "chat",
        &format!("{url}/you-said"),
        "--ca",
        authority,
        "--no-reconnect",
    ]);
    command.args(["--wait", "5s", "--json"]);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    std::io::Write::write_all(&mut child.stdin.take().expect("piped"), b"hello\nbye\n")
        .expect("taken");
    let output = child.wait_with_output().expect("it ends");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[test]
fn what_is_served_by_tls_is_talked_to_checked_and_loaded() {
    let files = write("all", &Pair::new());
    let (_serving, url) = serve(&files);
    let (code, out, err) = said(&url, &files.authority);
    assert_eq!(code, Some(0), "{out}{err}");
    assert!(out.contains("YOU SAID: hello"), "{out}{err}");
    let ended = run(&mut dunlin(&[
        "check",
        &format!("{url}/echo-raw"),
        "--ca",
        &files.authority,
    ]));
    assert_eq!(ended.code, Some(0), "{}{}", ended.out, ended.err);
    let ended = run(&mut dunlin(&["check", &format!("{url}/echo-raw")]));
    assert_eq!(ended.code, Some(1), "{}", ended.out);
    assert!(ended.err.contains("--ca FILE"), "{}", ended.err);
    let ended = run(&mut dunlin(&[
        "check",
        &format!("{url}/echo-raw"),
        "--insecure",
    ]));
    assert_eq!(ended.code, Some(0), "{}{}", ended.out, ended.err);
    assert!(
        ended.err.contains("nobody knows who answers"),
        "{}",
        ended.err
    );
}

#[cfg(feature = "bench")]
#[test]
fn a_load_goes_over_tls() {
    let files = write("bench", &Pair::new());
    let (_serving, url) = serve(&files);
    let ended = run(&mut dunlin(&[
        "bench",
        "echo",
        &format!("{url}/echo-raw"),
        "--ca",
        &files.authority,
        "--connections",
        "4",
        "--duration",
        "300ms",
        "--warmup",
        "0s",
        "--json",
    ]));
    assert!(
        matches!(ended.code, Some(0 | 3)),
        "{:?}{}{}",
        ended.code,
        ended.out,
        ended.err
    );
    assert!(ended.out.contains("\"wss://localhost"), "{}", ended.out);
}

#[cfg(feature = "bench")]
#[test]
fn floods_and_bystanders_go_over_tls() {
    let files = write("floods", &Pair::new());
    let (_serving, url) = serve(&files);
    let floods = [
        "empty",
        "ping-unread",
        "fragments-64k",
        "inflate-text",
        "http",
        "upgrades",
        "slow-reader",
        "rooms-come-and-go",
    ];
    let url = format!("{url}/echo-raw");
    let mut command = dunlin(&["bench", "bystander", &url, "--ca", &files.authority]);
    command.args(["--connections", "4", "--span", "200ms", "--json", "-q"]);
    for flood in floods {
        command.args(["--flood", flood]);
    }
    let ended = run(&mut command);
    let (out, err) = (&ended.out, &ended.err);
    assert!(matches!(ended.code, Some(0 | 3)), "{out}{err}");
    let found: serde_json::Value = serde_json::from_str(out).expect("JSON");
    let rows = found["rows"].as_array().expect("rows");
    assert_eq!(rows.len(), floods.len(), "{out}");
    for row in rows {
        assert!(row["skipped"].is_null(), "{row}");
        assert!(
            row["beside"]["round_trip"]["count"].as_u64() > Some(0),
            "{row}"
        );
        assert!(row["flooders"]["sent"].as_u64() > Some(1000), "{row}");
    }
    // Nobody is believed for nothing.
    let ended = run(&mut dunlin(&[
        "bench",
        "bystander",
        &url,
        "--flood",
        "empty",
    ]));
    assert_eq!(ended.code, Some(1), "{}", ended.out);
}

#[test]
fn sighup_shows_a_new_certificate_and_keeps_the_old_one_when_the_new_is_broken() {
    let (old, new) = (Pair::new(), Pair::new());
    let files = write("hup", &old);
    let (serving, url) = serve(&files);
    assert_eq!(said(&url, &files.authority).0, Some(0));
    std::fs::write(&files.certificate, "broken").expect("a file");
    serving.signal("HUP");
    let line = serving.log_line("stays as it was");
    assert!(line.contains("tls-hup-cert.pem"), "{line}");
    assert_eq!(said(&url, &files.authority).0, Some(0));
    std::fs::write(&files.certificate, &new.certificate).expect("a file");
    std::fs::write(&files.key, &new.key).expect("a file");
    serving.signal("HUP");
    serving.log_line("the certificate was read again");
    assert_ne!(
        said(&url, &files.authority).0,
        Some(0),
        "the old one is shown"
    );
    std::fs::write(&files.authority, &new.authority).expect("a file");
    assert_eq!(said(&url, &files.authority).0, Some(0));
}

#[test]
fn a_reload_takes_all_or_nothing_over() {
    let (old, new) = (Pair::new(), Pair::new());
    let files = write("whole", &old);
    let config = path("whole", "config");
    std::fs::write(&config, "max_body = 10\n").expect("a file");
    let config_path = config.to_str().expect("text");
    let mut more = vec!["--cert", &files.certificate, "--key", &files.key];
    more.extend(["--config", config_path]);
    let (serving, address) = Serving::on_free_port(&more);
    let url = format!("wss://localhost:{}", address.port());
    // A new certificate beside a configuration with an error.
    std::fs::write(&files.certificate, &new.certificate).expect("a file");
    std::fs::write(&files.key, &new.key).expect("a file");
    std::fs::write(&config, "max_bdy = 20\n").expect("a file");
    serving.signal("HUP");
    let line = serving.log_line("the configuration stays as it was");
    assert!(line.contains("and so does the certificate"), "{line}");
    assert!(line.contains("max_bdy"), "{line}");
    assert_eq!(
        said(&url, &files.authority).0,
        Some(0),
        "the old one is shown"
    );
    // A certificate with an error beside a new configuration.
    std::fs::write(&files.key, "broken").expect("a file");
    std::fs::write(&config, "max_body = 20\n").expect("a file");
    serving.signal("HUP");
    let line = serving.log_line("the configuration stays as it was");
    assert!(line.contains("tls-whole-key.pem"), "{line}");
    assert_eq!(
        said(&url, &files.authority).0,
        Some(0),
        "the old one is shown"
    );
    std::fs::write(&files.key, &new.key).expect("a file");
    serving.signal("HUP");
    // Nothing of either error was taken over before.
    serving.log_line("the limit `max_body` is 20B now, it was 10B");
    std::fs::write(&files.authority, &new.authority).expect("a file");
    assert_eq!(said(&url, &files.authority).0, Some(0));
}

#[test]
fn a_certificate_needs_its_key() {
    let files = write("alone", &Pair::new());
    for (flag, file, part) in [
        ("--cert", &files.certificate, "without --key"),
        ("--key", &files.key, "without --cert"),
    ] {
        let ended = run(&mut dunlin(&["config", "check", flag, file]));
        assert_eq!(ended.code, Some(2), "{}", ended.err);
        assert!(ended.err.contains(part), "{}", ended.err);
    }
    let swapped = [
        "config",
        "check",
        "--cert",
        &files.key,
        "--key",
        &files.certificate,
    ];
    let ended = run(&mut dunlin(&swapped));
    assert_eq!(ended.code, Some(2), "{}", ended.err);
    assert!(
        ended
            .err
            .contains("holds no certificate, but a private key"),
        "{}",
        ended.err
    );
}
