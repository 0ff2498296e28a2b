//! permessage-deflate over a socket, against an encoder and a decoder of the test's own.

use crate::running::{Running, assert_echo, start};
use crate::wire_client::{Frame, WireClient};
use dunlin::{App, apps};
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};

const FIELD: &str = "Sec-WebSocket-Extensions";
/// The bit of a compressed message.
const RSV1: u8 = 0x40;
/// What Chromium sends.
const CHROMIUM: &str = "permessage-deflate; client_max_window_bits";

fn server() -> Running {
    start(|| apps::chat::mount(apps::echo::mount(App::new())))
}

/// A client behind its upgrade, and what was answered to its offers.
#[track_caller]
fn offer(server: &Running, path: &str, offers: &[&str]) -> (WireClient, Option<String>) {
    let mut client = server.connect();
    let fields: Vec<String> = offers
        .iter()
        .map(|offer| format!("{FIELD}: {offer}"))
        .collect();
    let fields: Vec<&str> = fields.iter().map(|field| &**field).collect();
    let head = client.upgrade(path, &fields);
    let answer = head.field("sec-websocket-extensions").map(str::to_owned);
    (client, answer)
}

/// A client that has agreed on compression.
#[track_caller]
fn agreed(server: &Running, path: &str) -> WireClient {
    let (client, answer) = offer(server, path, &[CHROMIUM]);
    assert!(answer.is_some());
    client
}

/// One message as a client of RFC 7692 §7.2.1 compresses it.
fn deflated(payload: &[u8]) -> Vec<u8> {
    let mut compress = Compress::new(Compression::best(), false);
    let mut out = Vec::with_capacity(payload.len() + 100);
    let status = compress.compress_vec(payload, &mut out, FlushCompress::Sync);
    assert!(status.is_ok() && compress.total_in() as usize == payload.len());
    assert!(out.ends_with(&[0, 0, 0xff, 0xff]), "a flush");
    out.truncate(out.len() - 4);
    out
}

/// The message in a frame that the server compressed, by a context that knows no other message.
#[track_caller]
fn inflated(frame: &Frame) -> Vec<u8> {
    assert_eq!(frame.reserved, RSV1, "{frame:?} is not compressed");
    let bytes = [&frame.payload[..], &[0, 0, 0xff, 0xff]].concat();
    let mut out = Vec::with_capacity(1 << 20);
    Decompress::new(false)
        .decompress_vec(&bytes, &mut out, FlushDecompress::Sync)
        .expect("deflate data");
    out
}

fn compressed_text(text: &str) -> Frame {
    Frame::new(0x1, deflated(text.as_bytes())).reserved(RSV1)
}

fn compressed_binary(payload: &[u8]) -> Frame {
    Frame::new(0x2, deflated(payload)).reserved(RSV1)
}

/// A text that is worth compressing.
fn long_text() -> String {
    (0..40)
        .map(|at| format!("line {at} of a longer text, "))
        .collect()
}

#[test]
fn the_offer_of_chromium_is_answered_with_its_window() {
    let server = server();
    for path in ["/echo-raw", "/chat"] {
        let (_, answer) = offer(&server, path, &[CHROMIUM]);
        assert_eq!(
            answer.as_deref(),
            Some(
                "permessage-deflate; server_no_context_takeover; \
                 client_no_context_takeover; client_max_window_bits=15"
            )
        );
    }
}

#[test]
fn what_was_not_offered_is_not_answered() {
    let server = server();
    let (_, answer) = offer(&server, "/echo-raw", &["permessage-deflate"]);
    let answer = answer.expect("an extension");
    assert!(!answer.contains("max_window_bits"), "{answer}");
    let (_, answer) = offer(&server, "/echo-raw", &[]);
    assert_eq!(answer, None);
}

#[test]
fn offers_are_tried_in_their_order_and_one_is_taken() {
    let server = server();
    for (offers, part) in [
        (
            &["permessage-deflate; server_max_window_bits=10, permessage-deflate"][..],
            "server_max_window_bits=10",
        ),
        (
            &["permessage-deflate; client_max_window_bits=9, permessage-deflate"],
            "client_max_window_bits=9",
        ),
        (
            &["permessage-deflate; unknown, permessage-deflate; server_max_window_bits=11"],
            "server_max_window_bits=11",
        ),
        (
            &[
                "x-webkit-deflate-frame",
                "permessage-deflate; server_max_window_bits=\"12\"",
            ],
            "server_max_window_bits=12",
        ),
    ] {
        let (mut client, answer) = offer(&server, "/echo-raw", offers);
        let answer = answer.expect("an extension");
        assert!(
            answer.contains(part) && !answer.contains(','),
            "{offers:?}: {answer}"
        );
        client.send(compressed_text(&long_text()));
        assert_eq!(inflated(&client.read_frame()), long_text().as_bytes());
    }
}

#[test]
fn bad_offers_are_declined_and_the_session_opens_without() {
    let server = server();
    for bad in [
        "permessage-deflate; unknown",
        "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
        "permessage-deflate; client_max_window_bits; client_max_window_bits=10",
        "permessage-deflate; server_no_context_takeover=1",
        "permessage-deflate; client_no_context_takeover=true",
        "permessage-deflate; server_max_window_bits",
        "permessage-deflate; server_max_window_bits=7",
        "permessage-deflate; server_max_window_bits=16",
        "permessage-deflate; server_max_window_bits=010",
        "permessage-deflate; server_max_window_bits=ten",
        "permessage-deflate; client_max_window_bits=0",
        "permessage-deflate2",
        "x-webkit-deflate-frame",
    ] {
        let (mut client, answer) = offer(&server, "/echo-raw", &[bad]);
        assert_eq!(answer, None, "{bad}");
        assert_echo(&mut client);
        client.send_text(&long_text());
        assert_eq!(client.read_text(), long_text());
        client.send(compressed_text(&long_text()));
        assert_eq!(client.read_close().0, 1002, "{bad}");
    }
}

#[test]
fn a_compressed_message_comes_back_compressed_and_a_short_one_plain() {
    let server = server();
    let mut client = agreed(&server, "/echo-raw");
    // Twice the same: neither side may look back.
    for _ in 0..2 {
        client.send(compressed_text(&long_text()));
        let echo = client.read_frame();
        assert_eq!(inflated(&echo), long_text().as_bytes());
        assert!(echo.payload.len() < long_text().len() / 2);
        let zeros = vec![0; 25_000];
        client.send(compressed_binary(&zeros));
        let echo = client.read_frame();
        assert_eq!(echo.opcode, 0x2);
        assert!(inflated(&echo) == zeros);
        // Compressing this one would keep others waiting.
        let zeros = vec![0; 300_000];
        client.send(compressed_binary(&zeros));
        let echo = client.read_frame();
        assert_eq!((echo.opcode, echo.reserved), (0x2, 0));
        assert!(echo.payload == zeros);
    }
    for short in ["", "hello", "세계"] {
        client.send(compressed_text(short));
        assert_eq!(client.read_text(), short);
    }
    // What is not compressed may come between.
    client.send_text(&long_text());
    assert_eq!(inflated(&client.read_frame()), long_text().as_bytes());
    client.leave();
}

#[test]
fn a_compressed_message_may_come_in_fragments_with_pings_between() {
    let server = server();
    let mut client = agreed(&server, "/echo-raw");
    let whole = deflated(long_text().as_bytes());
    for step in [1, 7, whole.len()] {
        client.send(Frame::new(0x1, []).reserved(RSV1).more());
        for piece in whole.chunks(step) {
            client.send(Frame::continuation(piece).more());
        }
        client.send(Frame::ping(b"between"));
        client.send(Frame::continuation([]));
        assert_eq!(client.read_frame(), Frame::pong(b"between"));
        assert_eq!(
            inflated(&client.read_frame()),
            long_text().as_bytes(),
            "{step}"
        );
    }
}

/// Sees this told with a code, and a bystander with the extension served all the while.
#[track_caller]
fn assert_told(path: &str, code: u16, frames: &[Frame]) {
    let server = server();
    let mut bystander = agreed(&server, "/echo-raw");
    let mut client = agreed(&server, path);
    for frame in frames {
        client.send(frame.clone());
    }
    assert_echo(&mut bystander);
    loop {
        let frame = client.read_frame();
        if frame.opcode == 0x8 {
            assert_eq!(frame.close_parts().0, code, "{frames:?}");
            break;
        }
        // The greeting.
        assert!(path == "/chat" && frame.opcode == 0x1, "{frame:?}");
    }
    assert_eq!(client.read_to_clean_end(), b"");
    bystander.send(compressed_text(&long_text()));
    assert_eq!(inflated(&bystander.read_frame()), long_text().as_bytes());
}

#[test]
fn the_bit_in_a_wrong_place_is_1002() {
    let half = Frame::new(0x1, deflated(b"hello")).reserved(RSV1).more();
    let marked = Frame::continuation([]).reserved(RSV1);
    assert_told("/echo-raw", 1002, &[half, marked.clone()]);
    assert_told(
        "/echo-raw",
        1002,
        &[Frame::text("hel").more(), marked.clone()],
    );
    assert_told("/echo-raw", 1002, &[marked]);
    assert_told("/echo-raw", 1002, &[Frame::ping(b"").reserved(RSV1)]);
    assert_told("/echo-raw", 1002, &[Frame::close(1000, "").reserved(RSV1)]);
    assert_told(
        "/echo-raw",
        1002,
        &[compressed_text("hello").reserved(0x60)],
    );
    assert_told("/echo-raw", 1002, &[Frame::text("hello").reserved(0x20)]);
}

#[test]
fn data_that_is_no_deflate_is_1007() {
    let marked = |payload: &[u8]| Frame::new(0x2, payload).reserved(RSV1);
    // A block of the reserved type; lengths that contradict each other; a distance beyond the start.
    assert_told("/echo-raw", 1007, &[marked(&[0x07])]);
    assert_told("/echo-raw", 1007, &[marked(&[0x00, 5, 0, 5, 0])]);
    assert_told("/echo-raw", 1007, &[marked(&[0x4b, 0x04, 0x11, 0x01])]);
    assert_told("/echo-raw", 1007, &[marked(&[0xff; 100])]);
    let mut broken = deflated(long_text().as_bytes());
    broken.truncate(broken.len() / 2);
    assert_told("/echo-raw", 1007, &[marked(&broken)]);
    // Good deflate, bad UTF-8.
    let bad = Frame::new(0x1, deflated(b"abc\xffabc")).reserved(RSV1);
    assert_told("/echo-raw", 1007, &[bad]);
}

#[test]
fn a_few_bytes_that_grow_past_the_limit_are_1009() {
    let zeros = vec![b'0'; 10 << 20];
    let bomb = deflated(&zeros);
    assert!(bomb.len() < 20_000, "{} bytes", bomb.len());
    let whole = Frame::new(0x1, &bomb[..]).reserved(RSV1);
    assert_told("/chat", 1009, &[whole]);
    let mut fragments = vec![Frame::new(0x1, []).reserved(RSV1).more()];
    fragments.extend(
        bomb.chunks(100)
            .map(|part| Frame::continuation(part).more()),
    );
    assert_told("/chat", 1009, &fragments);
    let one_over = "a".repeat(apps::MAX_CHAT_TEXT + 1);
    assert_told("/chat", 1009, &[compressed_text(&one_over)]);
}

#[test]
fn a_compressed_message_may_be_as_long_as_the_limit() {
    let server = server();
    let mut client = agreed(&server, "/chat");
    client.read_frame();
    let text = "a".repeat(apps::MAX_CHAT_TEXT);
    client.send(compressed_text(&text));
    let wanted = format!("[user0]: {text}");
    assert!(unpacked(client.read_frame()) == wanted.as_bytes());
    // The same when it does not shrink.
    let noise: String = (0_u32..apps::MAX_CHAT_TEXT as u32)
        .map(|at| char::from((at.wrapping_mul(2_654_435_761) >> 24 & 0x3f) as u8 + 0x30))
        .collect();
    client.send(compressed_text(&noise));
    let wanted = format!("[user0]: {noise}");
    assert!(unpacked(client.read_frame()) == wanted.as_bytes());
}

/// The payload of a message that may have been too long to be compressed.
fn unpacked(echo: Frame) -> Vec<u8> {
    if echo.reserved == RSV1 {
        inflated(&echo)
    } else {
        echo.payload
    }
}

#[test]
fn a_broadcast_reaches_clients_with_and_without_the_extension_alike() {
    let server = server();
    let mut plain = server.open("/chat");
    let mut clients: Vec<WireClient> = [
        CHROMIUM,
        CHROMIUM,
        "permessage-deflate; server_max_window_bits=9",
        "permessage-deflate; server_max_window_bits=8",
        "permessage-deflate; server_no_context_takeover",
    ]
    .iter()
    .map(|terms| {
        let (client, answer) = offer(&server, "/chat", &[terms]);
        assert!(answer.is_some());
        client
    })
    .collect();
    plain.read_text();
    for client in &mut clients {
        client.read_frame();
    }
    for (at, text) in [long_text(), "short".to_owned(), long_text()]
        .iter()
        .enumerate()
    {
        let wanted = format!("[user1]: {text}");
        // Compressed or not, as its sender likes.
        match at % 2 {
            0 => clients[0].send(compressed_text(text)),
            _ => clients[0].send_text(text),
        }
        assert_eq!(plain.read_text(), wanted);
        for client in &mut clients {
            if wanted.len() < 64 {
                assert_eq!(client.read_text(), wanted);
            } else {
                assert_eq!(inflated(&client.read_frame()), wanted.as_bytes());
            }
        }
    }
}
