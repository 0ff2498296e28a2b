//! What operators ask a running server: health, readiness, metrics, ACME challenges, and who may.

use crate::binary::{Serving, address_in, dunlin, open, run};
use crate::wire_client::WireClient;
use std::net::SocketAddr;
use std::path::PathBuf;

/// A server with a listener for operators: its value, the public address, the other one.
fn with_admin(more: &[&str]) -> (Serving, SocketAddr, SocketAddr) {
    let arguments = [&["--admin", "127.0.0.1:0"], more].concat();
    let (mut serving, public) = Serving::on_free_port(&arguments);
    let line = serving.out_line();
    assert!(line.starts_with("operators ask at http://"), "{line}");
    let admin = address_in(&line);
    (serving, public, admin)
}

fn get(address: SocketAddr, path: &str) -> (u16, String) {
    let (head, body) = WireClient::connect(address).request("GET", path, &["Connection: close"]);
    (head.status, String::from_utf8(body).expect("text"))
}

#[test]
fn without_an_admin_listener_health_and_readiness_are_public_and_metrics_are_not() {
    let (_serving, address) = Serving::on_free_port(&[]);
    assert_eq!(get(address, "/healthz"), (200, "ok\n".to_owned()));
    assert_eq!(get(address, "/readyz"), (200, "ready\n".to_owned()));
    assert_eq!(get(address, "/metrics").0, 404);
}

#[test]
fn metrics_are_public_when_an_operator_says_so() {
    let (_serving, address) = Serving::on_free_port(&["--metrics", "public"]);
    let (head, body) = WireClient::connect(address).request("GET", "/metrics", &[]);
    assert_eq!(head.status, 200);
    let kind = head.field("content-type");
    assert_eq!(kind, Some("text/plain; version=0.0.4; charset=utf-8"));
    assert_eq!(head.field("cache-control"), Some("no-store"));
    let text = String::from_utf8(body).expect("text");
    for part in [
        concat!(
            "dunlin_build_info{version=\"",
            env!("CARGO_PKG_VERSION"),
            "\"} 1\n"
        ),
        "\nprocess_resident_memory_bytes ",
        "\nprocess_start_time_seconds ",
        "\ndunlin_ready 1\n",
    ] {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
}

#[test]
fn with_an_admin_listener_all_three_are_there_and_nowhere_else() {
    let (_serving, public, admin) = with_admin(&[]);
    for path in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(get(public, path).0, 404, "{path}");
        assert_eq!(get(admin, path).0, 200, "{path}");
    }
    assert_eq!(get(admin, "/").0, 404, "the applications are elsewhere");
    let mut client = open(public, "/echo-raw");
    client.send_text("one");
    client.read_text();
    let text = get(admin, "/metrics").1;
    assert!(
        text.contains("\ndunlin_handshakes_total{status=\"101\"} 1\n"),
        "{text}"
    );
    assert!(text.contains("\ndunlin_sessions 1\n"), "{text}");
}

#[test]
fn names_of_rooms_and_people_are_in_no_metric() {
    let (_serving, public, admin) = with_admin(&[]);
    let mut maker = WireClient::connect(public);
    assert_eq!(
        maker.request("POST", "/chat?name=verysecret", &[]).0.status,
        200
    );
    let (_, list) = get(public, "/chat");
    let room = list.split("\"roomId\":\"").nth(1).expect("a room");
    let room = room.split('"').next().expect("an id");
    let mut client = open(public, "/ws/chat");
    client.send_text(&format!(
        "{{\"type\":\"ENTER\",\"roomId\":\"{room}\",\"sender\":\"verysecret\",\"message\":null}}"
    ));
    client.read_text();
    let text = get(admin, "/metrics").1;
    assert!(
        !text.contains("verysecret") && !text.contains(room),
        "{text}"
    );
    assert!(!text.contains("127.0.0.1"), "{text}");
}

#[test]
fn a_wrong_admin_address_or_acme_folder_says_how_to_mend_it() {
    for (arguments, part) in [
        (["--admin", "9090"], "127.0.0.1:9090"),
        (["--acme-dir", "/nowhere/at/all"], "--acme-dir"),
        (["--metrics", "private"], "admin, public"),
        (["--log-format", "xml"], "text, json"),
    ] {
        let ended = run(dunlin(&["serve"]).args(arguments));
        assert_eq!(ended.code, Some(2), "{arguments:?}");
        assert!(ended.err.contains(part), "{arguments:?}: {}", ended.err);
    }
}

#[test]
fn challenges_of_acme_are_served_and_nothing_beside_them() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("acme");
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("tok_en-1"), "tok_en-1.thumb").expect("a file");
    std::fs::write(folder.join("key.pem"), "secret").expect("a file");
    std::fs::write(folder.with_extension("above"), "secret").expect("a file");
    let folder = folder.to_str().expect("text");
    let (_serving, address) = Serving::on_free_port(&["--acme-dir", folder]);
    let at = "/.well-known/acme-challenge";
    // The certificate is for a name that this machine may not know.
    let mut client = WireClient::connect(address);
    client.write(format!(
        "GET {at}/tok_en-1 HTTP/1.1\r\nHost: new.example.org\r\n\r\n"
    ));
    let head = client.read_head();
    assert_eq!(
        (head.status, head.field("content-type")),
        (200, Some("text/plain"))
    );
    assert_eq!(client.read_body(&head), b"tok_en-1.thumb");
    for path in [
        "/key.pem",
        "/../acme.above",
        "/%2e%2e/acme.above",
        "/..%2facme.above",
        "/",
        "",
        "/./tok_en-1",
        "/%2e%2e%2f%2e%2e%2fCargo.toml",
        "/tok_en-1%00",
        "//tok_en-1",
    ] {
        let (status, text) = get(address, &format!("{at}{path}"));
        assert!([400, 404].contains(&status), "{path}: {status}");
        assert!(!text.contains("secret"), "{path}");
    }
}

#[test]
fn the_list_of_routes_names_those_for_operators() {
    let ended = run(&mut dunlin(&["serve", "--routes"]));
    assert!(ended.out.contains("GET       /readyz\n"), "{}", ended.out);
    let ended = run(&mut dunlin(&[
        "serve",
        "--routes",
        "--admin",
        "127.0.0.1:1",
    ]));
    assert!(!ended.out.contains("/readyz"), "{}", ended.out);
}
