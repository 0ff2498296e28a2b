//! The log as JSON, and what no log may hold in any format.

use crate::binary::{Serving, open};
use crate::wire_client::WireClient;
use serde_json::Value;
use std::net::SocketAddr;

fn object(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

#[test]
fn every_line_is_an_object_with_time_level_target_and_message() {
    let (serving, address) = Serving::on_free_port(&["--log-format", "json", "--log", "debug"]);
    let mut client = open(address, "/chatt");
    client.send_text("a \"quoted\"\nline \u{1b}[2J");
    client.read_text();
    client.leave();
    serving.signal("TERM");
    let (_, _, log) = serving.end();
    assert!(log.len() > 3, "{log:#?}");
    for line in &log {
        let object = object(line);
        let time = object["time"].as_str().expect("a time");
        assert_eq!(time.len(), "2026-01-31T23:59:59.999Z".len(), "{line}");
        assert!(["error", "warn", "info", "debug"].contains(&object["level"].as_str().unwrap()));
        assert!(
            object["target"]
                .as_str()
                .is_some_and(|target| target.starts_with("dunlin"))
        );
        assert!(object["message"].is_string(), "{line}");
    }
    let opened = log.iter().find(|line| line.contains("session opened"));
    let opened = object(opened.expect("a session"));
    let id = opened["connection"].as_str().expect("a connection");
    assert_eq!(opened["message"], format!("session opened {id}"));
    let text = log.iter().find(|line| line.contains("quoted"));
    let text = object(text.expect("at debug level"));
    let text = text["message"].as_str().expect("a message");
    assert!(!text.contains('\u{1b}'), "{text}");
}

/// Brings a secret to the server in every way that there is.
fn tell_secrets(address: SocketAddr, secret: &str) {
    let authorization = format!("Authorization: Bearer {secret}");
    let key = format!("Room-Key: {secret}");
    let cookie = format!("Cookie: session={secret}");
    let protocol = format!("Sec-WebSocket-Protocol: bearer.{secret}");
    let fields = [&*authorization, &key, &cookie, &protocol];
    let path = format!("/chatt?token={secret}&access_token={secret}");
    let mut client = WireClient::connect(address);
    client.upgrade(&path, &fields);
    client.leave();
    // Refused in several ways, too.
    for path in [&*path, "/nowhere?token=", "/chat/none?key="] {
        for method in ["GET", "DELETE", "POST", "BREW"] {
            let path = format!("{path}{secret}");
            WireClient::connect(address).request(method, &path, &fields);
        }
    }
    let mut refused = WireClient::connect(address);
    refused.write(WireClient::upgrade_head(
        &path,
        &[&authorization, "Origin: https://a.example"],
    ));
    assert_eq!(refused.read_head().status, 403);
    let mut garbage = WireClient::connect(address);
    garbage.write(format!(
        "GET /?token={secret} HTTP/1.1\r\n{authorization}\r\nHost: a b\r\n\r\n"
    ));
    assert_eq!(garbage.read_head().status, 400);
}

#[test]
fn no_secret_is_in_the_log_at_any_level_in_any_format() {
    const SECRET: &str = "0123456789abcdef-very-secret";
    for format in ["text", "json"] {
        let (serving, address) = Serving::on_free_port(&["--log", "trace", "--log-format", format]);
        tell_secrets(address, SECRET);
        serving.signal("TERM");
        let (status, _, log) = serving.end();
        assert_eq!(status.code(), Some(0));
        let told: Vec<_> = log
            .iter()
            .filter(|line| line.contains("very-secret"))
            .collect();
        assert!(told.is_empty(), "{told:#?}");
        assert!(log.len() > 5, "{log:#?}");
    }
}

#[test]
fn a_full_standard_error_stops_nothing_in_json_either() {
    let (serving, address) =
        Serving::on_free_port_unread(&["--log-format", "json", "--log", "info"]);
    let mut client = open(address, "/chatt");
    // More lines than the pipe and the queue hold together.
    for _ in 0..60 {
        (0..100).for_each(|_| client.send_text("a line for each"));
        for _ in 0..100 {
            assert_eq!(client.read_text(), "a line for each");
        }
    }
    serving.signal("TERM");
    assert_eq!(client.read_close().0, 1001);
    drop(client);
    assert_eq!(serving.end_unread().code(), Some(0));
}

#[test]
fn the_format_changes_with_a_reload() {
    let path = format!("{}/format.toml", env!("CARGO_TARGET_TMPDIR"));
    std::fs::write(&path, "log_format = 'text'\n").expect("a file");
    let (serving, _address) = Serving::on_free_port(&["--config", &path]);
    std::fs::write(&path, "log_format = 'json'\nacme_dir = '.'\n").expect("a file");
    serving.signal("HUP");
    let line = serving.log_line("`log_format` is json now, it was text");
    assert!(line.starts_with("20"), "{line}");
    serving.log_line("`acme_dir` stays none: . takes a restart");
    let line = serving.log_line("the configuration was read again");
    assert_eq!(object(&line)["level"], "info");
    std::fs::write(&path, "log_format = 'xml'\n").expect("a file");
    serving.signal("HUP");
    let line = serving.log_line("the configuration stays as it was");
    assert_eq!(object(&line)["level"], "error");
}
