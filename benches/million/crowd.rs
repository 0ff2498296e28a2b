//! A virtual network that costs nine bytes a connection: peers that upgrade, answer pings, take what they
//! are sent and say what they are told to, all at once.
//!
//! What a peer sends is not kept but written when it is read. It takes everything, so a send never waits.

#![allow(dead_code)] // the benchmark and the test of the simulation each take what they need

use dunlin::app::{ConnInfo, Ends};
use dunlin::hub::{Lost, Now, Transport};
use dunlin::turn::{AcceptError, Event, Io, Read};
use dunlin::{Peer, SessionId};
use std::collections::VecDeque;
use std::io;
use std::time::Duration;

/// Events that one poll tells, as many as in production.
const EVENTS_A_POLL: usize = 1024;
const REQUEST: &[u8] =
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

// What a peer has sent and the server has not read, as bits; the last two are no bytes.
const UPGRADE: u8 = 1;
const PONG: u8 = 2;
const JOIN: u8 = 4;
const PUBLISH: u8 = 8;
const CUT: u8 = 16;
/// The poll tells of it.
const TOLD: u8 = 32;

/// A message that asks to be a member of the room.
pub(crate) const JOIN_TEXT: &[u8] = b"join";
/// A message for all members of the room.
pub(crate) const NEWS: &[u8] = b"hello, all of you";

/// What the peers have seen, all together.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seen {
    /// 101s.
    pub(crate) opened: u64,
    pub(crate) pings: u64,
    /// Messages of the room.
    pub(crate) news: u64,
    /// Connections that the server let go.
    pub(crate) closed: u64,
}

/// All peers, by the key of their connection.
pub(crate) struct Crowd {
    sent: Vec<u8>,
    /// The number of the last ping of each, which its pong carries.
    pings: Vec<u32>,
    /// What all pings begin with.
    nonce: [u8; 4],
    /// Whom the poll tells of.
    edges: VecDeque<u32>,
    waiting: usize,
    tells_of_waiting: bool,
    pub(crate) seen: Seen,
    pub(crate) ms: u64,
}

impl Crowd {
    /// Room for so many, which is resident from now on.
    pub(crate) fn new(most: usize) -> Self {
        let mut edges = VecDeque::with_capacity(most);
        edges.extend((0..most).map(|key| key as u32 + 1));
        edges.clear();
        Self {
            sent: vec![TOLD; most],
            pings: vec![1; most],
            nonce: [0; 4],
            edges,
            waiting: 0,
            tells_of_waiting: false,
            seen: Seen::default(),
            ms: 0,
        }
    }

    /// So many more wait to be accepted.
    pub(crate) fn connect(&mut self, count: usize) {
        self.waiting += count;
        self.tells_of_waiting = true;
    }

    /// All send the request to be a member, at once.
    pub(crate) fn join_all(&mut self) {
        self.send_all(JOIN);
    }

    /// One sends a message to the room.
    pub(crate) fn publish(&mut self, key: u32) {
        self.push(key, PUBLISH);
    }

    /// All are gone at once, without a word.
    pub(crate) fn cut_all(&mut self) {
        self.send_all(CUT);
    }

    fn send_all(&mut self, what: u8) {
        for key in 0..self.sent.len() as u32 {
            self.push(key, what);
        }
    }

    /// Whether there is nothing that the next poll would tell.
    pub(crate) fn is_quiet(&self) -> bool {
        self.edges.is_empty() && !self.tells_of_waiting
    }

    fn push(&mut self, key: u32, what: u8) {
        let sent = &mut self.sent[key as usize];
        *sent |= what;
        if *sent & TOLD == 0 {
            *sent |= TOLD;
            self.edges.push_back(key);
        }
    }

    /// What the server sent: whole frames, or the 101 in front of them.
    fn take(&mut self, key: u32, mut bytes: &[u8]) {
        if bytes.starts_with(b"HTTP/1.1 101 ") {
            let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
            bytes = &bytes[end.expect("a whole head") + 4..];
            self.seen.opened += 1;
        }
        while let [first, len, rest @ ..] = bytes {
            assert!(*len < 126, "only short frames are sent here");
            let (payload, rest) = rest.split_at(usize::from(*len));
            match first {
                0x81 if payload == NEWS => self.seen.news += 1,
                0x89 => {
                    let (nonce, number) = payload.split_first_chunk().expect("8 bytes");
                    self.nonce = *nonce;
                    let number = number.try_into().expect("8 bytes");
                    self.pings[key as usize] = u32::from_be_bytes(number);
                    self.seen.pings += 1;
                    self.push(key, PONG);
                }
                _ => panic!("a frame that begins with {first:#x} came unasked"),
            }
            bytes = rest;
        }
    }
}

/// A frame of a client under the mask of zeros, which changes nothing.
fn put_frame(to: &mut [u8], first: u8, payload: &[&[u8]]) -> usize {
    let len: usize = payload.iter().map(|part| part.len()).sum();
    to[..6].copy_from_slice(&[first, 0x80 | len as u8, 0, 0, 0, 0]);
    let mut at = 6;
    for part in payload {
        to[at..at + part.len()].copy_from_slice(part);
        at += part.len();
    }
    at
}

impl Io for Crowd {
    type Incoming = ();

    fn poll(&mut self, _: Option<Duration>, events: &mut Vec<Event>) -> io::Result<()> {
        if std::mem::take(&mut self.tells_of_waiting) {
            events.push(Event::Incoming(0));
        }
        for key in self.edges.drain(..self.edges.len().min(EVENTS_A_POLL)) {
            let sent = &mut self.sent[key as usize];
            *sent &= !TOLD;
            events.push(Event::Connection {
                key,
                readable: true,
                writable: false,
                ended: *sent & CUT != 0,
            });
        }
        Ok(())
    }

    fn now(&mut self) -> Now {
        Now {
            ms: self.ms,
            unix: 1_800_000_000 + self.ms / 1000,
        }
    }

    fn accept(&mut self, _: usize) -> Result<((), ConnInfo), AcceptError> {
        self.waiting = self.waiting.checked_sub(1).ok_or(AcceptError::Empty)?;
        Ok(((), ConnInfo::new(Peer::Unix)))
    }

    fn attach(&mut self, id: SessionId, (): ()) {
        // Its request is read at once and needs no event.
        self.sent[id.key() as usize] = UPGRADE;
    }

    fn watch(&mut self, id: SessionId) -> io::Result<()> {
        if self.sent[id.key() as usize] != 0 {
            self.push(id.key(), 0);
        }
        Ok(())
    }

    fn read(&mut self, key: u32, buffer: &mut [u8]) -> Result<Read, Lost> {
        let number = self.pings[key as usize].to_be_bytes();
        let sent = &mut self.sent[key as usize];
        if *sent & CUT != 0 {
            return Err(Lost);
        }
        let what = std::mem::replace(sent, *sent & TOLD);
        let mut n = 0;
        if what & UPGRADE != 0 {
            buffer[..REQUEST.len()].copy_from_slice(REQUEST);
            n += REQUEST.len();
        }
        if what & PONG != 0 {
            n += put_frame(&mut buffer[n..], 0x8a, &[&self.nonce, &number]);
        }
        if what & JOIN != 0 {
            n += put_frame(&mut buffer[n..], 0x81, &[JOIN_TEXT]);
        }
        if what & PUBLISH != 0 {
            n += put_frame(&mut buffer[n..], 0x81, &[NEWS]);
        }
        Ok(Read {
            n,
            drained: true,
            ..Read::default()
        })
    }

    fn dial(&mut self, _: SessionId, _: Ends) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn is_connected(&mut self, _: u32) -> io::Result<bool> {
        Ok(false)
    }

    fn stop_listening(&mut self, _but: &[u16]) {}
}

impl Transport for Crowd {
    fn send(&mut self, key: u32, bytes: &[u8]) -> Result<usize, Lost> {
        if self.sent[key as usize] & CUT != 0 {
            return Err(Lost);
        }
        self.take(key, bytes);
        Ok(bytes.len())
    }

    fn send_both(&mut self, key: u32, first: &[u8], second: &[u8]) -> Result<usize, Lost> {
        let (len, mut both) = (first.len() + second.len(), [0; 1024]);
        both[..first.len()].copy_from_slice(first);
        both[first.len()..len].copy_from_slice(second);
        self.send(key, &both[..len])
    }

    fn shutdown_write(&mut self, _: u32) {}

    fn close(&mut self, key: u32) {
        self.sent[key as usize] = TOLD;
        self.seen.closed += 1;
    }
}
