//! A WebSocket client that speaks raw bytes: it can break every rule, in any pieces.
//!
//! It knows nothing of the library. What it reads it judges as strictly as
//! RFC 6455 asks of a client; every read has a time limit, so a server that says
//! nothing fails the test and does not hang it.

#![allow(dead_code)] // a toolbox: each piece waits for the test that needs it

pub(crate) use crate::wire_frame::Frame;
use socket2::{Domain, SockRef, Socket, Type};
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

/// How long a read may take. Never reached when all is well.
const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// Bytes that the kernel keeps for a narrow client, each way: two segments of the loopback.
const NARROW: usize = 128 << 10;

/// The key and its answer of RFC 6455 §1.3.
pub(crate) const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
pub(crate) const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// The head of an HTTP response.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub(crate) status: u16,
    /// Names in lower case.
    pub(crate) fields: Vec<(String, String)>,
}

impl Head {
    /// The value of the only field of this name; panics when there are two.
    #[track_caller]
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let mut values = self.fields.iter().filter(|(known, _)| known == name);
        let value = values.next();
        assert!(values.next().is_none(), "{name} stands twice in {self:?}");
        value.map(|(_, value)| &**value)
    }

    fn parse(text: &str) -> Self {
        let mut lines = text.trim_end_matches("\r\n").split("\r\n");
        let first = lines.next().unwrap_or_default();
        let status = first
            .strip_prefix("HTTP/1.1 ")
            .and_then(|rest| rest.get(..3));
        Self {
            status: status
                .and_then(|digits| digits.parse().ok())
                .unwrap_or_else(|| panic!("not a status line: {first:?}")),
            fields: lines
                .map(|line| {
                    line.split_once(": ")
                        .unwrap_or_else(|| panic!("not a field: {line:?}"))
                })
                .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
                .collect(),
        }
    }
}

/// A connection, and what was read of it too early.
pub(crate) struct WireClient {
    stream: TcpStream,
    unread: Vec<u8>,
}

impl WireClient {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        Self::over(TcpStream::connect(address).expect("the server accepts"))
    }

    /// A connection from this address of the loopback.
    pub(crate) fn connect_from(source: [u8; 4], address: SocketAddr) -> Self {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None);
        let socket = socket.expect("a socket");
        let source = SocketAddr::from((source, 0));
        socket
            .bind(&source.into())
            .expect("an address of the loopback");
        socket.connect(&address.into()).expect("the server accepts");
        Self::over(socket.into())
    }

    /// A connection that takes few bytes from the network, and gives few to it, until it reads:
    /// what else it is sent waits at the server.
    pub(crate) fn narrow(address: SocketAddr) -> Self {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None);
        let socket = socket.expect("a socket");
        socket.set_recv_buffer_size(NARROW).expect("a buffer size");
        socket.set_send_buffer_size(NARROW).expect("a buffer size");
        socket.connect(&address.into()).expect("the server accepts");
        Self::over(socket.into())
    }

    fn over(stream: TcpStream) -> Self {
        stream
            .set_read_timeout(Some(LONGEST_WAIT))
            .expect("a time limit");
        stream
            .set_write_timeout(Some(LONGEST_WAIT))
            .expect("a time limit");
        stream.set_nodelay(true).expect("no delay");
        Self {
            stream,
            unread: Vec::new(),
        }
    }

    /// The socket itself, for what has no method here.
    pub(crate) fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Writes any bytes.
    #[track_caller]
    pub(crate) fn write(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream
            .write_all(bytes.as_ref())
            .expect("the server takes bytes");
    }

    /// The head of an upgrade as a browser would send it, with fields such as `Origin: http://a` added.
    pub(crate) fn upgrade_head(path: &str, fields: &[&str]) -> String {
        let more: String = fields.iter().map(|field| format!("{field}\r\n")).collect();
        format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n{more}\r\n"
        )
    }

    /// Asks for a WebSocket and gets it.
    #[track_caller]
    pub(crate) fn upgrade(&mut self, path: &str, fields: &[&str]) -> Head {
        self.write(Self::upgrade_head(path, fields));
        let head = self.read_head();
        assert_eq!(head.status, 101, "{path}: {head:?}");
        assert_eq!(head.field("sec-websocket-accept"), Some(ACCEPT));
        head
    }

    /// Writes a request and reads the whole answer by its Content-Length.
    #[track_caller]
    pub(crate) fn request(&mut self, method: &str, path: &str, fields: &[&str]) -> (Head, Vec<u8>) {
        let more: String = fields.iter().map(|field| format!("{field}\r\n")).collect();
        self.write(format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\n{more}\r\n"
        ));
        let head = self.read_head();
        let bodiless = method == "HEAD" || matches!(head.status, 101 | 204 | 304);
        let body = if bodiless {
            Vec::new()
        } else {
            self.read_body(&head)
        };
        (head, body)
    }

    /// Reads to the blank line behind a head.
    #[track_caller]
    pub(crate) fn read_head(&mut self) -> Head {
        let end = loop {
            if let Some(at) = self.unread.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            assert!(
                self.fill(),
                "the end came inside a head: {:?}",
                self.unread.escape_ascii()
            );
        };
        let head: Vec<u8> = self.unread.drain(..end).collect();
        Head::parse(std::str::from_utf8(&head).expect("a head is text"))
    }

    /// Reads the body that `Content-Length` tells.
    #[track_caller]
    pub(crate) fn read_body(&mut self, head: &Head) -> Vec<u8> {
        let length = head.field("content-length").expect("a Content-Length");
        self.take(length.parse().expect("a number"))
    }

    /// Writes a frame, masked with a key of our own unless it has one.
    #[track_caller]
    pub(crate) fn send(&mut self, frame: Frame) {
        let mask = frame.mask.unwrap_or([0x37, 0xfa, 0x21, 0x3d]);
        self.write(frame.mask(mask).bytes());
    }

    #[track_caller]
    pub(crate) fn send_text(&mut self, text: &str) {
        self.send(Frame::text(text));
    }

    /// Reads one frame; panics on a masked one and on a length that is not the shortest.
    #[track_caller]
    pub(crate) fn read_frame(&mut self) -> Frame {
        let start = self.take(2);
        assert_eq!(start[1] & 0x80, 0, "a server must not mask (RFC 6455 §5.1)");
        let width = match start[1] & 0x7f {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let len = match width {
            0 => u64::from(start[1] & 0x7f),
            _ => self
                .take(width)
                .iter()
                .fold(0, |len, byte| len << 8 | u64::from(*byte)),
        };
        let least = [0, 0, 126, 0, 0, 0, 0, 0, 65536][width];
        assert!(
            len >= least,
            "{len} bytes in a length field of {width} more (RFC 6455 §5.2)"
        );
        Frame {
            fin: start[0] & 0x80 != 0,
            reserved: start[0] & 0x70,
            opcode: start[0] & 0x0f,
            mask: None,
            payload: self.take(len as usize),
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

    /// Reads a Close, answers it and sees the server end the connection.
    #[track_caller]
    pub(crate) fn expect_close(&mut self, code: u16, reason: &str) {
        assert_eq!(self.read_close(), (code, reason.to_owned()));
        // After a failed connection the server may be gone already: what counts is the end.
        let _ = self
            .stream
            .write_all(&Frame::close(code, "").mask([1, 2, 3, 4]).bytes());
        self.expect_end();
    }

    /// The closing handshake from this side.
    #[track_caller]
    pub(crate) fn leave(mut self) {
        self.send(Frame::close(1000, ""));
        assert_eq!(self.read_close().0, 1000);
        self.expect_end();
    }

    /// Sees the server end the connection without another byte.
    #[track_caller]
    pub(crate) fn expect_end(&mut self) {
        let rest = self.read_to_end();
        assert!(
            rest.is_empty(),
            "behind the end: {:?}",
            rest.escape_ascii().to_string()
        );
    }

    /// All bytes to the end of the connection; a reset is an end too.
    #[track_caller]
    pub(crate) fn read_to_end(&mut self) -> Vec<u8> {
        while self.fill() {}
        std::mem::take(&mut self.unread)
    }

    /// The same where a reset is a failure of the server: it would destroy an answer under way.
    #[track_caller]
    pub(crate) fn read_to_clean_end(&mut self) -> Vec<u8> {
        let mut all = std::mem::take(&mut self.unread);
        let read = self.stream.read_to_end(&mut all);
        let seen = all.escape_ascii().to_string();
        let seen = seen.get(..200).unwrap_or(&seen);
        read.unwrap_or_else(|error| panic!("no clean end: {error}; behind \"{seen}\""));
        all
    }

    /// Ends the connection at once and without a goodbye: the server reads a reset.
    pub(crate) fn reset(self) {
        SockRef::from(&self.stream)
            .set_linger(Some(Duration::ZERO))
            .expect("the socket is open");
    }

    /// Says that nothing more will be written.
    pub(crate) fn shut_write(&self) {
        self.stream
            .shutdown(Shutdown::Write)
            .expect("the socket is open");
    }

    /// The next bytes, exactly this many.
    #[track_caller]
    pub(crate) fn take(&mut self, count: usize) -> Vec<u8> {
        while self.unread.len() < count {
            if !self.fill() {
                let (have, seen) = (self.unread.len(), self.unread.escape_ascii().to_string());
                let seen = seen.get(..200).unwrap_or(&seen);
                panic!("the end came after {have} of {count} bytes: \"{seen}\"");
            }
        }
        self.unread.drain(..count).collect()
    }

    /// Reads once; `false` at the end.
    #[track_caller]
    fn fill(&mut self) -> bool {
        let mut buffer = [0; 64 << 10];
        let read = loop {
            match self.stream.read(&mut buffer) {
                // A read with a time limit is not restarted after a signal.
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        match read {
            Ok(count) => {
                self.unread.extend_from_slice(&buffer[..count]);
                count > 0
            }
            Err(error) if error.kind() == ErrorKind::ConnectionReset => false,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                panic!("the server has said nothing for {LONGEST_WAIT:?}")
            }
            Err(error) => panic!("cannot read: {error}"),
        }
    }
}
