//! The client's side of the handshake, against the bytes of good and bad servers.

use super::*;
use crate::wire::head::parse_request;
use crate::wire::upgrade::{check_upgrade, wants_upgrade, write_switching_protocols};

const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

fn offer(name: &str) -> Offer {
    Offer {
        name: name.into(),
        params: Vec::new(),
    }
}

fn call() -> UpgradeCall<'static> {
    UpgradeCall {
        host: "a:8080",
        target: "/chat?x=y",
        key: KEY,
        protocols: &["v2", "v1"],
        extensions: &[],
        fields: &[("Origin", "http://a")],
    }
}

#[test]
fn the_client_writes_what_the_server_accepts() {
    let extensions = [offer("a"), offer("b")];
    let mut out = Vec::new();
    let call = UpgradeCall {
        extensions: &extensions,
        ..call()
    };
    write_request(&mut out, &call).unwrap();
    let text = String::from_utf8(out).unwrap();
    let parsed = parse_request(text.as_bytes(), &mut 0, &HeadLimits::default());
    let (head, _) = parsed.unwrap().unwrap();
    assert!(wants_upgrade(&head));
    assert_eq!((head.path, head.query), ("/chat", Some("x=y")));
    assert_eq!(head.host, Some("a:8080"));
    let request = check_upgrade(&head).unwrap();
    assert_eq!(request.protocols, ["v2", "v1"]);
    assert_eq!(request.extensions, extensions);
    assert_eq!(request.origin, Some("http://a"));
}

#[test]
fn the_client_refuses_values_that_would_break_the_request() {
    let bad_extension = [Offer {
        name: "a".into(),
        params: vec![("x".into(), Some("1\r\nEvil: 1".into()))],
    }];
    for bad in [
        UpgradeCall {
            host: "a\r\nEvil: 1",
            ..call()
        },
        UpgradeCall { host: "", ..call() },
        UpgradeCall {
            target: "/ HTTP/1.1\r\nEvil: 1",
            ..call()
        },
        UpgradeCall {
            target: "chat",
            ..call()
        },
        UpgradeCall {
            target: "/#x",
            ..call()
        },
        UpgradeCall {
            key: "short",
            ..call()
        },
        UpgradeCall {
            protocols: &["a, b"],
            ..call()
        },
        UpgradeCall {
            extensions: &bad_extension,
            ..call()
        },
        UpgradeCall {
            fields: &[("A\r\nEvil", "1")],
            ..call()
        },
        UpgradeCall {
            fields: &[("A", "1\nEvil: 1")],
            ..call()
        },
        UpgradeCall {
            fields: &[("A", "1\0")],
            ..call()
        },
        UpgradeCall {
            fields: &[("host", "b")],
            ..call()
        },
    ] {
        let mut out = Vec::new();
        let error = write_request(&mut out, &bad).expect_err("a refusal");
        assert_eq!(error.kind(), ErrorKind::Config, "{bad:?}");
        assert!(out.is_empty(), "{bad:?}");
    }
}

fn response(text: &str) -> Result<Option<usize>, Error> {
    let limits = HeadLimits {
        max_head: 1000,
        max_fields: 10,
        ..HeadLimits::default()
    };
    let whole = parse_response(text.as_bytes(), &mut 0, &limits);
    let mut scanned = 0;
    let bytewise = (0..=text.len())
        .map(|size| parse_response(&text.as_bytes()[..size], &mut scanned, &limits))
        .find(|result| !matches!(result, Ok(None)))
        .unwrap_or(Ok(None));
    assert_eq!(format!("{whole:?}"), format!("{bytewise:?}"));
    whole.map(|found| found.map(|(_, length)| length))
}

#[test]
fn a_response_is_taken_apart_whole_and_byte_by_byte() {
    let text = "HTTP/1.1 101 Switching Protocols\r\nA: b\r\n\r\n\u{81}";
    assert_eq!(response(text).unwrap(), Some(text.len() - 2));
    assert_eq!(response("HTTP/1.1 101 Switching").unwrap(), None);
    let (head, _) = parse_response(text.as_bytes(), &mut 0, &HeadLimits::default())
        .unwrap()
        .unwrap();
    assert_eq!((head.status, head.reason), (101, "Switching Protocols"));
    assert_eq!(head.fields, [("A", &b"b"[..])]);
}

#[test]
fn what_is_no_response_is_a_protocol_error() {
    for text in [
        "SSH-2.0-x\r\n",
        "\x15\x03",
        "HTTP/2.0 101 A\r\n\r\n",
        "HTTP/1.1 99 A\r\n\r\n",
        "HTTP/1.1 1012 A\r\n\r\n",
        "HTTP/1.1 abc A\r\n\r\n",
        "HTTP/1.1\r\n\r\n",
        "HTTP/1.1 101 A\n",
        "HTTP/1.1 101 A\0",
        "HTTP/1.1 101 A\r\nB : c\r\n\r\n",
        "HTTP/1.1 101 A\r\nB: c\r\n d\r\n\r\n",
    ] {
        assert_eq!(
            response(text).unwrap_err().kind(),
            ErrorKind::Protocol,
            "{text:?}"
        );
    }
}

#[test]
fn a_response_over_a_limit_is_told_so() {
    for fields in ["A: b\r\n".repeat(11), format!("A: {}", "b".repeat(1000))] {
        let error = response(&format!("HTTP/1.1 101 A\r\n{fields}\r\n")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Limit);
    }
}

#[test]
fn interim_responses_are_told_from_the_answer() {
    for (line, interim) in [
        ("100 Continue", true),
        ("103", true),
        ("101 A", false),
        ("200 OK", false),
    ] {
        let text = format!("HTTP/1.1 {line}\r\n\r\n");
        let parsed = parse_response(text.as_bytes(), &mut 0, &HeadLimits::default());
        assert_eq!(parsed.unwrap().unwrap().0.is_interim(), interim, "{line}");
    }
}

/// Checks a 101 with these fields, against the offers `v1`, `v2` and `a`, `b`.
fn checked(line: &str, fields: &[&str]) -> Result<Accepted, Error> {
    let fields: String = fields.iter().map(|field| format!("{field}\r\n")).collect();
    let text = format!("HTTP/{line}\r\n{fields}\r\n");
    let parsed = parse_response(text.as_bytes(), &mut 0, &HeadLimits::default());
    let (head, _) = parsed.unwrap().unwrap();
    check_response(&head, KEY, &["v1", "v2"], &[offer("a"), offer("b")])
}

const UPGRADE: &str = "Upgrade: WebSocket";
const CONNECTION: &str = "Connection: keep-alive, upgrade";
const RIGHT: &str = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

#[test]
fn the_client_takes_the_servers_own_answer() {
    let mut out = Vec::new();
    write_switching_protocols(
        &mut out,
        &accept_key(KEY),
        Some("v2"),
        Some(&offer("b")),
        &[],
    );
    let (head, length) = parse_response(&out, &mut 0, &HeadLimits::default())
        .unwrap()
        .unwrap();
    assert_eq!(length, out.len());
    let accepted = check_response(&head, KEY, &["v1", "v2"], &[offer("a"), offer("b")]).unwrap();
    assert_eq!(accepted.protocol.as_deref(), Some("v2"));
    assert_eq!(accepted.extensions, [offer("b")]);
    let bare = checked("1.1 101 A", &[UPGRADE, CONNECTION, RIGHT]).unwrap();
    assert_eq!(bare, Accepted::default());
}

#[test]
fn another_status_is_a_refusal_that_names_it() {
    let error = checked("1.1 403 Forbidden", &[]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert_eq!(error.status().map(|status| status.code()), Some(403));
    assert!(error.to_string().contains("403 Forbidden"), "{error}");
}

#[test]
fn a_wrong_101_is_refused_with_its_reason() {
    let wrong = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOp=";
    for (line, fields, reason) in [
        ("1.0 101 A", &[UPGRADE, CONNECTION, RIGHT][..], "HTTP/1.0"),
        ("1.1 101 A", &[CONNECTION, RIGHT], "no `Upgrade: websocket`"),
        ("1.1 101 A", &[UPGRADE, RIGHT], "no `Connection: Upgrade`"),
        (
            "1.1 101 A",
            &["Upgrade: h2c", CONNECTION, RIGHT],
            "no `Upgrade",
        ),
        (
            "1.1 101 A",
            &[UPGRADE, CONNECTION],
            "no Sec-WebSocket-Accept",
        ),
        ("1.1 101 A", &[UPGRADE, CONNECTION, wrong], "does not fit"),
        ("1.1 101 A", &[UPGRADE, CONNECTION, RIGHT, RIGHT], "several"),
    ] {
        let error = checked(line, fields).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol);
        assert!(error.to_string().contains(reason), "{error}");
    }
}

#[test]
fn only_what_was_offered_may_be_agreed() {
    for (fields, reason) in [
        (&["Sec-WebSocket-Protocol: v3"][..], "offered: v1, v2"),
        (&["Sec-WebSocket-Protocol: V1"], "subprotocol \"V1\""),
        (&["Sec-WebSocket-Protocol: v1, v2"], "subprotocol"),
        (
            &["Sec-WebSocket-Protocol: v1", "Sec-WebSocket-Protocol: v1"],
            "more than one",
        ),
        (
            &["Sec-WebSocket-Extensions: c"],
            "extension c, which was not offered",
        ),
        (&["Sec-WebSocket-Extensions: a, b, a"], "extension a twice"),
        (&["Sec-WebSocket-Extensions: a;"], "malformed"),
    ] {
        let mut all = vec![UPGRADE, CONNECTION, RIGHT];
        all.extend(fields);
        let error = checked("1.1 101 A", &all).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol);
        assert!(error.to_string().contains(reason), "{error}");
    }
}
