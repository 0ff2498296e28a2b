//! Peers of TLS that want to cost others something.

use super::authority::Pair;
use super::peer::{self, BOTH, assert_echo, begin, config, open, tcp};
use super::{echo, secured, secured_with};
use crate::wire_client::WireClient;
use dunlin::Limits;
use rustls::version::{TLS12, TLS13};
use std::io::{ErrorKind, Read, Write};
use std::time::Duration;

#[test]
fn a_flood_of_key_updates_ends_its_own_connection() {
    let pair = Pair::new();
    let server = secured(&pair, echo);
    let mut bystander = open(server.address(), &pair, "/echo");
    let mut stream = peer::secured(server.address(), config(&pair, &[&TLS13]));
    stream
        .write_all(WireClient::upgrade_head("/echo", &[]).as_bytes())
        .expect("taken");
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).expect("an answer");
    let ended = (0..100_000).any(|_| {
        stream.conn.refresh_traffic_keys().expect("TLS 1.3 can");
        stream.flush().is_err()
    });
    let told = stream.read_to_end(&mut Vec::new()).is_err();
    assert!(ended || told, "it may go on for ever");
    assert_echo(&mut bystander, "still here");
}

#[test]
fn empty_and_tiny_records_are_served_and_delay_nobody() {
    let pair = Pair::new();
    let server = secured(&pair, echo);
    let mut bystander = open(server.address(), &pair, "/echo");
    let mut small = config(&pair, &BOTH);
    small.max_fragment_size = Some(32);
    let mut client = peer::open_over(peer::secured(server.address(), small), "/echo");
    let text = "x".repeat(100_000);
    for _ in 0..5 {
        client.send(&*text).expect("taken");
        assert_echo(&mut bystander, "meanwhile");
    }
    for _ in 0..5 {
        assert_eq!(
            client.receive_message().expect("an answer").text(),
            Some(&*text)
        );
    }
}

#[test]
fn half_a_handshake_is_cut_when_its_time_is_over() {
    let pair = Pair::new();
    let limits = Limits::default().head_timeout(Duration::from_millis(50));
    let server = secured_with(pair.tls(), limits, echo);
    let mut connection = begin(config(&pair, &BOTH));
    let mut hello = Vec::new();
    connection.write_tls(&mut hello).expect("memory");
    for sent in [0, 1, 5, 100, hello.len()] {
        let mut socket = tcp(server.address());
        socket.write_all(&hello[..sent]).expect("taken");
        // The end, by the server: with its flight before, if it could be made.
        let mut answer = Vec::new();
        let ended = socket.read_to_end(&mut answer);
        assert!(ended.is_ok(), "{sent}: {ended:?}");
        assert_eq!(answer.is_empty(), sent < hello.len(), "{sent}");
    }
}

#[test]
fn a_handshake_without_a_request_is_cut_by_the_same_time() {
    let pair = Pair::new();
    let limits = Limits::default().head_timeout(Duration::from_millis(50));
    let server = secured_with(pair.tls(), limits, echo);
    for version in [&TLS12, &TLS13] {
        let mut stream = peer::secured(server.address(), config(&pair, &[version]));
        stream.write_all(b"GET /ec").expect("taken");
        let mut answer = String::new();
        stream
            .read_to_string(&mut answer)
            .expect("it says that it ends");
        assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    }
}

#[test]
fn a_hello_without_end_is_not_kept_for_ever() {
    let server = secured(&Pair::new(), echo);
    let mut socket = tcp(server.address());
    // One message of 16 MiB, in records of 1 KiB.
    let mut record = vec![22, 3, 1, 4, 0, 1, 0xff, 0xff, 0xff];
    record.resize(5 + 1024, 0);
    let _ = (0..1024).all(|_| socket.write_all(&record).is_ok());
    // Its end or its reset; what does not come here is that nothing happens for 20 s.
    if let Err(error) = socket.read_to_end(&mut Vec::new()) {
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    }
}

#[test]
fn what_somebody_changed_on_the_way_ends_the_connection_with_an_alert() {
    let pair = Pair::new();
    let server = secured(&pair, echo);
    let mut stream = peer::secured(server.address(), config(&pair, &BOTH));
    stream
        .write_all(WireClient::upgrade_head("/echo", &[]).as_bytes())
        .expect("taken");
    stream.read_exact(&mut [0; 12]).expect("an answer");
    stream
        .sock
        .write_all(b"\x17\x03\x03\x00\x14this is not genuine!")
        .expect("taken");
    let error = stream.read_to_end(&mut Vec::new()).expect_err("it ends");
    let told = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>());
    let wanted = rustls::Error::AlertReceived(rustls::AlertDescription::BadRecordMac);
    assert_eq!(told, Some(&wanted));
}

#[test]
fn a_crowd_that_shakes_hands_leaves_others_their_turn() {
    const CROWD: usize = 300;
    let pair = Pair::rsa();
    let server = secured(&pair, echo);
    let mut bystander = open(server.address(), &pair, "/echo");
    let sockets: Vec<_> = (0..CROWD)
        .map(|_| {
            let mut hello = Vec::new();
            begin(config(&pair, &BOTH))
                .write_tls(&mut hello)
                .expect("memory");
            let mut socket = tcp(server.address());
            socket.write_all(&hello).expect("taken");
            socket
        })
        .collect();
    // Each answer waits for a step of a handshake or two, not for all of them.
    let answered = |socket: &std::net::TcpStream| {
        socket.set_nonblocking(true).expect("a socket");
        socket.peek(&mut [0]).is_ok()
    };
    let mut rounds = 0;
    while sockets.iter().filter(|socket| answered(socket)).count() < CROWD {
        assert_echo(&mut bystander, "meanwhile");
        rounds += 1;
    }
    assert!(rounds > 10, "{rounds} rounds while {CROWD} were served");
}

#[test]
fn what_is_kept_of_incomplete_records_counts_as_memory() {
    const CROWD: usize = 100;
    let pair = Pair::new();
    let limits = Limits::default().max_buffered(1 << 20);
    let server = secured_with(pair.tls(), limits, echo);
    let mut bystander = open(server.address(), &pair, "/echo");
    // The most that a record may have, all but its last byte: 16 KiB each are more than is allowed.
    let mut record = vec![22, 3, 1, 0x40, 0, 1, 0, 0x40, 0];
    record.resize(4 + (16 << 10), 0);
    let mut crowd: Vec<_> = (0..CROWD).map(|_| tcp(server.address())).collect();
    for socket in &mut crowd {
        socket.write_all(&record).expect("taken");
    }
    // Some are given up, so that there is room; the others wait for their time.
    let most = (1 << 20) / (16 << 10) + 1;
    let has_ended = |socket: &std::net::TcpStream| {
        socket.set_nonblocking(true).expect("a socket");
        match socket.peek(&mut [0]) {
            Ok(n) => n == 0,
            Err(error) => error.kind() != ErrorKind::WouldBlock,
        }
    };
    while crowd.iter().filter(|socket| has_ended(socket)).count() < CROWD - most {
        assert_echo(&mut bystander, "meanwhile");
    }
    assert_echo(&mut bystander, "afterwards");
}
