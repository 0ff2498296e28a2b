//! One TLS connection without its socket: bytes of the network in, bytes of the program out, and back.
//!
//! The caller owns the buffers. In the order of the calls: [`Session::needs_step`] tells whether a handshake
//! could go on with what is there, [`Session::step`] does that, which is expensive; afterwards
//! [`Session::receive`] opens records and [`Session::seal`] makes them. What could not be used stays at the
//! caller, who gives it again in front of what arrives next.

use super::certificate::Tls;
use super::explain;
use super::record::{self, HelloScan};
use super::states::{Answer, Sealed, Task, act};
use crate::wire::work::price;
use rustls::client::UnbufferedClientConnection;
use rustls::pki_types::ServerName;
use rustls::server::UnbufferedServerConnection;
use rustls::{ClientConfig, Error, HandshakeKind};
use std::sync::Arc;

/// Bytes of an incomplete handshake that are kept: of a client, of a server with all its certificates, and
/// of messages behind the handshake.
const MOST_OF_CLIENT: usize = 24 << 10;
const MOST_OF_SERVER: usize = 80 << 10;
const MOST_BEHIND: usize = record::MOST_RECORD + MOST_OF_CLIENT;

/// Why a connection cannot go on, in plain words.
#[derive(Debug)]
pub(crate) struct Failure(pub(crate) String);

/// What became of bytes that arrived.
#[derive(Debug, Default)]
pub(crate) struct Received {
    /// So many of them are not needed any more.
    pub(crate) used: usize,
    /// So many bytes of the program came out.
    pub(crate) n: usize,
    /// What that cost.
    pub(crate) work: u32,
}

/// Where a connection stands.
enum State {
    /// A client is to begin.
    AwaitsHello(Tls, HelloScan),
    /// This side is to begin.
    Begins(Arc<ClientConfig>, ServerName<'static>),
    Server(Box<UnbufferedServerConnection>),
    Client(Box<UnbufferedClientConnection>),
}

/// One TLS connection.
pub(crate) struct Session {
    state: State,
    /// Bytes in front of what the caller keeps that rustls has seen and still needs.
    seen: usize,
    /// Bytes of the program that did not fit where they were wanted, from `opened_at` on.
    opened: Vec<u8>,
    opened_at: usize,
    /// The peer has said that nothing follows.
    is_ended: bool,
    /// An error has ended it.
    is_broken: bool,
    /// What the step that signs costs.
    signing: u32,
}

impl Session {
    /// A connection that came in.
    pub(crate) fn of_server(tls: Tls) -> Self {
        Self::new(State::AwaitsHello(tls, HelloScan::default()))
    }

    /// A connection of this side to a server with this name.
    pub(crate) fn of_client(config: Arc<ClientConfig>, name: ServerName<'static>) -> Self {
        Self::new(State::Begins(config, name))
    }

    fn new(state: State) -> Self {
        Self {
            state,
            seen: 0,
            opened: Vec::new(),
            opened_at: 0,
            is_ended: false,
            is_broken: false,
            signing: 0,
        }
    }

    /// Whether it came in.
    pub(crate) fn is_server(&self) -> bool {
        matches!(self.state, State::AwaitsHello(..) | State::Server(_))
    }

    /// Whether nothing was said by either side yet.
    pub(crate) fn is_new(&self) -> bool {
        matches!(self.state, State::AwaitsHello(..) | State::Begins(..))
    }

    /// Whether the program has to wait.
    pub(crate) fn is_handshaking(&self) -> bool {
        match &self.state {
            State::AwaitsHello(..) | State::Begins(..) => true,
            State::Server(connection) => connection.is_handshaking(),
            State::Client(connection) => connection.is_handshaking(),
        }
    }

    /// Whether the peer has said that nothing follows, and all before that was taken.
    pub(crate) fn is_ended(&self) -> bool {
        self.is_ended && !self.has_opened()
    }

    /// Whether the handshake can go a step with what is there.
    pub(crate) fn needs_step(&mut self, bytes: &[u8]) -> bool {
        match &mut self.state {
            State::AwaitsHello(_, scan) => scan.is_complete(bytes),
            State::Begins(..) => true,
            _ => self.is_handshaking() && self.has_record(bytes),
        }
    }

    /// Whether a record is there that was not opened.
    pub(crate) fn has_record(&self, bytes: &[u8]) -> bool {
        !self.is_ended && record::length(&bytes[self.seen..]).is_some()
    }

    /// Whether more is kept of an incomplete message than any honest peer sends.
    pub(crate) fn is_too_much(&self, kept: usize) -> bool {
        kept > match &self.state {
            _ if !self.is_handshaking() => MOST_BEHIND,
            State::AwaitsHello(..) | State::Server(_) => MOST_OF_CLIENT,
            State::Begins(..) | State::Client(_) => MOST_OF_SERVER,
        }
    }

    /// Goes a step of the handshake: what costs a hundred times as much as a message.
    ///
    /// # Errors
    /// The handshake has failed. What is in `sealed` is to be sent nevertheless.
    pub(crate) fn step(
        &mut self,
        bytes: &mut [u8],
        sealed: &mut Sealed,
    ) -> (u32, Result<Received, Failure>) {
        let cost = match &self.state {
            State::AwaitsHello(tls, _) => {
                self.signing = tls.price();
                self.signing
            }
            // A client that was asked for another hello is answered with the signature now.
            State::Server(connection)
                if connection.handshake_kind()
                    == Some(HandshakeKind::FullWithHelloRetryRequest) =>
            {
                self.signing
            }
            State::Client(_) => price::HANDSHAKE_OF_CLIENT,
            State::Begins(..) | State::Server(_) => price::HANDSHAKE_REST,
        };
        (cost, self.begin().and_then(|()| self.go_on(bytes, sealed)))
    }

    /// Nothing is asked of rustls behind an error.
    fn check_whole(&self) -> Result<(), Failure> {
        if self.is_broken {
            return Err(Failure("it has failed before".to_owned()));
        }
        Ok(())
    }

    fn begin(&mut self) -> Result<(), Failure> {
        self.check_whole()?;
        let failed = |error: Error| Failure(explain(&error));
        match &self.state {
            State::AwaitsHello(tls, _) => {
                let connection = UnbufferedServerConnection::new(tls.config());
                self.state = State::Server(Box::new(connection.map_err(failed)?));
            }
            State::Begins(config, name) => {
                let connection = UnbufferedClientConnection::new(Arc::clone(config), name.clone());
                self.state = State::Client(Box::new(connection.map_err(failed)?));
            }
            _ => {}
        }
        Ok(())
    }

    fn go_on(&mut self, bytes: &mut [u8], sealed: &mut Sealed) -> Result<Received, Failure> {
        let mut received = Received::default();
        if matches!(self.state, State::Client(_)) {
            // It speaks first.
            self.process_seen(bytes, &mut [], &mut received, sealed)?;
        }
        while self.is_handshaking() && self.open_record(bytes, &mut [], &mut received, sealed)? {}
        Ok(received)
    }

    /// Opens the records that are there, as far as the output has room: the last one may be longer, and
    /// its rest comes with the next call.
    ///
    /// # Errors
    /// The peer broke the protocol, or somebody changed what it sent. What is in `sealed` is to be sent.
    pub(crate) fn receive(
        &mut self,
        bytes: &mut [u8],
        output: &mut [u8],
        sealed: &mut Sealed,
    ) -> Result<Received, Failure> {
        let mut received = Received::default();
        loop {
            let room = output.len() - received.n;
            let rest = &bytes[received.used + self.seen..];
            let is_full = received.n > 0 && record::length(rest).is_some_and(|len| len > room);
            if is_full || !self.open_record(bytes, output, &mut received, sealed)? {
                return Ok(received);
            }
        }
    }

    /// Opens one record; `false` when there is none.
    fn open_record(
        &mut self,
        bytes: &mut [u8],
        output: &mut [u8],
        received: &mut Received,
        sealed: &mut Sealed,
    ) -> Result<bool, Failure> {
        self.check_whole()?;
        if self.is_ended {
            // Nobody wants what is behind the end.
            received.used = bytes.len();
            self.seen = 0;
            return Ok(false);
        }
        let Some(length) = record::length(&bytes[received.used + self.seen..]) else {
            return Ok(false);
        };
        self.seen += length;
        received.work += price::RECORD + (length / price::BYTES_SEALED) as u32;
        self.process_seen(bytes, output, received, sealed)?;
        Ok(true)
    }

    /// Lets rustls work on what it was shown, until it wants more.
    fn process_seen(
        &mut self,
        bytes: &mut [u8],
        output: &mut [u8],
        received: &mut Received,
        sealed: &mut Sealed,
    ) -> Result<(), Failure> {
        loop {
            let shown = &mut bytes[received.used..received.used + self.seen];
            let mut rest = std::mem::take(&mut self.opened);
            let task = Task::Open {
                output,
                n: &mut received.n,
                rest: &mut rest,
            };
            let (discard, answer) = self.process(shown, task, sealed);
            self.opened = rest;
            match answer {
                Ok(answer) => {
                    received.used += discard;
                    self.seen -= discard;
                    self.is_ended |= answer == Answer::Ended;
                    if answer == Answer::Done {
                        return Ok(());
                    }
                }
                Err(error) => {
                    let shown = &mut bytes[received.used..received.used + self.seen];
                    self.last_words(shown, sealed);
                    return Err(Failure(explain(&error)));
                }
            }
        }
    }

    /// The alert that tells the peer what was wrong. Nothing is asked of rustls behind it.
    fn last_words(&mut self, shown: &mut [u8], sealed: &mut Sealed) {
        let wants_write = |state: &State| match state {
            State::Server(connection) => connection.wants_write(),
            State::Client(connection) => connection.wants_write(),
            State::AwaitsHello(..) | State::Begins(..) => false,
        };
        while wants_write(&self.state) {
            let (_, _) = self.process(shown, Task::Seal([&[], &[]]), sealed);
        }
        self.is_broken = true;
    }

    /// Makes records of these bytes, behind what is in `sealed`. `kept` is what the caller keeps.
    ///
    /// # Errors
    /// Nothing more can be sent under these keys.
    pub(crate) fn seal(
        &mut self,
        kept: &mut [u8],
        parts: [&[u8]; 2],
        sealed: &mut Sealed,
    ) -> Result<(), Failure> {
        self.ask(kept, || Task::Seal(parts), sealed)
    }

    /// Says that nothing follows (RFC 8446 §6.1).
    ///
    /// # Errors
    /// As [`Session::seal`].
    pub(crate) fn close(&mut self, kept: &mut [u8], sealed: &mut Sealed) -> Result<(), Failure> {
        self.ask(kept, || Task::Close, sealed)
    }

    fn ask<'a>(
        &mut self,
        kept: &mut [u8],
        task: impl Fn() -> Task<'a>,
        sealed: &mut Sealed,
    ) -> Result<(), Failure> {
        self.check_whole()?;
        let seen = self.seen;
        loop {
            let (_, answer) = self.process(&mut kept[..seen], task(), sealed);
            match answer {
                Ok(Answer::Done) => return Ok(()),
                Ok(answer) => self.is_ended |= answer == Answer::Ended,
                Err(error) => return Err(Failure(explain(&error))),
            }
        }
    }

    fn process(
        &mut self,
        shown: &mut [u8],
        task: Task<'_>,
        sealed: &mut Sealed,
    ) -> (usize, Result<Answer, Error>) {
        match &mut self.state {
            State::Server(connection) => act(connection.process_tls_records(shown), task, sealed),
            State::Client(connection) => act(connection.process_tls_records(shown), task, sealed),
            State::AwaitsHello(..) | State::Begins(..) => (0, Err(Error::HandshakeNotComplete)),
        }
    }

    /// Whether bytes of the program wait that did not fit.
    pub(crate) fn has_opened(&self) -> bool {
        self.opened_at < self.opened.len()
    }

    /// Takes of these what fits.
    pub(crate) fn take_opened(&mut self, output: &mut [u8]) -> usize {
        let rest = &self.opened[self.opened_at..];
        let n = rest.len().min(output.len());
        output[..n].copy_from_slice(&rest[..n]);
        self.opened_at += n;
        if !self.has_opened() {
            self.opened = Vec::new();
            self.opened_at = 0;
        }
        n
    }

    /// Bytes of memory for what did not fit.
    pub(crate) fn held(&self) -> usize {
        self.opened.capacity()
    }
}

#[cfg(test)]
mod tests;
