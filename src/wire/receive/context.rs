//! Lane 3: a borrowed tungstenite `WebSocketContext`, which puts fragments
//! together and writes pongs.
//!
//! It is fed whole frames only, one at a time, so it never holds half a frame,
//! and between messages it is as good as new. A long fragment is fed as several
//! frames of its message, as it arrives; text is checked here alone, at each of
//! them. It never sees a frame that breaks a rule of the header, a mask (unmasking
//! is done by then), a reserved bit, or a Close: it would answer that by itself,
//! with 1002 for codes it does not know.

use super::event::Failure;
use super::rules::Role;
use crate::wire::frame::{self, OpCode, Reserved};
use std::io::{self, Read, Write};
use tungstenite::protocol::{Role as TungsteniteRole, WebSocketConfig, WebSocketContext};
use tungstenite::{Error, Message};

/// Bytes a context reads at a step and owns from the start; nothing longer is fed.
const READ_BUFFER: usize = 4096;
/// What a context takes beside its read buffer and the message, in bytes.
const STATE: usize = 512;
/// How many contexts the pool keeps for each role.
const POOLED: usize = 16;

/// A state machine that is lent to one connection.
#[derive(Debug)]
pub(super) struct Context {
    inner: WebSocketContext,
    role: Role,
    /// Bytes of the message that it puts together, and how many it has reserved for them.
    message: usize,
    reserved: usize,
    /// The header of the frame that is being fed.
    head: Vec<u8>,
}

impl Context {
    fn new(role: Role) -> Box<Self> {
        // Sizes and masks are judged before; limits here would be a second opinion.
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(0)
            .max_message_size(None)
            .max_frame_size(None)
            .accept_unmasked_frames(true);
        let side = match role {
            Role::Server => TungsteniteRole::Server,
            Role::Client => TungsteniteRole::Client,
        };
        Box::new(Self {
            inner: WebSocketContext::new(side, Some(config)),
            role,
            message: 0,
            reserved: 0,
            head: Vec::new(),
        })
    }

    /// Feeds one fragment, plain and unmasked; the whole message after the last one.
    pub(super) fn fragment(
        &mut self,
        fin: bool,
        opcode: OpCode,
        payload: &[u8],
    ) -> Result<Option<Message>, Failure> {
        self.message += payload.len();
        if self.reserved < self.message {
            // As a vector grows.
            self.reserved = self.message.max(2 * self.reserved).max(8);
        }
        let message = self.feed(fin, opcode, payload, &mut Vec::new())?;
        if fin {
            (self.message, self.reserved) = (0, 0);
        }
        Ok(message)
    }

    /// Bytes that it keeps.
    pub(super) fn held(&self) -> usize {
        STATE + READ_BUFFER + self.reserved
    }

    /// Feeds a ping and appends the pong that answers it to `reply`.
    pub(super) fn ping(&mut self, payload: &[u8], reply: &mut Vec<u8>) -> Result<(), Failure> {
        self.feed(true, OpCode::Ping, payload, reply).map(|_| ())
    }

    fn feed(
        &mut self,
        fin: bool,
        opcode: OpCode,
        payload: &[u8],
        written: &mut Vec<u8>,
    ) -> Result<Option<Message>, Failure> {
        debug_assert!(payload.len() + frame::MAX_HEADER <= READ_BUFFER);
        self.head.clear();
        let none = Reserved::NONE;
        frame::write_header(&mut self.head, fin, none, opcode, payload.len(), None);
        let mut stream = OneFrame {
            head: &self.head,
            payload,
            written,
        };
        let message = match self.inner.read(&mut stream) {
            Ok(message) => Some(message),
            Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => None,
            Err(error) => return Err(failure(&error)),
        };
        // A pong is written by the next call only.
        let flushed = self.inner.flush(&mut stream);
        flushed.map_err(|error| failure(&error))?;
        debug_assert!(stream.head.is_empty() && stream.payload.is_empty());
        Ok(message)
    }
}

/// The code for an error of the state machine. The lanes find these first; one
/// that comes through all the same ends the connection as it should.
fn failure(error: &Error) -> Failure {
    match error {
        Error::Utf8(_) => Failure::NOT_UTF8,
        Error::Capacity(_) => Failure::TOO_BIG,
        _ => Failure::protocol("protocol error"),
    }
}

/// The stream a context sees: one frame to read, and room to write.
struct OneFrame<'a> {
    head: &'a [u8],
    payload: &'a [u8],
    written: &'a mut Vec<u8>,
}

impl Read for OneFrame<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let head = self.head.read(buf)?;
        match head + self.payload.read(&mut buf[head..])? {
            0 => Err(io::ErrorKind::WouldBlock.into()),
            read => Ok(read),
        }
    }
}

impl Write for OneFrame<'_> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.written.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Contexts that wait for the next connection that needs one, by role.
#[derive(Debug, Default)]
pub(super) struct ContextPool {
    #[expect(clippy::vec_box, reason = "they move between pool and connections")]
    idle: [Vec<Box<Context>>; 2],
}

impl ContextPool {
    pub(super) fn take(&mut self, role: Role) -> Box<Context> {
        let idle = self.idle[role as usize].pop();
        idle.unwrap_or_else(|| Context::new(role))
    }

    /// Takes a context back that has no fragments open.
    pub(super) fn put(&mut self, context: Box<Context>) {
        let idle = &mut self.idle[context.role as usize];
        if idle.len() < POOLED {
            idle.push(context);
        }
    }
}

#[cfg(test)]
impl ContextPool {
    /// How many contexts wait, of both roles.
    pub(super) fn len(&self) -> usize {
        self.idle.iter().map(Vec::len).sum()
    }
}
