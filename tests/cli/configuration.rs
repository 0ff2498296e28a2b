//! The configuration of the command: flags, environment and file, and what is said about them.

use crate::binary::{Ended, Serving, dunlin, open, run};
use crate::wire_client::WireClient;
use std::path::PathBuf;

/// A configuration file of this test alone.
fn file(name: &str, text: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, text).expect("a file");
    path
}

fn config(action: &str, more: &[&str]) -> Ended {
    run(dunlin(&["config", action]).args(more))
}

#[test]
fn a_flag_beats_the_environment_which_beats_the_file_which_beats_the_default() {
    let path = file(
        "order.toml",
        "keep_alive = '1s'\nhead_timeout = '2s'\nmax_body = 3\n",
    );
    let path = path.to_str().expect("text");
    let mut command = dunlin(&["config", "print", "--config", path, "--keep-alive", "5s"]);
    let command = command
        .env("DUNLIN_KEEP_ALIVE", "6s")
        .env("DUNLIN_HEAD_TIMEOUT", "7s");
    let ended = run(command);
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    for part in [
        "from: --keep-alive.\nkeep_alive = \"5s\"\n",
        "from: DUNLIN_HEAD_TIMEOUT.\nhead_timeout = \"7s\"\n",
        &format!("from: {path}:3.\nmax_body = \"3B\"\n"),
        "default: 10s; from: the default.\n# drain = \"10s\"\n",
    ] {
        assert!(
            ended.out.contains(part),
            "{part}\nis missing in\n{}",
            ended.out
        );
    }
}

#[test]
fn what_is_printed_is_read_as_the_same() {
    let flags = [
        "--ping-period",
        "off",
        "--max-connections",
        "7",
        "--origin",
        "https://a.example",
        "--origin",
        "https://b.example",
        "--backlog",
        "drop-oldest",
        "--allow-absent-origin",
        "false",
        "--listen",
        "unix:a\"b",
        "--log",
        "warn",
        "--host",
        "example.org",
        "--apps",
        "echo,flow",
    ];
    let printed = config("print", &flags).out;
    let path = file("printed.toml", &printed);
    let again = config("print", &["--config", path.to_str().expect("text")]).out;
    let set = |text: &str| -> Vec<String> {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        lines.map(str::to_owned).collect()
    };
    assert_eq!(set(&printed), set(&again));
    assert!(printed.contains("\norigin = [\"https://a.example\", \"https://b.example\"]\n"));
}

#[test]
fn a_valid_configuration_is_0_and_a_wrong_file_78_with_line_and_cure() {
    assert_eq!(config("check", &[]).code, Some(0));
    for (name, text, parts) in [
        (
            "key.toml",
            "\nmaxbody = 1\n",
            &[":2: ", "\"maxbody\"", "\"max_body\""][..],
        ),
        (
            "time.toml",
            "ping_period = 10",
            &[":1: ", "\"10\"", "10s", "off"],
        ),
        (
            "bound.toml",
            "drain = '31min'",
            &[":1: ", "`drain` is 1860s", "1ms to 30 min"],
        ),
        (
            "word.toml",
            "backlog = 'drop'",
            &[":1: ", "\"drop\"", "drop-newest"],
        ),
        ("app.toml", "apps = ['ecco']", &[":1: ", "\"ecco\"", "echo"]),
        (
            "twice.toml",
            "apps = ['echo', 'flow', 'echo']",
            &[":1: ", "\"echo\" is named twice"],
        ),
        (
            "nowhere.toml",
            "listen = []",
            &[":1: ", "no address", "127.0.0.1:8080"],
        ),
        (
            "same.toml",
            "\nlisten = ['127.0.0.1:1', '127.0.0.1:1']",
            &[":2: ", "\"127.0.0.1:1\" is named twice"],
        ),
        (
            "admin.toml",
            "listen = ['unix:d.sock']\nadmin = 'unix:d.sock'",
            &[":2: ", "\"unix:d.sock\" is one of listen, too", "its own"],
        ),
        (
            "several.toml",
            "listen = ['127.0.0.1:1,127.0.0.1:2']",
            &[":1: ", "has a comma", "each"],
        ),
        (
            "hosts.toml",
            "host = ['a.example,b.example']",
            &[":1: ", "\"a.example,b.example\""],
        ),
        (
            "table.toml",
            "[server]\nlog = 'info'",
            &[":1: ", "\"server\" is a table", "without tables"],
        ),
        ("toml.toml", "a", &[":1: ", "no TOML"]),
    ] {
        let path = file(name, text);
        for command in [&["config", "check"][..], &["serve"]] {
            let ended = run(dunlin(command).arg("--config").arg(&path));
            assert_eq!(ended.code, Some(78), "{name}: {}", ended.err);
            for part in parts {
                assert!(
                    ended.err.contains(part),
                    "{part} is missing in {}",
                    ended.err
                );
            }
        }
    }
    let binary = file("binary.toml", "");
    std::fs::write(&binary, b"log = 'info'\norigin = ['\xff']\n").expect("a file");
    let binary = config("check", &["--config", binary.to_str().expect("text")]);
    assert_eq!(binary.code, Some(78));
    assert!(
        binary.err.contains("binary.toml:2: no UTF-8"),
        "{}",
        binary.err
    );
    let gone = config("check", &["--config", "/nowhere/at/all.toml"]);
    assert_eq!(gone.code, Some(78));
    assert!(gone.err.contains("/nowhere/at/all.toml"), "{}", gone.err);
}

#[test]
fn a_flag_that_cannot_be_used_is_a_usage_error_that_names_it() {
    for (flag, value, wanted) in [
        ("--max-body", "1.5MiB", "64KiB"),
        ("--pong-timeout", "0s", "1s to 30 min"),
        ("--host", "http://a", "without scheme"),
    ] {
        let ended = config("check", &[flag, value]);
        assert_eq!(ended.code, Some(2), "{flag}: {}", ended.err);
        assert!(ended.err.contains(flag), "{}", ended.err);
        assert!(ended.err.contains(wanted), "{}", ended.err);
    }
}

#[test]
fn two_settings_that_do_not_fit_each_other_are_refused_before_the_start() {
    let ended = config("check", &["--backlog-limit", "2KiB"]);
    assert_eq!(ended.code, Some(78));
    assert!(
        ended
            .err
            .contains("`backlog_mark` is 262144, wanted: 1 to 2048 bytes"),
        "{}",
        ended.err
    );
    assert!(ended.err.contains("its default"), "{}", ended.err);
    let ended = config("check", &["--max-head", "4KiB"]);
    for part in ["`max_target` is 8000", "its default", "set max_target, too"] {
        assert!(ended.err.contains(part), "{}", ended.err);
    }
}

#[test]
fn a_variable_that_is_nearly_a_setting_is_told_and_those_of_others_are_not() {
    let mut command = dunlin(&["config", "check"]);
    // The rest is what Kubernetes sets for a service of this name.
    let command = command
        .env("DUNLIN_MAX_CONNECTION", "5")
        .env("DUNLIN_PORT", "tcp://10.0.0.1:80")
        .env("DUNLIN_SERVICE_HOST", "10.0.0.1");
    let ended = run(command);
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let told: Vec<_> = ended.err.lines().collect();
    assert_eq!(told.len(), 1, "{told:#?}");
    assert!(
        told[0].contains("DUNLIN_MAX_CONNECTION is no setting"),
        "{told:#?}"
    );
    assert!(told[0].contains("DUNLIN_MAX_CONNECTIONS"), "{told:#?}");
}

#[test]
fn a_file_without_end_is_not_read_to_its_end() {
    let endless = "/dev/zero";
    for flags in [
        &["--config", endless][..],
        &["--cert", endless, "--key", endless],
        &["--token-key-file", endless],
    ] {
        let ended = config("check", flags);
        assert!(matches!(ended.code, Some(2 | 78)), "{}", ended.err);
        assert!(ended.err.contains("1 MiB"), "{}", ended.err);
    }
}

#[test]
fn values_of_a_list_may_stand_together_as_in_a_variable() {
    let together = config(
        "print",
        &["--origin", "https://a.example, https://b.example"],
    );
    let wanted = "\norigin = [\"https://a.example\", \"https://b.example\"]\n";
    assert!(together.out.contains(wanted), "{}", together.err);
}

#[test]
fn the_routes_are_printed_with_their_kind() {
    let ended = run(&mut dunlin(&["serve", "--routes", "--apps", "echo,chatt"]));
    assert_eq!(ended.code, Some(0));
    let wanted = "WebSocket /chatt\nGET       /chattstart\nGET       /css/chatt.css\n\
                  WebSocket /echo\nWebSocket /echo-raw\nGET       /healthz\nGET       /js/chatt.js\nGET       /readyz\nWebSocket /you-said\n";
    assert_eq!(ended.out, wanted);
}

#[test]
fn only_the_applications_that_are_wanted_are_served() {
    let (_serving, address) = Serving::on_free_port(&["--apps", "flow"]);
    assert_eq!(
        open(address, "/flow").read_text(),
        "You are connected to WebSocket!"
    );
    let (head, _) = WireClient::connect(address).request("GET", "/chattstart", &[]);
    assert_eq!(head.status, 404);
}

#[test]
fn a_size_that_is_set_goes_to_every_route_and_one_that_is_not_leaves_them_theirs() {
    let message = "x".repeat(1 << 21);
    let (_serving, address) = Serving::on_free_port(&[]);
    let mut client = open(address, "/echo-raw");
    client.send_text(&message);
    assert_eq!(client.read_text().len(), message.len());
    let (_serving, address) = Serving::on_free_port(&["--max-message-size", "1KiB"]);
    let mut client = open(address, "/echo-raw");
    client.send_text(&message[..1025]);
    assert_eq!(client.read_close().0, 1009);
}

#[test]
fn an_origin_that_is_set_may_open_a_session_on_every_route() {
    let origin = ["Origin: https://page.example"];
    let status = |more: &[&str]| {
        let (_serving, address) = Serving::on_free_port(more);
        let mut client = WireClient::connect(address);
        client.write(WireClient::upgrade_head("/echo", &origin));
        client.read_head().status
    };
    assert_eq!(status(&[]), 403);
    assert_eq!(status(&["--origin", "https://page.example"]), 101);
    assert_eq!(status(&["--origin", "*"]), 101);
}

#[test]
fn a_page_of_a_foreign_origin_makes_no_room() {
    let status = |more: &[&str], origin: &str| {
        let (_serving, address) = Serving::on_free_port(more);
        let mut client = WireClient::connect(address);
        client.write(format!(
            "POST /chat?name=den HTTP/1.1\r\nHost: {address}\r\n{origin}Content-Length: 0\r\n\r\n"
        ));
        client.read_head().status
    };
    let foreign = "Origin: https://page.example\r\n";
    assert_eq!(status(&[], foreign), 403);
    assert_eq!(status(&[], "Origin: null\r\n"), 403);
    assert_eq!(status(&[], ""), 200, "a script has no origin");
    assert_eq!(status(&["--origin", "https://page.example"], foreign), 200);
    assert_eq!(status(&["--origin", "*"], foreign), 200);
}

#[test]
fn a_refused_origin_and_a_wrong_key_name_their_cure_in_the_log() {
    let (serving, address) = Serving::on_free_port(&[]);
    let mut client = WireClient::connect(address);
    client.write(WireClient::upgrade_head(
        "/echo",
        &["Origin: https://page.example"],
    ));
    assert_eq!(client.read_head().status, 403);
    let line = serving.log_line("https://page.example");
    assert!(line.contains("`--origin https://page.example`"), "{line}");
    let mut client = WireClient::connect(address);
    client.write(WireClient::upgrade_head(
        "/echo",
        &["Sec-WebSocket-Key: c2hvcnQ="],
    ));
    assert_eq!(client.read_head().status, 400);
    let line = serving.log_line("Sec-WebSocket-Key");
    assert!(line.contains("stands twice"), "{line}");
}

#[test]
fn a_frame_size_that_is_set_beside_a_message_size_stays() {
    let flags = ["--max-message-size", "2MiB", "--max-frame-size", "3KiB"];
    let printed = config("print", &flags).out;
    assert!(
        printed.contains("\nmax_message_size = \"2MiB\"\n"),
        "{printed}"
    );
    assert!(
        printed.contains("\nmax_frame_size = \"3KiB\"\n"),
        "{printed}"
    );
}

#[test]
fn sighup_reads_the_configuration_again_and_says_what_takes_a_restart() {
    let path = file("hangup.toml", "max_body = 10\nlog = \"info\"\n");
    let more = ["--config", path.to_str().expect("a path")];
    let (serving, address) = Serving::on_free_port(&more);
    let is_served = |host: &str| {
        let mut client = WireClient::connect(address);
        client.write(format!("GET /nowhere HTTP/1.1\r\nHost: {host}\r\n\r\n"));
        client.read_head().status != 421
    };
    assert!(is_served("b.example"));
    std::fs::write(&path, "host = [\"a.example\"]\nping_period = \"5s\"\n").expect("written");
    serving.signal("HUP");
    serving.log_line("`ping_period` stays 25s: 5s takes a restart");
    // It is the loop that tells, when it has taken the limits over.
    serving.log_line("the limit `hosts` is a.example now");
    assert!(is_served("a.example") && !is_served("b.example"));

    std::fs::write(&path, "host = [\"c.example\"]\nmax_body = \"much\"\n").expect("written");
    serving.signal("HUP");
    let line = serving.log_line("the configuration stays as it was");
    assert!(
        line.contains("max_body") && line.contains("hangup.toml:2"),
        "{line}"
    );
    assert!(is_served("a.example") && !is_served("c.example"));
    serving.signal("TERM");
    let (status, ..) = serving.end();
    assert!(status.success());
}
