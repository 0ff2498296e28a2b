//! PROXY headers on real sockets: from listed networks they are required, from others they are not read.

use crate::running::{Running, assert_echo, start_server};
use crate::wire_client::WireClient;
use dunlin::config::Networks;
use dunlin::{App, Limits, Response, Server};
use std::time::Duration;

const PROXY: [u8; 4] = [127, 0, 0, 9];

fn limits() -> Limits {
    let proxies = Networks::parse(["127.0.0.9/32"]).expect("good networks");
    Limits::default().proxy_protocol(proxies)
}

fn server(change: impl FnOnce(Limits) -> Limits + Send + 'static) -> Running {
    start_server(|| {
        let app = App::new()
            .on_message("/echo", |session, message| session.send(message))
            .get("/who", |request, _| {
                Response::text(request.peer().to_string())
            });
        Server::new(app).limits(change(limits()))
    })
}

fn through(server: &Running) -> WireClient {
    WireClient::connect_from(PROXY, server.address())
}

fn v1(peer: &str) -> Vec<u8> {
    format!("PROXY TCP4 {peer} 127.0.0.1 4711 80\r\n").into_bytes()
}

/// Version 2 with a signature, an address of IPv4, and what proxies add.
fn v2(peer: [u8; 4], more: &[u8]) -> Vec<u8> {
    let len = (12 + more.len() as u16).to_be_bytes();
    let addresses = [&peer[..], &[127, 0, 0, 1, 0x12, 0x67, 0, 80]].concat();
    [
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11".as_slice(),
        &len,
        &addresses,
        more,
    ]
    .concat()
}

#[track_caller]
fn who(client: &mut WireClient) -> String {
    let (head, body) = client.request("GET", "/who", &[]);
    assert_eq!(head.status, 200);
    String::from_utf8(body).expect("text")
}

#[test]
fn the_peer_is_the_one_that_the_header_names_in_either_version() {
    let server = server(|limits| limits);
    for (header, wanted) in [
        (v1("192.0.2.1"), "192.0.2.1:4711"),
        (
            b"PROXY TCP6 2001:db8::1 ::1 4711 80\r\n".to_vec(),
            "[2001:db8::1]:4711",
        ),
        (v2([192, 0, 2, 2], b""), "192.0.2.2:4711"),
        (v2([192, 0, 2, 3], &[0xee; 500]), "192.0.2.3:4711"),
    ] {
        let mut client = through(&server);
        client.write(&header);
        assert_eq!(who(&mut client), wanted);
        // It is read once: what follows is HTTP.
        assert_eq!(who(&mut client), wanted);
    }
}

#[test]
fn a_proxy_that_does_not_know_or_asks_for_itself_is_the_peer() {
    let server = server(|limits| limits);
    let local = b"\r\n\r\n\0\r\nQUIT\n\x20\x00\x00\x00".to_vec();
    for header in [b"PROXY UNKNOWN\r\n".to_vec(), local] {
        let mut client = through(&server);
        client.write(&header);
        assert!(who(&mut client).starts_with("127.0.0.9:"));
    }
}

#[test]
fn a_header_may_come_byte_by_byte_or_with_the_request_and_the_first_frames() {
    let server = server(|limits| limits);
    for header in [v1("192.0.2.1"), v2([192, 0, 2, 1], b"abc")] {
        let mut slow = through(&server);
        for byte in &header {
            slow.write([*byte]);
        }
        let mut upgraded = slow;
        assert_eq!(upgraded.upgrade("/echo", &[]).status, 101);
        assert_echo(&mut upgraded);
        let mut fast = through(&server);
        let request = b"GET /who HTTP/1.1\r\nHost: a\r\n\r\n";
        fast.write([&header[..], request].concat());
        let head = fast.read_head();
        assert_eq!(fast.read_body(&head), b"192.0.2.1:4711");
    }
}

#[test]
fn from_a_listed_network_nothing_else_is_taken() {
    let server = server(|limits| limits);
    for bytes in [
        b"GET /who HTTP/1.1\r\nHost: a\r\n\r\n".to_vec(),
        b"PROXY TCP4 192.0.2.1\r\nGET /who HTTP/1.1\r\nHost: a\r\n\r\n".to_vec(),
        b"\x16\x03\x01\x02\x00\x01\x00".to_vec(),
        v2([192, 0, 2, 1], &[0; 600]),
    ] {
        let mut client = through(&server);
        client.write(&bytes);
        assert_eq!(client.read_to_end(), b"", "{}", bytes.escape_ascii());
    }
    // One that ends within its header is gone.
    let mut client = through(&server);
    client.write(b"PROXY TC");
    client.shut_write();
    assert_eq!(client.read_to_end(), b"");
}

#[test]
fn from_other_networks_a_header_is_not_read() {
    let server = server(|limits| limits);
    let mut client = server.connect();
    assert!(who(&mut client).starts_with("127.0.0.1:"));
    let mut client = server.connect();
    client.write(v1("192.0.2.1"));
    assert_eq!(client.read_head().status, 400);
}

#[test]
fn a_header_that_does_not_come_is_cut_by_the_deadline_of_the_first_request() {
    let server = server(|limits| limits.head_timeout(Duration::from_millis(300)));
    let mut silent = through(&server);
    let mut half = through(&server);
    half.write(b"PROXY TCP4 192.0.2.1 ");
    for client in [&mut silent, &mut half] {
        let answer = String::from_utf8(client.read_to_end()).expect("text");
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 408 "),
            "{answer}"
        );
    }
}

#[test]
fn peers_are_limited_by_their_own_address_and_not_by_that_of_the_proxy() {
    let server = server(|limits| limits.max_per_address(1));
    let open = |peer: &str| {
        let mut client = through(&server);
        client.write(v1(peer));
        client.write(WireClient::upgrade_head("/echo", &[]));
        let head = client.read_head();
        (client, head)
    };
    let mut kept: Vec<_> = (1..20)
        .map(|last| open(&format!("192.0.2.{last}")))
        .collect();
    for (_, head) in &kept {
        assert_eq!(head.status, 101);
    }
    let (_, refused) = open("192.0.2.7");
    assert_eq!(refused.status, 429);
    assert_eq!(refused.field("retry-after"), Some("1"));
    // The counters are told at the end of a turn, behind the answers of it.
    crate::running::turn(&mut kept[0].0);
    assert_eq!(server.remote().stats().limited, 1);
}

/// A proxy that is set up wrong, or an attacker in a listed network, costs nobody else anything.
#[test]
fn many_connections_that_never_complete_a_header_do_not_keep_others_out() {
    let server = server(|limits| limits);
    let mut crowd: Vec<_> = (0..200).map(|_| through(&server)).collect();
    for (at, client) in crowd.iter_mut().enumerate() {
        client.write(&v2([192, 0, 2, 1], &[0; 400])[..at]);
    }
    let mut honest = through(&server);
    honest.write(v1("192.0.2.1"));
    assert_eq!(who(&mut honest), "192.0.2.1:4711");
    assert_echo(&mut server.open("/echo"));
}
