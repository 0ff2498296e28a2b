//! A WebSocket server of one connection that speaks raw bytes: the other end of an outgoing session.
//!
//! It knows nothing of the library, and judges what it reads as strictly as RFC 6455 asks of a server.

#![allow(dead_code)] // a toolbox: each piece waits for the test that needs it

use crate::wire_frame::Frame;
use sha1::{Digest, Sha1};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

/// How long a read may take. Never reached when all is well.
const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// A listener; a call to it waits until it is accepted.
pub(crate) struct WireServer(TcpListener);

impl WireServer {
    pub(crate) fn bind() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").expect("a free port"))
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.0.local_addr().expect("an address")
    }

    /// The next connection, behind its request.
    #[track_caller]
    pub(crate) fn accept(&self) -> Accepted {
        let stream = self.caller();
        stream
            .set_read_timeout(Some(LONGEST_WAIT))
            .expect("a time limit");
        stream.set_nodelay(true).expect("no delay");
        let mut accepted = Accepted {
            stream,
            request: String::new(),
        };
        while !accepted.request.ends_with("\r\n\r\n") {
            let byte = accepted.take(1)[0];
            accepted.request.push(char::from(byte));
        }
        accepted
    }

    /// The next connection. A listener has no time limit of its own, and who should call may have ended.
    #[track_caller]
    pub(crate) fn caller(&self) -> TcpStream {
        self.0.set_nonblocking(true).expect("a listener");
        let until = Instant::now() + LONGEST_WAIT;
        loop {
            match self.0.accept() {
                Ok((stream, _)) => {
                    stream.set_nonblocking(false).expect("a stream");
                    return stream;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    assert!(Instant::now() < until, "nobody calls");
                    std::thread::sleep(Duration::from_millis(1));
                }
                Err(error) => panic!("no caller: {error}"),
            }
        }
    }

    /// The next connection, upgraded.
    #[track_caller]
    pub(crate) fn accept_session(&self) -> Accepted {
        let mut accepted = self.accept();
        accepted.switch(&[]);
        accepted
    }
}

/// A connection and the request that it began with.
pub(crate) struct Accepted {
    stream: TcpStream,
    pub(crate) request: String,
}

impl Accepted {
    /// The value of the only field of this name.
    #[track_caller]
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let fields = self
            .request
            .split("\r\n")
            .filter_map(|line| line.split_once(": "));
        let mut values = fields.filter(|(known, _)| known.eq_ignore_ascii_case(name));
        let value = values.next();
        assert!(values.next().is_none(), "{name} stands twice");
        value.map(|(_, value)| value)
    }

    /// The 101 for its request, with fields such as `Sec-WebSocket-Protocol: a` added.
    #[track_caller]
    pub(crate) fn switching(&self, fields: &[&str]) -> String {
        let key = self.field("sec-websocket-key").expect("a key");
        let hash = Sha1::digest(format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11"));
        let accept = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, hash);
        let more: String = fields.iter().map(|field| format!("{field}\r\n")).collect();
        format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {accept}\r\n{more}\r\n"
        )
    }

    /// Answers with the 101.
    #[track_caller]
    pub(crate) fn switch(&mut self, fields: &[&str]) {
        let answer = self.switching(fields);
        self.write(answer);
    }

    #[track_caller]
    pub(crate) fn write(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream
            .write_all(bytes.as_ref())
            .expect("the caller takes bytes");
    }

    #[track_caller]
    pub(crate) fn send(&mut self, frame: Frame) {
        self.write(frame.bytes());
    }

    /// Reads one frame, its mask taken away and kept; panics on one without.
    #[track_caller]
    pub(crate) fn read_frame(&mut self) -> Frame {
        let start = self.take(2);
        assert_ne!(start[1] & 0x80, 0, "a client must mask (RFC 6455 §5.1)");
        let len = match start[1] & 0x7f {
            126 => self.number(2),
            127 => self.number(8),
            len => usize::from(len),
        };
        let key: [u8; 4] = self.take(4).try_into().expect("four bytes");
        let mut payload = self.take(len);
        for (byte, key) in payload.iter_mut().zip(key.iter().cycle()) {
            *byte ^= key;
        }
        Frame {
            fin: start[0] & 0x80 != 0,
            reserved: start[0] & 0x70,
            opcode: start[0] & 0x0f,
            mask: Some(key),
            payload,
        }
    }

    /// Reads a frame that must be a whole, plain text.
    #[track_caller]
    pub(crate) fn read_text(&mut self) -> String {
        self.read_frame().into_text()
    }

    /// Reads a frame that must be a Close: code and reason.
    #[track_caller]
    pub(crate) fn read_close(&mut self) -> (u16, String) {
        let frame = self.read_frame();
        let (code, reason) = frame.close_parts();
        (code, reason.to_owned())
    }

    /// Sees the caller end the connection without another byte.
    #[track_caller]
    pub(crate) fn expect_end(&mut self) {
        let mut rest = Vec::new();
        // A reset is an end, too.
        let _ = self.stream.read_to_end(&mut rest);
        assert!(rest.is_empty(), "behind the end: {}", rest.escape_ascii());
    }

    #[track_caller]
    fn number(&mut self, width: usize) -> usize {
        let bytes = self.take(width);
        bytes
            .iter()
            .fold(0, |number, byte| number << 8 | usize::from(*byte))
    }

    #[track_caller]
    fn take(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.stream
            .read_exact(&mut bytes)
            .expect("the caller goes on");
        bytes
    }
}
