//! Pages of other origins: what they may change over plain HTTP, and what they may read.

use super::{assert_refused, request};
use crate::running::{Running, start};
use dunlin::{App, Method, Origins, Response};
use log::{LevelFilter, Log, Metadata, Record};
use std::sync::Mutex;

/// A route of each method behind this guard; `None`: without one.
fn guarded(origins: Option<Origins>) -> Running {
    start(|| {
        let methods = [Method::Get, Method::Post, Method::Put, Method::Patch];
        let mut app = App::new();
        for method in methods.into_iter().chain([Method::Delete, Method::Options]) {
            app = app.http(method, "/item", |_, _| Response::text("done"));
        }
        match origins {
            Some(origins) => app.http_origins(origins),
            None => app,
        }
    })
}

const UNSAFE: [&str; 4] = ["POST", "PUT", "PATCH", "DELETE"];

#[track_caller]
fn assert_served(server: &Running, method: &str, fields: &[&str]) {
    let (head, _) = server.connect().request(method, "/item", fields);
    assert_eq!(head.status, 200, "{method} {fields:?}");
}

#[test]
fn a_foreign_page_changes_nothing_where_the_guard_is_on() {
    let server = guarded(Some(Origins::Same));
    for method in UNSAFE {
        let line = format!("{method} /item HTTP/1.1");
        for fields in [
            &["Origin: http://evil.example"][..],
            &["Origin: null"],
            &["Origin: http://localhost.evil.example"],
            &["Origin: http://localhost:81"],
            &["Origin:"],
            &["Origin: http://localhost", "Origin: http://evil.example"],
            &["Origin: http://localhost, http://evil.example"],
        ] {
            let refused = (&*line, request(&line, fields));
            assert_refused(&server, "403 Forbidden", &[], &[refused]);
        }
    }
}

/// Keeps the lines that name this test's origin.
struct Lines(Mutex<Vec<String>>);

impl Log for Lines {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let line = format!("{} {}", record.level(), record.args());
        if line.contains("logged.example") {
            self.0.lock().expect("no panic").push(line);
        }
    }

    fn flush(&self) {}
}

#[test]
fn a_refused_origin_stands_in_the_log_and_cannot_forge_a_line() {
    static LINES: Lines = Lines(Mutex::new(Vec::new()));
    log::set_logger(&LINES).expect("the only logger of these tests");
    log::set_max_level(LevelFilter::Warn);
    let server = guarded(Some(Origins::Same));
    for origin in ["http://logged.example", "logged.example\t\"x"] {
        let field = format!("Origin: {origin}");
        let (head, _) = server.connect().request("POST", "/item", &[&field]);
        assert_eq!(head.status, 403);
    }
    let wanted = [
        r#"WARN a POST from origin "http://logged.example" is refused"#,
        r#"WARN a POST from origin "logged.example\t\"x" is refused"#,
    ];
    assert_eq!(*LINES.0.lock().expect("no panic"), wanted);
}

#[test]
fn an_origin_that_is_no_text_is_foreign() {
    let server = guarded(Some(Origins::List(vec!["http://localhost".into()])));
    let mut bytes = b"POST /item HTTP/1.1\r\nHost: localhost\r\nOrigin: ".to_vec();
    bytes.extend(b"http://localhost\xff\r\n\r\n");
    assert_refused(&server, "403 Forbidden", &[], &[("no text", bytes)]);
}

#[test]
fn a_foreign_page_is_refused_before_its_body_is_asked_for() {
    let server = guarded(Some(Origins::Same));
    let fields = [
        "Origin: http://evil.example",
        "Content-Length: 60000",
        "Expect: 100-continue",
    ];
    let mut client = server.connect();
    client.write(request("POST /item HTTP/1.1", &fields));
    assert_eq!(client.read_head().status, 403);
}

#[test]
fn the_same_origin_a_listed_one_and_clients_that_are_no_browsers_pass() {
    let listed = Origins::List(vec!["https://*.example.org".into()]);
    for (origins, field) in [
        (Origins::Same, "Origin: http://localhost"),
        (Origins::Same, "X-None: 1"),
        (listed.clone(), "Origin: https://a.example.org"),
        (listed, "X-None: 1"),
        (Origins::Any, "Origin: null"),
    ] {
        let server = guarded(Some(origins));
        for method in UNSAFE {
            assert_served(&server, method, &[field]);
        }
    }
}

#[test]
fn reading_is_not_checked_and_nothing_is_without_a_guard() {
    let (guarded, open) = (guarded(Some(Origins::Same)), guarded(None));
    let foreign = ["Origin: http://evil.example"];
    for method in ["GET", "HEAD", "OPTIONS"] {
        assert_served(&guarded, method, &foreign);
    }
    for method in UNSAFE {
        assert_served(&open, method, &foreign);
    }
}
