//! Every row of the rules for a request head, each whole and byte by byte.

mod fields;
mod mutation;

use super::*;

const LIMITS: HeadLimits = HeadLimits {
    max_target: 8000,
    max_head: 16 * 1024,
    max_fields: 100,
};

/// The outcome, as text, of a head that arrives with the given sizes of the buffer.
fn outcome(input: &[u8], limits: &HeadLimits, sizes: impl Iterator<Item = usize>) -> String {
    let mut scanned = 0;
    let mut last = String::new();
    for size in sizes {
        let result = parse_request(&input[..size], &mut scanned, limits);
        last = format!("{result:?}");
        if !matches!(result, Ok(None)) {
            break;
        }
    }
    last
}

/// Parses a request whole and byte by byte, demands one outcome and returns it.
fn parse<'b>(
    input: &'b [u8],
    limits: &HeadLimits,
) -> Result<Option<(RequestHead<'b>, usize)>, Refusal> {
    let bytewise = outcome(input, limits, 0..=input.len());
    let mut scanned = 0;
    let whole = parse_request(input, &mut scanned, limits);
    assert_eq!(
        bytewise,
        format!("{whole:?}"),
        "{:?}",
        String::from_utf8_lossy(input)
    );
    whole
}

fn accepted(input: &str) -> RequestHead<'_> {
    match parse(input.as_bytes(), &LIMITS) {
        Ok(Some((head, length))) => {
            assert!(input[..length].ends_with("\r\n\r\n"));
            head
        }
        other => panic!("{other:?} for {input:?}"),
    }
}

fn status(input: impl AsRef<[u8]>) -> u16 {
    match parse(input.as_ref(), &LIMITS) {
        Err(refusal) => refusal.status.code(),
        other => panic!(
            "{other:?} for {:?}",
            String::from_utf8_lossy(input.as_ref())
        ),
    }
}

fn get(fields: &str) -> String {
    format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n")
}

#[test]
fn a_request_is_taken_apart() {
    let head =
        accepted("POST /a/b?c=d?e HTTP/1.1\r\nHost: example.org:80\r\nX:  y z\t\r\n\r\nbody");
    assert_eq!(head.method, Method::Post);
    assert_eq!((head.path, head.query), ("/a/b", Some("c=d?e")));
    assert!(head.http11 && head.keep_alive && !head.expects_continue);
    assert_eq!(head.host, Some("example.org:80"));
    assert_eq!(
        head.fields,
        [("Host", &b"example.org:80"[..]), ("X", b"y z")]
    );
    assert_eq!(head.body, BodyLength::None);
}

#[test]
fn the_length_of_the_head_leaves_the_bytes_behind_it() {
    let input = get("");
    let pipelined = format!("{input}\u{1}\u{2}rest");
    let (_, length) = parse(pipelined.as_bytes(), &LIMITS).unwrap().unwrap();
    assert_eq!(length, input.len());
}

#[test]
fn a_head_without_its_blank_line_is_not_complete() {
    for input in [
        "",
        "\r",
        "\r\n",
        "GET",
        "GET / HTTP/1.1\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n\r",
    ] {
        assert!(
            matches!(parse(input.as_bytes(), &LIMITS), Ok(None)),
            "{input:?}"
        );
    }
}

#[test]
fn one_leading_crlf_is_ignored_and_counted() {
    let input = format!("\r\n{}", get(""));
    let (_, length) = parse(input.as_bytes(), &LIMITS).unwrap().unwrap();
    assert_eq!(length, input.len());
    assert_eq!(status("\r\n\r\nGET"), 400);
    assert_eq!(status("\rG"), 400);
}

#[test]
fn methods_are_known_exactly_and_others_are_left_to_the_caller() {
    for (name, method) in [
        ("GET", Method::Get),
        ("HEAD", Method::Head),
        ("POST", Method::Post),
        ("PUT", Method::Put),
        ("PATCH", Method::Patch),
        ("DELETE", Method::Delete),
        ("OPTIONS", Method::Options),
        ("TRACE", Method::Other),
        ("get", Method::Other),
        ("M-SEARCH", Method::Other),
    ] {
        let input = format!("{name} / HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(accepted(&input).method, method, "{name}");
    }
}

#[test]
fn garbage_is_refused_at_its_first_bytes() {
    for input in [
        &b"\x16\x03\x01\x02\x00\x01"[..],
        b"\x00",
        b"\n",
        b" GET",
        b"\xff",
        b"GET\t",
        b"GET\r",
        b"{\"a\":1}",
        b"G\0",
        b"GET /\0",
        b"GET /\x7f",
        b"GET / HTTP/1.1\n",
        b"GET / HTTP/1.1\rH",
    ] {
        assert_eq!(status(input), 400, "{input:?}");
    }
}

#[test]
fn a_method_without_end_is_501_before_its_line_ends() {
    assert_eq!(status("A".repeat(33)), 501);
    assert!(matches!(
        parse("A".repeat(32).as_bytes(), &LIMITS),
        Ok(None)
    ));
}

#[test]
fn http_0_9_and_broken_request_lines_are_400_at_their_end() {
    for line in [
        "GET /",
        "GET / ",
        "GET  / HTTP/1.1",
        "GET / HTTP/1.1 ",
        "GET /  HTTP/1.1",
        "GET / a HTTP/1.1",
        "GET /\tHTTP/1.1",
        "GET /a\tb HTTP/1.1",
        "GET / http/1.1",
        "GET / HTTP/1",
        "GET / HTTP/1.11",
        "GET / HTTP/11.1",
        "GET / HTTP/a.b",
        "GET / HTTPS/1.1",
        "GET /é HTTP/1.1",
        "GET /#a HTTP/1.1",
    ] {
        assert_eq!(status(format!("{line}\r\n")), 400, "{line:?}");
    }
}

#[test]
fn other_major_versions_and_the_preface_of_http_2_are_505() {
    for line in [
        "PRI * HTTP/2.0",
        "GET / HTTP/2.0",
        "GET / HTTP/3.0",
        "GET / HTTP/0.9",
        "GET é HTTP/9.9",
    ] {
        assert_eq!(status(format!("{line}\r\n")), 505, "{line:?}");
    }
    assert_eq!(status("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 505);
}

#[test]
fn a_higher_minor_version_is_served_as_1_1() {
    assert!(accepted("GET / HTTP/1.2\r\nHost: a\r\n\r\n").http11);
    assert!(!accepted("GET / HTTP/1.0\r\nHost: a\r\n\r\n").http11);
}

#[test]
fn absolute_targets_are_accepted_and_their_authority_is_the_host() {
    for (target, host, path, query) in [
        ("http://b.org/x?y", "b.org", "/x", Some("y")),
        ("HTTPS://b.org:443", "b.org:443", "/", None),
        ("ws://b.org?y", "b.org", "/", Some("y")),
        ("wss://[::1]:1/", "[::1]:1", "/", None),
    ] {
        let input = format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n");
        let head = accepted(&input);
        assert_eq!(
            (head.host, head.path, head.query),
            (Some(host), path, query),
            "{target}"
        );
    }
}

#[test]
fn other_forms_of_target_are_400() {
    for target in [
        "a",
        "b.org:80",
        "ftp://b.org/",
        "http:/b.org",
        "http://",
        "http:///x",
        "http://u@b.org/",
        "http://b.org:x/",
        "*",
        "?a",
        "://b.org/",
    ] {
        assert_eq!(
            status(format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n")),
            400,
            "{target}"
        );
    }
}

#[test]
fn the_star_is_for_options_alone() {
    assert_eq!(accepted("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").path, "*");
    assert_eq!(
        accepted("OPTIONS http://b.org HTTP/1.1\r\nHost: a\r\n\r\n").path,
        "*"
    );
    assert_eq!(status("GET * HTTP/1.1\r\n"), 400);
}

#[test]
fn connect_is_501() {
    assert_eq!(status("CONNECT b.org:80 HTTP/1.1\r\n"), 501);
}

#[test]
fn a_target_over_the_limit_is_414_before_it_ends() {
    let fits = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "a".repeat(7999));
    assert_eq!(accepted(&fits).path.len(), 8000);
    assert_eq!(status(format!("GET /{}", "a".repeat(8000))), 414);
    assert_eq!(
        status(format!("\r\nGET /{} HTTP/1.1\r\n\r\n", "a".repeat(8000))),
        414
    );
    assert_eq!(status(format!("GET /{}\0", "a".repeat(8000))), 414);
    assert_eq!(status(format!("GET /\0{}", "a".repeat(8000))), 400);
}

#[test]
fn a_head_over_the_limit_is_431_before_it_ends() {
    let empty = get("X: ").len() + 2;
    let fits = get(&format!("X: {}\r\n", "a".repeat(LIMITS.max_head - empty)));
    assert_eq!(fits.len(), LIMITS.max_head);
    accepted(&fits);
    assert_eq!(status(fits.replacen("X: ", "X: a", 1)), 431);
    assert_eq!(
        status(get(&format!("X: {}", "a".repeat(LIMITS.max_head)))),
        431
    );
    assert_eq!(status(get(&"X: y\r\n".repeat(4000))), 431);
}

#[test]
fn refusals_win_in_the_documented_order() {
    // Fields too many, then malformed, then Host, then length, then coding, then expectation.
    let expect = "Expect: x\r\n";
    let coding = format!("{expect}Transfer-Encoding: gzip\r\n");
    assert_eq!(status(get(&coding)), 501);
    let length = format!("{coding}Content-Length: x\r\n");
    assert_eq!(status(get(&length)), 400);
    let many = format!("{length}Host : a\r\n{}", "X: y\r\n".repeat(100));
    assert_eq!(status(get(&many)), 431);
    assert_eq!(status(format!("CONNECT é HTTP/2.0\r\n{many}\r\n")), 505);
    assert_eq!(status(format!("CONNECT é HTTP/1.1\r\n{many}\r\n")), 400);
    assert_eq!(status(format!("CONNECT a HTTP/1.1\r\n{many}\r\n")), 501);
}

#[test]
fn small_limits_hold_too() {
    for max_head in 0..60 {
        for max_target in [0, 1, 5, 40] {
            let limits = HeadLimits {
                max_target,
                max_head,
                max_fields: 1,
            };
            let fits = max_head >= get("").len() && max_target >= 1;
            assert_eq!(parse(get("").as_bytes(), &limits).is_ok(), fits);
            for input in [
                "\r\nGET /abcdef HTTP/1.1\r\n",
                "\rX",
                "GET /\r\n",
                "AAAAAAAAAAAA\r\r\r",
            ] {
                let _ = parse(input.repeat(3).as_bytes(), &limits);
            }
            let _ = parse("A".repeat(70).as_bytes(), &limits);
        }
    }
}
