//! An open connection from the client's side, without its socket: messages
//! become masked frames, and bytes become what the server said.
//!
//! The order of calls: what [`Connection::send`], [`ping`](Connection::ping) and
//! [`close`](Connection::close) append to `out` goes to the server. After a read
//! into [`Connection::target`] comes [`filled`](Connection::filled), then
//! [`next`](Connection::next) until it gives `None`; it appends answers, too.

use super::{Incoming, Options};
use crate::wire::close::{CloseCode, CloseReason, ClosedBy, cut_reason};
use crate::wire::error::{Error, ErrorKind, Result};
use crate::wire::extension::Transform;
use crate::wire::frame::{self, OpCode, Reserved};
use crate::wire::message::Message;
use crate::wire::receive::{Event, Failure, Input, Lanes, ReceiveRules, Receiver, Role};
use crate::wire::work::Work;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// Bytes of one read, unless a long frame is under way.
const READ: usize = 16 << 10;

/// The state of an open connection.
#[derive(Debug)]
pub struct Connection {
    rules: ReceiveRules,
    lanes: Lanes,
    receiver: Receiver,
    transform: Option<Box<dyn Transform>>,
    masks: StdRng,
    /// What was read: `unread` of it is still to be looked at.
    buffer: Vec<u8>,
    unread: core::ops::Range<usize>,
    /// The last read went straight to the receiver.
    direct: bool,
    encoded: Vec<u8>,
    /// Why nothing more is received.
    ended: Option<CloseReason>,
}

impl Connection {
    /// A connection whose handshake is done. `rest` is what came behind the answer; `seed`
    /// must be random, for it decides the masks (RFC 6455 §10.3).
    pub fn new(
        options: &Options,
        transform: Option<Box<dyn Transform>>,
        rest: Vec<u8>,
        seed: [u8; 32],
    ) -> Self {
        Self {
            rules: ReceiveRules {
                role: Role::Client,
                max_frame: options.max_frame_size,
                max_message: options.max_message_size,
                raw: false,
                closing: false,
            },
            lanes: Lanes::new(),
            receiver: Receiver::default(),
            transform,
            masks: StdRng::from_seed(seed),
            unread: 0..rest.len(),
            buffer: rest,
            direct: false,
            encoded: Vec::new(),
            ended: None,
        }
    }

    /// Why nothing more is received: the server's Close, or 1006 when the connection was lost.
    pub fn ended(&self) -> Option<&CloseReason> {
        self.ended.as_ref()
    }

    /// The connection is gone without a Close: 1006. Keeps a reason that is there.
    pub fn lost(&mut self) {
        self.ended.get_or_insert_with(CloseReason::lost);
    }

    /// Whether a Close of ours was appended.
    pub fn is_closing(&self) -> bool {
        self.rules.closing
    }

    /// Appends a message.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`] behind a Close of either side.
    pub fn send(&mut self, message: Message<'_>, out: &mut Vec<u8>) -> Result<()> {
        self.check_open()?;
        let (opcode, payload) = frame::parts(message);
        let Some(transform) = &mut self.transform else {
            self.frame(opcode, Reserved::NONE, payload, out);
            return Ok(());
        };
        let mut encoded = std::mem::take(&mut self.encoded);
        encoded.clear();
        match transform.encode(opcode, payload, &mut Work::unlimited(), &mut encoded) {
            Some(reserved) => self.frame(opcode, reserved, &encoded, out),
            None => self.frame(opcode, Reserved::NONE, payload, out),
        }
        self.encoded = encoded;
        Ok(())
    }

    /// Appends a ping.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] for more than 125 bytes (RFC 6455 §5.5), [`ErrorKind::Closed`]
    /// behind a Close of either side.
    pub fn ping(&mut self, payload: &[u8], out: &mut Vec<u8>) -> Result<()> {
        self.check_open()?;
        if payload.len() > 125 {
            let message = format!("a ping of {} bytes, wanted: at most 125", payload.len());
            return Err(Error::new(ErrorKind::Config, message));
        }
        self.frame(OpCode::Ping, Reserved::NONE, payload, out);
        Ok(())
    }

    /// Appends our Close; the reason is cut at 123 bytes. Data still arrives until the server's.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] for a code that may not stand in a frame, [`ErrorKind::Closed`]
    /// behind a Close of either side.
    pub fn close(&mut self, code: CloseCode, reason: &str, out: &mut Vec<u8>) -> Result<()> {
        self.check_open()?;
        if !code.is_sendable() {
            let message = format!(
                "the close code {code}, wanted: 1000 to 1003, 1007 to 1014 or 3000 to 4999"
            );
            return Err(Error::new(ErrorKind::Config, message));
        }
        self.push_close(code, reason, out);
        Ok(())
    }

    fn push_close(&mut self, code: CloseCode, reason: &str, out: &mut Vec<u8>) {
        let payload = [&code.get().to_be_bytes(), cut_reason(reason).as_bytes()].concat();
        self.frame(OpCode::Close, Reserved::NONE, &payload, out);
        self.rules.closing = true;
    }

    fn check_open(&self) -> Result<()> {
        let message = match (&self.ended, self.rules.closing) {
            (Some(reason), _) => format!("the connection has ended: {reason}"),
            (None, true) => "the connection is closing: its Close is sent".to_owned(),
            (None, false) => return Ok(()),
        };
        Err(Error::new(ErrorKind::Closed, message))
    }

    /// A frame under a mask of its own (RFC 6455 §5.3).
    fn frame(&mut self, opcode: OpCode, reserved: Reserved, payload: &[u8], out: &mut Vec<u8>) {
        let mut key = [0; 4];
        self.masks.fill_bytes(&mut key);
        frame::write_frame(out, true, opcode, reserved, payload, Some(key));
    }

    /// Where the next read goes, once [`Connection::next`] has given `None`; never empty.
    pub fn target(&mut self) -> &mut [u8] {
        self.unread = 0..0;
        self.direct = self.receiver.target().is_some();
        if self.direct
            && let Some(target) = self.receiver.target()
        {
            return target;
        }
        self.buffer.resize(READ, 0);
        &mut self.buffer
    }

    /// `n` bytes were read to the start of the [`target`](Self::target).
    ///
    /// # Panics
    /// When `n` is more than the target had room for.
    pub fn filled(&mut self, n: usize) {
        if self.direct {
            self.receiver.filled(n);
        } else {
            assert!(n <= self.buffer.len(), "more than there was room for");
            self.unread = 0..n;
        }
    }

    /// The next thing that the server said, out of what was read; `None` when more must be read.
    /// Pings and the server's Close are answered in `out`.
    ///
    /// # Errors
    /// [`ErrorKind::Protocol`] or [`ErrorKind::Limit`] when the server broke a rule: `out` has
    /// our Close, and nothing more may be read. [`ErrorKind::Closed`] behind the end.
    pub fn next(&mut self, out: &mut Vec<u8>) -> Result<Option<Incoming>> {
        if let Some(reason) = &self.ended {
            let message = format!("the connection has ended: {reason}");
            return Err(Error::new(ErrorKind::Closed, message));
        }
        let bytes = &mut self.buffer[self.unread.clone()];
        let mut input = Input::new(bytes);
        let transform = self.transform.as_deref_mut();
        // Nobody else waits for this thread.
        let mut work = Work::unlimited();
        let next = self.lanes.next(
            &mut self.receiver,
            transform,
            &self.rules,
            &mut input,
            &mut work,
        );
        let next = next.map(|event| event.map(owned));
        self.unread.start = self.unread.end - input.remaining();
        match next {
            Ok(Some(Incoming::Ping(payload))) => {
                if !self.rules.closing {
                    self.frame(OpCode::Pong, Reserved::NONE, &payload, out);
                }
                Ok(Some(Incoming::Ping(payload)))
            }
            Ok(Some(Incoming::Close(reason))) => Ok(Some(self.closed(reason, out))),
            Ok(other) => Ok(other),
            Err(failure) => Err(self.failed(failure, out)),
        }
    }

    /// The server's Close: answered with the same code, an empty one with an empty one
    /// (RFC 6455 §5.5.1), unless it is the answer to ours.
    fn closed(&mut self, mut reason: CloseReason, out: &mut Vec<u8>) -> Incoming {
        if self.rules.closing {
            reason.by = ClosedBy::Us;
        } else if reason.code == CloseCode::NO_STATUS {
            self.frame(OpCode::Close, Reserved::NONE, &[], out);
        } else {
            self.push_close(reason.code, "", out);
        }
        self.ended = Some(reason.clone());
        Incoming::Close(reason)
    }

    fn failed(&mut self, failure: Failure, out: &mut Vec<u8>) -> Error {
        let Failure { code, reason } = failure;
        if !self.rules.closing {
            self.push_close(code, reason, out);
        }
        self.ended = Some(CloseReason::new(code, reason, ClosedBy::Us));
        let (kind, what) = match code {
            CloseCode::TOO_BIG | CloseCode::POLICY => (ErrorKind::Limit, "passed a limit"),
            _ => (ErrorKind::Protocol, "broke the protocol"),
        };
        Error::new(kind, format!("the server {what}: {reason} (close {code})"))
    }
}

fn owned(event: Event<'_>) -> Incoming {
    match event {
        Event::Message(Message::Text(text)) => Incoming::Text(text.to_owned()),
        Event::Message(Message::Binary(bytes)) => Incoming::Binary(bytes.to_owned()),
        Event::Ping { payload, .. } => Incoming::Ping(payload.to_owned()),
        Event::Pong(payload) => Incoming::Pong(payload.to_owned()),
        Event::Close(close) => {
            let (code, reason) = close.unwrap_or((CloseCode::NO_STATUS, ""));
            Incoming::Close(CloseReason::new(code, reason, ClosedBy::Peer))
        }
        Event::Frame(_) => unreachable!("the rules ask for messages"),
    }
}
