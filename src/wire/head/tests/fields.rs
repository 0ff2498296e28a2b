//! The rows about header fields: their syntax and number, Host, the length of
//! the body, expectations, persistence.

use super::*;

#[test]
fn more_than_a_hundred_fields_are_431() {
    accepted(&get(&"X: y\r\n".repeat(99)));
    assert_eq!(status(get(&"X: y\r\n".repeat(100))), 431);
    assert_eq!(status(get(&"X: y\r\n".repeat(499))), 431);
}

#[test]
fn malformed_fields_are_400() {
    for line in [
        "X : y\r\n",
        "X\t: y\r\n",
        " X: y\r\n",
        "X: y\r\n z\r\n",
        "X: y\r\n\tz\r\n",
        "X: y\nZ: z\r\n",
        "X: y\rZ: z\r\n",
        "X: \0\r\n",
        "X: \x01\r\n",
        "X: \x7f\r\n",
        "X\0: y\r\n",
        "X\r\n",
        ": y\r\n",
        "X Y: z\r\n",
        "X(: y\r\n",
        "é: y\r\n",
    ] {
        assert_eq!(status(get(line)), 400, "{line:?}");
    }
}

#[test]
fn values_may_hold_tabs_and_bytes_above_ascii() {
    let input = get("X: a\té\r\nY:\r\n");
    let head = accepted(&input);
    assert_eq!(head.values("x").next(), Some("a\té".as_bytes()));
    assert_eq!(head.values("y").next(), Some(&b""[..]));
}

#[test]
fn host_is_there_once_and_well_formed() {
    for fields in [
        "",
        "Host: a\r\nHost: a\r\n",
        "Host: a\r\nhost: b\r\n",
        "Host:\r\n",
        "Host: a b\r\n",
        "Host: a, b\r\n",
        "Host: a/b\r\n",
        "Host: u@a\r\n",
        "Host: http://a\r\n",
        "Host: a:b\r\n",
        "Host: a:99999\r\n",
        "Host: [::1\r\n",
        "Host: é\r\n",
    ] {
        assert_eq!(
            status(format!("GET / HTTP/1.1\r\n{fields}\r\n")),
            400,
            "{fields:?}"
        );
        assert_eq!(
            status(format!("GET http://b/ HTTP/1.1\r\n{fields}\r\n")),
            400,
            "{fields:?}"
        );
    }
}

#[test]
fn only_http_1_0_may_go_without_host() {
    assert_eq!(accepted("GET / HTTP/1.0\r\n\r\n").host, None);
    assert_eq!(status("GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n"), 400);
    assert_eq!(status("GET / HTTP/1.0\r\nHost: a b\r\n\r\n"), 400);
}

#[test]
fn the_length_of_the_body_is_known() {
    for (fields, body) in [
        ("Content-Length: 5\r\n", BodyLength::Length(5)),
        ("Content-Length: 0\r\n", BodyLength::None),
        (
            "Content-Length: 18446744073709551615\r\n",
            BodyLength::Length(u64::MAX),
        ),
        ("Transfer-Encoding: Chunked\r\n", BodyLength::Chunked),
    ] {
        assert_eq!(accepted(&get(fields)).body, body, "{fields:?}");
    }
}

#[test]
fn a_bad_or_ambiguous_length_is_400() {
    for fields in [
        "Content-Length:\r\n",
        "Content-Length: -1\r\n",
        "Content-Length: +5\r\n",
        "Content-Length: 0x5\r\n",
        "Content-Length: 005\r\n",
        "Content-Length: 00\r\n",
        "Content-Length: 5.0\r\n",
        "Content-Length: 5 5\r\n",
        "Content-Length: 5, 5\r\n",
        "Content-Length: 5\r\nContent-Length: 5\r\n",
        "Content-Length: 5\r\ncontent-length: 6\r\n",
        "Content-Length: 18446744073709551616\r\n",
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n",
        "Transfer-Encoding: gzip\r\nContent-Length: 5\r\n",
        "Transfer-Encoding: chunked, gzip\r\n",
        "Transfer-Encoding: chunked, chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        "Transfer-Encoding: chunked;a=b\r\n",
        "Transfer-Encoding: ;chunked\r\n",
        "Transfer-Encoding:\r\n",
        "Transfer-Encoding: chunked,\r\n",
        "Transfer-Encoding: \"chunked\"\r\n",
        "Transfer-Encoding: \x0bchunked\r\n",
    ] {
        assert_eq!(status(get(fields)), 400, "{fields:?}");
    }
}

#[test]
fn unknown_transfer_codings_are_501() {
    for coding in [
        "gzip",
        "gzip, chunked",
        "identity",
        "xchunked",
        "gzip;q=1, chunked",
    ] {
        assert_eq!(
            status(get(&format!("Transfer-Encoding: {coding}\r\n"))),
            501,
            "{coding}"
        );
    }
}

#[test]
fn http_1_0_has_no_transfer_encoding() {
    assert_eq!(
        status("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"),
        400
    );
}

#[test]
fn only_100_continue_may_be_expected() {
    assert!(accepted(&get("Expect: 100-Continue\r\n")).expects_continue);
    assert!(!accepted("GET / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n").expects_continue);
    assert_eq!(status(get("Expect: 200-ok\r\n")), 417);
    assert_eq!(status(get("Expect: 100-continue, x\r\n")), 417);
    assert_eq!(status(get("Expect: 100-continue\r\nExpect: x\r\n")), 417);
}

#[test]
fn a_connection_is_kept_as_version_and_tokens_say() {
    for (version, fields, kept) in [
        ("1.1", "", true),
        ("1.1", "Connection: Close\r\n", false),
        (
            "1.1",
            "Connection: foo\r\nConnection: bar , CLOSE\r\n",
            false,
        ),
        ("1.1", "Connection: closed\r\n", true),
        ("1.0", "", false),
        ("1.0", "Connection: Keep-Alive\r\n", true),
        ("1.0", "Connection: keep-alive, close\r\n", false),
    ] {
        let input = format!("GET / HTTP/{version}\r\nHost: a\r\n{fields}\r\n");
        assert_eq!(accepted(&input).keep_alive, kept, "{input:?}");
    }
}
