//! `Settings::masking`: a server that masks, as none should, to test clients with.

use crate::running::start;
use crate::wire_client::{Frame, WireClient};
use dunlin::Deflate;
use dunlin::{App, Handler, Message, Open, Request, Session, Settings};

/// Greets, answers, and publishes what is binary.
struct Masked;

impl Handler for Masked {
    type Data = ();

    fn open(&mut self, _: &Request<'_>, session: &mut Session<'_>) -> Open<()> {
        session.join("room");
        let _ = session.send("hello");
        Open::Accept(())
    }

    fn message(&mut self, (): &mut (), session: &mut Session<'_>, message: Message<'_>) {
        match message {
            Message::Text(_) => {
                let _ = session.send(message);
            }
            Message::Binary(_) => {
                let _ = session.publish("room", message);
            }
        }
    }
}

/// Reads a short or 16-bit frame that must be masked; its key is kept.
#[track_caller]
fn read_masked(client: &mut WireClient) -> Frame {
    let start = client.take(2);
    assert_ne!(start[1] & 0x80, 0, "not masked");
    let len = match start[1] & 0x7f {
        126 => client
            .take(2)
            .iter()
            .fold(0, |len, byte| len << 8 | usize::from(*byte)),
        len => usize::from(len),
    };
    let key: [u8; 4] = client.take(4).try_into().expect("four bytes");
    let mut payload = client.take(len);
    for (byte, key) in payload.iter_mut().zip(key.iter().cycle()) {
        *byte ^= key;
    }
    let mut frame = Frame::new(start[0] & 0x0f, payload)
        .mask(key)
        .reserved(start[0] & 0x70);
    frame.fin = start[0] & 0x80 != 0;
    frame
}

/// The same without its key.
#[track_caller]
fn read_unmasked(client: &mut WireClient) -> Frame {
    let mut frame = read_masked(client);
    frame.mask = None;
    frame
}

#[test]
fn every_frame_of_the_server_is_masked() {
    let server = start(|| App::new().ws_with("/", Settings::default().masking(true), Masked));
    let mut client = server.open("/");
    assert_eq!(read_unmasked(&mut client), Frame::text("hello"));
    client.send_text("an answer");
    assert_eq!(read_unmasked(&mut client), Frame::text("an answer"));
    let long = "long ".repeat(4000);
    client.send_text(&long);
    assert_eq!(read_unmasked(&mut client), Frame::text(&long));
    client.send(Frame::binary(*b"a broadcast"));
    assert_eq!(read_unmasked(&mut client), Frame::binary(*b"a broadcast"));
    client.send(Frame::ping(b"a pong"));
    assert_eq!(read_unmasked(&mut client), Frame::pong(b"a pong"));
    client.send(Frame::close(1000, ""));
    assert_eq!(read_unmasked(&mut client), Frame::close(1000, ""));
    client.expect_end();
}

#[test]
fn every_frame_has_a_key_of_its_own() {
    let server = start(|| App::new().ws_with("/", Settings::default().masking(true), Masked));
    let mut client = server.open("/");
    let mut keys = vec![read_masked(&mut client).mask];
    for _ in 0..20 {
        client.send_text("again");
        keys.push(read_masked(&mut client).mask);
    }
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), 21);
}

#[test]
fn masked_frames_are_compressed_first() {
    let server = start(|| {
        let settings = Settings::default().masking(true).extension(Deflate::new());
        App::new().ws_with("/", settings, Masked)
    });
    let mut client = server.connect();
    client.upgrade("/", &["Sec-WebSocket-Extensions: permessage-deflate"]);
    read_masked(&mut client);
    let text = "compress me ".repeat(50);
    for frame in [Frame::text(&text), Frame::binary(text.as_bytes())] {
        client.send(frame);
        let answer = read_masked(&mut client);
        assert_eq!(answer.reserved, 0x40);
        assert!(answer.payload.len() < text.len() / 4, "{answer:?}");
        // What came is what a client may send: it goes through the server again.
        client.send(answer.clone());
        let again = read_masked(&mut client);
        assert_eq!(again.payload, answer.payload);
    }
}

#[test]
fn a_shared_topic_reaches_masked_and_plain_routes_alike() {
    let server = start(|| {
        App::new()
            .ws_with("/masked", Settings::default().masking(true), Masked)
            .ws("/plain", Masked)
    });
    let (mut masked, mut plain) = (server.open("/masked"), server.greeted("/plain", "hello"));
    read_masked(&mut masked);
    plain.send(Frame::binary(*b"to both"));
    assert_eq!(read_unmasked(&mut masked), Frame::binary(*b"to both"));
    assert_eq!(plain.read_frame(), Frame::binary(*b"to both"));
}
