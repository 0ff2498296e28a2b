//! Sections 12 and 13: permessage-deflate (RFC 7692) with different payloads and parameters, smaller.
//!
//! The client's side knows zlib's encoder, a decoder of its own and the RFCs. It obeys what the server
//! answered and no more, so a server that breaks its own answer is not understood.

mod inflater;
mod payloads;

use super::*;
use dunlin::Deflate;
use dunlin::{Message, Session, Settings};
use flate2::{Compress, Compression, FlushCompress};
use inflater::Inflater;
use payloads::Payload;

/// Length of a message, how many of them, and the size of their fragments; 0: one frame.
/// The suite sends a thousand of each and goes up to 128 KiB.
const SHAPES: [(usize, usize, usize); 11] = [
    (0, 2, 0),
    (16, 20, 0),
    (64, 20, 0),
    (256, 20, 0),
    (1024, 10, 0),
    (4096, 4, 0),
    (16384, 1, 0),
    (8192, 2, 256),
    (32768, 1, 256),
    (16384, 1, 1024),
    (65536, 1, 32768),
];

/// What the server answered to an offer, read as a client must (RFC 7692 §7.1).
#[derive(Debug)]
struct Answer {
    server_takeover: bool,
    client_takeover: bool,
    server_bits: u8,
    client_bits: u8,
}

impl Answer {
    #[track_caller]
    fn parse(text: &str) -> Self {
        let mut params = text.split("; ");
        assert_eq!(params.next(), Some("permessage-deflate"), "{text}");
        let mut answer = Self {
            server_takeover: true,
            client_takeover: true,
            server_bits: 15,
            client_bits: 15,
        };
        for param in params {
            let (name, value) = param.split_once('=').unwrap_or((param, ""));
            let bits = || value.parse().unwrap_or_else(|_| panic!("{param}"));
            match name {
                "server_no_context_takeover" => answer.server_takeover = false,
                "client_no_context_takeover" => answer.client_takeover = false,
                "server_max_window_bits" => answer.server_bits = bits(),
                "client_max_window_bits" => answer.client_bits = bits(),
                _ => panic!("{param} was not offered"),
            }
        }
        answer
    }
}

/// A client that compresses.
struct Deflating {
    client: WireClient,
    answer: Answer,
    compress: Compress,
    inflater: Inflater,
}

impl Deflating {
    /// Offers this; the answer must have these parameters among its own.
    #[track_caller]
    fn open(server: &Running, offer: &str, wanted: &[&str]) -> Self {
        let mut client = server.connect();
        let field = format!("Sec-WebSocket-Extensions: {offer}");
        let head = client.upgrade("/echo-raw", &[&field]);
        let text = head
            .field("sec-websocket-extensions")
            .unwrap_or_else(|| panic!("declined: {offer}"));
        for param in wanted {
            assert!(text.split("; ").any(|known| known == *param), "{text}");
        }
        let answer = Answer::parse(text);
        Self {
            client,
            compress: Compress::new_with_window_bits(
                Compression::fast(),
                false,
                answer.client_bits,
            ),
            inflater: Inflater::new(answer.server_bits),
            answer,
        }
    }

    /// RFC 7692 §7.2.1: up to a flush, less the four bytes that end it.
    fn deflated(&mut self, payload: &[u8]) -> Vec<u8> {
        if payload.is_empty() {
            // §7.2.3.6; zlib flushes nothing behind a flush.
            return vec![0];
        }
        if !self.answer.client_takeover {
            self.compress.reset();
        }
        let start = self.compress.total_in();
        let mut out = Vec::with_capacity(payload.len() + 64);
        loop {
            let done = (self.compress.total_in() - start) as usize;
            let flush = FlushCompress::Sync;
            let status = self
                .compress
                .compress_vec(&payload[done..], &mut out, flush);
            status.expect("a stream");
            if out.len() < out.capacity() {
                break;
            }
            out.reserve(4096);
        }
        assert!(out.ends_with(&[0, 0, 0xFF, 0xFF]));
        out.truncate(out.len() - 4);
        out
    }

    #[track_caller]
    fn inflated(&mut self, payload: &[u8]) -> Vec<u8> {
        if !self.answer.server_takeover {
            self.inflater.reset();
        }
        self.inflater.message(payload)
    }

    /// Sends a message compressed and reads it back.
    #[track_caller]
    fn exchange(&mut self, opcode: u8, payload: &[u8], fragment: usize) {
        let deflated = self.deflated(payload);
        let size = match fragment {
            0 => deflated.len().max(1),
            size => size,
        };
        let mut frames: Vec<Frame> = deflated
            .chunks(size)
            .map(|piece| Frame::continuation(piece).more())
            .collect();
        frames[0].opcode = opcode;
        frames[0].reserved = 0x40;
        frames.last_mut().expect("not empty").fin = true;
        self.client.write(stream(&frames));

        let frame = self.client.read_frame();
        assert!(frame.fin && frame.opcode == opcode, "{frame:?}");
        let back = match frame.reserved {
            0x40 => self.inflated(&frame.payload),
            0 => frame.payload,
            bits => panic!("reserved bits {bits:#x}"),
        };
        let (sent, got) = (payload.len(), back.len());
        assert!(back == payload, "{got} for {sent} under {:?}", self.answer);
    }

    /// All shapes of a payload.
    #[track_caller]
    fn walk(mut self, payload: &mut Payload) {
        for (length, count, fragment) in SHAPES {
            for _ in 0..count {
                let message = payload.next(length);
                self.exchange(payload.opcode(), &message, fragment);
            }
        }
        self.client.leave();
    }
}

/// The offer of section 12 and of 13.1.
const PLAIN: &str = "permessage-deflate; client_no_context_takeover; client_max_window_bits";

/// The offers of 13.1 to 13.7, and what their answers must have.
fn offers() -> [(String, &'static [&'static str]); 7] {
    let with = |more: &str| format!("{PLAIN}; {more}");
    let (lonely, nine) = ("server_no_context_takeover", "server_max_window_bits=9");
    let fifteen = "server_max_window_bits=15";
    let [both, wide] = [nine, fifteen].map(|bits| with(&format!("{lonely}; {bits}")));
    let three = format!("{both}, {}, {PLAIN}", with(lonely));
    [
        (PLAIN.to_owned(), &[]),
        (with(lonely), &["server_no_context_takeover"]),
        (with(nine), &["server_max_window_bits=9"]),
        (with(fifteen), &["server_max_window_bits=15"]),
        (
            both,
            &["server_no_context_takeover", "server_max_window_bits=9"],
        ),
        (
            wide,
            &["server_no_context_takeover", "server_max_window_bits=15"],
        ),
        (
            three,
            &["server_no_context_takeover", "server_max_window_bits=9"],
        ),
    ]
}

/// An echo with context takeover, which the ready one leaves out.
fn server_with_takeover() -> Running {
    start(|| {
        let settings = Settings::default().extension(Deflate::new().context_takeover(true));
        App::new().ws_with(
            "/echo-raw",
            settings,
            |session: &mut Session<'_>, message: Message<'_>| {
                let _ = session.send(message);
            },
        )
    })
}

#[test]
fn every_kind_of_payload_comes_back() {
    let server = server();
    // 12.1 to 12.5
    for mut payload in payloads::all() {
        Deflating::open(&server, PLAIN, &[]).walk(&mut payload);
    }
}

#[test]
fn every_offer_is_answered_and_obeyed() {
    let server = server();
    // 13.1 to 13.7
    for (offer, wanted) in offers() {
        Deflating::open(&server, &offer, wanted).walk(&mut payloads::json());
    }
}

#[test]
fn every_offer_is_answered_and_obeyed_by_a_server_with_takeover() {
    let server = server_with_takeover();
    for (offer, wanted) in offers() {
        Deflating::open(&server, &offer, wanted).walk(&mut payloads::json());
    }
    // Takeover in both directions, which no offer of the suite leaves to the client.
    let peer = Deflating::open(&server, "permessage-deflate", &[]);
    assert!(peer.answer.client_takeover && peer.answer.server_takeover);
    peer.walk(&mut payloads::json());
}

#[test]
fn a_client_with_a_small_window_is_understood() {
    let server = server();
    for bits in 9..=15 {
        let offer = format!("permessage-deflate; client_max_window_bits={bits}");
        let wanted = format!("client_max_window_bits={bits}");
        let mut peer = Deflating::open(&server, &offer, &[&wanted]);
        peer.exchange(0x1, &payloads::json().next(5000), 0);
        peer.client.leave();
    }
}

#[test]
fn an_offer_that_is_none_is_declined_and_the_connection_goes_on() {
    let server = server();
    for offer in [
        "permessage-deflate; unknown",
        "permessage-deflate; server_max_window_bits=16",
        "permessage-bzip2",
    ] {
        let mut client = server.connect();
        let field = format!("Sec-WebSocket-Extensions: {offer}");
        let head = client.upgrade("/echo-raw", &[&field]);
        assert_eq!(head.field("sec-websocket-extensions"), None, "{offer}");
        // 3.1: without the extension its bit is a protocol error.
        client.send(Frame::text("Hello").reserved(0x40));
        expect_failure(&mut client, 1002);
    }
}

#[test]
fn bits_that_deflate_does_not_claim_stay_errors() {
    let server = server();
    let first = Frame::text("a").more();
    for frames in [
        vec![Frame::text("Hello").reserved(0x20)],
        vec![Frame::text("Hello").reserved(0x50)],
        vec![Frame::ping(b"Hello").reserved(0x40)],
        vec![Frame::empty_close().reserved(0x40)],
        vec![first, Frame::continuation("b").reserved(0x40)],
    ] {
        let mut peer = Deflating::open(&server, PLAIN, &[]);
        send(&mut peer.client, Pace::AtOnce, &frames);
        expect_failure(&mut peer.client, 1002);
    }
}

#[test]
fn text_that_is_not_utf8_fails_compressed_as_well() {
    let server = server();
    for bad in [&b"\xed\xa0\x80"[..], b"\xff", b"hello \xf4\x90"] {
        let mut peer = Deflating::open(&server, PLAIN, &[]);
        let mut frame = Frame::new(0x1, peer.deflated(bad));
        frame.reserved = 0x40;
        peer.client.send(frame);
        expect_failure(&mut peer.client, 1007);
    }
}
