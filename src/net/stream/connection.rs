//! One secured connection: a session of TLS and what waits on either side of it.

use super::socket::Stream;
use crate::hub::Lost;
use crate::net::tls::{Failure, Sealed, Session, speaks_http};
use crate::turn::{HandshakeStep, Read};
use crate::wire::work::{Work, price};

/// The most that one read asks for.
pub(super) const MOST_READ: usize = 64 << 10;
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
pub(super) struct Connection {
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

impl Connection {
    pub(super) fn new(session: Session) -> Self {
        Self {
            session,
            kept: Vec::new(),
            tail: Vec::new(),
            tail_at: 0,
            chunk: FIRST_CHUNK,
            ends: false,
            is_noted: false,
            refused: None,
            failure: None,
        }
    }

    /// Whether the handshake is over.
    pub(super) fn is_agreed(&self) -> bool {
        !self.session.is_handshaking()
    }

    /// Why it failed, once.
    pub(super) fn why_lost(&mut self) -> Option<String> {
        self.failure.take().map(String::from)
    }

    /// Whether bytes wait, and nobody was told yet that they can be sent.
    pub(super) fn wants_flush(&mut self) -> bool {
        self.unsent() > 0 && !std::mem::replace(&mut self.is_noted, true)
    }

    /// Sends what waits; how much went.
    pub(super) fn flush_noted(&mut self, stream: &mut Stream) -> Result<usize, Lost> {
        self.is_noted = false;
        let before = self.unsent();
        self.flush(stream)?;
        Ok(before - self.unsent())
    }

    pub(super) fn held(&self) -> usize {
        self.kept.capacity() + self.tail.capacity() + self.session.held()
    }

    pub(super) fn unsent(&self) -> usize {
        self.tail.len() - self.tail_at
    }

    pub(super) fn read(
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
    pub(super) fn keep(&mut self, rest: &[u8]) -> Result<(), Lost> {
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

    pub(super) fn handshake(&mut self, stream: &mut Stream, sealed: &mut Sealed) -> HandshakeStep {
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
    pub(super) fn send_sealed<T>(
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

    pub(super) fn send(
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
    pub(super) fn flush(&mut self, stream: &mut Stream) -> Result<(), Lost> {
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
    pub(super) fn write(&mut self, stream: &mut Stream, sealed: &mut Sealed) -> Result<(), Lost> {
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
    pub(super) fn end(&mut self, stream: &mut Stream, sealed: &mut Sealed) -> Result<(), Lost> {
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
    pub(super) fn refuse(&mut self, stream: &mut Stream, arrived: usize) -> Result<Read, Lost> {
        // It fits, for nothing was sent yet; and who does not take it is not told.
        stream.send(PLAIN_HTTP)?;
        stream.shutdown_write();
        self.kept = Vec::new();
        self.refused = Some(arrived);
        self.failure = Some("the peer speaks plain HTTP; it was told to use https://".into());
        Ok(Read::default())
    }

    /// Reads until the peer has ended, or the reset would destroy the answer.
    pub(super) fn discard(&mut self, stream: &mut Stream, space: &mut [u8]) -> Result<Read, Lost> {
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
