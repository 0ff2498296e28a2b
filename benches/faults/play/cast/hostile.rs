//! Those who break rules, send too much, do not go on, or talk nonsense, and those who make the program do
//! strange things.

use super::super::program::OBEYING;
use super::Player;
use dunlin::testing::{Conversation, Line, Received};
use dunlin::wire::frame::{OpCode, Reserved, write_frame};
use dunlin_bench::flood::{deflate_stream, deflated};
use rand::RngExt;
use rand::rngs::StdRng;
use std::sync::OnceLock;

const MASK: Option<[u8; 4]> = Some([1, 2, 3, 4]);

fn frame(fin: bool, reserved: Reserved, opcode: OpCode, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_frame(&mut bytes, fin, opcode, reserved, payload, MASK);
    bytes
}

fn route(random: &mut StdRng) -> &'static str {
    // The last one agrees on an extension, which a conversation does not speak.
    OBEYING[random.random_range(0..OBEYING.len() - 1)]
}

/// An upgrade as bytes, for those who do not read the answer.
fn upgrade(target: &str, more: &str) -> Vec<u8> {
    format!(
        "GET {target} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{more}\r\n"
    )
    .into_bytes()
}

/// Tells the program what to do.
pub(super) struct Driver(Conversation);

impl Driver {
    pub(super) fn new(line: &Line, random: &mut StdRng) -> Self {
        let how = ["", "?later", "", "?no", ""][random.random_range(0..5)];
        Self(line.upgrade(&format!("{}{how}", route(random)), &[]))
    }
}

impl Player for Driver {
    fn line(&self) -> &Line {
        &self.0
    }

    fn act(&mut self, random: &mut StdRng) {
        if !self.0.is_open() {
            return;
        }
        let verbs = [
            "flood", "timer", "ticks", "call", "tell", "relay", "pause", "panic", "close", "other",
            "join", "join", "leave", "publish", "publish", "ping", "ticket", "ticket", "words",
        ];
        let verb = verbs[random.random_range(0..verbs.len())];
        // What ends sessions is rare enough for the others to come to something.
        if ["panic", "close", "other"].contains(&verb) && !random.random_ratio(1, 8) {
            return;
        }
        let (first, second) = (
            random.random_range(0..3000_u32),
            random.random_range(0..3000_u32),
        );
        self.0.send(format!("{verb} {first} {second}"));
    }

    fn look(&mut self) {
        self.0.arrived();
    }
}

/// Breaks RFC 6455 once, and must hear a Close of the right kind.
pub(super) struct Liar {
    conversation: Conversation,
    has_lied: bool,
    closed: Option<u16>,
}

impl Liar {
    pub(super) fn new(line: &Line, random: &mut StdRng) -> Self {
        Self {
            conversation: line.upgrade(route(random), &[]),
            has_lied: false,
            closed: None,
        }
    }

    fn lie(random: &mut StdRng) -> Vec<u8> {
        let none = Reserved::NONE;
        match random.random_range(0..14) {
            0 => vec![0x81, 0x05, b'n', b'o', b'm', b'a', b's'],
            1 => frame(true, Reserved::RSV1, OpCode::Text, b"compressed?"),
            2 => frame(true, Reserved::RSV3, OpCode::Binary, b""),
            3 => vec![0x83, 0x80, 0, 0, 0, 0],
            4 => vec![0x8f, 0x80, 0, 0, 0, 0],
            5 => frame(true, none, OpCode::Text, b"\xff\xfe"),
            6 => frame(true, none, OpCode::Text, b"cut \xec\x9d"),
            7 => frame(true, none, OpCode::Continuation, b"of nothing"),
            8 => {
                let mut two = frame(false, none, OpCode::Text, b"one");
                two.extend(frame(true, none, OpCode::Text, b"two"));
                two
            }
            9 => frame(false, none, OpCode::Ping, b"in fragments"),
            10 => frame(true, none, OpCode::Ping, &[7; 126]),
            // Lengths that nobody has, or that this route does not take.
            11 => vec![0x82, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            12 => vec![0x82, 0xff, 0, 0, 0, 1, 0, 0, 0, 5, 0, 0, 0, 0],
            _ => frame(true, none, OpCode::Close, &[0x03]),
        }
    }
}

impl Player for Liar {
    fn line(&self) -> &Line {
        &self.conversation
    }

    fn act(&mut self, random: &mut StdRng) {
        if !self.conversation.is_open() || self.has_lied {
            return;
        }
        if random.random_ratio(1, 3) {
            self.conversation.send("honest so far");
            return;
        }
        self.conversation.send_raw(&Self::lie(random));
        self.has_lied = true;
        // More of the same, to a session that is over.
        if random.random() {
            self.conversation.send_raw(&Self::lie(random));
            self.conversation.send_raw(&[0xaa; 3000]);
        }
    }

    fn look(&mut self) {
        for received in self.conversation.arrived() {
            if let Received::Close { code, .. } = received {
                self.closed = Some(code.get());
            }
        }
    }

    fn settled(&mut self) {
        if self.has_lied && self.conversation.unread() == 0 {
            let code = self.closed;
            let is_told = code.is_some_and(|code| code != 1000);
            let is_over = self.conversation.end().is_some();
            assert!(is_told || is_over, "a lie went through: {code:?}");
        }
    }
}

/// Sends as much as it can, and does not read what comes.
pub(super) struct Flood {
    line: Line,
    portion: Vec<u8>,
}

impl Flood {
    pub(super) fn new(line: &Line, random: &mut StdRng) -> Self {
        let none = Reserved::NONE;
        let offer = "Sec-WebSocket-Extensions: permessage-deflate\r\n";
        let kind = random.random_range(0..10);
        let (head, portion) = match kind {
            0 => (
                upgrade(route(random), ""),
                frame(true, none, OpCode::Ping, b"ping").repeat(200),
            ),
            1 => (
                upgrade(route(random), ""),
                frame(true, none, OpCode::Text, b"").repeat(300),
            ),
            2 => {
                let mut head = upgrade(route(random), "");
                head.extend(frame(false, none, OpCode::Text, b""));
                (
                    head,
                    frame(false, none, OpCode::Continuation, b"").repeat(400),
                )
            }
            3 => {
                static BOMB: OnceLock<Vec<u8>> = OnceLock::new();
                let bomb = BOMB.get_or_init(|| deflate_stream::message(&vec![0; 1 << 20]));
                (
                    upgrade("/squeeze", offer),
                    frame(true, Reserved::RSV1, OpCode::Binary, bomb),
                )
            }
            4 => {
                let empty = deflated::final_blocks(3000);
                (
                    upgrade("/squeeze", offer),
                    frame(true, Reserved::RSV1, OpCode::Binary, &empty),
                )
            }
            5 => (
                upgrade("/squeeze", offer),
                frame(true, Reserved::RSV1, OpCode::Text, &[0xde, 0xad, 0xbe]),
            ),
            6 => (
                upgrade("/room?name=a", ""),
                frame(true, none, OpCode::Text, &[b'f'; 1000]).repeat(20),
            ),
            7 => (
                Vec::new(),
                b"GET /page HTTP/1.1\r\nHost: a\r\n\r\n".repeat(60),
            ),
            8 => (
                upgrade("/raw", ""),
                frame(true, none, OpCode::Binary, &[b'r'; 1000]).repeat(20),
            ),
            _ => (
                upgrade("/stop", ""),
                frame(true, none, OpCode::Text, b"flood 100 1000").repeat(10),
            ),
        };
        line.send_raw(&head);
        if random.random_ratio(1, 3) {
            line.stall();
        }
        Self {
            line: line.clone(),
            portion,
        }
    }
}

impl Player for Flood {
    fn line(&self) -> &Line {
        &self.line
    }

    fn act(&mut self, _: &mut StdRng) {
        // A kernel holds so much, and then its peer waits.
        if self.line.unread() < 64 << 10 {
            self.line.send_raw(&self.portion);
        }
    }

    fn look(&mut self) {
        self.line.forget_raw();
    }
}

/// Begins something, and does not go on, or byte by byte.
pub(super) struct Staller {
    line: Line,
    rest: Option<Vec<u8>>,
}

impl Staller {
    pub(super) fn new(line: Line) -> Self {
        Self { line, rest: None }
    }

    fn whole(random: &mut StdRng) -> Vec<u8> {
        let mut bytes = upgrade(route(random), "");
        let message = frame(true, Reserved::NONE, OpCode::Binary, &[b's'; 700]);
        match random.random_range(0..4) {
            0 => bytes.extend(message),
            1 => bytes.extend(&message[..random.random_range(0..message.len())]),
            2 => {
                bytes = b"POST /sum HTTP/1.1\r\nHost: a\r\nContent-Length: 900\r\n\r\nabc".to_vec()
            }
            _ => {
                bytes = b"POST /sum HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\nff\r\n"
                    .to_vec();
            }
        }
        bytes
    }
}

impl Player for Staller {
    fn line(&self) -> &Line {
        &self.line
    }

    fn act(&mut self, random: &mut StdRng) {
        let rest = self.rest.get_or_insert_with(|| Self::whole(random));
        if rest.is_empty() {
            if random.random_ratio(1, 10) {
                self.line.stall();
            }
            return;
        }
        // All at once up to somewhere, then slowly.
        let most = if random.random_ratio(1, 4) {
            rest.len()
        } else {
            3
        };
        let now = random.random_range(1..=most.min(rest.len()));
        let bytes: Vec<u8> = rest.drain(..now).collect();
        self.line.send_raw(&bytes);
    }

    fn look(&mut self) {
        self.line.forget_raw();
    }
}

/// Speaks something else.
pub(super) struct Garbage(pub(super) Line);

impl Player for Garbage {
    fn line(&self) -> &Line {
        &self.0
    }

    fn act(&mut self, random: &mut StdRng) {
        let bytes: Vec<u8> = match random.random_range(0..7) {
            0 => b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(),
            1 => b"EHLO mail.example\r\n".to_vec(),
            2 => b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
            3 => b"PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n".to_vec(),
            4 => b"GET / HTTP/1.1\r\nX: ".repeat(20),
            5 => b"\r\n".repeat(30),
            _ => (0..random.random_range(1..200))
                .map(|_| random.random())
                .collect(),
        };
        self.0.send_raw(&bytes);
    }

    fn look(&mut self) {
        self.0.forget_raw();
    }
}
