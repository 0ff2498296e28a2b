//! Reading what a server says, right or wrong, over a real socket.

use super::*;
use std::net::{TcpListener, TcpStream};
use std::thread;

/// Longer than any of these tests takes: nothing here waits for it in vain.
const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// A peer whose other end says these bytes and leaves.
fn hearing(bytes: &'static [u8]) -> Peer {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(bytes).unwrap();
    });
    Peer::new(stream.into(), LONGEST_WAIT)
}

#[test]
fn frames_become_what_the_server_did() {
    for (bytes, wanted) in [
        (&b"\x8a\x01?"[..], Answer::Pong(b"?".to_vec())),
        (b"\x88\x00", Answer::Close(None)),
        (b"\x88\x05\x03\xe8bye", Answer::Close(Some(1000))),
        (b"", Answer::End),
        (b"\x81\x05Hel", Answer::End),
    ] {
        assert_eq!(hearing(bytes).next(), wanted, "{bytes:?}");
    }
}

#[test]
fn fragments_become_one_message() {
    let mut peer = hearing(b"\x01\x02\xed\x95\x8a\x00\x80\x01\x9c");
    assert_eq!(peer.next(), Answer::Pong(Vec::new()));
    let wanted = Answer::Message {
        text: true,
        reserved: Reserved::NONE,
        payload: "한".into(),
    };
    assert_eq!(peer.next(), wanted);
}

#[test]
fn what_no_server_may_send_is_named() {
    for (bytes, part) in [
        (&b"\x81\x80abcd"[..], "masked"),
        (b"\xc1\x00", "reserved bits"),
        (b"\x83\x00", "opcode 0x3"),
        (b"\x09\x00", "fragmented control"),
        (b"\x89\x7e\x00\x7e", "over 125"),
        (b"\x81\x7e\x00\x7d", "not the shortest"),
        (
            b"\x82\x7f\x00\x00\x00\x00\x00\x00\xff\xff",
            "not the shortest",
        ),
        (
            b"\x82\x7f\x40\x00\x00\x00\x00\x00\x00\x00",
            "4611686018427387904 bytes",
        ),
        (b"\x80\x00", "continuation of nothing"),
        (b"\x01\x00\x81\x00", "inside a message"),
        (b"\x81\x01\xff", "not UTF-8"),
        (b"\x88\x01\x03", "one byte"),
        (b"\x88\x03\x03\xe8\xff", "close reason"),
    ] {
        let seen = hearing(bytes).next();
        assert!(matches!(seen, Answer::Wrong(_)), "{bytes:?}: {seen:?}");
        assert!(seen.words().contains(part), "{bytes:?}: {}", seen.words());
    }
}

#[cfg(feature = "deflate")]
#[test]
fn an_agreed_bit_is_allowed_on_messages() {
    let mut peer = hearing(b"\xc2\x01\x00\xc9\x00");
    peer.allow(Reserved::RSV1);
    assert!(matches!(peer.next(), Answer::Message { reserved, .. } if reserved == Reserved::RSV1));
    assert!(peer.next().words().contains("reserved bits"));
}

#[test]
fn silence_is_told_from_the_end() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let mut peer = Peer::new(stream.into(), Duration::from_millis(1));
    assert_eq!(peer.next(), Answer::Silence);
}

#[test]
fn pings_are_answered_on_the_way() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let mut server = listener.accept().unwrap().0;
    server.write_all(b"\x89\x01?\x88\x00").unwrap();
    let mut peer = Peer::new(stream.into(), LONGEST_WAIT);
    assert_eq!(peer.until(|_| false), Answer::Close(None));
    let mut pong = [0; 7];
    server.read_exact(&mut pong).unwrap();
    assert_eq!(pong[..2], [0x8a, 0x81]);
    assert_eq!(pong[6] ^ pong[2], b'?');
}
