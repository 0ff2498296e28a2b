//! The server's side of the handshake, on the bytes of the wire.

use super::*;
use crate::wire::head::{HeadLimits, parse_request};

const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
/// The fields of a valid upgrade, one a line, for tests to leave out or replace.
const FIELDS: [&str; 5] = [
    "Host: a",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
];

/// A request of this line and of [`FIELDS`] without those of `without`, and with those of `with`.
fn request(line: &str, without: &str, with: &[&str]) -> String {
    let kept = FIELDS
        .iter()
        .filter(|field| without.is_empty() || !field.starts_with(without));
    let fields: String = kept
        .chain(with)
        .map(|field| format!("{field}\r\n"))
        .collect();
    format!("{line}\r\n{fields}\r\n")
}

fn head(text: &str) -> RequestHead<'_> {
    let parsed = parse_request(text.as_bytes(), &mut 0, &HeadLimits::default());
    parsed.expect("a head").expect("complete").0
}

fn upgrade(without: &str, with: &[&str]) -> String {
    request("GET /chat HTTP/1.1", without, with)
}

/// The refusal of a valid upgrade that lost one field and got others.
fn refused(without: &str, with: &[&str]) -> Refusal {
    let text = upgrade(without, with);
    let head = head(&text);
    assert!(wants_upgrade(&head), "{text}");
    check_upgrade(&head).expect_err(&text)
}

#[test]
fn the_fault_of_a_key_is_told_apart() {
    const NAME: &str = "Sec-WebSocket-Key";
    for (without, with, fault) in [
        (NAME, &[][..], "is missing"),
        (
            "",
            &["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="],
            "stands twice",
        ),
        (NAME, &["Sec-WebSocket-Key: c2hvcnQ="], "is not 16 bytes"),
    ] {
        assert_eq!(refused(without, with), Refusal::new(Status::BAD_REQUEST));
        let text = upgrade(without, with);
        let told = key_fault(&head(&text)).expect("a fault");
        assert!(told.contains(fault), "{told}");
    }
    assert_eq!(key_fault(&head(&upgrade("", &[]))), None);
}

#[test]
fn a_valid_upgrade_is_accepted() {
    let text = upgrade(
        "",
        &[
            "Origin: http://a",
            "Sec-WebSocket-Protocol: v2, ,v1",
            "Sec-WebSocket-Protocol: v0",
            "Sec-WebSocket-Extensions: a; x=1",
            "Sec-WebSocket-Extensions: b",
        ],
    );
    let head = head(&text);
    assert!(wants_upgrade(&head));
    let request = check_upgrade(&head).unwrap();
    assert_eq!(request.key, KEY);
    assert_eq!(request.protocols, ["v2", "v1", "v0"]);
    assert_eq!(request.origin, Some("http://a"));
    let names: Vec<_> = request
        .extensions
        .iter()
        .map(|offer| &*offer.name)
        .collect();
    assert_eq!(names, ["a", "b"]);
}

#[test]
fn upgrade_tokens_are_found_in_lists_of_any_case_over_several_lines() {
    for (without, with, wanted) in [
        ("", &[][..], true),
        ("Upgrade", &["Upgrade: foo, WebSocket"], true),
        ("Upgrade", &["Upgrade: foo", "upgrade: websocket"], true),
        ("Connection", &["Connection: keep-alive, UPGRADE"], true),
        (
            "Connection",
            &["Connection: keep-alive", "CONNECTION: upgrade"],
            true,
        ),
        ("Upgrade", &[], false),
        ("Upgrade", &["Upgrade: websocket/13"], false),
        ("Upgrade", &["Upgrade: web socket"], false),
        ("Upgrade", &["Upgrade: h2c"], false),
        ("Connection", &[], false),
        ("Connection", &["Connection: keep-alive"], false),
    ] {
        let text = upgrade(without, with);
        assert_eq!(wants_upgrade(&head(&text)), wanted, "{text}");
    }
}

#[test]
fn a_key_that_is_missing_or_twice_or_not_16_bytes_is_400() {
    for with in [
        &[][..],
        &["Sec-WebSocket-Key:"],
        &["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ"],
        &["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==="],
        &["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQA="],
        &["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQAA"],
        &["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j!Q=="],
        &["Sec-WebSocket-Key: dGhl"],
        &[
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
        ],
    ] {
        let refusal = refused("Sec-WebSocket-Key", with);
        assert_eq!(refusal, Status::BAD_REQUEST.into(), "{with:?}");
    }
}

#[test]
fn a_missing_version_is_400_and_a_wrong_one_426_that_names_13() {
    let missing = refused("Sec-WebSocket-Version", &[]);
    assert_eq!(missing, Status::BAD_REQUEST.into());
    let twice = refused("", &["Sec-WebSocket-Version: 8"]);
    assert_eq!(twice, Status::BAD_REQUEST.into());
    for version in ["8", "014", "13, 8", "14", ""] {
        let field = format!("Sec-WebSocket-Version: {version}");
        let refusal = refused("Sec-WebSocket-Version", &[&field]);
        assert_eq!(refusal, Refusal::WRONG_VERSION, "{version}");
    }
}

#[test]
fn a_wrong_version_wins_over_a_missing_key() {
    let text = request(
        "GET / HTTP/1.1",
        "Sec-WebSocket",
        &["Sec-WebSocket-Version: 8"],
    );
    assert_eq!(check_upgrade(&head(&text)), Err(Refusal::WRONG_VERSION));
}

#[test]
fn an_upgrade_in_http_1_0_is_426() {
    let text = request("GET / HTTP/1.0", "", &[]);
    assert!(wants_upgrade(&head(&text)));
    assert_eq!(check_upgrade(&head(&text)), Err(Refusal::UPGRADE_REQUIRED));
}

#[test]
fn an_upgrade_with_a_body_is_400() {
    for field in ["Content-Length: 1", "Transfer-Encoding: chunked"] {
        assert_eq!(refused("", &[field]), Status::BAD_REQUEST.into(), "{field}");
    }
    let text = upgrade("", &["Content-Length: 0"]);
    assert!(check_upgrade(&head(&text)).is_ok());
}

#[test]
fn an_upgrade_by_another_method_is_405() {
    for method in ["POST", "HEAD", "OPTIONS", "FOO"] {
        let text = request(&format!("{method} / HTTP/1.1"), "", &[]);
        assert_eq!(
            check_upgrade(&head(&text)),
            Err(Refusal::GET_ONLY),
            "{method}"
        );
    }
}

#[test]
fn broken_lists_and_origins_are_400() {
    for with in [
        &["Sec-WebSocket-Extensions: a b"][..],
        &["Sec-WebSocket-Extensions: a; x=\""],
        &["Sec-WebSocket-Protocol: a b"],
        &["Sec-WebSocket-Protocol: a/b"],
        &["Origin: http://a", "Origin: http://a"],
        &["Origin: http://a http://b"],
        &["Origin: http://é"],
    ] {
        assert_eq!(refused("", with), Status::BAD_REQUEST.into(), "{with:?}");
    }
}

#[test]
fn the_accept_of_the_rfc_is_computed() {
    assert_eq!(accept_key(KEY), ACCEPT.as_bytes());
    assert_eq!(new_key(*b"the sample nonce"), KEY);
}

#[test]
fn switching_protocols_names_what_was_agreed_and_no_length() {
    let extension = Offer {
        name: "a".into(),
        params: vec![("x".into(), Some("1".into())), ("y".into(), None)],
    };
    let mut out = Vec::new();
    write_switching_protocols(
        &mut out,
        &accept_key(KEY),
        Some("v1"),
        Some(&extension),
        &[],
    );
    assert_eq!(
        String::from_utf8(out).unwrap(),
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: v1\r\n\
         Sec-WebSocket-Extensions: a; x=1; y\r\n\r\n"
    );
}
