//! Plain HTTP: requests that do not wait for answers, and heads that come in crumbs.

use super::super::super::site::Site;
use super::super::kind::{Kind, Need};
use super::super::script::Script;

const PIPELINED: usize = 10_000;

pub(super) const KINDS: &[Kind] = &[
    plain(
        "flood-http",
        "10 000 requests pipelined in one go, again and again, read",
        &[1, 4, 100],
        |site, n| vec![(n, Script::http(get(site, "/", "").repeat(PIPELINED)))],
    ),
    plain(
        "flood-http-unread",
        "the same, nothing read",
        &[1, 4, 100],
        |site, n| {
            vec![(
                n,
                Script::http(get(site, "/", "").repeat(PIPELINED)).unread(),
            )]
        },
    ),
    plain(
        "flood-http-404",
        "requests for what is not there, which end the connection, and again",
        &[4, 100],
        |site, n| vec![(n, Script::http(get(site, "/none", "").repeat(100)).again())],
    ),
    plain(
        "flood-http-head",
        "heads of 15 KiB in 90 fields, pipelined",
        &[4, 100],
        |site, n| {
            let fields: String = (0..90)
                .map(|i| format!("X-Field-{i}: {}\r\n", "v".repeat(150)))
                .collect();
            vec![(n, Script::http(get(site, "/", &fields).repeat(64)))]
        },
    ),
    plain(
        "flood-http-bytes",
        "requests, one byte a segment",
        &[4, 100, 900],
        |site, n| {
            vec![(
                n,
                Script::http(get(site, "/", "Accept: text/html\r\n")).pieces(1),
            )]
        },
    ),
    plain(
        "flood-http-chunks",
        "requests with a body of 8 KiB in chunks of one byte",
        &[4, 100],
        |site, n| {
            let body = "1\r\nx\r\n".repeat(8 << 10);
            let mut request = get(site, "/", "Transfer-Encoding: chunked\r\n");
            request.extend_from_slice(format!("{body}0\r\n\r\n").as_bytes());
            vec![(n, Script::http(request).again())]
        },
    ),
    plain(
        "flood-http-body",
        "requests with a body of 60 KiB",
        &[4, 100],
        |site, n| {
            let length = 60 << 10;
            let mut request = get(site, "/", &format!("Content-Length: {length}\r\n"));
            request.resize(request.len() + length, b'x');
            vec![(n, Script::http(request.repeat(4)).again())]
        },
    ),
];

const fn plain(
    name: &'static str,
    about: &'static str,
    counts: &'static [usize],
    groups: fn(&Site, usize) -> Vec<(usize, Script)>,
) -> Kind {
    Kind::new(name, about, counts, groups).needs(Need::Http)
}

fn get(site: &Site, path: &str, fields: &str) -> Vec<u8> {
    let Site {
        host, fields: more, ..
    } = site;
    format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n{more}{fields}\r\n").into_bytes()
}
