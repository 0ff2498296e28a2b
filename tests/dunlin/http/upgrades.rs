//! Upgrades: which are refused and how, and what an accepted one is answered.

use super::{Delivery, assert_refused, request, server, upgrade_but};
use crate::running::assert_echo;
use crate::wire_client::{ACCEPT, Frame, Head, KEY, WireClient};

const BAD_REQUEST: &str = "400 Bad Request";
const VERSION: &str = "Sec-WebSocket-Version: 13";

/// The line of the key.
fn key_line(key: &str) -> String {
    format!("Sec-WebSocket-Key: {key}")
}

/// The fields of a 101, sorted.
fn sorted(head: &Head) -> Vec<(&str, &str)> {
    let pairs = head.fields.iter().map(|(name, value)| (&**name, &**value));
    let mut fields: Vec<_> = pairs.collect();
    fields.sort_unstable();
    fields
}

#[test]
fn an_upgrade_however_it_is_spelled_is_answered_101_with_nothing_too_many() {
    let server = server();
    let connection = "Connection: Upgrade";
    let upgrade = "Upgrade: websocket";
    for request in [
        WireClient::upgrade_head("/echo", &[]).into_bytes(),
        upgrade_but(connection, &["connection:keep-alive, UPGRADE"]),
        upgrade_but(
            connection,
            &["Connection: keep-alive", "Connection: ,upgrade ,"],
        ),
        upgrade_but(upgrade, &["UPGRADE:\tWebSocket"]),
        upgrade_but(upgrade, &["Upgrade: h2c", "Upgrade: foo, websocket"]),
        upgrade_but("Host: localhost", &["HOST: localhost:8080"]),
        upgrade_but("Host: localhost", &["Host: [::1]:8080"]),
        upgrade_but(VERSION, &[VERSION, "Content-Length: 0"]),
        upgrade_but(VERSION, &[VERSION, "Cookie: a=b", "X-Empty:"]),
        [b"\r\n", WireClient::upgrade_head("/echo", &[]).as_bytes()].concat(),
    ] {
        for delivery in [Delivery::Whole, Delivery::ByteByByte] {
            let mut client = server.connect();
            delivery.write(&mut client, &request);
            let head = client.read_head();
            let what = request.escape_ascii().to_string();
            assert_eq!(head.status, 101, "{what}");
            let wanted = [
                ("connection", "Upgrade"),
                ("sec-websocket-accept", ACCEPT),
                ("upgrade", "websocket"),
            ];
            assert_eq!(sorted(&head), wanted, "{what}");
            assert_echo(&mut client);
        }
    }
}

#[test]
fn a_key_that_is_missing_repeated_or_not_16_bytes_is_400() {
    let server = server();
    let line = key_line(KEY);
    let but = |keys: &[&str]| {
        let lines: Vec<String> = keys.iter().map(|key| key_line(key)).collect();
        let lines: Vec<&str> = lines.iter().map(|line| &**line).collect();
        upgrade_but(&line, &lines)
    };
    let requests = [
        ("no key", but(&[])),
        ("the same key twice", but(&[KEY, KEY])),
        ("two keys", but(&[KEY, "AAAAAAAAAAAAAAAAAAAAAA=="])),
        ("empty", but(&[""])),
        ("15 bytes", but(&["AAAAAAAAAAAAAAAAAAAA"])),
        ("17 bytes", but(&["AAAAAAAAAAAAAAAAAAAAAAA="])),
        ("18 bytes", but(&["AAAAAAAAAAAAAAAAAAAAAAAA"])),
        ("no base64", but(&["!!!!!!!!!!!!!!!!!!!!!!=="])),
        ("the URL alphabet", but(&["AAAAAAAAAAAAAAAAAAAA-_=="])),
        ("without padding", but(&["AAAAAAAAAAAAAAAAAAAAAA"])),
        ("with a space", but(&["AAAAAAAAAAA AAAAAAAAAA=="])),
        ("two in a list", but(&["AAAAAAAAAAAAAAAAAAAAAA==, a"])),
    ];
    assert_refused(&server, BAD_REQUEST, &[], &requests);
}

#[test]
fn a_version_that_is_missing_or_repeated_is_400_and_another_than_13_is_426() {
    let server = server();
    let requests = [
        ("no version", upgrade_but(VERSION, &[])),
        ("twice", upgrade_but(VERSION, &[VERSION, VERSION])),
    ];
    assert_refused(&server, BAD_REQUEST, &[], &requests);
    let but = |version: &'static str| {
        let line = format!("Sec-WebSocket-Version: {version}");
        (version, upgrade_but(VERSION, &[&line]))
    };
    let requests = ["8", "12", "14", "0", "013", "13, 8", "1 3", ""].map(but);
    let fields = [("Sec-WebSocket-Version", "13"), ("Upgrade", "websocket")];
    assert_refused(&server, "426 Upgrade Required", &fields, &requests);
}

#[test]
fn a_plain_request_on_a_websocket_path_is_426() {
    let server = server();
    let old = String::from_utf8(upgrade_but(VERSION, &[VERSION])).expect("text");
    let old = old.replace("HTTP/1.1", "HTTP/1.0").into_bytes();
    let no_host = b"GET /echo HTTP/1.0\r\n\r\n".to_vec();
    let no_connection = upgrade_but("Connection: Upgrade", &["Connection: keep-alive"]);
    let requests = [
        ("plain", request("GET /echo HTTP/1.1", &[])),
        ("upgrade without its connection token", no_connection),
        ("no Upgrade field", upgrade_but("Upgrade: websocket", &[])),
        (
            "another upgrade",
            upgrade_but("Upgrade: websocket", &["Upgrade: h2c"]),
        ),
        (
            "a longer token",
            upgrade_but("Upgrade: websocket", &["Upgrade: websockets"]),
        ),
        ("an upgrade in HTTP/1.0", old),
        ("HTTP/1.0", no_host),
    ];
    let fields = [("Upgrade", "websocket")];
    assert_refused(&server, "426 Upgrade Required", &fields, &requests);
}

#[test]
fn a_path_of_both_kinds_serves_both() {
    let server = server();
    let (head, body) = server.connect().request("GET", "/both", &[]);
    assert_eq!((head.status, &*body), (200, &b"plain"[..]));
    assert_echo(&mut server.open("/both"));
}

#[test]
fn an_upgrade_with_a_body_is_400_and_by_another_method_405() {
    let server = server();
    let with_body = |field: &str, body: &str| {
        let mut request = upgrade_but(VERSION, &[VERSION, field]);
        request.extend_from_slice(body.as_bytes());
        request
    };
    let requests = [
        ("of known length", with_body("Content-Length: 3", "abc")),
        (
            "chunked",
            with_body("Transfer-Encoding: chunked", "3\r\nabc\r\n0\r\n\r\n"),
        ),
    ];
    assert_refused(&server, BAD_REQUEST, &[], &requests);
    let requests = ["POST", "PUT", "HEAD", "DELETE", "OPTIONS"].map(|method| {
        let head = WireClient::upgrade_head("/echo", &[]);
        (method, head.replacen("GET", method, 1).into_bytes())
    });
    let (heads, others): (Vec<_>, Vec<_>) = requests
        .into_iter()
        .partition(|(method, _)| *method == "HEAD");
    let fields = [("Allow", "GET")];
    assert_refused(&server, "405 Method Not Allowed", &fields, &others);
    for (what, request) in heads {
        let mut client = server.connect();
        client.write(request);
        let answer = String::from_utf8(client.read_to_clean_end()).expect("text");
        let head = answer.strip_suffix("\r\n\r\n").expect("a head and no body");
        super::assert_refusal_head(head, "405 Method Not Allowed", &fields, what);
    }
}

#[test]
fn fields_of_the_handshake_that_break_their_syntax_are_400() {
    let server = server();
    let with = |field: &'static str| (field, upgrade_but(VERSION, &[VERSION, field]));
    let requests = [
        with("Sec-WebSocket-Protocol: a b"),
        with("Sec-WebSocket-Protocol: v1, (v2)"),
        with("Sec-WebSocket-Extensions: permessage-deflate; =10"),
        with("Sec-WebSocket-Extensions: a/b"),
        with("Origin: http://a http://b"),
        with("Origin: http://localhost\r\nOrigin: http://localhost"),
    ];
    assert_refused(&server, BAD_REQUEST, &[], &requests);
}

/// An upgrade of `path` from this origin.
fn from(path: &str, origin: &'static str) -> (&'static str, Vec<u8>) {
    let field = format!("Origin: {origin}");
    let head = WireClient::upgrade_head(path, &[&field]);
    (origin, head.into_bytes())
}

#[test]
fn a_foreign_origin_is_403() {
    let server = server();
    let requests = [
        "null",
        "http://elsewhere",
        "https://sub.localhost",
        "https://localhost:80",
        "https://localhost:8443",
        "http://localhost:8080",
        "http://localhost.elsewhere",
        "http://notlocalhost",
        "http://localhost/",
        "http://user@localhost",
        "localhost",
        "",
    ]
    .map(|origin| from("/echo", origin));
    assert_refused(&server, "403 Forbidden", &[], &requests);
    let requests = [
        "http://localhost",
        "http://example.org",
        "https://example.org:8443",
        "https://sub.example.org",
        "https://example.com",
        "https://evilexample.com",
        "null",
    ]
    .map(|origin| from("/listed", origin));
    assert_refused(&server, "403 Forbidden", &[], &requests);
    let absent = WireClient::upgrade_head("/browsers", &[]).into_bytes();
    assert_refused(&server, "403 Forbidden", &[], &[("absent", absent)]);
}

#[test]
fn an_allowed_origin_is_let_in() {
    let server = server();
    for (path, origin) in [
        ("/echo", "http://localhost"),
        ("/echo", "HTTP://LocalHost:80"),
        // A page behind a proxy that ends TLS.
        ("/echo", "https://localhost"),
        ("/echo", "https://localhost:443"),
        ("/browsers", "http://localhost"),
        ("/any", "null"),
        ("/any", "https://elsewhere"),
        ("/listed", "https://example.org"),
        ("/listed", "https://example.org:443"),
        ("/listed", "https://a.b.example.com"),
    ] {
        let field = format!("Origin: {origin}");
        let mut client = server.connect();
        client.upgrade(path, &[&field]);
        assert_echo(&mut client);
    }
    // No browser: no origin.
    server.open("/echo");
}

#[test]
fn the_servers_favourite_of_the_offered_protocols_is_chosen() {
    let server = server();
    for (path, offered, chosen) in [
        ("/spoken", &["v1, v2"][..], Some("v2")),
        ("/spoken", &["v1"], Some("v1")),
        ("/spoken", &["v3", "v1", "v2"], Some("v2")),
        ("/spoken", &["v3"], None),
        ("/spoken", &["V2"], None),
        ("/spoken", &[], None),
        ("/strict", &["v3,v1"], Some("v1")),
        ("/echo", &["v1"], None),
    ] {
        let fields: Vec<String> = offered
            .iter()
            .map(|names| format!("Sec-WebSocket-Protocol: {names}"))
            .collect();
        let fields: Vec<&str> = fields.iter().map(|field| &**field).collect();
        let head = server.connect().upgrade(path, &fields);
        assert_eq!(head.field("sec-websocket-protocol"), chosen, "{offered:?}");
    }
    let offer = |fields: &[&str]| WireClient::upgrade_head("/strict", fields).into_bytes();
    let requests = [
        ("none", offer(&[])),
        ("others only", offer(&["Sec-WebSocket-Protocol: v3"])),
    ];
    assert_refused(&server, BAD_REQUEST, &[], &requests);
}

#[test]
fn an_unknown_extension_is_passed_over() {
    let server = server();
    let head = server
        .connect()
        .upgrade("/echo", &["Sec-WebSocket-Extensions: bzip, x-mux; a=1"]);
    assert_eq!(head.field("sec-websocket-extensions"), None);
}

#[test]
fn frames_right_behind_the_request_are_answered() {
    let server = server();
    let frames: Vec<u8> = ["one", "two", "three"]
        .iter()
        .flat_map(|text| Frame::text(text).mask([1, 2, 3, 4]).bytes())
        .collect();
    let head = WireClient::upgrade_head("/echo", &[]);
    let all = [head.as_bytes(), &frames].concat();
    for delivery in [Delivery::Whole, Delivery::ByteByByte] {
        let mut client = server.connect();
        delivery.write(&mut client, &all);
        assert_eq!(client.read_head().status, 101);
        for text in ["one", "two", "three"] {
            assert_eq!(client.read_text(), text, "{delivery:?}");
        }
    }
    // Half a frame comes with the request, half behind the answer.
    let mut client = server.connect();
    client.write(&all[..head.len() + 3]);
    assert_eq!(client.read_head().status, 101);
    client.write(&all[head.len() + 3..]);
    assert_eq!(client.read_text(), "one");
}

#[test]
fn a_protocol_error_right_behind_the_request_is_told() {
    let server = server();
    let unmasked = Frame::text("no mask").bytes();
    let mut client = server.connect();
    client.write([WireClient::upgrade_head("/echo", &[]).as_bytes(), &unmasked].concat());
    assert_eq!(client.read_head().status, 101);
    assert_eq!(client.read_close().0, 1002);
    client.expect_end();
}
