//! Secured connections: TLS between a socket and the hub.
//!
//! The loop has one buffer for what arrives and one for what is sent. Of a connection is kept what cannot
//! be opened yet and what the kernel does not take, in buffers that go when they are empty.

use super::Stream;
use crate::app::Identity;
use crate::hub::Lost;
use crate::net::tls::{Failure, Sealed, Session, Tls, client_config, server_name, speaks_http};
use crate::turn::{HandshakeStep, Read};
use crate::wire::error::Result as Outcome;
use crate::wire::work::{Work, price};

/// The buffer for what arrives: as much as one read asks for, behind the largest handshake that is kept.
const SPACE: usize = MOST_READ + (96 << 10);
const MOST_READ: usize = 64 << 10;
/// What is read beside what the reader has room for: headers and tags of its records.
const BESIDE: usize = 256;
/// Bytes that are encrypted for one write: at first, and of a connection that takes all. One that stalled
/// gets few at a time, for what was encrypted is kept.
const FIRST_CHUNK: u32 = 16 << 10;
const MOST_CHUNK: u32 = 64 << 10;
const LEAST_CHUNK: u32 = 4 << 10;
/// A buffer that is this much larger than what is in it is given back.
const KEPT: usize = 1 << 10;
/// What is read, and thrown away, of somebody who speaks plain HTTP here.
const MOST_DISCARDED: usize = 64 << 10;
/// What they get.
const PLAIN_HTTP: &[u8] = b"HTTP/1.1 400 Bad Request\r\n\
    Content-Type: text/plain; charset=utf-8\r\n\
    Content-Length: 82\r\n\
    Connection: close\r\n\r\n\
    This port speaks TLS, and the request came without: use https:// (or wss://) here\n";

/// What a connection has of TLS.
struct Connection {
    session: Session,
    /// What arrived and cannot be opened yet.
    kept: Vec<u8>,
    /// What was encrypted and the kernel did not take, from `tail_at` on.
    tail: Vec<u8>,
    tail_at: usize,
    chunk: u32,
    /// Behind the tail the sending direction ends.
    ends: bool,
    /// The turn was told that the tail can be sent.
    is_noted: bool,
    /// It speaks plain HTTP: so many bytes of it were thrown away.
    refused: Option<usize>,
    failure: Option<Box<str>>,
}

/// All of them, and the buffers that they share.
#[derive(Default)]
pub(super) struct Secured {
    connections: Vec<Option<Box<Connection>>>,
    space: Vec<u8>,
    sealed: Sealed,
    held: usize,
}

impl std::fmt::Debug for Secured {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Secured")
            .field("held", &self.held)
            .finish_non_exhaustive()
    }
}

impl Secured {
    pub(super) fn accept(&mut self, key: u32, tls: Tls) {
        self.put(key, Session::of_server(tls));
    }

    pub(super) fn dial(&mut self, key: u32, identity: &Identity) -> Outcome<()> {
        let name = server_name(&identity.name)?;
        self.put(
            key,
            Session::of_client(client_config(&identity.trust)?, name),
        );
        Ok(())
    }

    fn put(&mut self, key: u32, session: Session) {
        let index = key as usize;
        if index >= self.connections.len() {
            self.connections.resize_with(index + 1, || None);
        }
        self.connections[index] = Some(Box::new(Connection {
            session,
            kept: Vec::new(),
            tail: Vec::new(),
            tail_at: 0,
            chunk: FIRST_CHUNK,
            ends: false,
            is_noted: false,
            refused: None,
            failure: None,
        }));
    }

    fn at(&mut self, key: u32) -> Option<&mut Connection> {
        self.connections.get_mut(key as usize)?.as_deref_mut()
    }

    /// Works on one connection, and keeps the account of what is held.
    fn on<R>(
        &mut self,
        key: u32,
        work: impl FnOnce(&mut Connection, &mut Vec<u8>, &mut Sealed) -> R,
    ) -> Option<R> {
        let connection = self.connections.get_mut(key as usize)?.as_deref_mut()?;
        let before = connection.held();
        self.sealed.clear();
        let outcome = work(connection, &mut self.space, &mut self.sealed);
        self.held = self.held + connection.held() - before;
        Some(outcome)
    }

    pub(super) fn read(
        &mut self,
        key: u32,
        stream: &mut Stream,
        buffer: &mut [u8],
    ) -> Result<Read, Lost> {
        self.on(key, |connection, space, sealed| {
            space.resize(SPACE, 0);
            connection.read(stream, buffer, space, sealed)
        })
        .unwrap_or(Err(Lost))
    }

    pub(super) fn handshake(&mut self, key: u32, stream: &mut Stream) -> HandshakeStep {
        let step = self.on(key, |connection, _, sealed| {
            connection.handshake(stream, sealed)
        });
        step.unwrap_or(HandshakeStep {
            work: 0,
            is_done: false,
            is_lost: true,
        })
    }

    pub(super) fn send(
        &mut self,
        key: u32,
        stream: &mut Stream,
        parts: [&[u8]; 2],
    ) -> Result<usize, Lost> {
        self.on(key, |connection, _, sealed| {
            connection.send(stream, parts, sealed)
        })
        .unwrap_or(Err(Lost))
    }

    pub(super) fn flush(&mut self, key: u32, stream: &mut Stream) -> Result<usize, Lost> {
        self.on(key, |connection, _, _| {
            connection.is_noted = false;
            let before = connection.unsent();
            connection.flush(stream)?;
            Ok(before - connection.unsent())
        })
        .unwrap_or(Ok(0))
    }

    pub(super) fn shutdown_write(&mut self, key: u32, stream: &mut Stream) {
        let _ = self.on(key, |connection, _, sealed| connection.end(stream, sealed));
    }

    pub(super) fn wants_flush(&mut self, key: u32) -> bool {
        self.at(key).is_some_and(|connection| {
            connection.unsent() > 0 && !std::mem::replace(&mut connection.is_noted, true)
        })
    }

    pub(super) fn is_agreed(&mut self, key: u32) -> bool {
        self.at(key)
            .is_some_and(|connection| !connection.session.is_handshaking())
    }

    pub(super) fn why_lost(&mut self, key: u32) -> Option<String> {
        self.at(key)?.failure.take().map(String::from)
    }

    pub(super) fn close(&mut self, key: u32) {
        if let Some(connection) = self
            .connections
            .get_mut(key as usize)
            .and_then(Option::take)
        {
            self.held -= connection.held();
        }
    }

    pub(super) fn held(&self) -> usize {
        self.held
    }

    pub(super) fn most_held(&self) -> Option<(u32, usize)> {
        let held = |(key, connection): (usize, &Option<Box<Connection>>)| {
            let held = connection.as_ref()?.held();
            (held > 0).then_some((key as u32, held))
        };
        let all = self.connections.iter().enumerate().filter_map(held);
        all.max_by_key(|(_, held)| *held)
    }
}

impl Connection {
    fn held(&self) -> usize {
        self.kept.capacity() + self.tail.capacity() + self.session.held()
    }

    fn unsent(&self) -> usize {
        self.tail.len() - self.tail_at
    }

    fn read(
        &mut self,
        stream: &mut Stream,
        buffer: &mut [u8],
        space: &mut [u8],
        sealed: &mut Sealed,
    ) -> Result<Read, Lost> {
        if self.refused.is_some() {
            return self.discard(stream, space);
        }
        if self.session.has_opened() {
            let n = self.session.take_opened(buffer);
            return Ok(Read {
                n,
                ended: self.session.is_ended(),
                ..Read::default()
            });
        }
        let mut work = Work::new(0);
        work.charge_bytes(2 * self.kept.len(), price::BYTES_COPIED);
        let mut read = Read::default();
        let mut filled = self.kept.len();
        space[..filled].copy_from_slice(&self.kept);
        let can_go_on = self.session.needs_step(&space[..filled])
            || (!self.session.is_handshaking() && self.session.has_record(&space[..filled]));
        if !can_go_on {
            let most = buffer.len().min(MOST_READ) + BESIDE;
            let end = space.len().min(filled + most);
            read = stream.read(&mut space[filled..end])?;
            work.charge_bytes(read.n, price::BYTES_READ);
            filled += read.n;
        }
        let arrived = &mut space[..filled];
        if self.session.is_new() && self.session.is_server() && speaks_http(arrived) {
            return self.refuse(stream, arrived.len());
        }
        if self.session.is_handshaking() {
            self.keep(arrived)?;
            read.handshake = self.session.needs_step(arrived);
        } else {
            let received = self.session.receive(arrived, buffer, sealed);
            let received = self.send_sealed(stream, sealed, received)?;
            work.charge(received.work);
            // What is there and did not fit is worked on without asking the kernel again.
            let rest = &arrived[received.used..];
            let has_more = self.session.has_opened() || self.session.has_record(rest);
            self.keep(rest)?;
            let nothing_came = read.n == 0;
            return Ok(Read {
                n: received.n,
                // Where nothing for the program came out, the end may be next: the kernel tells.
                drained: read.drained && !has_more && (received.n > 0 || nothing_came),
                ended: (self.session.is_ended() || read.ended) && !has_more,
                work: spent(work),
                handshake: false,
            });
        }
        let nothing_came = read.n == 0;
        Ok(Read {
            n: 0,
            drained: read.drained && nothing_came,
            work: spent(work),
            ..read
        })
    }

    /// Keeps what cannot be used yet.
    fn keep(&mut self, rest: &[u8]) -> Result<(), Lost> {
        if self.session.is_too_much(rest.len()) && !self.session.has_record(rest) {
            let what = "more of a message arrived than any that is allowed has";
            self.failure = Some(what.into());
            return Err(Lost);
        }
        if rest.is_empty() || self.kept.capacity() > 2 * rest.len() + KEPT {
            self.kept = rest.to_vec();
        } else {
            self.kept.clear();
            self.kept.extend_from_slice(rest);
        }
        Ok(())
    }

    fn handshake(&mut self, stream: &mut Stream, sealed: &mut Sealed) -> HandshakeStep {
        let mut kept = std::mem::take(&mut self.kept);
        let (work, went) = self.session.step(&mut kept, sealed);
        let went = self.send_sealed(stream, sealed, went);
        if let Ok(received) = &went {
            kept.drain(..received.used);
            if !kept.is_empty() {
                self.kept = kept;
            }
        }
        HandshakeStep {
            work,
            is_done: went.is_ok() && !self.session.is_handshaking(),
            is_lost: went.is_err(),
        }
    }

    /// Sends what rustls has to say of its own, also when that is why it ends.
    fn send_sealed<T>(
        &mut self,
        stream: &mut Stream,
        sealed: &mut Sealed,
        outcome: Result<T, Failure>,
    ) -> Result<T, Lost> {
        let sent = self.write(stream, sealed);
        match outcome {
            Ok(value) => sent.map(|()| value),
            Err(Failure(why)) => {
                stream.shutdown_write();
                self.failure = Some(why.into());
                Err(Lost)
            }
        }
    }

    fn send(
        &mut self,
        stream: &mut Stream,
        parts: [&[u8]; 2],
        sealed: &mut Sealed,
    ) -> Result<usize, Lost> {
        if self.session.is_handshaking() {
            // Nothing that a peer could read can be sent yet.
            return Err(Lost);
        }
        self.flush(stream)?;
        let [first, second] = parts;
        let total = first.len() + second.len();
        let mut taken = 0;
        while taken < total && self.unsent() == 0 {
            let end = total.min(taken + self.chunk as usize);
            let part = |part: &'_ [u8], at: usize| {
                let from = taken.saturating_sub(at).min(part.len());
                let to = end.saturating_sub(at).min(part.len());
                from..to
            };
            let (a, b) = (part(first, 0), part(second, first.len()));
            sealed.clear();
            let parts = [&first[a], &second[b]];
            let made = self.session.seal(&mut self.kept, parts, sealed);
            self.send_sealed(stream, sealed, made)?;
            taken = end;
            self.chunk = if self.unsent() > 0 {
                LEAST_CHUNK
            } else {
                (2 * self.chunk).min(MOST_CHUNK)
            };
        }
        Ok(taken)
    }

    /// Sends what waits, and then the end if that is what comes behind it.
    fn flush(&mut self, stream: &mut Stream) -> Result<(), Lost> {
        while self.unsent() > 0 {
            let rest = &self.tail[self.tail_at..];
            let (wanted, sent) = (rest.len(), stream.send(rest)?);
            self.tail_at += sent;
            if sent < wanted {
                return Ok(());
            }
        }
        if self.tail.capacity() > 0 {
            self.tail = Vec::new();
            self.tail_at = 0;
            if self.ends {
                stream.shutdown_write();
            }
        }
        Ok(())
    }

    /// Sends what was sealed behind what waits, and keeps what is not taken.
    fn write(&mut self, stream: &mut Stream, sealed: &mut Sealed) -> Result<(), Lost> {
        let bytes = sealed.filled();
        if bytes.is_empty() {
            return Ok(());
        }
        let sent = if self.unsent() == 0 {
            stream.send(bytes)?
        } else {
            0
        };
        if sent < bytes.len() {
            if self.unsent() == 0 {
                self.tail = bytes[sent..].to_vec();
                self.tail_at = 0;
            } else {
                self.tail.extend_from_slice(bytes);
            }
        }
        sealed.clear();
        Ok(())
    }

    /// Says that nothing follows, in TLS and then in TCP.
    fn end(&mut self, stream: &mut Stream, sealed: &mut Sealed) -> Result<(), Lost> {
        if !self.session.is_handshaking() && !self.ends {
            let said = self.session.close(&mut self.kept, sealed);
            self.send_sealed(stream, sealed, said)?;
        }
        self.ends = true;
        if self.unsent() == 0 {
            stream.shutdown_write();
        }
        Ok(())
    }

    /// Tells somebody who speaks plain HTTP where they are.
    fn refuse(&mut self, stream: &mut Stream, arrived: usize) -> Result<Read, Lost> {
        // It fits, for nothing was sent yet; and who does not take it is not told.
        stream.send(PLAIN_HTTP)?;
        stream.shutdown_write();
        self.kept = Vec::new();
        self.refused = Some(arrived);
        self.failure = Some("the peer speaks plain HTTP; it was told to use https://".into());
        Ok(Read::default())
    }

    /// Reads until the peer has ended, or the reset would destroy the answer.
    fn discard(&mut self, stream: &mut Stream, space: &mut [u8]) -> Result<Read, Lost> {
        let most = space.len().min(MOST_READ);
        let read = stream.read(&mut space[..most])?;
        let refused = self.refused.get_or_insert(0);
        *refused += read.n;
        if read.ended || *refused > MOST_DISCARDED {
            return Err(Lost);
        }
        Ok(Read {
            n: 0,
            drained: read.drained && read.n == 0,
            work: (read.n / price::BYTES_READ) as u32,
            ..read
        })
    }
}

/// What a meter without anything in it has spent.
fn spent(work: Work) -> u32 {
    u32::try_from(-work.left()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_to_plain_http_is_as_long_as_it_says() {
        let text = std::str::from_utf8(PLAIN_HTTP).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(
            head.contains(&format!("Content-Length: {}\r\n", body.len())),
            "{}",
            body.len()
        );
    }
}
