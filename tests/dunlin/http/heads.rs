//! Request heads and bodies that no route ever sees.

use super::{MAX_BODY, assert_refused, request, server};

const BAD_REQUEST: &str = "400 Bad Request";

/// A head as it is written here.
fn raw(what: &'static str, bytes: &[u8]) -> (&'static str, Vec<u8>) {
    (what, bytes.to_vec())
}

/// A good request with this field added.
fn with(field: &'static str) -> (&'static str, Vec<u8>) {
    (field, request("POST /body HTTP/1.1", &[field]))
}

#[test]
fn a_host_that_is_missing_repeated_or_malformed_is_400() {
    let server = server();
    let host = |host: &'static str| {
        let head = format!("GET /hello HTTP/1.1\r\n{host}\r\n\r\n");
        (host, head.into_bytes())
    };
    let requests = [
        raw("no Host", b"GET /hello HTTP/1.1\r\nAccept: */*\r\n\r\n"),
        raw("no field at all", b"GET /hello HTTP/1.1\r\n\r\n"),
        host("Host: localhost\r\nHost: localhost"),
        host("Host: localhost\r\nhost: elsewhere"),
        host("Host:"),
        host("Host: two words"),
        host("Host: local/host"),
        host("Host: user@localhost"),
        host("Host: localhost:99999"),
        host("Host: localhost:-1"),
        host("Host: [::1"),
        host("Host: [elsewhere]"),
        host("Host: a, b"),
        host("Host: loc\u{e4}l"),
    ];
    assert_refused(&server, BAD_REQUEST, &[], &requests);
}

#[test]
fn bytes_that_two_servers_could_read_in_two_ways_are_400() {
    let server = server();
    let requests = [
        raw("bare LF", b"GET /hello HTTP/1.1\nHost: localhost\r\n\r\n"),
        raw(
            "bare LF behind a field",
            b"GET /hello HTTP/1.1\r\nHost: localhost\n\r\n",
        ),
        raw(
            "bare LF as blank line",
            b"GET /hello HTTP/1.1\r\nHost: localhost\r\n\n",
        ),
        raw(
            "bare CR",
            b"GET /hello HTTP/1.1\r\nHost: localhost\r\nA: b\rc\r\n\r\n",
        ),
        raw(
            "bare CR as line end",
            b"GET /hello HTTP/1.1\rHost: localhost\r\n\r\n",
        ),
        raw(
            "NUL in a value",
            b"GET /hello HTTP/1.1\r\nHost: localhost\r\nA: b\0c\r\n\r\n",
        ),
        raw(
            "NUL in a name",
            b"GET /hello HTTP/1.1\r\nHost: localhost\r\nA\0: b\r\n\r\n",
        ),
        raw(
            "escape in a value",
            b"GET /hello HTTP/1.1\r\nHost: localhost\r\nA: \x1b[2J\r\n\r\n",
        ),
        raw(
            "obs-fold",
            b"GET /hello HTTP/1.1\r\nHost: localhost\r\nA: b\r\n c\r\n\r\n",
        ),
        raw(
            "obs-fold by tab",
            b"GET /hello HTTP/1.1\r\nHost: localhost\r\nA: b\r\n\tc\r\n\r\n",
        ),
        raw(
            "space in front of the first field",
            b"GET /hello HTTP/1.1\r\n Host: localhost\r\n\r\n",
        ),
        raw(
            "space before colon",
            b"GET /hello HTTP/1.1\r\nHost : localhost\r\n\r\n",
        ),
        raw(
            "tab before colon",
            b"GET /hello HTTP/1.1\r\nHost: localhost\r\nA\t: b\r\n\r\n",
        ),
        raw(
            "no colon",
            b"GET /hello HTTP/1.1\r\nHost: localhost\r\nabc\r\n\r\n",
        ),
        raw(
            "no name",
            b"GET /hello HTTP/1.1\r\nHost: localhost\r\n: b\r\n\r\n",
        ),
        raw(
            "no token as name",
            b"GET /hello HTTP/1.1\r\nHost: localhost\r\nA(b): c\r\n\r\n",
        ),
        raw(
            "control byte in the target",
            b"GET /he\x01llo HTTP/1.1\r\nHost: localhost\r\n\r\n",
        ),
        raw(
            "delete in the target",
            b"GET /he\x7fllo HTTP/1.1\r\nHost: localhost\r\n\r\n",
        ),
        raw(
            "tab in the target",
            b"GET /he\tllo HTTP/1.1\r\nHost: localhost\r\n\r\n",
        ),
        raw(
            "fragment in the target",
            b"GET /hello#a HTTP/1.1\r\nHost: localhost\r\n\r\n",
        ),
        raw(
            "byte above ASCII in the target",
            b"GET /\xff HTTP/1.1\r\nHost: localhost\r\n\r\n",
        ),
        raw(
            "two blank lines in front",
            b"\r\n\r\nGET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n",
        ),
    ];
    assert_refused(&server, BAD_REQUEST, &[], &requests);
}

#[test]
fn request_lines_that_are_none_are_400() {
    let server = server();
    let requests = [
        raw("HTTP/0.9", b"GET /hello\r\n"),
        raw("no target", b"GET HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        raw(
            "two spaces",
            b"GET  /hello HTTP/1.1\r\nHost: localhost\r\n\r\n",
        ),
        raw(
            "space behind",
            b"GET /hello HTTP/1.1 \r\nHost: localhost\r\n\r\n",
        ),
        raw(
            "lower case",
            b"GET /hello http/1.1\r\nHost: localhost\r\n\r\n",
        ),
        raw("no version", b"GET /hello HTTP/\r\nHost: localhost\r\n\r\n"),
        raw(
            "long version",
            b"GET /hello HTTP/1.10\r\nHost: localhost\r\n\r\n",
        ),
        raw(
            "relative target",
            b"GET hello HTTP/1.1\r\nHost: localhost\r\n\r\n",
        ),
        raw("star", b"GET * HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        raw(
            "other scheme",
            b"GET ftp://localhost/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
        ),
        raw("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
        raw("a frame", b"\x81\x85\x00\x00\x00\x00hello"),
        raw("a space first", b" GET /hello HTTP/1.1\r\n"),
        raw("noise", b"\x00\x01\x02\x03"),
    ];
    assert_refused(&server, BAD_REQUEST, &[], &requests);
}

#[test]
fn other_major_versions_are_505() {
    let server = server();
    let requests = [
        raw(
            "HTTP/2.0",
            b"GET /hello HTTP/2.0\r\nHost: localhost\r\n\r\n",
        ),
        raw(
            "HTTP/3.0",
            b"GET /hello HTTP/3.0\r\nHost: localhost\r\n\r\n",
        ),
        raw(
            "HTTP/9.9",
            b"GET /hello HTTP/9.9\r\nHost: localhost\r\n\r\n",
        ),
        raw("PRI", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    ];
    assert_refused(&server, "505 HTTP Version Not Supported", &[], &requests);
}

#[test]
fn a_body_whose_length_is_doubtful_is_400() {
    let server = server();
    let two = |a: &'static str, b: &str| (a, request("POST /body HTTP/1.1", &[a, b]));
    let chunked = "Transfer-Encoding: chunked";
    let old = b"POST /body HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n";
    let requests = [
        with("Content-Length:"),
        with("Content-Length: -1"),
        with("Content-Length: +1"),
        with("Content-Length: 0x10"),
        with("Content-Length: 005"),
        with("Content-Length: 1 1"),
        with("Content-Length: 1,1"),
        with("Content-Length: 1.0"),
        with("Content-Length: ten"),
        with("Content-Length: 18446744073709551616"),
        two("Content-Length: 1", "Content-Length: 1"),
        two("Content-Length: 1", "Content-Length: 2"),
        two("Content-Length: 1", chunked),
        two("Content-Length: 0", chunked),
        two(chunked, chunked),
        with("Transfer-Encoding: chunked, gzip"),
        with("Transfer-Encoding: chunked, chunked"),
        with("Transfer-Encoding: chunked; a=b"),
        with("Transfer-Encoding: \"chunked\""),
        raw("chunked in HTTP/1.0", old),
    ];
    assert_refused(&server, BAD_REQUEST, &[], &requests);
}

#[test]
fn broken_chunks_are_400() {
    let server = server();
    let chunks = |body: &'static str| {
        let mut bytes = request("POST /body HTTP/1.1", &["Transfer-Encoding: chunked"]);
        bytes.extend_from_slice(body.as_bytes());
        (body, bytes)
    };
    let requests = [
        chunks("x\r\n"),
        chunks("-1\r\n"),
        chunks("\r\n"),
        chunks("3\nabc\r\n"),
        chunks("3\r\nabcd\r\n"),
        chunks("3\r\nabc\n0\r\n\r\n"),
        chunks("0x3\r\nabc\r\n"),
        chunks("3 \r\nabc\r\n"),
        chunks("0\r\nno trailer\r\n\r\n"),
    ];
    assert_refused(&server, BAD_REQUEST, &[], &requests);
}

#[test]
fn a_body_that_is_too_big_is_413() {
    let server = server();
    let told = request(
        "POST /body HTTP/1.1",
        &[&*format!("Content-Length: {}", MAX_BODY + 1)],
    );
    let expecting = request(
        "POST /body HTTP/1.1",
        &["Content-Length: 9999999", "Expect: 100-continue"],
    );
    let mut grown = request("POST /body HTTP/1.1", &["Transfer-Encoding: chunked"]);
    grown.extend(b"100\r\n");
    grown.extend([b'a'; 0x100]);
    grown.extend(b"\r\n301\r\n");
    let requests = [
        ("told by its length", told),
        ("told before it is sent", expecting),
        ("grown by chunks", grown),
    ];
    assert_refused(&server, "413 Content Too Large", &[], &requests);
}

#[test]
fn a_target_over_8000_bytes_is_414() {
    let server = server();
    let target = |length: usize| format!("/hello?{}", "a".repeat(length - "/hello?".len()));
    let line = format!("GET {} HTTP/1.1", target(8001));
    let endless = format!("GET {}", target(8001));
    let requests = [
        ("one byte over", request(&line, &[])),
        ("without an end", endless.into_bytes()),
    ];
    assert_refused(&server, "414 URI Too Long", &[], &requests);
    let line = format!("GET {} HTTP/1.1", target(8000));
    let mut client = server.connect();
    client.write(request(&line, &[]));
    assert_eq!(client.read_head().status, 200, "8000 bytes are fine");
}

#[test]
fn a_head_over_16_kib_or_100_fields_is_431() {
    let server = server();
    let head = |length: usize| {
        let empty = request("GET /hello HTTP/1.1", &["A: "]).len();
        let field = format!("A: {}", "a".repeat(length - empty));
        request("GET /hello HTTP/1.1", &[&*field])
    };
    let fields = |count: usize| {
        // Host is one of them.
        let fields = vec!["A: b"; count - 1];
        request("GET /hello HTTP/1.1", &fields)
    };
    let mut endless = head((16 << 10) + 8);
    endless.truncate((16 << 10) + 1);
    let requests = [
        ("one byte over", head((16 << 10) + 1)),
        ("without an end", endless),
        ("101 fields", fields(101)),
        ("500 fields", fields(500)),
    ];
    let status = "431 Request Header Fields Too Large";
    assert_refused(&server, status, &[], &requests);
    for fine in [head(16 << 10), fields(100)] {
        let mut client = server.connect();
        client.write(fine);
        assert_eq!(client.read_head().status, 200);
    }
}

#[test]
fn what_is_not_implemented_is_501_and_what_is_not_expected_417() {
    let server = server();
    let requests = [
        ("unknown method", request("BREW /hello HTTP/1.1", &[])),
        ("lower case", request("get /hello HTTP/1.1", &[])),
        (
            "CONNECT",
            raw(
                "",
                b"CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n",
            )
            .1,
        ),
        ("a long method", [b'A'; 33].to_vec()),
        with("Transfer-Encoding: gzip"),
        with("Transfer-Encoding: gzip, chunked"),
        with("Transfer-Encoding: identity"),
    ];
    assert_refused(&server, "501 Not Implemented", &[], &requests);
    let requests = [with("Expect: 200-ok"), with("Expect: 100-continue, tea")];
    assert_refused(&server, "417 Expectation Failed", &[], &requests);
}

#[test]
fn paths_and_methods_that_are_not_there_are_404_and_405_with_allow() {
    let server = server();
    let requests = [
        ("no path", request("GET /nowhere HTTP/1.1", &[])),
        (
            "no path to post to",
            request("POST /nowhere HTTP/1.1", &["Content-Length: 3"]),
        ),
        ("half a path", request("GET /hello/ HTTP/1.1", &[])),
        ("no parameter", request("GET /item/ HTTP/1.1", &[])),
        ("another case", request("GET /Hello HTTP/1.1", &[])),
    ];
    assert_refused(&server, "404 Not Found", &[], &requests);
    for (path, allow, methods) in [
        ("/hello", "GET, HEAD", ["POST", "DELETE"]),
        ("/body", "DELETE, POST", ["GET", "PUT"]),
        ("/echo", "GET", ["POST", "OPTIONS"]),
        ("/both", "GET, HEAD", ["PATCH", "DELETE"]),
    ] {
        let requests = methods.map(|method| {
            let request = request(&format!("{method} {path} HTTP/1.1"), &[]);
            (path, request)
        });
        let fields = [("Allow", allow)];
        assert_refused(&server, "405 Method Not Allowed", &fields, &requests);
    }
}
