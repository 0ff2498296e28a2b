//! The handshake: versions, keys, protocols, and what a program learns of it.

use super::authority::Pair;
use super::peer::{self, BOTH, assert_echo, begin, config, open, open_over, tcp};
use super::{echo, secured};
use crate::running::start_listening;
use dunlin::{App, Client, Message, Server, Session, Settings};
use rustls::version::{TLS12, TLS13};
use rustls::{AlertDescription, ClientConfig, ClientConnection, Error};
use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;

#[test]
fn both_versions_are_spoken_with_keys_of_both_kinds() {
    for pair in [Pair::new(), Pair::rsa()] {
        let server = secured(&pair, echo);
        for version in [&TLS13, &TLS12] {
            let stream = peer::secured(server.address(), config(&pair, &[version]));
            let mut client = open_over(stream, "/echo");
            assert_echo(&mut client, "over TLS");
            let agreed = client.stream().conn.protocol_version();
            assert_eq!(agreed, Some(version.version));
            assert_eq!(client.stream().conn.alpn_protocol(), Some(&b"http/1.1"[..]));
        }
    }
}

/// The first flight of a client.
fn hello(connection: &mut ClientConnection) -> Vec<u8> {
    let mut hello = Vec::new();
    while connection.wants_write() {
        connection.write_tls(&mut hello).expect("memory");
    }
    hello
}

/// The same message in records of one byte each.
fn shredded(hello: &[u8]) -> Vec<u8> {
    let one = |byte: &u8| [22, 3, 1, 0, 1, *byte];
    hello[5..].iter().flat_map(one).collect()
}

#[test]
fn a_hello_may_come_byte_by_byte() {
    let pair = Pair::new();
    let server = secured(&pair, echo);
    for cut in [<[u8]>::to_vec, shredded] {
        let mut connection = begin(config(&pair, &BOTH));
        let hello = cut(&hello(&mut connection));
        let mut socket = tcp(server.address());
        for byte in hello {
            socket.write_all(&[byte]).expect("it is taken");
        }
        let mut client = open_over(rustls::StreamOwned::new(connection, socket), "/echo");
        assert_echo(&mut client, "in pieces");
    }
}

/// What a handshake with this configuration comes to.
fn failure(address: SocketAddr, config: ClientConfig) -> Error {
    let mut stream = peer::secured(address, config);
    let error = stream.write_all(b"anything").expect_err("it is refused");
    let inner = error.into_inner().expect("an error of TLS");
    *inner.downcast().expect("an error of TLS")
}

#[test]
fn a_client_that_speaks_another_protocol_only_is_told_so() {
    let pair = Pair::new();
    let server = secured(&pair, echo);
    let mut wrong = config(&pair, &BOTH);
    wrong.alpn_protocols = vec![b"h2".to_vec()];
    let wanted = Error::AlertReceived(AlertDescription::NoApplicationProtocol);
    assert_eq!(failure(server.address(), wrong), wanted);
}

#[test]
fn a_client_that_asks_for_no_protocol_is_served() {
    let pair = Pair::new();
    let server = secured(&pair, echo);
    let mut silent = config(&pair, &BOTH);
    silent.alpn_protocols.clear();
    let stream = peer::secured(server.address(), silent);
    assert_echo(&mut open_over(stream, "/echo"), "hello");
}

#[test]
fn plain_http_on_the_port_of_tls_is_told_where_it_is() {
    let server = secured(&Pair::new(), echo);
    for request in ["GET / HTTP/1.1\r\nHost: a\r\n\r\n", "P"] {
        let mut socket = tcp(server.address());
        socket.write_all(request.as_bytes()).expect("it is taken");
        let mut answer = String::new();
        socket.read_to_string(&mut answer).expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
        assert!(answer.contains("https://"), "{answer}");
    }
}

#[test]
fn what_is_neither_tls_nor_http_gets_an_alert() {
    let server = secured(&Pair::new(), echo);
    let mut socket = tcp(server.address());
    socket
        .write_all(b"\x00\x01\x02\x03\x04\x05")
        .expect("it is taken");
    let mut answer = Vec::new();
    match socket.read_to_end(&mut answer) {
        Ok(_) => assert_eq!(answer.first(), Some(&21), "{answer:?}"),
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
    }
}

#[test]
fn origins_are_those_of_https() {
    let pair = Pair::new();
    let server = secured(&pair, echo);
    for (origin, status) in [("https://localhost", "101"), ("http://localhost", "403")] {
        let mut stream = peer::secured(server.address(), config(&pair, &BOTH));
        let head =
            crate::wire_client::WireClient::upgrade_head("/echo", &[&format!("Origin: {origin}")]);
        stream.write_all(head.as_bytes()).expect("it is taken");
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).expect("an answer");
        assert_eq!(std::str::from_utf8(&answer[9..]), Ok(status), "{origin}");
    }
}

#[test]
fn a_broadcast_reaches_members_with_and_without_tls() {
    const EACH: usize = 5;
    const MESSAGES: usize = 200;
    let pair = Pair::new();
    let (tls, (tell, secured)) = (pair.tls(), std::sync::mpsc::channel());
    let server = start_listening(move || {
        let settings = Settings::default().backlog_limit(16 << 20);
        let app = App::new().ws_with(
            "/all",
            settings,
            |session: &mut Session<'_>, message: Message<'_>| {
                session.join("all");
                let Message::Text(text) = message else { return };
                if text == "join" {
                    let _ = session.send("joined");
                } else {
                    session.publish("all", text);
                }
            },
        );
        let server = Server::new(app).listen_tls("127.0.0.1:0", &tls)?;
        let address = server.addresses()[0].to_string();
        tell.send(address.parse().expect("TCP"))
            .expect("the test waits");
        server.listen("127.0.0.1:0")
    });
    let secured: SocketAddr = secured.recv().expect("it listens");
    let mut plain: Vec<_> = (0..EACH)
        .map(|_| Client::connect(&format!("ws://{}/all", server.address())).expect("a session"))
        .collect();
    let mut members: Vec<_> = (0..EACH).map(|_| open(secured, &pair, "/all")).collect();
    for member in &mut members {
        member.send("join").expect("taken");
        assert_eq!(
            member.receive_message().expect("an answer").text(),
            Some("joined")
        );
    }
    for member in &mut plain {
        member.send("join").expect("taken");
        assert_eq!(
            member.receive_message().expect("an answer").text(),
            Some("joined")
        );
    }
    let text = |at: usize| format!("{at} {}", "x".repeat(at * 50));
    for at in 0..MESSAGES {
        members[0].send(text(at)).expect("taken");
    }
    for at in 0..MESSAGES {
        for member in &mut members {
            assert_eq!(
                member.receive_message().expect("a message").text(),
                Some(&*text(at))
            );
        }
        for member in &mut plain {
            assert_eq!(
                member.receive_message().expect("a message").text(),
                Some(&*text(at))
            );
        }
    }
}

#[test]
fn a_proxy_says_in_front_of_tls_whom_it_stands_for() {
    let pair = Pair::new();
    let networks = dunlin::config::Networks::parse(["127.0.0.1"]).expect("a network");
    let limits = dunlin::Limits::default().proxy_protocol(networks);
    let server = super::secured_with(pair.tls(), limits, || {
        let greet = |session: &mut Session<'_>, _: Message<'_>| {
            let _ = session.send(session.peer().to_string());
        };
        App::new().ws("/who", greet)
    });
    let mut socket = tcp(server.address());
    socket
        .write_all(b"PROXY TCP4 203.0.113.7 127.0.0.1 4711 443\r\n")
        .expect("taken");
    let connection = begin(config(&pair, &BOTH));
    let mut client = open_over(rustls::StreamOwned::new(connection, socket), "/who");
    client.send("who am I?").expect("taken");
    let came = client.receive_message().expect("an answer");
    assert_eq!(came.text(), Some("203.0.113.7:4711"));
}

#[test]
fn a_unix_socket_does_not_speak_tls() {
    let folder = std::env::temp_dir().join(format!("dunlin-tls-{}", std::process::id()));
    let address = format!("unix:{}", folder.display());
    let refused = Server::new(App::new()).listen_tls(&address, &Pair::new().tls());
    let error = refused.err().expect("it is refused").to_string();
    assert!(error.contains("cannot speak TLS"), "{error}");
}
