//! Plain HTTP: requests that do not wait for answers, and heads that come in crumbs.

use super::Kind;
use crate::flood::script::Script;

const PIPELINED: usize = 10_000;

pub(super) const KINDS: &[Kind] = &[
    Kind::new(
        "flood-http",
        "10 000 requests pipelined in one go, again and again, read",
        &[1, 4, 100],
        |n| vec![(n, Script::http(get("/", "").repeat(PIPELINED)))],
    ),
    Kind::new(
        "flood-http-unread",
        "the same, nothing read",
        &[1, 4, 100],
        |n| vec![(n, Script::http(get("/", "").repeat(PIPELINED)).unread())],
    ),
    Kind::new(
        "flood-http-404",
        "requests for what is not there, which end the connection, and again",
        &[4, 100],
        |n| vec![(n, Script::http(get("/none", "").repeat(100)).again())],
    ),
    Kind::new(
        "flood-http-head",
        "heads of 15 KiB in 90 fields, pipelined",
        &[4, 100],
        |n| {
            let fields: String = (0..90)
                .map(|i| format!("X-Field-{i}: {}\r\n", "v".repeat(150)))
                .collect();
            vec![(n, Script::http(get("/", &fields).repeat(64)))]
        },
    ),
    Kind::new(
        "flood-http-bytes",
        "requests, one byte a segment",
        &[4, 100, 900],
        |n| vec![(n, Script::http(get("/", "Accept: text/html\r\n")).pieces(1))],
    ),
    Kind::new(
        "flood-http-chunks",
        "requests with a body of 8 KiB in chunks of one byte",
        &[4, 100],
        |n| {
            let body = "1\r\nx\r\n".repeat(8 << 10);
            let request = format!(
                "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n{body}0\r\n\r\n"
            );
            vec![(n, Script::http(request.into_bytes()).again())]
        },
    ),
    Kind::new(
        "flood-http-body",
        "requests with a body of 60 KiB",
        &[4, 100],
        |n| {
            let length = 60 << 10;
            let mut request = get("/", &format!("Content-Length: {length}\r\n"));
            request.resize(request.len() + length, b'x');
            vec![(n, Script::http(request.repeat(4)).again())]
        },
    ),
];

fn get(path: &str, fields: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{fields}\r\n").into_bytes()
}
