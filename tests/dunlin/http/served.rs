//! Plain requests that are served: one after another, with bodies, in every form of target.

use super::{Delivery, assert_date, request, server};
use crate::running::assert_echo;
use crate::wire_client::WireClient;
use std::io::Write;
use std::thread;

/// The heads and bodies of these pipelined requests' answers.
#[track_caller]
fn answers(client: &mut WireClient, count: usize) -> Vec<(u16, String)> {
    (0..count)
        .map(|_| {
            let head = client.read_head();
            let body = client.read_body(&head);
            (head.status, String::from_utf8(body).expect("text"))
        })
        .collect()
}

fn wanted(answers: &[(u16, &str)]) -> Vec<(u16, String)> {
    let owned = answers
        .iter()
        .map(|(status, body)| (*status, (*body).to_owned()));
    owned.collect()
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let server = server();
    let requests = [
        request("GET /item/1 HTTP/1.1", &[]),
        request("POST /body HTTP/1.1", &["Content-Length: 3"]),
        b"two".to_vec(),
        request("POST /body HTTP/1.1", &["Transfer-Encoding: chunked"]),
        b"2;a=b\r\nth\r\n3\r\nree\r\n0\r\nTrailer: x\r\n\r\n".to_vec(),
        b"\r\n".to_vec(),
        request("GET /item/4 HTTP/1.1", &[]),
        request("GET /nowhere HTTP/1.1", &[]),
        request("GET /item/never HTTP/1.1", &[]),
    ]
    .concat();
    for delivery in [Delivery::Whole, Delivery::ByteByByte] {
        let mut client = server.connect();
        delivery.write(&mut client, &requests);
        let last = (404, "404 Not Found\n");
        let wanted = wanted(&[(200, "1"), (200, "two"), (200, "three"), (200, "4"), last]);
        assert_eq!(answers(&mut client, 5), wanted, "{delivery:?}");
        let rest = client.read_to_clean_end();
        assert_eq!(rest, b"", "a refusal ends the connection");
    }
}

#[test]
fn many_pipelined_requests_of_a_client_that_does_not_read_yet_are_all_answered() {
    let server = server();
    let mut client = WireClient::narrow(server.address());
    let mut writer = client.stream().try_clone().expect("a socket");
    let count = 20_000;
    let writing = thread::spawn(move || {
        for number in 0..count {
            let line = format!("GET /item/{number} HTTP/1.1");
            writer.write_all(&request(&line, &[])).expect("it is read");
        }
    });
    for number in 0..count {
        let head = client.read_head();
        assert_eq!(head.status, 200);
        assert_eq!(client.read_body(&head), number.to_string().into_bytes());
    }
    writing.join().expect("all was written");
}

#[test]
fn an_upgrade_behind_pipelined_requests_opens_a_session() {
    let server = server();
    let mut client = server.connect();
    let first = request("GET /hello HTTP/1.1", &[]);
    client.write([&first, WireClient::upgrade_head("/echo", &[]).as_bytes()].concat());
    assert_eq!(answers(&mut client, 1), wanted(&[(200, "hello")]));
    assert_eq!(client.read_head().status, 101);
    assert_echo(&mut client);
}

#[test]
fn head_is_answered_like_get_without_the_body() {
    let server = server();
    let mut client = server.connect();
    let (get, body) = client.request("GET", "/hello", &[]);
    let (head, nothing) = client.request("HEAD", "/hello", &[]);
    assert_eq!((body.len(), nothing.len()), (5, 0));
    assert_eq!(
        (head.status, head.field("content-length")),
        (200, Some("5"))
    );
    let names = |head: &crate::wire_client::Head| {
        let names = head.fields.iter().map(|(name, _)| name.clone());
        names.collect::<Vec<_>>()
    };
    assert_eq!(names(&get), names(&head));
    // Nothing of a body stands in front of the next answer.
    assert_eq!(client.request("GET", "/item/next", &[]).1, b"next");
}

#[test]
fn a_refused_head_has_no_body_either() {
    let server = server();
    let upgrade = ("Upgrade", "websocket");
    for (path, status, fields) in [
        ("/nowhere", "404 Not Found", &[][..]),
        (
            "/body",
            "405 Method Not Allowed",
            &[("Allow", "DELETE, POST")],
        ),
        ("/echo", "426 Upgrade Required", &[upgrade]),
    ] {
        let mut client = server.connect();
        client.write(request(&format!("HEAD {path} HTTP/1.1"), &[]));
        let answer = String::from_utf8(client.read_to_clean_end()).expect("text");
        let head = answer.strip_suffix("\r\n\r\n").expect("a head and no body");
        super::assert_refusal_head(head, status, fields, path);
    }
}

#[test]
fn an_answer_has_its_date_type_length_and_connection() {
    let server = server();
    for (fields, connection) in [(&[][..], "keep-alive"), (&["Connection: close"], "close")] {
        let (head, body) = server.connect().request("GET", "/hello", fields);
        assert_eq!(body, b"hello");
        assert_eq!(head.field("content-type"), Some("text/plain"));
        assert_eq!(head.field("connection"), Some(connection));
        let date = head.field("date").expect("a Date");
        assert_date(&format!("Date: {date}"));
    }
}

#[test]
fn a_connection_ends_when_the_client_asks_for_it_or_speaks_http_1_0() {
    let server = server();
    for request in [
        request("GET /hello HTTP/1.1", &["Connection: close"]),
        request("GET /hello HTTP/1.0", &[]),
        b"GET /hello HTTP/1.0\r\n\r\n".to_vec(),
    ] {
        for delivery in Delivery::ALL {
            let mut client = server.connect();
            delivery.write(&mut client, &request);
            assert_eq!(answers(&mut client, 1), wanted(&[(200, "hello")]));
            assert_eq!(client.read_to_clean_end(), b"");
        }
    }
    let mut client = server.connect();
    for _ in 0..2 {
        client.write(request("GET /hello HTTP/1.0", &["Connection: keep-alive"]));
        assert_eq!(answers(&mut client, 1), wanted(&[(200, "hello")]));
    }
}

#[test]
fn a_client_that_has_ended_its_direction_still_gets_its_answers() {
    let server = server();
    let mut client = server.connect();
    client.write(
        [
            request("GET /item/1 HTTP/1.1", &[]),
            request("GET /item/2 HTTP/1.1", &[]),
        ]
        .concat(),
    );
    client.shut_write();
    assert_eq!(answers(&mut client, 2), wanted(&[(200, "1"), (200, "2")]));
    assert_eq!(client.read_to_clean_end(), b"");
}

#[test]
fn one_leading_line_end_and_absolute_targets_are_accepted() {
    let server = server();
    for request in [
        [&b"\r\n"[..], &request("GET /hello HTTP/1.1", &[])].concat(),
        request("GET http://localhost/hello HTTP/1.1", &[]),
        request("GET HTTP://localhost:8080/hello?a=b HTTP/1.1", &[]),
        request("GET ws://localhost/hello HTTP/1.1", &[]),
        request("GET /hello?a=b?c HTTP/1.1", &[]),
        request("GET /%68ello HTTP/1.1", &[]),
        request("GET /hello HTTP/1.2", &[]),
    ] {
        for delivery in [Delivery::Whole, Delivery::ByteByByte] {
            let mut client = server.connect();
            delivery.write(&mut client, &request);
            let what = request.escape_ascii().to_string();
            assert_eq!(answers(&mut client, 1), wanted(&[(200, "hello")]), "{what}");
        }
    }
    let head = WireClient::upgrade_head("ws://localhost/echo", &[]);
    let mut client = server.connect();
    client.write(head);
    assert_eq!(client.read_head().status, 101);
}

#[test]
fn options_of_the_whole_server_is_answered_with_the_methods_it_knows() {
    let server = server();
    for line in ["OPTIONS * HTTP/1.1", "OPTIONS http://localhost HTTP/1.1"] {
        let mut client = server.connect();
        client.write(request(line, &[]));
        let answer = client.read_head();
        assert_eq!(answer.status, 204, "{line}");
        let methods = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";
        assert!(
            answer
                .fields
                .contains(&("allow".to_owned(), methods.to_owned())),
            "{answer:?}"
        );
    }
}

#[test]
fn the_authority_of_an_absolute_target_is_the_host_that_an_origin_is_compared_with() {
    let server = server();
    for (origin, status) in [("http://localhost", 403), ("http://elsewhere", 101)] {
        let field = format!("Origin: {origin}");
        let mut client = server.connect();
        client.write(WireClient::upgrade_head("http://elsewhere/echo", &[&field]));
        assert_eq!(client.read_head().status, status, "{origin}");
    }
}

#[test]
fn a_client_that_waits_for_100_continue_gets_it_and_then_its_answer() {
    let server = server();
    let expect = "Expect: 100-Continue";
    let mut client = server.connect();
    for (length, body) in [
        ("Content-Length: 4", "body"),
        ("Transfer-Encoding: chunked", "4\r\nbody\r\n0\r\n\r\n"),
    ] {
        client.write(request("POST /body HTTP/1.1", &[length, expect]));
        let go_on = client.read_head();
        assert_eq!((go_on.status, go_on.fields.len()), (100, 0));
        client.write(body);
        assert_eq!(answers(&mut client, 1), wanted(&[(200, "body")]));
    }
    // Without a body nobody waits.
    client.write(request("GET /hello HTTP/1.1", &[expect]));
    assert_eq!(answers(&mut client, 1), wanted(&[(200, "hello")]));
}

#[test]
fn bodies_up_to_the_limit_arrive_whole() {
    let server = server();
    let body = vec![b'a'; super::MAX_BODY];
    let length = format!("Content-Length: {}", body.len());
    let told = [request("POST /body HTTP/1.1", &[&*length]), body.clone()].concat();
    let mut chunked = request("POST /body HTTP/1.1", &["Transfer-Encoding: Chunked"]);
    for part in body.chunks(100) {
        chunked.extend_from_slice(format!("{:X}\r\n", part.len()).as_bytes());
        chunked.extend_from_slice(part);
        chunked.extend_from_slice(b"\r\n");
    }
    chunked.extend_from_slice(b"0\r\n\r\n");
    for request in [told, chunked] {
        for delivery in [Delivery::Whole, Delivery::ByteByByte] {
            let mut client = server.connect();
            delivery.write(&mut client, &request);
            let head = client.read_head();
            assert_eq!(head.status, 200);
            assert!(client.read_body(&head) == body, "{delivery:?}");
        }
    }
}
