//! Messages over TLS: long ones, slow readers, and the end.

use super::authority::Pair;
use super::peer::{self, BOTH, assert_echo, config, open, open_over};
use super::{echo, secured};
use crate::wire_client::WireClient;
use dunlin::{App, Client, CloseCode, Incoming, Message, Session, Settings};
use std::io::{Read, Write};

#[test]
fn long_messages_come_back_whole() {
    let pair = Pair::new();
    let server = secured(&pair, echo);
    let mut client = open(server.address(), &pair, "/echo");
    let text: String = ('a'..='z').cycle().take(1 << 20).collect();
    assert_echo(&mut client, &text);
    let binary: Vec<u8> = (0..64 << 10).map(|at| (at % 251) as u8).collect();
    for len in [0, 1, 125, 126, 16_383, 16_384, 16_385, 65_535, 65_536] {
        client.send(&binary[..len]).expect("it is taken");
        let came = client.receive_message().expect("an answer");
        assert_eq!(came.bytes(), Some(&binary[..len]), "{len}");
    }
}

#[cfg(feature = "deflate")]
#[test]
fn compressed_messages_come_back_whole() {
    let pair = Pair::new();
    let server = secured(&pair, || {
        let settings = Settings::default()
            .max_message_size(4 << 20)
            .extension(dunlin::Deflate::default());
        App::new().ws_with(
            "/echo",
            settings,
            |session: &mut Session<'_>, message: Message<'_>| {
                let _ = session.send(message);
            },
        )
    });
    let stream = peer::secured(server.address(), config(&pair, &BOTH));
    let mut client = Client::options()
        .max_message_size(4 << 20)
        .extension(dunlin::Deflate::default())
        .connect_with(stream, "wss://localhost/echo")
        .expect("a session");
    assert_eq!(client.extensions().len(), 1);
    let text = "all work and no play ".repeat(40_000);
    client.send(&*text).expect("it is taken");
    assert_eq!(
        client.receive_message().expect("an answer").text(),
        Some(&*text)
    );
}

#[test]
fn many_messages_in_flight_keep_their_order() {
    let pair = Pair::new();
    let server = secured(&pair, echo);
    let mut client = open(server.address(), &pair, "/echo");
    for at in 0..2000 {
        client.send(format!("{at}")).expect("it is taken");
    }
    for at in 0..2000 {
        let came = client.receive_message().expect("an answer");
        assert_eq!(came.text(), Some(&*format!("{at}")));
    }
}

#[test]
fn a_close_is_followed_by_the_end_of_tls() {
    let pair = Pair::new();
    let server = secured(&pair, echo);
    let mut stream = peer::secured(server.address(), config(&pair, &BOTH));
    let head = WireClient::upgrade_head("/echo", &[]);
    stream.write_all(head.as_bytes()).expect("it is taken");
    // A Close with 1000, masked with zeros.
    stream
        .write_all(&[0x88, 0x82, 0, 0, 0, 0, 3, 0xe8])
        .expect("it is taken");
    let mut all = Vec::new();
    // Without close_notify this is an error of rustls.
    stream
        .read_to_end(&mut all)
        .expect("close_notify comes before the end");
    assert!(all.ends_with(&[0x88, 2, 3, 0xe8]), "{all:?}");
}

#[test]
fn close_notify_of_the_peer_ends_its_session() {
    let pair = Pair::new();
    let (tell, account) = crate::witness::account();
    let server = secured(&pair, move || App::new().ws("/", tell.witness()));
    let mut stream = peer::secured(server.address(), config(&pair, &BOTH));
    stream
        .write_all(WireClient::upgrade_head("/", &[]).as_bytes())
        .expect("taken");
    account.opened();
    stream.conn.send_close_notify();
    stream.flush().expect("taken");
    let reason = match account.next() {
        crate::witness::Told::Closed(reason) => reason,
        other => panic!("wanted its end, got {other:?}"),
    };
    assert_eq!(reason.code, CloseCode::ABNORMAL);
}

#[test]
fn a_reader_that_stalls_gets_all_of_it_later() {
    const EACH: usize = 100_000;
    const MANY: usize = 60;
    let pair = Pair::new();
    let server = secured(&pair, || {
        let settings = Settings::default()
            .backlog_limit(32 << 20)
            .backlog_mark(32 << 20);
        App::new().ws_with(
            "/more",
            settings,
            |session: &mut Session<'_>, _: Message<'_>| {
                for at in 0..MANY {
                    let _ = session.send(vec![at as u8; EACH]);
                }
            },
        )
    });
    let mut bystander = open(server.address(), &pair, "/more");
    let mut client = open(server.address(), &pair, "/more");
    client.send("go").expect("taken");
    // More waits than the kernel takes; others are served meanwhile.
    bystander.ping("there?").expect("taken");
    assert_eq!(
        bystander.receive().expect("a pong"),
        Incoming::Pong(b"there?".to_vec())
    );
    for at in 0..MANY {
        let came = client.receive_message().expect("a message");
        assert!(came.bytes() == Some(&vec![at as u8; EACH][..]), "{at}");
    }
    // Nothing of it is left anywhere.
    bystander.ping("still?").expect("taken");
    assert_eq!(
        bystander.receive().expect("a pong"),
        Incoming::Pong(b"still?".to_vec())
    );
    assert_eq!(server.remote().stats().buffered, 0);
}

#[test]
fn what_waits_goes_out_before_the_end() {
    let pair = Pair::new();
    let server = secured(&pair, || {
        let settings = Settings::default().backlog_limit(32 << 20);
        App::new().ws_with(
            "/last",
            settings,
            |session: &mut Session<'_>, _: Message<'_>| {
                let _ = session.send(vec![7; 12 << 20]);
                session.close(CloseCode::NORMAL, "that was all");
            },
        )
    });
    let mut client = open_over(
        peer::secured(server.address(), config(&pair, &BOTH)),
        "/last",
    );
    client.send("go").expect("taken");
    let came = client.receive_message().expect("a message");
    assert_eq!(came.bytes().map(<[u8]>::len), Some(12 << 20));
    let Incoming::Close(reason) = client.receive_message().expect("a Close") else {
        panic!("something behind the last message");
    };
    assert_eq!(&*reason.reason, "that was all");
}
